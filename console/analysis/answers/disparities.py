"""Is one group treated worse than the others? The gap between a segment and all other rows, now and in the baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from console.analysis.answers.differences import Question, Tolerance, interval, title
from console.analysis.answers.metrics import Key, Reading, folded, gap_readings
from console.analysis.answers.outcomes import added
from console.model import Disparity, Metric, MetricName, Outcomes, Record, SegmentOutcomes, Verdict


def disparities(
    baseline: Record, current: Record, tolerance: Tolerance, settled: Callable[[Outcomes], Outcomes]
) -> Iterator[tuple[SegmentOutcomes, Question]]:
    """For each segment and metric: how far it lies from that of all other rows, on both sides.

    A gap is judged by its size: what grew is a disparity whichever way it points. Of a column with two values only
    one is asked, because the other's gap is the same. `settled` is done to outcomes before they are read.
    """
    now = {(one.column, one.value): one.outcomes for one in current.segments}
    for column in dict.fromkeys(one.column for one in baseline.segments):
        segments = [one for one in baseline.segments if one.column == column and (column, one.value) in now]
        if len(segments) < 2:
            continue
        for one in segments[: 1 if len(segments) == 2 else None]:
            others = [other for other in segments if other is not one]
            before = _gaps(settled(one.outcomes), settled(added([other.outcomes for other in others])))
            after = _gaps(
                settled(now[column, one.value]), settled(added([now[column, other.value] for other in others]))
            )
            for key in before:
                if key in after:
                    called = f"gap of {title(key)} to the others"
                    yield one, Question(key, before[key], after[key], tolerance, called, grows_worse=True)


def without_mirrors(found: Sequence[tuple[SegmentOutcomes, Question]], metrics: Sequence[Metric]) -> list[Disparity]:
    """The judged gaps, less those that are only the other side of a graver one.

    When one segment falls behind, all the others come to lie above the rest: of one column and metric only those that
    lie on the side of the surest gap are news.
    """
    side: dict[tuple[str, MetricName], str] = {}
    pairs = list(zip(found, metrics, strict=True))
    for (one, question), metric in sorted(pairs, key=lambda pair: 1.0 if pair[1].p is None else pair[1].p):
        if metric.verdict is Verdict.DEGRADED and question.current is not None:
            side.setdefault((one.column, metric.name), question.current.side)
    return [
        Disparity(one.column, one.value, metric)
        for (one, question), metric in pairs
        if metric.verdict is not Verdict.DEGRADED
        or question.current is None
        or question.current.side == side[one.column, metric.name]
    ]


def _gaps(one: Outcomes, others: Outcomes) -> dict[Key, Reading]:
    ours, theirs = gap_readings(one), gap_readings(others)
    return {key: _gap(theirs[key], ours[key]) for key in ours if key in theirs}


def _gap(others: Reading, one: Reading) -> Reading:
    """The size of a difference."""
    difference = one.value - others.value
    return Reading(
        abs(difference),
        min(one.n, others.n),
        lambda reach: folded(*interval(others, one, reach)),
        others.scale,
        "below them" if difference < 0 else "above them",
    )
