"""Are fewer answers right? Metrics of a current window against a baseline, from counts, as a whole and by segment.

Performance has its own clock: only rows with a label are judged, and how many wait for theirs is said. Where labels do
not come at random, metrics are carried over to all rows; where there are none, they are estimated, which never clears.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.answers.differences import GRAVITY, Question, Tolerance, judged, worst_first
from console.analysis.answers.disparities import disparities, without_mirrors
from console.analysis.answers.dispersion import dispersion
from console.analysis.answers.estimated import BLIND, estimated, explained, supported
from console.analysis.answers.labelling import labelling, of_all_rows
from console.analysis.answers.metrics import HIGHER_IS_BETTER, Key, Reading, readings
from console.analysis.answers.outcomes import scaled
from console.analysis.onset import onset
from console.model import (
    Direction,
    Disparity,
    Labelling,
    Metric,
    MetricName,
    Outcomes,
    Performance,
    Record,
    SegmentOutcomes,
    SegmentPerformance,
    StepOutcomes,
    Task,
    Verdict,
)

if TYPE_CHECKING:
    from console.model import Array

OF_SEGMENTS: Mapping[Task, tuple[MetricName, ...]] = {
    "scores": ("accuracy", "recall", "precision", "auroc"),
    "classes": ("accuracy", "recall", "precision", "f1"),
    "numbers": ("mae", "bias"),
}
USUAL = Tolerance()
FEWEST_OF_STEP = 5  # labelled rows of a step whose metric counts for the onset
LEAST_SUPPORT = 0.95
LEAST_ODD = 0.01  # of the rows: fewer odd ones are not worth a word
ODD = {
    "unanswered": "have no prediction",
    "outside": "have a prediction that is none",
    "odd": "have a label that is none",
}


def performance(current: Record, baseline: Record, *, tolerance: Tolerance = USUAL, alpha: float = 0.01) -> Performance:
    """How well the current rows are answered against those of the baseline; both counted by the baseline's grid.

    `alpha` holds over all metrics, segments and disparities together (Benjamini-Hochberg). degraded: any of them is
    worse by more than the tolerance; else the verdict is that of the metric that stands for all answers (accuracy, or
    the mean absolute error). Without enough labels it is no_data, or inconclusive where the estimate raises doubt.
    Steps of the baseline that differ by more than chance widen every interval. Raises ValueError where grids differ.
    """
    if current.whole.grid != baseline.whole.grid:
        raise ValueError("both sides have to be counted by the baseline's grid")
    task = baseline.whole.grid.task
    waits = labelling(current.whole, baseline.whole)
    spread = dispersion(baseline.steps)

    def settled(outcomes: Outcomes) -> Outcomes:
        return scaled(of_all_rows(outcomes) if waits.is_selective else outcomes, 1 / spread)

    sides = settled(baseline.whole), settled(current.whole)
    whole = _questions(readings(sides[0]), readings(sides[1]), tolerance)
    by_segment = {
        (one.column, one.value): _of_segment(settled(one.outcomes), settled(now), tolerance)
        for one, now in _shared_segments(baseline, current)
    }
    gaps = list(disparities(baseline, current, tolerance, settled))
    family = iter(judged([*whole, *(q for part in by_segment.values() for q in part), *(q for _, q in gaps)], alpha))
    metrics = [next(family) for _ in whole]
    segments = [_segment(column, value, [next(family) for _ in part]) for (column, value), part in by_segment.items()]
    apart = without_mirrors(gaps, [next(family) for _ in gaps])
    plain: tuple[Metric, ...] = ()
    if waits.is_selective:
        before, now = (readings(scaled(one.whole, 1 / spread)) for one in (baseline, current))
        plain = worst_first(judged(_questions(before, now, tolerance), alpha))
    guesses: tuple[Metric, ...] = ()
    if waits.labelled[1] < waits.rows[1]:
        guesses = estimated(scaled(current.whole, 1 / spread), scaled(baseline.whole, 1 / spread), tolerance, alpha)
    verdict, reason = _concluded(metrics, segments, apart, guesses, waits)
    ordered = worst_first(metrics)
    return Performance(
        verdict, reason, task, ordered,
        tuple(sorted(segments, key=lambda one: (GRAVITY.index(one.verdict), _p(one.metrics)))),
        tuple(sorted(apart, key=lambda one: (GRAVITY.index(one.metric.verdict), _p([one.metric])))),
        waits, plain, guesses, _onset(ordered, baseline, current, tolerance), spread,
        tuple(_notes(current.whole, baseline.whole, waits, bool(guesses), verdict)),
    )  # fmt: skip


# ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────────────


def _questions(baseline: Mapping[Key, Reading], current: Mapping[Key, Reading], tolerance: Tolerance) -> list[Question]:
    """None where one side has no label at all: that is said once, not of each metric."""
    if not baseline or not current:
        return []
    return [Question(key, baseline.get(key), current.get(key), tolerance) for key in {**baseline, **current}]


def _shared_segments(baseline: Record, current: Record) -> Iterator[tuple[SegmentOutcomes, Outcomes]]:
    """Segments of the baseline with their current outcomes."""
    now = {(one.column, one.value): one.outcomes for one in current.segments}
    for one in baseline.segments:
        if (found := now.get((one.column, one.value))) is not None:
            yield one, found


def _of_segment(baseline: Outcomes, current: Outcomes, tolerance: Tolerance) -> list[Question]:
    names = OF_SEGMENTS[baseline.grid.task]
    asked = _questions(readings(baseline), readings(current), tolerance)
    return [one for one in asked if one.key[0] in names and not one.key[1]]


def _segment(column: str, value: str | None, metrics: Sequence[Metric]) -> SegmentPerformance:
    ordered = worst_first(metrics)
    verdict = ordered[0].verdict if ordered else Verdict.NO_DATA
    return SegmentPerformance(column, value, verdict, ordered)


# ── what is concluded ────────────────────────────────────────────────────────────────────────────────────────────────


def _concluded(
    metrics: Sequence[Metric],
    segments: Sequence[SegmentPerformance],
    apart: Sequence[Disparity],
    guesses: Sequence[Metric],
    waits: Labelling,
) -> tuple[Verdict, str]:
    """`metrics` with the one that stands for all answers first."""
    everything = [(one, "") for one in metrics]
    everything += [(one, f"{part.name}: ") for part in segments for one in part.metrics]
    everything += [(part.metric, f"{part.name}: ") for part in apart]
    worse = [one for one in everything if one[0].verdict is Verdict.DEGRADED]
    if worse:
        metric, where = min(worse, key=lambda one: _p([one[0]]))
        return Verdict.DEGRADED, where + metric.text
    doubt = next((one for one in guesses if one.verdict is Verdict.INCONCLUSIVE), None)
    stands = metrics[0] if metrics else None
    if stands is None or stands.verdict is Verdict.NO_DATA:
        if doubt is not None:
            return Verdict.INCONCLUSIVE, f"estimated {doubt.text}"
        have = f"{waits.labelled[1]:,} labelled rows in the current window, {waits.labelled[0]:,} in the baseline"
        return Verdict.NO_DATA, f"too few: {have}" if min(waits.labelled) else f"absent: {have}"
    if stands.verdict is Verdict.OK and doubt is not None:
        return Verdict.INCONCLUSIVE, f"estimated {doubt.text}"
    return stands.verdict, f"{stands.text}: {stands.reason}"


def _onset(ordered: Sequence[Metric], baseline: Record, current: Record, tolerance: Tolerance) -> float | None:
    """The start of the step since when the gravest metric is worse; None where nothing is, or no step shows it."""
    if not ordered or ordered[0].verdict is not Verdict.DEGRADED or current.step is None:
        return None
    stands: Key = ("mae", "") if baseline.whole.grid.task == "numbers" else ("accuracy", "")
    gravest = (ordered[0].name, ordered[0].of)
    for key in dict.fromkeys((gravest, stands)):
        before, now = (_by_step(record.steps, key) for record in (baseline, current))
        usual = [one for one in before if one is not None]
        if not usual or not now:
            continue
        since = onset(
            _values(before), _values(now), np.array([one.start + current.step for one in current.steps]),
            Direction.DOWN if key[0] in HIGHER_IS_BETTER else Direction.UP,
            step=current.step, margin=tolerance.of(usual[0]),
        )  # fmt: skip
        if since is not None:
            return since
    return None


def _by_step(steps: Sequence[StepOutcomes], key: Key) -> list[Reading | None]:
    found = [readings(one.outcomes).get(key) for one in steps]
    return [None if one is None or one.n < FEWEST_OF_STEP else one for one in found]


def _values(found: Sequence[Reading | None]) -> Array:
    return np.array([np.nan if one is None else one.value for one in found])


def _notes(
    current: Outcomes, baseline: Outcomes, waits: Labelling, has_guesses: bool, verdict: Verdict
) -> Iterator[str]:
    """What has to be known beside the numbers."""
    if verdict is Verdict.DEGRADED:
        yield from explained(current, baseline)
    if waits.labelled[1] < waits.rows[1]:
        yield waits.text
    for name in ("unanswered", "outside", "odd"):
        shares = [getattr(one, name) / one.rows if one.rows else 0.0 for one in (baseline, current)]
        if shares[1] > max(LEAST_ODD, 2 * shares[0]):
            yield f"{shares[1]:.1%} of the rows {ODD[name]} ({shares[0]:.1%} before)"
    if has_guesses:
        yield BLIND
        support = supported(current, baseline)
        if support < LEAST_SUPPORT:
            yield f"{1 - support:.0%} of the answers lie where the baseline has no label: nothing is estimated of them"
    elif waits.labelled[1] < waits.rows[1] and current.grid.task == "numbers":
        yield "nothing honest can be estimated for numbers without labels"


def _p(metrics: Sequence[Metric]) -> float:
    return min((one.p for one in metrics if one.p is not None), default=1.0)
