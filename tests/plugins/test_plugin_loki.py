"""Loki: what it is asked, what its answers become, and how it may fail. The server is a strict stand-in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lokistand import LokiStand, Said, loki, read_logql
from pages import plugin

from console.errors import AndonError, SourceDenied, SourceError, SourceMalformed
from console.model import Labels, LogLine, Span
from console.plugins import load_plugins
from console.sources.opening import from_argument
from console.sources.types import LogRequest

NOON = 1_795_348_800.0
HOUR = Span(NOON, NOON + 3600)
CART = {"app": "cart", "namespace": "shop", "pod": "cart-1"}
LOKI = plugin("loki")
QUERY = plugin("_loki_query")


def served(many: int, every: float, stream: dict[str, str] = CART, text: str = "level=info msg=served") -> list[Said]:
    return [Said(NOON + at * every, f"{text} n={at}", stream) for at in range(many)]


async def read(
    stand: LokiStand, where: dict[str, str] | None = None, span: Span = HOUR, **request: Any
) -> Sequence[LogLine]:
    options = request.pop("options", {})
    source = LOKI.Loki("loki", LOKI.LokiOptions(url=stand.url, **({"timeout": 2.0} | options)))
    try:
        lines: Sequence[LogLine] = await source.logs(LogRequest(span, Labels.of(where or {}), **request))
        return lines
    finally:
        await source.close()


async def test_lines_are_read_with_their_service_severity_and_trace() -> None:
    said = [
        Said(NOON + 3, '{"level": "error", "msg": "lost", "trace_id": "ab12"}', CART),
        Said(NOON + 2, "slow answer", CART | {"detected_level": "warn"}, {"trace_id": "cd34"}),
        Said(NOON + 1, "E1122 12:00:01.000000 1 x.go:1] gone", {"app": "pay"}),
    ]
    async with loki(said) as stand:
        lines = await read(stand)
    assert [(line.time, line.service, line.severity, line.trace) for line in lines] == [
        (NOON + 1, "pay", "error", ""), (NOON + 2, "cart", "warn", "cd34"), (NOON + 3, "cart", "error", "ab12"),
    ]  # fmt: skip
    assert [line.body for line in lines][1:] == ["slow answer", "lost"]
    assert stand.queries[-1]["query"] == '{app=~".+"}'


async def test_common_labels_find_the_stream_labels_that_have_their_values() -> None:
    said = [*served(3, 1), *served(2, 1, {"app": "other", "service_name": "unknown", "container": "glove"})]
    async with loki(said) as stand:
        assert len(await read(stand, {"model": "cart", "namespace": "shop"})) == 3
        assert stand.queries[-1]["query"] == '{app="cart",namespace="shop"}'
        assert len(await read(stand, {"model": "glove"})) == 2
        assert stand.queries[-1]["query"] == '{container="glove"}'
        assert await read(stand, {"model": "nobody"}) == []
        assert stand.queries[-1]["what"] != "query_range"


async def test_what_the_configuration_says_of_labels_goes_before() -> None:
    async with loki(served(3, 1)) as stand:
        options = {"labels": {"model": "pod"}, "only": {"namespace": "shop"}}
        assert len(await read(stand, {"model": "cart-1"}, options=options)) == 3
        assert [query["query"] for query in stand.queries] == ['{namespace="shop",pod="cart-1"}']


async def test_where_there_is_too_much_all_stretches_of_the_span_are_heard() -> None:
    async with loki(served(20_000, 0.18)) as stand:
        lines = await read(stand, {"service": "cart"}, most=600)
    assert len(lines) == 600
    quarters = [sum(NOON + 900 * q <= line.time < NOON + 900 * (q + 1) for line in lines) for q in range(4)]
    assert quarters == [150] * 4
    assert sum(line.stands_for for line in lines) == pytest.approx(20_000, rel=0.05)
    assert all(line.stands_for > 1.01 for line in lines)


async def test_all_lines_are_taken_where_there_are_no_more() -> None:
    async with loki(served(599, 1.0)) as stand:
        lines = await read(stand, most=600)
    assert {line.stands_for for line in lines} == {1.0}
    assert len([query for query in stand.queries if query["what"] == "query_range"]) == 1


async def test_only_words_or_only_trouble_is_asked_for_there() -> None:
    said = [*served(50, 1), Said(NOON + 9.5, "msg=Refused 50% (of it)", CART)]
    async with loki(said) as stand:
        assert [line.body for line in await read(stand, words="50% (OF")] == ["msg=Refused 50% (of it)"]
        assert [line.body for line in await read(stand, grave=True)] == ["msg=Refused 50% (of it)"]


async def test_a_lower_limit_of_entries_is_learnt() -> None:
    async with loki(served(4_000, 0.9), most=100) as stand:
        lines = await read(stand, {"service": "cart"}, most=1_000)
    assert 900 < len(lines) <= 1_000
    assert max(int(query["limit"]) for query in stand.queries[-12:] if "limit" in query) <= 100


async def test_it_wants_its_tenant() -> None:
    async with loki(served(3, 1), tenant="team-a") as stand:
        assert len(await read(stand, options={"headers": {"X-Scope-OrgID": "team-a"}})) == 3
        with pytest.raises(SourceDenied):
            await read(stand)


@pytest.mark.parametrize(
    ("fault", "kind", "words", "hint"),
    [
        ("429", SourceError, "answered 429 Too Many Requests: too many outstanding requests", "it is busy with others"),
        ("503", SourceError, "answered 503 Service Unavailable: rpc error", ""),
        ("slow", SourceError, "took more than 0.3 s to answer", "timeout"),
        ("garbage", SourceMalformed, "does not answer like a Loki", "URL"),
        ("half", SourceMalformed, "does not answer like a Loki", "URL"),
        ("other", SourceMalformed, "does not answer like a Loki", "URL"),
        ("odd values", SourceMalformed, "does not answer like a Loki", "URL"),
    ],
)
async def test_each_way_to_fail_is_said_in_words(fault: str, kind: type[AndonError], words: str, hint: str) -> None:
    async with loki(served(3, 1), fault=fault) as stand:
        with pytest.raises(kind) as raised:
            await read(stand, options={"timeout": 0.3, "only": {"app": "cart"}})
    assert words in raised.value.message
    assert hint in raised.value.hint


async def test_a_loki_that_is_down_cannot_be_reached() -> None:
    async with loki([]) as stand:
        pass
    with pytest.raises(SourceError, match="cannot be reached"):
        await read(stand)


async def test_an_answer_is_bounded_in_bytes_and_a_line_in_characters() -> None:
    async with loki([Said(NOON + 1, "x" * 10_000_000, CART)]) as stand:
        (line,) = await read(stand)
        assert len(line.body) == 4_000
        with pytest.raises(SourceMalformed, match="more than 1,000,000 bytes"):
            await read(stand, options={"max_bytes": 1_000_000})


async def test_check_says_what_there_is_and_how_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOKI.time, "time", lambda: NOON + 100)
    async with loki(served(3, 1)) as stand:
        source = LOKI.Loki("loki", LOKI.LokiOptions(url=stand.url))
        status = await source.check()
        await source.close()
    assert (status.state, status.newest, status.reason) == ("ok", NOON + 2, "labels app, namespace, pod")
    async with loki([]) as stand:
        source = LOKI.Loki("loki", LOKI.LokiOptions(url=stand.url))
        assert (await source.check()).state == "stale"
        await source.close()


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=40), max_size=4), st.text(max_size=40), st.booleans())
def test_no_name_value_or_word_leaves_its_place_in_the_query(labels: dict[str, str], words: str, grave: bool) -> None:
    query = QUERY.logql(labels, 'a"}', words, grave=grave)
    query.encode()
    try:
        understood = read_logql(query)
    except ValueError as error:  # only the rule about empty matchers may speak
        assert "at least one matcher" in str(error)
        return
    values = sorted(value.encode("utf-8", "replace").decode() for value in labels.values())
    assert sorted(value for _name, how, value in understood.matchers if how == "=") == values
    assert len(understood.matchers) == max(len(labels), 1)
    assert len(understood.filters) == bool(words) + grave


@pytest.mark.parametrize("nasty", ['"} or vector(1) #', "a\\", '\\"', "line\nfeed", "`", "{}", "\x00\x1b[2J", "\ud800"])
async def test_a_nasty_value_finds_its_own_lines_and_no_others(nasty: str) -> None:
    plain = nasty.encode("utf-8", "replace").decode()
    async with loki([Said(NOON + 1, "mine", {"app": plain}), *served(3, 1)]) as stand:
        assert [line.body for line in await read(stand, {"service": nasty})] == ["mine"]


def test_what_a_command_line_may_call_a_loki() -> None:
    plugins = load_plugins()
    assert from_argument("l=loki+https://logs.example/loki", plugins).options == {"url": "https://logs.example/loki"}
    assert from_argument("l=http://loki:3100", plugins).kind == "loki"
    assert from_argument("l=http://loki:3100/metrics", plugins).kind == "metrics"
