"""A real LiteLLM proxy: a model that fails is answered by another one while that is set, and no longer after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from modelservers import Served, has_environment, litellm
from pages import plugin

from console.errors import ActRefused, UsageError
from console.model import Act, Change

MODULE = plugin("litellm_action")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not has_environment("litellm"), reason="no LiteLLM here: make .venv-litellm/.ready"),
]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with litellm(tmp_path_factory.mktemp("proxy"), keeps=True) as server:
        yield server


def actuator(server: Served, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PROXY_KEY", server.headers["Authorization"].removeprefix("Bearer "))
    options = MODULE.LitellmOptions(url=server.api, token_env="PROXY_KEY", fallbacks={"gone": ["fine"]})
    return MODULE.Litellm("proxy", options)


def answered(server: Served, model: str) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "what is it?"}]}
    return httpx.post(f"{server.api}/chat/completions", headers=server.headers, json=body, timeout=30).status_code


def look_again(server: Served) -> Any:
    return httpx.post(f"{server.api}/look-again", timeout=30).json()


async def drafted(what: Any, model: str = "gone", to: list[str] | None = None) -> tuple[Any, Act]:
    draft = await what.draft("litellm.fallback", {"model": model, "to": to})
    return draft, Act("litellm.fallback", "proxy", draft.target, draft.set, draft.expect)


async def test_another_model_answers_until_it_is_taken_back(proxy: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    what = actuator(proxy, monkeypatch)
    draft, act = await drafted(what)
    assert draft.changes == (Change("fallbacks of gone", None, ["fine"]),) and answered(proxy, "gone") == 500
    assert await what.did(act, "key-1") is False
    facts = await what.act(act, "key-1")
    assert await what.did(act, "key-1") is True and answered(proxy, "gone") == 200
    assert look_again(proxy) == [{"gone": ["fine"]}] and answered(proxy, "gone") == 200
    with pytest.raises(ActRefused, match="by now"):
        await what.act(act, "key-2")
    assert (await drafted(what))[0].changes == ()
    back = Act(act.action, "proxy", act.target, draft.restore, facts)
    await what.act(back, "key-3")
    assert await what.did(back, "key-3") is True and look_again(proxy) == [] and answered(proxy, "gone") == 500


async def test_former_ones_are_put_back(proxy: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    what = actuator(proxy, monkeypatch)
    await what.act((await drafted(what, "fine", ["gone"]))[1], "key-1")
    draft, act = await drafted(what, "fine", ["org/gone", "gone"])
    await what.act(act, "key-2")
    await what.act(Act(act.action, "proxy", act.target, draft.restore, {}), "key-3")
    assert look_again(proxy) == [{"fine": ["gone"]}]


async def test_a_model_with_a_path_for_a_name_has_no_way_back_to_none(
    proxy: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = actuator(proxy, monkeypatch)
    draft, act = await drafted(what, "org/gone", ["fine"])
    assert draft.restore is None
    await what.act(act, "key-1")
    assert await what.did(act, "key-1") is True and answered(proxy, "org/gone") == 200
    with pytest.raises(ActRefused, match="404"):
        await what.act(
            Act(act.action, "proxy", act.target, {"model": "org/gone", "to": None, "instead_of": ["fine"]}), "k"
        )


@pytest.mark.parametrize(("model", "to"), [("nobody", ["fine"]), ("gone", ["nobody"]), ("gone", ["fine", "fine"])])
async def test_what_it_refuses_changed_nothing(
    proxy: Served, monkeypatch: pytest.MonkeyPatch, model: str, to: list[str]
) -> None:
    what = actuator(proxy, monkeypatch)
    before = look_again(proxy)
    _draft, act = await drafted(what, model, to)
    with pytest.raises(ActRefused, match="answered 4"):
        await what.act(act, "key-1")
    assert await what.did(act, "key-1") is False and look_again(proxy) == before


@pytest.mark.parametrize(
    "settings", ["  fallbacks: [{fine: [gone]}]\n", "router_settings: {fallbacks: [{fine: [gone]}]}\n"]
)
async def test_what_its_file_says_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str) -> None:
    with litellm(tmp_path, settings=settings, keeps=True) as server, pytest.raises(UsageError, match="in its own file"):
        await drafted(actuator(server, monkeypatch))


async def test_a_proxy_that_keeps_nothing_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with litellm(tmp_path) as server:
        what = actuator(server, monkeypatch)
        _draft, act = await drafted(what)
        with pytest.raises(ActRefused, match="STORE_MODEL_IN_DB"):
            await what.act(act, "key-1")
        assert await what.did(act, "key-1") is False
