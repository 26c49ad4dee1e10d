"""What screens and commands ask about alerts, of sources that behave and misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from household import Clock, ask
from nouns import a_run, diagnosis

from console.config import Grouping, NotifierConfig
from console.errors import ConfigError, SourceDenied, SourceError, UsageError
from console.model import Alert, Diagnosis, Labels, Silence
from console.service import alert_look
from console.service.alert_look import AlertLook
from console.service.house import House
from console.wire import dump

Open = Callable[..., Awaitable[House]]


def alert(name: str, state: str = "firing", **labels: str) -> Alert:
    found = Labels.of(alertname=name, **labels)
    return Alert(f"f-{name}", found, f"{name} it is", 1_799_999_000.0, state=state, source="am")  # type: ignore[arg-type]


class Manager:
    """Alerts and silences in memory."""

    def __init__(self, *alerts: Alert) -> None:
        self.firing = [*alerts]
        self.quiet: list[Silence] = []
        self.asked = 0
        self.fails: Exception | None = None

    async def alerts(self) -> Sequence[Alert]:
        self.asked += 1
        if self.fails:
            raise self.fails
        return self.firing

    async def silences(self) -> Sequence[Silence]:
        return self.quiet

    async def silence(self, silence: Silence) -> str:
        self.quiet.append(silence)
        return "s-1"

    async def unsilence(self, id_: str) -> None:
        if id_ != "s-1":
            raise UsageError("there is none", "")
        self.quiet.clear()


def watched(house: House, **managers: Manager) -> House:
    house.alert_look = AlertLook(managers, managers)
    return house


async def test_what_fires_comes_first_with_the_incident_it_belongs_to(opened: Open, clock: Clock) -> None:
    house = watched(await opened(), am=Manager(alert("Quiet", "silenced"), alert("Slow", model="glove"), alert("Old")))
    await ask(house, "incident.open", subject="glove", text="the line stands")
    told = await ask(house, "alert.list")
    assert [(each["name"], each["state"], each["incident"]) for each in told["alerts"]] == [
        ("Old", "firing", ""), ("Slow", "firing", "I-1"), ("Quiet", "silenced", ""),
    ]  # fmt: skip
    assert (told["counts"], told["total"]) == ({"firing": 2, "silenced": 1}, 3)
    fitting = await ask(house, "alert.list", matchers=["model=~'gl.*'"], most=0)
    assert (fitting["alerts"], fitting["total"]) == ([], 1)
    with pytest.raises(UsageError, match="no matcher"):
        await ask(house, "alert.list", matchers=["=x"])
    await house.watch.settled()


async def test_what_was_sent_here_is_among_them_once(opened: Open, clock: Clock) -> None:
    house = watched(await opened(), am=Manager(alert("Slow")))
    await ask(house, "alert.take", sender="hook", alerts=[dump(alert("Slow")), dump(alert("Sent"))])
    told = await ask(house, "alert.list")
    assert sorted((each["name"], each["source"]) for each in told["alerts"]) == [("Sent", "hook"), ("Slow", "am")]


async def test_a_source_that_fails_says_so_beside_the_others_and_what_it_said_last_stays(opened: Open) -> None:
    well, broken = Manager(alert("Slow")), Manager(alert("Other"))
    house = watched(await opened(), well=well, broken=broken)
    await ask(house, "alert.list")
    for error, state in ((SourceDenied("403"), "denied"), (SourceError("down"), "unreachable")):
        broken.fails = error
        await house.alert_look.anew()
        told = await ask(house, "alert.list")
        assert {each["name"]: each["state"] for each in told["sources"]} == {"well": "ok", "broken": state}
        assert {each["name"] for each in told["alerts"]} == {"Slow", "Other"}


async def test_a_source_that_hangs_is_let_go(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_look, "LOOK_SECONDS", 0.05)
    never = asyncio.Event()

    class Hung(Manager):
        async def alerts(self) -> Sequence[Alert]:
            await never.wait()
            return ()

    house = watched(await opened(), hung=Hung(), well=Manager(alert("Slow")))
    told = await ask(house, "alert.list")
    assert [each["state"] for each in told["sources"]] == ["unreachable", "ok"]
    assert told["total"] == 1


async def test_sources_are_asked_while_somebody_looks_and_not_more_often_than_every_fifteen_seconds(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager, now = Manager(), [1000.0]
    monkeypatch.setattr(alert_look, "_now", lambda: now[0])
    house = watched(await opened(), am=manager)
    await house.alert_look.round()
    assert manager.asked == 0
    for _ in range(5):
        await ask(house, "alert.list")
        await house.alert_look.round()
    assert manager.asked == 1
    now[0] += 15
    await house.alert_look.round()
    assert manager.asked == 2
    now[0] += 100
    await house.alert_look.round()
    assert manager.asked == 2
    await ask(house, "alert.list")
    assert manager.asked == 3


async def test_a_silence_is_made_by_who_asks_noted_on_the_incident_and_ended(
    opened: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def investigate(*_: Any, incident: Any, **__: Any) -> Diagnosis:
        return diagnosis(runs=(a_run(),), incident=incident)

    monkeypatch.setattr("console.service.house.investigate", investigate)
    manager = Manager(alert("Slow", model="glove"), alert("Other"))
    house = watched(await opened(grouping=Grouping(once_after=0, accumulate_within=0)), am=manager)
    await ask(house, "alert.take", sender="hook", alerts=[dump(alert("Slow", model="glove"))])
    await house.alerting.round()
    made = await ask(house, "silence.create", matchers=["alertname=Slow"], seconds=7200, comment=" we know ")
    assert (made["id"], made["source"], made["alerts"]) == ("s-1", "am", 1)
    (silence,) = manager.quiet
    assert (silence.author, silence.comment, silence.end - silence.start) == ("ada", "we know", 7200)
    (note,) = (await house.records.incident("I-1")).notes
    assert note.operator == "ada" and 'ada silenced alertname="Slow" until' in note.text
    manager.quiet[:] = [Silence(silence.matchers, 1.0, 2.0, "ada", "we know", "s-1", "active", "am")]
    await house.alert_look.anew()
    (row,) = (await ask(house, "silence.list"))["silences"]
    assert (row["id"], row["matchers"], row["author"]) == ("s-1", ['alertname="Slow"'], "ada")
    assert await ask(house, "silence.end", silence="s-1") == {"id": "s-1", "source": "am"}
    assert (await ask(house, "silence.list"))["silences"] == []
    await house.watch.settled()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"matchers": []}, "matchers"),
        ({"matchers": ["team=''"]}, "without any label"),
        ({"matchers": ["a=~'.*'"]}, "without any label"),
        ({"comment": "  "}, "needs a comment"),
        ({"comment": ""}, "comment"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": 1e9}, "seconds"),
        ({"source": "gone"}, "no source 'gone'"),
    ],
)
async def test_what_is_no_silence_is_refused_before_anybody_is_asked(
    opened: Open, wrong: dict[str, Any], said: str
) -> None:
    manager = Manager()
    house = watched(await opened(), am=manager)
    with pytest.raises(UsageError, match=said):
        await ask(house, "silence.create", **{"matchers": ["a=b"], "seconds": 60, "comment": "x"} | wrong)
    assert manager.quiet == []


async def test_of_several_sources_one_must_be_named_and_without_any_that_is_said(opened: Open) -> None:
    house = watched(await opened(), one=Manager(), two=Manager())
    with pytest.raises(UsageError, match="several sources keep silences"):
        await ask(house, "silence.create", matchers=["a=b"], seconds=60, comment="x")
    made = await ask(house, "silence.create", matchers=["a=b"], seconds=60, comment="x", source="two")
    assert made["source"] == "two"
    house = watched(house, one=Manager(), two=Manager(alert("Slow")))
    made = await ask(house, "silence.create", matchers=["Slow"], seconds=60, comment="x")
    assert made["source"] == "two"  # the only one that has such an alert
    with pytest.raises(UsageError, match="no source keeps silences"):
        await ask(watched(house), "silence.end", silence="x")


async def test_a_delivery_that_was_cut_is_named_in_the_status(opened: Open) -> None:
    house = await opened()
    await ask(house, "alert.take", sender="hook", alerts=[], truncated=12)
    assert "hook left 12 alerts out" in house.troubles["truncated"]
    await ask(house, "alert.take", sender="hook", alerts=[dump(alert("Slow"))])
    assert "truncated" not in house.troubles


@pytest.mark.parametrize("alerts", [[{}], [{"id": "x"}], "x", [dump(alert("x"))] * 10_001])
async def test_what_is_no_delivery_is_refused(opened: Open, alerts: Any) -> None:
    with pytest.raises(UsageError):
        await ask(await opened(), "alert.take", sender="hook", alerts=alerts)


async def test_a_notifier_can_be_tried_and_says_what_is_wrong(
    opened: Open, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLD", str(tmp_path))
    configs = (NotifierConfig("file", "file"), NotifierConfig("chat", "slack", {"url_env": "ANDON_NOT_THERE"}))
    house = await opened(notifiers=configs)
    assert await ask(house, "notify.test", name="file") == {"name": "file"}
    assert (tmp_path / "told").read_text() == "I-0 test\n"
    with pytest.raises(ConfigError, match="no ANDON_NOT_THERE"):
        await ask(house, "notify.test", name="chat")
    with pytest.raises(UsageError, match="no notifier 'chatt'"):
        await ask(house, "notify.test", name="chatt")
