"""`traces`: who is slower, between whom time is lost, where failures begin; clocks, circles and samples aside."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playbook_world import NOW
from tracing import request, requests

from console.analysis.incidents.untangled import untangled
from console.analysis.trace_changes import trace_changes
from console.errors import NoData, SourceError, UsageError
from console.model import Span, State, TraceSpan, Verdict, Window
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps import traces
from console.sources.estate import Estate
from console.sources.types import TraceRequest

BEGAN, BEFORE = NOW - 600, NOW - 7800
CURRENT, BASELINE = Window((Span(BEGAN, NOW),)), Window((Span(BEFORE, BEFORE + 600),), "offset")
USUAL = requests(200, BEFORE, seed=2)


class Traced:
    """A TraceReader of given spans."""

    def __init__(self, spans: Iterable[TraceSpan], *, broken: Exception | None = None) -> None:
        self.kept, self.broken = list(spans), broken
        self.asked: list[TraceRequest] = []

    async def spans(self, request: TraceRequest) -> Sequence[TraceSpan]:
        self.asked.append(request)
        if self.broken:
            raise self.broken
        began = {span.trace: span.start for span in sorted(self.kept, key=lambda span: -span.start)}
        return [span for span in self.kept if request.span.start <= began[span.trace] < request.span.end]


async def looked(*readers: Traced, **options: Any) -> StepOutcome:
    context = StepContext(
        step="time", estate=Estate(traces={f"t{at}": reader for at, reader in enumerate(readers)}), current=CURRENT,
        baseline=BASELINE, inputs={}, results={}, now=NOW, ask=None,  # type: ignore[arg-type]
    )  # fmt: skip
    outcome: StepOutcome = await traces.STEP.run(context, traces.TracesOptions.model_validate(options))
    assert set(outcome.values) <= set(traces.RESULT)
    return outcome


async def test_the_service_whose_own_work_takes_longer_is_named_with_its_onset() -> None:
    outcome = await looked(Traced([*USUAL, *requests(200, BEGAN, since=NOW - 300, then={"db": 0.04})]))
    assert outcome.state is State.DEGRADED
    values = outcome.values
    assert (values["slowest.service"], values["slowest.edge"]) == ("db", "cart → db")
    assert "gap.edge" not in values
    assert "errors.service" not in values
    assert values["onset"] == pytest.approx(NOW - 300, abs=40)
    told = {finding.text.partition(" is ")[0] for finding in outcome.findings if finding.verdict is Verdict.DEGRADED}
    assert {"db: own time p90", "cart → db: calls p90", "web → cart: calls p90"} == told
    assert all(finding.kind == "trace" for finding in outcome.findings)
    assert "200 traces now, 200 before: a sample" in outcome.findings[-1].text


async def test_time_between_a_caller_and_its_callee_is_the_wires() -> None:
    outcome = await looked(Traced([*USUAL, *requests(200, BEGAN, wire=0.03)]))
    values = outcome.values
    assert (values["gap.edge"], values["gap.caller"], values["gap.callee"]) == ("cart → db", "cart", "db")
    assert values["gap.ratio"] > 8
    assert "slowest.service" not in values


async def test_a_request_that_asks_its_callee_five_times_is_told_by_that() -> None:
    values = (await looked(Traced([*USUAL, *requests(200, BEGAN, queries=5)]))).values
    assert (values["often.edge"], values["often.ratio"]) == ("cart → db", 5.0)
    assert (values["slowest.edge"], "slowest.service" in values, "gap.edge" in values) == ("web → cart", False, False)


async def test_where_failures_begin_is_named_and_not_who_passes_them_on() -> None:
    failing = [replace(span, failed=True) if span.operation == "GET /" and number % 3 == 0 else span
               for number, span in enumerate(requests(200, BEGAN, fails=0.3))]  # fmt: skip
    passed_on = {span.trace for span in failing if span.operation == "SELECT" and span.failed}
    told = [replace(span, failed=span.trace in passed_on) for span in failing]
    values = (await looked(Traced([*USUAL, *told]))).values
    assert values["errors.service"] == "db"
    assert values["errors.share"] == pytest.approx(0.3, abs=0.08)


@pytest.mark.parametrize("skew", [-5.0, -0.004, 0.004, 5.0])
async def test_clocks_that_differ_make_neither_gaps_nor_slowness(skew: float) -> None:
    same = await looked(Traced([*USUAL, *requests(200, BEGAN, skew=skew)]))
    assert same.state is not State.DEGRADED
    slow = await looked(Traced([*USUAL, *requests(200, BEGAN, skew=skew, db=0.04)]))
    assert slow.values["slowest.service"] == "db"
    assert "gap.edge" not in slow.values
    values = [finding.current.value for finding in slow.findings if finding.current]
    assert all(value is None or value >= 0 for value in values)


async def test_alike_is_alike_however_often_it_is_looked_at() -> None:
    alarms = 0
    for seed in range(20):
        found = trace_changes(requests(80, BEGAN, seed=seed + 100), requests(150, BEFORE, seed=seed))
        alarms += found.changes[0].comparison.verdict is Verdict.DEGRADED
    assert alarms == 0


async def test_another_mix_of_requests_is_no_slowness() -> None:
    def mixed(start: float, heavy: float) -> list[TraceSpan]:
        chance = random.Random(int(start))
        return [
            TraceSpan(
                f"{start}{n}", "a", "", "web", name, start + n, start + n + seconds * chance.lognormvariate(0, 0.2)
            )
            for n in range(300)
            for name, seconds in ((("GET /report", 2.0) if chance.random() < heavy else ("GET /", 0.02)),)
        ]

    assert (await looked(Traced([*mixed(BEFORE, 0.3), *mixed(BEGAN, 0.8)]), stat="p50")).state is State.OK


async def test_a_hundred_spans_of_few_traces_are_few() -> None:
    few = requests(4, BEGAN, db=0.05, queries=50)
    found = trace_changes(few, requests(200, BEFORE, queries=50))
    own = next(change for change in found.changes if (change.what, change.service) == ("own", "db"))
    assert own.comparison.verdict is Verdict.NO_DATA
    assert own.comparison.reason.startswith("too few: 4 values in current")


async def test_one_trace_with_many_slow_spans_is_one_trace() -> None:
    odd = request("odd", NOW - 100, db=0.5, queries=300)
    outcome = await looked(Traced([*USUAL, *requests(100, BEGAN), *odd]))
    assert "slowest.service" not in outcome.values


async def test_no_traces_are_no_data_and_never_ok() -> None:
    with pytest.raises(NoData, match="absent: no source has traces"):
        await looked()
    with pytest.raises(NoData, match="absent: no trace with service=cart in the current window"):
        await looked(Traced([]), where={"service": "cart"})
    with pytest.raises(NoData, match="absent: no trace in the baseline"):
        await looked(Traced(requests(50, BEGAN)))
    with pytest.raises(NoData, match="too few: 3 traces now, 200 before, 10 of each are needed"):
        await looked(Traced([*USUAL, *requests(3, BEGAN)]))
    with pytest.raises(UsageError, match="there is no source of traces 'x'"):
        await looked(Traced([]), source="x")


async def test_a_broken_source_stops_no_other() -> None:
    broken = Traced([], broken=SourceError("tempo: 503", ""))
    outcome = await looked(Traced([*USUAL, *requests(200, BEGAN)]), broken)
    assert "t1 did not answer" in outcome.findings[-1].text
    with pytest.raises(SourceError, match="tempo: 503"):
        await looked(broken)


# ── spans as they should not be ──────────────────────────────────────────────────────────────────────────────────────


def test_circles_orphans_and_doubles_do_no_harm() -> None:
    def span(id_: str, parent: str, service: str = "a", start: float = 0.0, end: float = 1.0) -> TraceSpan:
        return TraceSpan("t", id_, parent, service, "op", start, end)

    told = untangled([
        span("1", "2"), span("2", "1"),  # a circle
        span("3", "3"),  # its own parent
        span("4", "nobody"), span("5", ""),
        span("5", ""), span("6", "5"),  # twice the same
        span("7", "5", "a", 0.0, 1.0), span("7", "5", "b", 0.2, 0.8), span("8", "7", "c", 0.3, 0.4),  # a shared id
        span("9", "5", end=float("nan")), span("10", "5", start=float("inf")), span("11", "5", start=3.0, end=2.0),
    ])  # fmt: skip
    spans = told.spans
    assert spans.starts.size == 10
    by_place = {(spans.services[spans.service[at]], at): at for at in range(10)}
    shared = next(at for (service, at) in by_place if service == "b")
    below = next(at for (service, at) in by_place if service == "c")
    assert spans.parent[below] == shared
    assert spans.services[spans.service[spans.parent[shared]]] == "a"
    assert (spans.ends >= spans.starts).all()
    assert (spans.parent < 0).sum() == 5  # both of the circle, its own parent, the orphan, the root


IDS = st.sampled_from("abcdef")


@given(
    st.lists(
        st.builds(
            TraceSpan,
            st.sampled_from("xyz"), IDS, IDS | st.just(""), st.sampled_from(("web", "db")), IDS,
            st.floats(-1e12, 1e12), st.floats(-1e12, 1e12), st.booleans(),
        ),
        max_size=30,
    )
)  # fmt: skip
def test_no_spans_are_too_odd_to_be_compared(spans: list[TraceSpan]) -> None:
    found = trace_changes(spans, list(request("t", 0.0)))
    for change in found.changes:
        value = change.comparison.current.value
        assert value is None or value >= 0


def test_a_callee_is_never_moved_further_than_it_must_and_takes_its_own_along() -> None:
    told = untangled([
        TraceSpan("t", "a", "", "web", "call", 10.0, 11.0),
        TraceSpan("t", "b", "a", "db", "serve", 4.0, 4.5),  # six seconds behind
        TraceSpan("t", "c", "b", "db", "read", 4.1, 4.4),
        TraceSpan("t", "d", "b", "disk", "block", 10.1, 10.2),  # by web's clock
    ])  # fmt: skip
    times = {told.spans.operations[told.spans.operation[at]]: (told.spans.starts[at], told.spans.ends[at])
             for at in range(4)}  # fmt: skip
    assert times["serve"] == pytest.approx((10.0, 10.5))
    assert times["read"] == pytest.approx((10.1, 10.4))
    assert times["call"] == (10.0, 11.0)
