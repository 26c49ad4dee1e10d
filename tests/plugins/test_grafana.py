"""The grafana source against a stand-in that answers as its documentation says: /api/annotations, times in ms."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from pages import plugin
from siteserver import FAULTS, NOWHERE, Site, site

from console.errors import SourceError
from console.model import Event, Span
from console.plugins import load_plugins
from console.sources.opening import from_argument
from console.sources.types import Checkable, Closable, EventReader

MODULE = plugin("grafana")
PATH = "/api/annotations"
NOON = 1_795_383_600.0


def annotation(
    id_: int, at: float, text: str = "", *tags: str, until: float | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "id": id_, "alertId": 0, "alertName": "", "dashboardId": 0, "dashboardUID": None, "panelId": 0, "userId": 1,
        "newState": "", "prevState": "", "created": 0, "updated": 0, "time": round(at * 1000),
        "timeEnd": round((until or at) * 1000), "text": text, "tags": list(tags), "login": "ada", "data": {},
        **more,
    }  # fmt: skip


def serving(found: list[dict[str, Any]]) -> dict[str, Any]:
    """What Grafana does with the question: overlapping regions, newest end first, so many."""

    def answer(request: web.Request) -> list[dict[str, Any]]:
        start, end, limit = (int(request.query[key]) for key in ("from", "to", "limit"))
        there = [each for each in found if each["time"] <= end and each["timeEnd"] >= start]
        tags = set(request.query.getall("tags", []))
        there = [each for each in there if tags <= set(each["tags"] or ())]
        return sorted(there, key=lambda each: (-each["timeEnd"], -each["time"]))[:limit]

    return {PATH: answer}


def reader(told: Site, **options: Any) -> Any:
    return MODULE.Grafana("graf", MODULE.GrafanaOptions(url=told.url, **options))


async def events(found: list[dict[str, Any]], **options: Any) -> list[Event]:
    async with site(serving(found)) as told:
        return [*await reader(told, **options).events(Span(NOON, NOON + 3600), ())]


async def test_an_annotation_is_an_event_of_what_its_tags_say() -> None:
    [event] = await events([annotation(7, NOON + 5, "<b>v8</b> out &amp; live\nby ada", "release", "model:fraud")])
    assert event == Event(NOON + 5, "deploy", "fraud", "v8  out & live", id="7",
                          detail="by ada\ntags release, model:fraud", source="graf")  # fmt: skip


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ((), "annotation"),
        (("Deployment",), "deploy"),
        (("rollback",), "rollback"),
        (("x", "flag-on"), "flag"),
        (("lunch",), "annotation"),
    ],
)
async def test_kinds_are_told_by_tags(tags: tuple[str, ...], kind: str) -> None:
    assert [event.kind for event in await events([annotation(1, NOON, "x", *tags)])] == [kind]


async def test_the_kinds_and_the_target_are_the_operators_to_say() -> None:
    found = [annotation(1, NOON, "x", "prod", "svc=glove")]
    [event] = await events(found, kinds={"PROD": "config"}, target_tag="svc")
    assert (event.kind, event.target) == ("config", "glove")


async def test_an_alerts_annotation_is_an_alert() -> None:
    [event] = await events([annotation(1, NOON, "", alertName="Slow", newState="alerting")])
    assert (event.kind, event.title) == ("alert", "Slow alerting")


async def test_a_region_counts_when_it_began_and_says_how_long_it_lasted() -> None:
    found = [annotation(1, NOON - 60, "before", until=NOON + 60), annotation(2, NOON + 60, "within", until=NOON + 180)]
    [event] = await events(found)
    assert (event.title, event.detail) == ("within", "lasted 2 min")


async def test_many_annotations_are_asked_for_in_pieces_and_never_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "MOST_ANNOTATIONS", 10)
    found = [annotation(n, NOON + n, str(n)) for n in range(30)] + [annotation(99, NOON - 9, "long", until=NOON + 3000)]
    async with site(serving(found)) as told:
        got = await reader(told).events(Span(NOON, NOON + 3600), ())
        assert [event.title for event in got] == [str(n) for n in range(30)]
    same = [annotation(n, NOON + 1, str(n)) for n in range(100)]
    async with site(serving(same)) as told:
        assert len(await reader(told).events(Span(NOON, NOON + 3600), ())) == 10
        assert len(told.asked) == 2


async def test_token_organisation_and_tags_go_with_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFANA_TOKEN", "psst")
    found = [annotation(1, NOON, "a", "deploy", "a&b=c"), annotation(2, NOON, "b", "deploy")]
    async with site(serving(found)) as told:
        source = reader(told, token_env="GRAFANA_TOKEN", org=3, tags=["deploy", "a&b=c"])
        assert [event.title for event in await source.events(Span(NOON, NOON + 1), ())] == ["a"]
    headers = told.asked[0].headers
    assert (headers["Authorization"], headers["X-Grafana-Org-Id"]) == ("Bearer psst", "3")


async def test_only_the_kinds_that_are_wanted_are_told() -> None:
    async with site(serving([annotation(1, NOON, "a", "deploy"), annotation(2, NOON, "b")])) as told:
        source = reader(told)
        assert isinstance(source, EventReader) and isinstance(source, Checkable) and isinstance(source, Closable)
        assert [event.title for event in await source.events(Span(NOON, NOON + 1), ("deploy",))] == ["a"]
        assert (await source.check()).newest == NOON
        await source.close()


async def test_texts_without_end_are_cut() -> None:
    [event] = await events([annotation(1, NOON, "x" * 9999 + "\n" + "<" * 9999, "t" * 9999)])
    assert len(event.title) == MODULE.MOST_TITLE and len(event.detail) <= MODULE.MOST_DETAIL


async def test_an_annotation_without_anything_is_still_one() -> None:
    [event] = await events([{"id": 1, "time": NOON * 1000, "timeEnd": NOON * 1000, "text": None, "tags": None}])
    assert (event.kind, event.title, event.target) == ("annotation", "annotation", "")


@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_fails_is_the_sources_own_state(fault: str) -> None:
    async with site(serving([])) as told:
        told.fault = fault
        told.url = NOWHERE if fault == "down" else told.url
        source = reader(told, timeout=0.05 if fault == "slow" else 10.0, max_bytes=1 << 16)
        with pytest.raises(SourceError) as raised:
            await source.events(Span(NOON, NOON + 1), ())
        assert type(raised.value) is FAULTS[fault]


def test_a_url_on_the_command_line_is_taken() -> None:
    config = from_argument("graf=grafana+https://grafana.example", load_plugins())
    assert (config.kind, config.options["url"]) == ("grafana", "https://grafana.example")
