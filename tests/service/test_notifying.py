"""Telling people: each thing once, in order, tried again where that helps, and never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from household import eventually
from pydantic import BaseModel

from console.config import NotifierConfig
from console.errors import AndonError, ConfigError, PluginError, SourceBusy, SourceDenied, SourceError, SourceMalformed
from console.model import Incident, Notice, Symptom
from console.plugins import Notifier, load_plugins
from console.service import notifying
from console.service.notifying import Notifying, Voice, open_voices, say
from console.service.writer import Writer
from console.store.notices import Due
from console.store.store import DATABASE_NAME


class Ear(BaseModel):
    """What a notifier of a test is told; `fails` are raised first, one each."""

    heard: list[str] = []
    fails: list[Exception] = []
    model_config = {"arbitrary_types_allowed": True}

    async def notify(self, _options: BaseModel, notice: Notice) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.heard.append(f"{notice.about} {notice.what}")


async def build(due: Due) -> Notice:
    return Notice(due.what, due.time, Incident(due.about, "slow", "open", 1.0, Symptom("slow")))


def voice(name: str, notify: Callable[..., object]) -> Voice:
    return Voice(name, "stage", Notifier(name, name, BaseModel, notify), None)  # type: ignore[arg-type]


@asynccontextmanager
async def telling(data: Path, *voices: Voice, troubles: dict[str, str] | None = None) -> AsyncIterator[Notifying]:
    writer = Writer(data / DATABASE_NAME)
    await writer.open()
    moments = iter(range(1, 10_000))
    told = Notifying(
        voices, writer, build, lambda: float(next(moments)), {} if troubles is None else troubles, pause=0.01
    )
    told.start()
    try:
        yield told
    finally:
        await told.close()
        await writer.close()


async def test_each_thing_is_told_once_and_in_order_also_after_a_restart(data: Path) -> None:
    ear = Ear()
    async with telling(data, voice("ear", ear.notify)) as told:
        for what in ("opened", "cause", "opened", "cause", "closed", "closed"):
            await told.tell(what, "I-1")
        await eventually(lambda: len(ear.heard) >= 3)
    async with telling(data, voice("ear", ear.notify)) as told:
        await told.tell("opened", "I-1")
        await told.tell("opened", "I-2")
        await eventually(lambda: "I-2 opened" in ear.heard)
    assert ear.heard == ["I-1 opened", "I-1 cause", "I-1 closed", "I-2 opened"]


async def test_what_could_not_be_told_is_told_by_the_next_daemon(data: Path) -> None:
    troubles: dict[str, str] = {}
    deaf = Ear(fails=[SourceError("nobody is there", "")] * 500)
    async with telling(data, voice("ear", deaf.notify), troubles=troubles) as told:
        await told.tell("opened", "I-1")
        await eventually(lambda: "notify ear" in troubles)
    assert "nobody is there" in troubles["notify ear"]
    ear = Ear()
    async with telling(data, voice("ear", ear.notify)):
        await eventually(lambda: ear.heard == ["I-1 opened"])


async def test_a_notifier_that_fails_is_tried_again_named_and_then_well(data: Path) -> None:
    troubles: dict[str, str] = {}
    seen: list[str] = []
    ear = Ear(fails=[SourceError("down", ""), SourceBusy("busy", "", seconds=0.01), PluginError("torn", "")])

    async def notify(options: BaseModel, notice: Notice) -> None:
        seen.append(troubles.get("notify ear", ""))
        await ear.notify(options, notice)

    async with telling(data, voice("ear", notify), troubles=troubles) as told:
        await told.tell("opened", "I-1")
        await eventually(lambda: ear.heard == ["I-1 opened"] and not troubles)
    assert [each.split(";")[0] for each in seen] == ["", "notify ear: down", "notify ear: busy", "notify ear: torn"]


async def test_a_test_that_succeeds_ends_a_long_pause(data: Path) -> None:
    troubles: dict[str, str] = {}
    ear = Ear(fails=[SourceBusy("busy", "", seconds=3600.0)])
    async with telling(data, voice("ear", ear.notify), troubles=troubles) as told:
        await told.tell("opened", "I-1")
        await eventually(lambda: "busy" in troubles.get("notify ear", ""))
        await told.test("ear", await build(Due("I-0", "opened", "ear", 1.0)))
        await eventually(lambda: ear.heard == ["I-0 opened", "I-1 opened"])


async def test_one_that_fails_holds_up_no_other(data: Path) -> None:
    ear, deaf = Ear(), Ear(fails=[SourceError("down", "")] * 500)
    hung = asyncio.Event()

    async def hang(_options: BaseModel, _notice: Notice) -> None:
        await hung.wait()

    async with telling(data, voice("deaf", deaf.notify), voice("hung", hang), voice("ear", ear.notify)) as told:
        await told.tell("opened", "I-1")
        await told.tell("cause", "I-1")
        await eventually(lambda: ear.heard == ["I-1 opened", "I-1 cause"])


async def test_what_is_not_taken_is_given_up_at_once_and_the_next_is_told(data: Path) -> None:
    troubles: dict[str, str] = {}
    ear = Ear(fails=[SourceMalformed("answered 400: invalid_blocks", "")])
    async with telling(data, voice("ear", ear.notify), troubles=troubles) as told:
        await told.tell("opened", "I-1")
        await told.tell("opened", "I-2")
        await eventually(lambda: ear.heard == ["I-2 opened"])


async def test_what_nobody_takes_for_long_is_given_up_but_a_missing_secret_waits(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifying, "MOST_TRIES", 3)
    gone = Ear(fails=[SourceDenied("answered 404: no_service", "")] * 3)
    unset = Ear(fails=[ConfigError("the environment has no X", "")] * 5)
    async with telling(data, voice("gone", gone.notify), voice("unset", unset.notify)) as told:
        await told.tell("opened", "I-1")
        await eventually(lambda: unset.heard == ["I-1 opened"] and not gone.fails)
        await told.tell("opened", "I-2")
        await eventually(lambda: gone.heard == ["I-2 opened"])


async def test_a_long_queue_gives_up_its_oldest(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying, "MOST_WAITING", 5)
    deaf = Ear(fails=[SourceError("down", "")] * 500)
    async with telling(data, voice("ear", deaf.notify)) as told:
        for number in range(12):
            await told.tell("opened", f"I-{number}")
    ear = Ear()
    async with telling(data, voice("ear", ear.notify)):
        await eventually(lambda: len(ear.heard) == 5)
    assert ear.heard == [f"I-{number} opened" for number in range(7, 12)]


async def test_whatever_a_plugin_does_comes_out_as_a_word_about_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying, "TELL_SECONDS", 0.05)
    notice = await build(Due("I-1", "opened", "x", 1.0))
    never = asyncio.Event()

    async def hang(_options: BaseModel, _notice: Notice) -> None:
        await never.wait()

    def leave(_options: BaseModel, _notice: Notice) -> None:
        raise SystemExit

    def deny(_options: BaseModel, _notice: Notice) -> None:
        raise SourceDenied("no", "")

    async def err(_options: BaseModel, _notice: Notice) -> None:
        raise KeyError("x")

    for notify, kind in ((hang, SourceError), (leave, PluginError), (deny, SourceDenied), (err, PluginError)):
        with pytest.raises(kind):
            await say(voice("x", notify), notice)


def test_a_notifier_that_is_wrong_is_named_and_the_others_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    configs = [
        NotifierConfig("a", "slak", {}),
        NotifierConfig("b", "slack", {"url_en": "X"}),
        NotifierConfig("c", "slack", {"url": "http://h/x"}),
        NotifierConfig("d", "webhook", {}),
    ]
    voices, wrong = open_voices(configs, load_plugins())
    assert [each.name for each in voices] == ["c"]
    told = [f"{each.message} {each.hint}" for each in wrong if isinstance(each, AndonError)]
    assert "notify a: there is no kind 'slak' did you mean 'slack'?" in told[0]
    assert "notify b: the kind slack has no option 'url_en' did you mean 'url_env'?" in told[1]
    assert "notify d: options: Value error, give either url or url_env" in told[2]
