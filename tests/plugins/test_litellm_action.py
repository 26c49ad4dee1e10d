"""Fallbacks of a proxy, against a stand-in that answers as LiteLLM 1.106 was seen to."""

from __future__ import annotations

from typing import Any

import pytest
from changeserver import REFUSED, UNSURE, Changeable, changeable
from litellmproxy import Proxy
from pages import plugin
from pydantic import ValidationError
from siteserver import NOWHERE

from console.errors import ActRefused, SourceError, SourceMalformed, UsageError
from console.model import Act, Change
from console.remedy.actuator import Actuator

MODULE = plugin("litellm_action")
TABLE = {"chat": ["small", "haiku"]}
POST = "POST /fallback"


def actuator(here: Changeable, **options: Any) -> Any:
    given = {"timeout": 0.5, "fallbacks": TABLE, **options}
    return MODULE.Litellm("gateway", MODULE.LitellmOptions(url=here.url, **given))


def falling_back(draft: Any) -> Act:
    return Act("litellm.fallback", "gateway", draft.target, draft.set, draft.expect)


async def drafted(what: Any, to: list[str] | None = None, model: str = "chat") -> Any:
    return await what.draft("litellm.fallback", {"model": model, "to": to})


async def test_the_actuators_table_says_who_answers_where_the_remedy_does_not() -> None:
    async with changeable(Proxy().answer) as here:
        what = actuator(here)
        assert isinstance(what, Actuator)
        draft = await drafted(what)
        assert draft.changes == (Change("fallbacks of chat", None, ["small", "haiku"]),)
        assert draft.restore == {"model": "chat", "to": None, "instead_of": ["small", "haiku"]}
        assert (await drafted(what, ["haiku"])).set["to"] == ["haiku"]
        with pytest.raises(UsageError, match="nothing says who answers for small") as told:
            await drafted(what, model="small")
    assert told.value.hint == 'fallbacks = {"small" = ["…"]} in the table of actuator gateway, or `to` in the remedy'
    assert not here.told


async def test_that_only_what_fails_goes_there_is_said() -> None:
    async with changeable(Proxy().answer) as here:
        draft = await drafted(actuator(here))
    assert draft.warnings == (
        "only what fails or times out goes there; what is slow waits for the proxy's own timeout",
    )


async def test_they_are_set_once_and_taken_away_again() -> None:
    former = [{"small": ["haiku"]}, {"*": ["haiku"]}, "haiku"]
    proxy = Proxy([*former])
    async with changeable(proxy.answer) as here:
        what = actuator(here)
        draft = await drafted(what)
        act = falling_back(draft)
        assert draft.expect == {"to": None} and await what.did(act, "key-1") is False
        assert await what.act(act, "key-1") == {"to": ["small", "haiku"]}
        assert proxy.rules == [*former, {"chat": ["small", "haiku"]}]
        assert await what.did(act, "key-1") is True
        with pytest.raises(ActRefused, match="by now"):
            await what.act(act, "key-2")
        back = Act(act.action, "gateway", act.target, draft.restore, {})
        assert await what.did(back, "key-3") is False
        await what.act(back, "key-3")
        assert proxy.rules == former and await what.did(back, "key-3") is True


async def test_the_former_ones_are_put_back() -> None:
    proxy = Proxy([{"chat": ["haiku"]}])
    async with changeable(proxy.answer) as here:
        what = actuator(here)
        draft = await drafted(what)
        assert draft.changes == (Change("fallbacks of chat", ["haiku"], ["small", "haiku"]),)
        facts = await what.act(falling_back(draft), "key-1")
        await what.act(Act("litellm.fallback", "gateway", draft.target, draft.restore, facts), "key-2")
        assert proxy.rules == [{"chat": ["haiku"]}]
        assert (await drafted(what, ["haiku"])).changes == ()


@pytest.mark.parametrize(
    ("rules", "source"),
    [(None, "config"), ([], "config"), ([{"small": ["haiku"]}], "default"), ([{"*": ["haiku"]}], "")],
)
async def test_what_its_file_says_is_not_written_over(rules: list[Any] | None, source: str) -> None:
    proxy = Proxy()
    async with changeable(proxy.answer) as here:
        what = actuator(here)
        act = falling_back(await drafted(what))
        proxy.rules, proxy.source = rules, source
        with pytest.raises(UsageError, match="are in its own file"):
            await drafted(what)
        with pytest.raises(ActRefused):
            await what.act(act, "key-1")
    assert not here.told


async def test_what_has_no_way_back_is_said() -> None:
    proxy = Proxy([{"small": [{"model": "haiku", "messages": []}]}])
    async with changeable(proxy.answer) as here:
        what = actuator(here)
        for model in ("small", "org/chat"):
            draft = await drafted(what, ["chat"], model)
            assert draft.restore is None and draft.warnings[-1].startswith("the proxy's interface has no way back")
        await what.act(falling_back(draft), "key-1")
        again = await drafted(what, ["haiku"], "org/chat")
        assert again.restore == {"model": "org/chat", "to": ["chat"], "instead_of": ["haiku"]}


async def test_what_somebody_else_set_meanwhile_is_left_alone() -> None:
    proxy = Proxy()
    async with changeable(proxy.answer) as here:
        what = actuator(here)
        act = falling_back(await drafted(what))
        proxy.rules, proxy.source = [{"chat": ["haiku"]}], "db"
        with pytest.raises(ActRefused, match=r"fallbacks of chat are \['haiku'\] by now"):
            await what.act(act, "key-1")
        assert await what.did(act, "key-1") is None
    assert not here.told


@pytest.mark.parametrize("trouble", [each for each in REFUSED if each != "down"])
async def test_a_refusal_is_one(trouble: str) -> None:
    async with changeable(Proxy().answer) as here:
        what = actuator(here)
        act = falling_back(await drafted(what))
        here.fails[POST] = trouble
        with pytest.raises(ActRefused, match=trouble):
            await what.act(act, "key-1")
        assert await what.did(act, "key-1") is False


async def test_where_nobody_hears_it_nothing_was_changed() -> None:
    async with changeable(Proxy().answer) as here:
        act = falling_back(await drafted(actuator(here)))
        here.url = NOWHERE
        with pytest.raises(ActRefused, match="cannot be reached"):
            await actuator(here).act(act, "key-1")


async def test_why_it_was_refused_is_said_in_the_proxys_words() -> None:
    proxy = Proxy()
    async with changeable(proxy.answer) as here:
        what = actuator(here)
        with pytest.raises(ActRefused, match=r"Invalid fallback models: \['nobody'\]"):
            await what.act(falling_back(await drafted(what, ["nobody"])), "key-1")
        proxy.has_database = False
        with pytest.raises(ActRefused, match="Set 'STORE_MODEL_IN_DB=True'"):
            await what.act(falling_back(await drafted(what)), "key-1")


@pytest.mark.parametrize("trouble", UNSURE)
@pytest.mark.parametrize("is_back", [False, True])
async def test_what_was_not_answered_is_looked_for(trouble: str, is_back: bool) -> None:
    async with changeable(Proxy().answer) as here:
        what = actuator(here)
        draft = await drafted(what)
        act = falling_back(draft)
        if is_back:
            await what.act(act, "key-1")
            act = Act(act.action, "gateway", act.target, draft.restore, {})
        here.fails["DELETE /fallback/chat" if is_back else POST] = trouble
        with pytest.raises(SourceError):
            await what.act(act, "key-2")
        assert await what.did(act, "key-2") is trouble.endswith("after")


@pytest.mark.parametrize("trouble", ["403", "404", "429", "500", "hang", "garbage"])
async def test_who_cannot_look_says_so(trouble: str) -> None:
    async with changeable(Proxy().answer) as here:
        what = actuator(here)
        act = falling_back(await drafted(what))
        here.fails["GET /router/settings"] = trouble
        with pytest.raises(SourceError):
            await what.did(act, "key-1")
        with pytest.raises(SourceError):
            await drafted(what)
        with pytest.raises(ActRefused):
            await what.act(act, "key-1")
    assert not here.told


async def test_what_is_no_proxy_is_said() -> None:
    async with changeable(lambda *_asked: (200, {"current_values": {"fallbacks": [{"chat": "small"}]}})) as here:
        with pytest.raises(SourceMalformed, match="does not tell its fallbacks"):
            await drafted(actuator(here))


async def test_the_key_comes_from_the_environment_and_is_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_KEY", "sk-s3cret-s3cret")
    async with changeable(Proxy().answer) as here:
        what = actuator(here, token_env="GATEWAY_KEY")
        act = falling_back(await drafted(what))
        here.fails[POST] = "403"
        with pytest.raises(ActRefused) as told:
            await what.act(act, "key-1")
    assert all(each["Authorization"] == "Bearer sk-s3cret-s3cret" for each in here.heard)
    assert "s3cret" not in f"{told.value.message} {told.value.hint}"


@pytest.mark.parametrize("options", [{"model": ""}, {"model": "chat", "to": []}, {"model": "chat", "say": "please"}])
def test_what_a_remedy_may_say_is_bounded(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MODULE.Fallback.model_validate(options)
