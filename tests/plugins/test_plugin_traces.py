"""Tempo and Jaeger: what they are asked, what their answers become, how they may fail. Both are strict stand-ins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import plugin
from tracestand import JaegerStand, TempoStand, TraceStand, read_traceql, standing
from tracing import requests

from console.errors import AndonError, SourceError, SourceMalformed
from console.model import Labels, Span, TraceSpan
from console.plugins import load_plugins
from console.sources.opening import from_argument
from console.sources.types import TraceRequest

NOON = 1_795_348_800.0
TEN = Span(NOON, NOON + 600)
TEMPO, JAEGER = plugin("tempo"), plugin("jaeger")
QUERY, OTLP = plugin("_tempo_query"), plugin("_otlp_spans")
KINDS = {TempoStand: (TEMPO.Tempo, TEMPO.TempoOptions), JaegerStand: (JAEGER.Jaeger, JAEGER.JaegerOptions)}
BOTH = pytest.mark.parametrize("kind", list(KINDS))


def source_of(stand: TraceStand, **options: Any) -> Any:
    make, settings = KINDS[type(stand)]
    return make("traces", settings(url=stand.url, **({"timeout": 2.0} | options)))


async def read(
    stand: TraceStand, where: dict[str, str] | None = None, most: int = 20_000, **options: Any
) -> Sequence[TraceSpan]:
    source = source_of(stand, **options)
    try:
        spans: Sequence[TraceSpan] = await source.spans(TraceRequest(TEN, Labels.of(where or {}), most))
        return spans
    finally:
        await source.close()


@BOTH
async def test_whole_traces_come_back_as_they_were(kind: type[TraceStand]) -> None:
    told = requests(10, NOON, fails=0.3)
    async with standing(kind, told) as stand:
        found = await read(stand)
    assert len(found) == len(told)
    assert [span.start for span in found] == sorted(span.start for span in found)
    for mine, its in zip(sorted(told, key=lambda span: (span.start, span.end)), found, strict=True):
        assert (its.service, its.operation, its.failed) == (mine.service, mine.operation, mine.failed)
        assert (its.start, its.end) == pytest.approx((mine.start, mine.end), abs=2e-6)
    by_id = {(span.trace, span.id): span for span in found}
    assert (
        sum((span.trace, span.parent) in by_id for span in found) == 40
    )  # of five spans of a trace four have a parent


@BOTH
async def test_only_traces_that_began_then_come_evenly_and_bounded(kind: type[TraceStand]) -> None:
    told = [*requests(600, NOON), *requests(50, NOON - 3000), *requests(50, NOON + 3000)]
    async with standing(kind, told) as stand:
        found = await read(stand, most_traces=60)
        few = await read(stand, most=33)
    traces = {span.trace: span.start for span in reversed(found)}
    assert 50 <= len(traces) <= 60
    assert all(NOON <= start < NOON + 600 for start in traces.values())
    halves = [
        sum(start < NOON + 300 for start in traces.values()),
        sum(start >= NOON + 300 for start in traces.values()),
    ]
    assert min(halves) >= 20
    assert 20 <= len(few) <= 33
    assert len(few) % 5 == 0  # whole ones


@BOTH
async def test_a_service_or_model_is_looked_for_where_it_may_stand(kind: type[TraceStand]) -> None:
    async with standing(kind, requests(5, NOON)) as stand:
        assert len(await read(stand, {"model": "cart"})) == 25
        assert len(await read(stand, {"service": "db"})) == 25
        assert await read(stand, {"service": "nobody"}) == []
        assert await read(stand, {"namespace": "nowhere", "service": "cart"}) == []


async def test_tempo_is_asked_in_its_language_and_jaeger_about_its_services() -> None:
    async with standing(TempoStand, requests(5, NOON)) as stand:
        await read(stand, {"service": 'ca"rt'})
        assert stand.asked[0]["q"] == '{resource.service.name="ca\\"rt"}'
        await read(stand, {"model": "cart"}, labels={"model": "span.model"})
        assert stand.asked[-1]["q"] == '{span.model="cart"}'
    async with standing(JaegerStand, requests(5, NOON)) as other:
        await read(other, services=["web"])
        assert {asked["service"] for asked in other.asked[1:]} == {"web"}
        await read(other)
        assert {asked["service"] for asked in other.asked if "service" in asked} == {"web", "cart", "db"}


@BOTH
@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("429", SourceError, "answered 429 Too Many Requests: too many requests"),
        ("503", SourceError, "answered 503 Service Unavailable: rpc error: queue full"),
        ("slow", SourceError, "took more than 0.3 s to answer"),
        ("garbage", SourceMalformed, "does not answer like a"),
        ("half", SourceMalformed, "does not answer like a"),
        ("other", SourceMalformed, "does not answer like a"),
    ],
)
async def test_each_way_to_fail_is_said_in_words(
    kind: type[TraceStand], fault: str, error: type[AndonError], words: str
) -> None:
    async with standing(kind, requests(3, NOON), fault) as stand:
        with pytest.raises(error) as raised:
            await read(stand, timeout=0.3)
    assert words in raised.value.message


@BOTH
async def test_what_is_down_cannot_be_reached(kind: type[TraceStand]) -> None:
    async with standing(kind, []) as stand:
        pass
    with pytest.raises(SourceError, match="cannot be reached"):
        await read(stand)


@BOTH
async def test_check_says_how_it_is(kind: type[TraceStand], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin(kind.__name__.removesuffix("Stand").lower()).time, "time", lambda: NOON + 700)
    async with standing(kind, requests(10, NOON)) as stand:
        source = source_of(stand)
        status = await source.check()
        await source.close()
    assert status.state == "ok"
    assert NOON < status.newest < NOON + 700
    async with standing(kind, []) as empty:
        source = source_of(empty)
        assert (await source.check()).state == "stale"
        await source.close()


async def test_a_trace_beyond_all_measure_costs_itself_alone() -> None:
    huge = [TraceSpan("a" * 32, f"{n}", "", "web", "x" * 150, NOON + 1, NOON + 2) for n in range(2000)]
    async with standing(TempoStand, [*requests(5, NOON), *huge]) as stand:
        assert len(await read(stand, max_bytes=200_000)) == 25


async def test_an_id_that_is_none_never_becomes_part_of_a_path() -> None:
    async with standing(TempoStand, [TraceSpan("../../admin", "1", "", "web", "x", NOON + 1, NOON + 2)]) as stand:
        with pytest.raises(SourceMalformed):
            await read(stand)
        assert {asked["path"] for asked in stand.asked} == {"/api/search"}


def test_both_spellings_of_opentelemetry_are_read_and_what_is_none_is_refused() -> None:
    times = {"startTimeUnixNano": 1_000_000_000, "endTimeUnixNano": "2000000000"}
    span = {"traceId": "a", "spanId": "b", "name": "x", "status": {"code": 2}} | times
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]}
    new = {"trace": {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}}
    old = {"batches": [{"resource": {}, "instrumentationLibrarySpans": [{"spans": [span, span]}]}]}
    assert OTLP.spans_of(orjson.dumps(new), 9) == [TraceSpan("a", "b", "", "cart", "x", 1.0, 2.0, failed=True)]
    assert [one.service for one in OTLP.spans_of(orjson.dumps(old), 1)] == ["unknown"]
    for odd in (b"[]", b"{}", b'{"batches": 7}', b'{"batches": [{"scopeSpans": [{"spans": [{}]}]}]}', b"\xff", b""):
        with pytest.raises(ValueError):
            OTLP.spans_of(odd, 9)


@given(st.lists(st.tuples(st.text(max_size=40), st.lists(st.text(max_size=12), min_size=1, max_size=3)), max_size=3))
def test_no_name_or_value_leaves_its_place_in_the_query(conditions: list[tuple[str, list[str]]]) -> None:
    query = QUERY.traceql(conditions)
    query.encode()
    understood = read_traceql(query) if all(name for _value, names in conditions for name in names) else None
    if understood is not None:
        values = [{value.encode("utf-8", "replace").decode()} for value, _names in conditions]
        assert [{value for _name, value in either} for either in understood] == values
        assert [len(either) for either in understood] == [len(names) for _value, names in conditions]


def test_what_a_command_line_may_call_them() -> None:
    plugins = load_plugins()
    kinds = {url: from_argument(f"t={url}", plugins).kind for url in (
        "tempo+http://t:80/tempo", "http://tempo:3200", "jaeger+https://j", "http://jaeger:16686/",
    )}  # fmt: skip
    assert list(kinds.values()) == ["tempo", "tempo", "jaeger", "jaeger"]
