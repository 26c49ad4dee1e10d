"""`compare`: whom it asks, at which resolution, and what its findings say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playbook_world import NOW, Readings, counter, spread
from pydantic import ValidationError

from console.errors import NoData, SourceError, StoreError
from console.model import Frame, Labels, Span, State, Verdict, Window
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps.compare import STEP, CompareOptions
from console.sources.estate import Estate
from console.words import instant

DAY = 86400.0
CURRENT = Window((Span(NOW - 900, NOW),))
YESTERDAY = Window((Span(NOW - 900 - DAY, NOW - DAY),), "offset")
GLOVE, SHOE = Labels.of(model="glove"), Labels.of(model="shoe")


def context(*readers: Any, **changes: Any) -> StepContext:
    fields: dict[str, Any] = {
        "step": "s", "current": CURRENT, "baseline": YESTERDAY, "inputs": {}, "results": {}, "now": NOW, "ask": None,
    }  # fmt: skip
    return StepContext(estate=changes.pop("estate", Estate(readers=list(readers))), **(fields | changes))


async def looked(reader: Any, options: dict[str, Any], **changes: Any) -> StepOutcome:
    outcome: StepOutcome = await STEP.run(context(reader, **changes), CompareOptions.model_validate(options))
    return outcome


async def test_a_slower_model_is_degraded_since_it_was_slower() -> None:
    onset = NOW - 480
    reader = Readings({"model.latency": {GLOVE: spread(0.08, onset, 0.4)}})
    outcome = await looked(reader, {"signal": "model.latency", "where": {"model": "glove"}})
    assert outcome.state is State.DEGRADED
    assert outcome.values["ratio"] > 2
    assert outcome.values["current.stat"] > outcome.values["baseline.stat"] > 0
    assert abs(outcome.values["onset"] - onset) <= 60
    (finding,) = outcome.findings
    assert (finding.kind, finding.stat, finding.signal, finding.labels) == (
        "comparison",
        "p95",
        "model.latency",
        Labels(),
    )
    assert (
        finding.text.startswith("model.latency p95 is ")
        and " ms, was " in finding.text
        and "since 2026-" in finding.text
    )


@pytest.mark.parametrize("late", [0, 15, 30, 45, 52])
async def test_an_onset_among_minutes_is_found_to_the_sample(late: int) -> None:
    onset = NOW - 540 + late
    reader = Readings({"model.latency": {GLOVE: spread(0.08, onset, 0.4)}})
    outcome = await looked(reader, {"signal": "model.latency"})
    assert outcome.state is State.DEGRADED
    assert abs(outcome.values["onset"] - onset) <= 15
    assert [query.step for query in reader.queries] == [60, 60, 15]


async def test_an_onset_without_a_quiet_part_before_it_stays_as_it_was_found() -> None:
    reader = Readings({"model.latency": {GLOVE: spread(0.08, NOW - 900, 0.4)}})
    outcome = await looked(reader, {"signal": "model.latency"})
    assert outcome.values["onset"] == NOW - 900
    assert f"since before {instant(NOW - 900)}" in outcome.findings[0].text  # not as if it had begun just then
    old = Window((Span(NOW - 7200, NOW - 6300),))
    reader = Readings({"model.latency": {GLOVE: spread(0.08, NOW - 7000, 0.4)}})
    await looked(reader, {"signal": "model.latency"}, current=old)
    assert [query.step for query in reader.queries] == [60, 60]  # its raw samples are gone


async def test_both_sides_are_asked_at_one_resolution_minutes_where_raw_samples_are_gone() -> None:
    reader = Readings({"model.requests": {GLOVE: counter(5.0)}})
    await looked(reader, {"signal": "model.requests"})
    assert [query.step for query in reader.queries] == [60, 60]
    reader.queries.clear()
    before = Window((Span(NOW - 1800, NOW - 900),), "before")
    await looked(reader, {"signal": "model.requests"}, baseline=before, interval=15.0)
    assert [query.step for query in reader.queries] == [15, 15]


async def test_an_empty_selector_selects_all_and_a_windows_own_is_added() -> None:
    reader = Readings({"model.requests": {Labels.of(model="glove", track="stable"): counter(5.0)}})
    stable = Window(CURRENT.spans, "where", where=Labels.of(track="stable"))
    await looked(reader, {"signal": "model.requests", "where": {"model": ""}}, baseline=stable)
    assert [query.where for query in reader.queries] == [Labels(), Labels.of(track="stable")]


async def test_every_label_set_is_judged_and_the_gravest_speaks() -> None:
    series = {GLOVE: spread(0.08), SHOE: spread(0.08, NOW - 900, 0.3)}
    outcome = await looked(Readings({"model.latency": series}), {"signal": "model.latency", "by": ["model"]})
    assert outcome.values["labels"] == {"model": "shoe"}
    assert (outcome.values["series"], outcome.values["degraded"]) == (2, 1)
    assert [(each.labels, each.verdict) for each in outcome.findings] == [
        (SHOE, Verdict.DEGRADED),
        (GLOVE, Verdict.OK),
    ]
    assert "model.latency p95 of model=shoe is" in outcome.findings[0].text


async def test_a_ratio_is_of_what_the_step_says() -> None:
    reader = Readings(
        {"model.feedback.correct": {GLOVE: counter(9.5, NOW - 900, 5.0)}, "model.feedback": {GLOVE: counter(10.0)}}
    )
    outcome = await looked(reader, {"signal": "model.feedback.correct", "of": "model.feedback", "tolerance": "5%"})
    assert outcome.state is State.DEGRADED
    assert outcome.values["current.stat"] < 0.8 < outcome.values["baseline.stat"]
    assert outcome.findings[0].text.startswith("model.feedback.correct of model.feedback is 0.")


async def test_a_vanished_series_is_a_finding_not_silence() -> None:
    async def read(query: Any) -> Any:
        reader = Readings({"model.requests": {GLOVE: counter(5.0)} if query.window is YESTERDAY else {}})
        return await reader.read(query)

    reader = Readings({"model.requests": {GLOVE: counter(5.0)}})
    reader.read = read  # type: ignore[method-assign]
    outcome = await looked(reader, {"signal": "model.requests", "by": ["model"]})
    assert outcome.state is State.DEGRADED
    assert outcome.findings[0].labels == GLOVE


@pytest.mark.parametrize(("share", "state"), [(0.1, State.NO_DATA), (0.9, State.DEGRADED)])
async def test_what_vanished_while_its_source_was_down_did_not_vanish(share: float, state: State) -> None:
    class Restarted(Readings):
        async def read(self, query: Any) -> Any:
            if query.window is YESTERDAY:
                return await super().read(query)
            return Frame(np.empty(0), query.step)

        async def coverage(self, _span: Any, _step: float) -> float:
            return share

    reader = Restarted({"model.requests": {GLOVE: counter(5.0)}})
    outcome = await looked(reader, {"signal": "model.requests", "by": ["model"]})
    assert outcome.state is state
    if state is State.NO_DATA:
        assert outcome.reason == "stale: its source was collecting in 10% of the current window"


async def test_a_signal_that_nobody_has_is_no_data_and_says_so() -> None:
    with pytest.raises(NoData, match=r"absent: no source has model\.latency"):
        await looked(Readings({}), {"signal": "model.latency"})
    with pytest.raises(NoData, match=r"absent: model\.latency has no sample in either window"):
        await looked(Readings({"model.latency": {}}), {"signal": "model.latency"})


async def test_a_source_that_could_have_had_it_but_is_silent_is_the_reason() -> None:
    silent = Readings({}, broken=StoreError("the store is away", ""))
    with pytest.raises(StoreError):
        await looked(silent, {"signal": "model.latency"})
    estate = Estate(readers=[Readings({})], failed={"prom": SourceError("prom: connection refused", "")})
    with pytest.raises(SourceError, match="prom"):
        await STEP.run(context(estate=estate), CompareOptions(signal="model.latency"))
    well = Readings({"model.requests": {GLOVE: counter(5.0)}})
    outcome = await STEP.run(context(silent, well), CompareOptions(signal="model.requests"))
    assert outcome.state is State.OK


async def test_asked_about_everybody_every_source_tells_of_its_own() -> None:
    store = Readings({"model.requests": {GLOVE: counter(5.0)}})
    server = Readings({"model.requests": {GLOVE: counter(1.0), SHOE: counter(7.0)}})
    outcome = await STEP.run(context(store, server), CompareOptions(signal="model.requests", by=["model"]))
    told = {each.labels: each.current.value for each in outcome.findings if each.current}
    assert told == {GLOVE: pytest.approx(5.0, rel=0.05), SHOE: pytest.approx(7.0, rel=0.05)}
    away = Readings({}, broken=SourceError("it is away", ""))
    outcome = await STEP.run(context(store, away), CompareOptions(signal="model.requests", by=["model"]))
    assert [each.labels for each in outcome.findings] == [GLOVE]


async def test_asked_about_one_model_the_first_source_that_knows_it_tells() -> None:
    store, server = (
        Readings({"model.requests": {GLOVE: counter(5.0)}}),
        Readings({"model.requests": {SHOE: counter(7.0)}}),
    )
    shoe = CompareOptions(signal="model.requests", where={"model": "shoe"})
    outcome = await STEP.run(context(store, server), shoe)
    assert outcome.values["current.stat"] == pytest.approx(7.0, rel=0.05)
    server.queries.clear()
    await STEP.run(context(store, server), CompareOptions(signal="model.requests", where={"model": "glove"}))
    assert not server.queries


async def test_an_empty_baseline_is_no_data() -> None:
    reader = Readings({"model.requests": {GLOVE: counter(5.0)}})
    with pytest.raises(NoData, match="absent: all of it is still to come"):
        await looked(reader, {"signal": "model.requests"}, baseline=Window((), note="all of it is still to come"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"signal": "model.requests", "stat": "ratio"}, "go together"),
        ({"signal": "model.requests", "of": "model.errors", "stat": "rate"}, "go together"),
        ({"signal": "model.queue.depth", "stat": "rate"}, "model.queue.depth is a gauge: it has no rate"),
        ({"signal": "model.requests", "tolerance": True}, "is not a share"),
        ({"signal": "model.requests", "tolerance": "2000%"}, "is not a share"),
        ({"signal": "model.requests", "min_samples": 0}, "greater than or equal to 1"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        CompareOptions.model_validate(options)


@pytest.mark.parametrize(
    ("signal", "stat"), [("model.latency", "p95"), ("model.requests", "rate"), ("model.queue.depth", "p50")]
)
def test_each_kind_of_signal_has_a_statistic_that_suits_it(signal: str, stat: str) -> None:
    assert CompareOptions(signal=signal).statistic == stat
    assert CompareOptions(signal="model.errors", of="model.requests").statistic == "ratio"


def test_a_tolerance_is_a_percentage_or_a_share() -> None:
    assert CompareOptions(signal="model.errors", tolerance="12.5%").tolerance == pytest.approx(0.125)  # type: ignore[arg-type]
    assert CompareOptions(signal="model.errors", tolerance=0.3).tolerance == 0.3
