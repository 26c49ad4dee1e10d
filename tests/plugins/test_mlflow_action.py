"""Moving an alias, against a stand-in that answers as MLflow 3.17.2 was seen to."""

from __future__ import annotations

from typing import Any

import pytest
from changeserver import REFUSED, UNSURE, Changeable, changeable
from mlflowregistry import API, Registry
from pages import plugin
from siteserver import NOWHERE

from console.errors import ActRefused, SourceError, SourceMalformed, UsageError
from console.model import Act, Change
from console.remedy.actuator import Actuator

MODULE = plugin("mlflow_action")
ALIAS, TAG = f"POST {API}/registered-models/alias", f"POST {API}/registered-models/set-tag"


def actuator(here: Changeable, **options: Any) -> Any:
    return MODULE.Registry("models", MODULE.MlflowActuatorOptions(url=here.url, **{"timeout": 0.5, **options}))


def rolled_back(draft: Any) -> Act:
    return Act("model.rollback", "models", draft.target, draft.set, draft.expect)


async def drafted(what: Any, version: str | None = None, model: str = "fraud") -> Any:
    return await what.draft("model.rollback", {"model": model, "version": version})


async def test_the_newest_version_before_that_is_ready_and_the_way_back() -> None:
    async with changeable(Registry().answer) as here:
        what = actuator(here)
        assert isinstance(what, Actuator)
        draft = await drafted(what)
    assert draft.target == "fraud@champion of models" and not here.told
    assert draft.changes == (Change("fraud@champion", "10", "2"),)
    assert draft.expect == {"version": "10"}
    assert draft.restore == {"model": "fraud", "version": "10", "instead_of": "2"}
    assert draft.warnings == ("the newest version before 10; nothing says that it ever served",)


async def test_a_version_that_is_named_is_taken_where_it_is_ready() -> None:
    async with changeable(Registry().answer) as here:
        what = actuator(here, alias="challenger")
        draft = await drafted(what, "1")
        assert draft.changes == (Change("fraud@challenger", "11", "1"),) and not draft.warnings
        assert (await drafted(what, "11")).changes == ()
        for version in ("9", "77", "one", "-1", "1 OR 1=1"):
            with pytest.raises(UsageError, match="fraud has no version"):
                await drafted(what, version)


async def test_what_the_registry_does_not_have_is_said() -> None:
    registry = Registry()
    async with changeable(registry.answer) as here:
        with pytest.raises(UsageError, match="models has no ranker@champion"):
            await drafted(actuator(here), model="ranker")
        with pytest.raises(UsageError, match="models has no fraud@gold"):
            await drafted(actuator(here, alias="gold"))
        registry.aliases["champion"] = "1"
        with pytest.raises(UsageError, match="no version before 1 that is ready"):
            await drafted(actuator(here))


@pytest.mark.parametrize("name", ["it's", 'the "good" one'])
async def test_a_name_with_quotes_is_asked_for_in_the_other_kind(name: str) -> None:
    async with changeable(Registry(name).answer) as here:
        assert (await drafted(actuator(here), model=name)).set["version"] == "2"


async def test_a_name_with_both_kinds_of_quotes_cannot_be_asked_for() -> None:
    async with changeable(Registry('it\'s "it"').answer) as here:
        with pytest.raises(UsageError, match="cannot be asked for"):
            await drafted(actuator(here), model='it\'s "it"')


async def test_the_registry_may_call_a_model_otherwise() -> None:
    async with changeable(Registry("team.fraud").answer) as here:
        assert (await drafted(actuator(here, models="team.{model}"))).target == "team.fraud@champion of models"


async def test_it_is_moved_with_its_key_and_back() -> None:
    registry = Registry()
    async with changeable(registry.answer) as here:
        what = actuator(here)
        draft = await drafted(what)
        act = rolled_back(draft)
        assert await what.did(act, "key-1") is False
        facts = await what.act(act, "key-1")
        assert (registry.aliases["champion"], registry.tags) == ("2", {"andon.act": "key-1"})
        assert await what.did(act, "key-1") is True and await what.did(act, "key-2") is None
        with pytest.raises(ActRefused, match="is version 2 by now"):
            await what.act(act, "key-2")
        back = Act(act.action, "models", act.target, draft.restore, facts)
        await what.act(back, "key-3")
        assert registry.aliases == {"champion": "10", "challenger": "11"}
        assert await what.did(back, "key-3") is True


async def test_the_way_back_is_known_where_nobody_lived_to_see_the_receipt() -> None:
    registry = Registry()
    async with changeable(registry.answer) as here:
        what = actuator(here)
        draft = await drafted(what)
        await what.act(rolled_back(draft), "key-1")
        back = Act("model.rollback", "models", draft.target, draft.restore, {})
        assert await what.did(back, "key-2") is False
        registry.aliases["champion"] = "11"
        with pytest.raises(ActRefused, match="is version 11 by now"):
            await what.act(back, "key-2")
        registry.aliases["champion"] = "2"
        await what.act(back, "key-2")
    assert registry.aliases["champion"] == "10"


@pytest.mark.parametrize("moved", ["11", None])
async def test_an_alias_that_moved_meanwhile_is_left_alone(moved: str | None) -> None:
    registry = Registry()
    async with changeable(registry.answer) as here:
        what = actuator(here)
        act = rolled_back(await drafted(what))
        registry.aliases = {"champion": moved} if moved else {}
        with pytest.raises(ActRefused, match=f"is version {moved or 'none'} by now"):
            await what.act(act, "key-1")
        assert await what.did(act, "key-1") is None
    assert not here.told


async def test_whoever_ended_between_the_tag_and_the_alias_did_not_move_it() -> None:
    registry = Registry()
    async with changeable(registry.answer) as here:
        what = actuator(here)
        act = rolled_back(await drafted(what))
        registry.tags["andon.act"] = "key-1"
        assert await what.did(act, "key-1") is False


async def test_the_tag_is_there_before_the_alias_moves() -> None:
    async with changeable(Registry().answer) as here:
        what = actuator(here)
        await what.act(rolled_back(await drafted(what)), "key-1")
    assert [f"{method} {path}" for method, path, _body in here.told] == [TAG, ALIAS]


@pytest.mark.parametrize("trouble", [*REFUSED, *UNSURE])
async def test_whatever_becomes_of_the_tag_the_alias_stays(trouble: str) -> None:
    registry = Registry()
    async with changeable(registry.answer) as here:
        act = rolled_back(await drafted(actuator(here)))
        here.fails[TAG] = trouble
        here.url = NOWHERE if trouble == "down" else here.url
        with pytest.raises(ActRefused):
            await actuator(here).act(act, "key-1")
    assert registry.aliases["champion"] == "10"


@pytest.mark.parametrize("trouble", [each for each in REFUSED if each != "down"])
async def test_an_alias_that_is_refused_is_not_moved(trouble: str) -> None:
    registry = Registry()
    async with changeable(registry.answer) as here:
        what = actuator(here)
        act = rolled_back(await drafted(what))
        here.fails[ALIAS] = trouble
        with pytest.raises(ActRefused, match=trouble):
            await what.act(act, "key-1")
        assert await what.did(act, "key-1") is False


@pytest.mark.parametrize("trouble", UNSURE)
async def test_what_was_not_answered_is_looked_for(trouble: str) -> None:
    registry = Registry()
    async with changeable(registry.answer) as here:
        what = actuator(here)
        act = rolled_back(await drafted(what))
        here.fails[ALIAS] = trouble
        with pytest.raises(SourceError):
            await what.act(act, "key-1")
        assert await what.did(act, "key-1") is trouble.endswith("after")


@pytest.mark.parametrize("trouble", ["403", "429", "500", "hang", "garbage"])
async def test_who_cannot_look_says_so(trouble: str) -> None:
    async with changeable(Registry().answer) as here:
        what = actuator(here)
        act = rolled_back(await drafted(what))
        here.fails[f"GET {API}/registered-models/get"] = trouble
        with pytest.raises(SourceError):
            await what.did(act, "key-1")
        with pytest.raises(SourceError):
            await drafted(what)
        with pytest.raises(ActRefused):
            await what.act(act, "key-1")
    assert not here.told


async def test_what_is_no_registry_is_said() -> None:
    odd = {"registered_model": {"aliases": [{"alias": "champion", "version": "ten\x1b[2J"}]}}
    async with changeable(lambda *_asked: (200, odd)) as here:
        with pytest.raises(SourceMalformed, match="does not answer as an MLflow registry"):
            await drafted(actuator(here))


async def test_the_token_comes_from_the_environment_and_is_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_TOKEN", "s3cret-s3cret")
    async with changeable(Registry().answer) as here:
        what = actuator(here, token_env="REGISTRY_TOKEN")
        act = rolled_back(await drafted(what))
        here.fails[TAG] = "403"
        with pytest.raises(ActRefused) as told:
            await what.act(act, "key-1")
    assert all(each["Authorization"] == "Bearer s3cret-s3cret" for each in here.heard)
    assert "s3cret" not in f"{told.value.message} {told.value.hint}"
