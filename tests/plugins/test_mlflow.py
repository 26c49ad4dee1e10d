"""The mlflow source against a stand-in that answers as MLflow 3.17.2 was seen to: aliases move without a time stamp."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from aiohttp import web
from pages import plugin
from siteserver import FAULTS, NOWHERE, Site, site

from console.errors import SourceError, SourceMalformed
from console.model import Event, Span
from console.plugins import load_plugins
from console.sources.opening import from_argument
from console.sources.types import Checkable, Closable, EventReader

MODULE = plugin("mlflow")
API = "/api/2.0/mlflow"
NOON = 1_795_383_727.0


def version(number: int, *, name: str = "fraud", at: float = NOON, stage: str = "None", **more: Any) -> dict[str, Any]:
    return {
        "name": name, "version": str(number), "creation_timestamp": round(at * 1000),
        "last_updated_timestamp": round(at * 1000), "current_stage": stage, "description": "",
        "source": f"s3://models/{name}/{number}", "run_id": "", "status": "READY", "run_link": "", **more,
    }  # fmt: skip


class Registry:
    """Models with their aliases, and versions, in pages as the server's own."""

    def __init__(self) -> None:
        self.versions = [version(1)]
        self.aliases: dict[str, dict[str, str]] = {"fraud": {"champion": "1"}}
        self.staged: list[dict[str, Any]] = []
        self.page = 100

    def answers(self) -> dict[str, Any]:
        return {f"{API}/registered-models/search": self.models, f"{API}/model-versions/search": self.made}

    def models(self, request: web.Request) -> dict[str, Any]:
        found = [
            {"name": name, "creation_timestamp": 1, "last_updated_timestamp": 1,
             "latest_versions": [one for one in self.staged if one["name"] == name],
             **({"aliases": [{"alias": a, "version": v} for a, v in aliases.items()]} if aliases else {})}
            for name, aliases in self.aliases.items()
        ]  # fmt: skip
        return self._paged("registered_models", found, request)

    def made(self, request: web.Request) -> dict[str, Any]:
        assert request.query["order_by"] == "creation_timestamp DESC"
        newest = sorted(self.versions, key=lambda one: -one["creation_timestamp"])
        return self._paged("model_versions", newest, request)

    def _paged(self, key: str, found: list[Any], request: web.Request) -> dict[str, Any]:
        start, size = int(request.query.get("page_token", "0")), min(self.page, int(request.query["max_results"]))
        more = {"next_page_token": str(start + size)} if start + size < len(found) else {}
        return {**({key: found[start : start + size]} if found else {}), **more}


def reader(told: Site, **options: Any) -> Any:
    return MODULE.Mlflow("registry", MODULE.MlflowOptions(url=told.url, **options))


async def told_by(source: Any, *, since: float = 60.0) -> list[Event]:
    now = time.time()
    return [*await source.events(Span(now - since, now + 60), ())]


async def test_it_knows_events_and_says_how_it_is() -> None:
    async with site(Registry().answers()) as told:
        source = reader(told)
        assert isinstance(source, EventReader) and isinstance(source, Checkable) and isinstance(source, Closable)
        status = await source.check()
        await source.close()
    assert (status.state, status.reason, status.newest) == ("ok", "1 models, 1 aliases", NOON)


async def test_a_version_is_an_event_of_its_model_at_the_time_it_was_made() -> None:
    registry = Registry()
    registry.versions.append(version(2, at=NOON + 9, run_id="r1", user_id="ada", tags=[{"key": "git", "value": "abc"}]))
    async with site(registry.answers()) as told:
        [event] = await reader(told).events(Span(NOON + 1, NOON + 10), ("model_version",))
    assert event == Event(
        NOON + 9, "model_version", "fraud", "version 2 registered", id="fraud/2",
        detail="run r1\nsource s3://models/fraud/2\nby ada\ntags git=abc", source="registry",
    )  # fmt: skip


async def test_an_alias_that_moved_is_told_once_and_the_first_look_tells_none() -> None:
    registry = Registry()
    async with site(registry.answers()) as told:
        source = reader(told)
        assert await told_by(source) == []
        registry.aliases["fraud"]["champion"] = "2"
        before = time.time()
        [moved] = await told_by(source)
        assert (moved.kind, moved.target, moved.title) == ("model_version", "fraud", "alias champion: version 1 → 2")
        assert before <= moved.time <= time.time()
        assert await told_by(source) == [moved]


async def test_an_alias_that_was_deleted_is_told_once_a_second_look_misses_it_too() -> None:
    registry = Registry()
    async with site(registry.answers()) as told:
        source = reader(told)
        await told_by(source)
        registry.aliases["fraud"] = {"canary": "1"}
        assert await told_by(source) == []
        assert {event.title for event in await told_by(source)} == {
            "alias canary: version none → 1", "alias champion: version 1 → none",
        }  # fmt: skip


async def test_a_stage_says_when_it_changed() -> None:
    registry = Registry()
    async with site(registry.answers()) as told:
        source = reader(told)
        await told_by(source)
        at = time.time() - 0.001
        registry.staged = [version(1, stage="Production", at=at)]
        [event] = await told_by(source)
    assert (event.title, event.id) == ("stage Production: version none → 1", "fraud/Production")
    assert event.time <= time.time()


async def test_a_server_whose_clock_is_wrong_moves_an_event_no_further_than_our_looks() -> None:
    registry = Registry()
    async with site(registry.answers()) as told:
        source = reader(told)
        await told_by(source)
        registry.staged = [version(1, stage="Production", at=time.time() + 86400)]
        [event] = await told_by(source)
    assert event.time <= time.time()


async def test_pages_are_turned_until_the_span_is_past() -> None:
    registry = Registry()
    registry.page = 2
    registry.versions = [version(number, at=NOON + number) for number in range(10)]
    async with site(registry.answers()) as told:
        found = await reader(told).events(Span(NOON + 5, NOON + 100), ())
        assert [event.title for event in found] == [f"version {number} registered" for number in range(5, 10)]
        assert sum(each.path.endswith("versions/search") for each in told.asked) == 3


async def test_a_registry_that_pages_for_ever_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "MOST_MODELS", 5)
    monkeypatch.setattr(MODULE, "MOST_VERSIONS", 5)
    registry = Registry()
    endless = {"model_versions": [version(1)], "next_page_token": "x"}
    async with site({**registry.answers(), f"{API}/model-versions/search": endless}) as told:
        assert len(await reader(told).events(Span(0, NOON * 2), ())) == 5
    names = {"registered_models": [{"name": f"m{n}"} for n in range(3)], "next_page_token": "x"}
    async with site({f"{API}/registered-models/search": names}) as told:
        with pytest.raises(SourceMalformed, match="more than 5 models"):
            await told_by(reader(told))


async def test_only_the_models_that_are_named_are_told() -> None:
    registry = Registry()
    registry.aliases["other"] = {"champion": "1"}
    registry.versions.append(version(1, name="other"))
    async with site(registry.answers()) as told:
        source = reader(told, models=["fr*"])
        assert [event.target for event in await source.events(Span(0, NOON * 2), ())] == ["fraud"]
        assert (await source.check()).reason == "1 models, 1 aliases"


async def test_names_from_outside_reach_no_query_unescaped_and_titles_are_cut() -> None:
    registry = Registry()
    odd = "a&b=c#?\x1b[2J" + "x" * 5000
    registry.versions = [version(1, name=odd, status="FAILED_REGISTRATION")]
    async with site(registry.answers()) as told:
        [event] = await reader(told).events(Span(0, NOON * 2), ())
    assert len(event.target) == MODULE.MOST_CHARACTERS and event.title == "version 1 registered (failed_registration)"


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "other"])
async def test_whatever_fails_is_the_sources_own_state(fault: str) -> None:
    async with site(Registry().answers()) as told:
        told.fault = fault
        told.url = NOWHERE if fault == "down" else told.url
        source = reader(told, timeout=0.05 if fault == "slow" else 10.0, max_bytes=1 << 16)
        with pytest.raises(SourceError) as raised:
            await told_by(source)
        assert type(raised.value) is FAULTS[fault]


async def test_a_server_that_starts_empty_removes_nothing() -> None:
    registry = Registry()
    async with site(registry.answers()) as told:
        source = reader(told)
        await told_by(source)
        told.fault = "503"
        with pytest.raises(SourceError):
            await told_by(source)
        told.fault, kept, registry.aliases = "", registry.aliases, {}
        assert await told_by(source) == []
        registry.aliases = kept
        assert await told_by(source) == []


async def test_two_looks_at_once_tell_a_move_once() -> None:
    registry = Registry()
    async with site(registry.answers()) as told:
        source = reader(told)
        await told_by(source)
        registry.aliases["fraud"]["champion"] = "7"
        await asyncio.gather(*(told_by(source) for _ in range(5)))
        assert len(await told_by(source)) == 1


def test_a_url_on_the_command_line_is_taken() -> None:
    config = from_argument("registry=mlflow+http://127.0.0.1:5000", load_plugins())
    assert (config.kind, config.options["url"]) == ("mlflow", "http://127.0.0.1:5000")
