"""Native histograms of Prometheus read as classic ones: buckets that come with an answer become edges that add up.

A point of such a series is {"count": …, "sum": …, "buckets": [[boundaries, lower, upper, count], …]}: only buckets that
hold something are said, and their bounds may become coarser from one point to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

from console.signals.matrix import Row

SHAPE = "a histogram lacks its count, its sum or its buckets"


def classic(rows: Sequence[Row]) -> list[Row]:
    """A row for each edge (`le`, cumulative) and one without for the sum, of every series of native histograms.

    What two coarser bounds enclose is counted below the upper one, whatever finer edges other points have between.
    Raises ValueError where a point is no histogram.
    """
    return [flat for metric, points in rows for flat in _flat(metric, points)]


def _flat(metric: Mapping[str, str], points: Sequence[tuple[float, Any]]) -> Iterator[Row]:
    read = [(moment, *_read(point)) for moment, point in points]
    edges = sorted({edge for _moment, _sum, counts in read for edge in counts} | {inf})
    for edge in edges:
        below = [(moment, sum(n for upper, n in counts.items() if upper <= edge)) for moment, _sum, counts in read]
        yield {**metric, "le": repr(edge)}, below
    yield metric, [(moment, total) for moment, total, _counts in read]


def _read(point: Any) -> tuple[float, dict[float, float]]:
    """The sum, and what was observed by upper bound; what no bucket tells of lies above them all."""
    try:
        counts: dict[float, float] = {}
        for _boundaries, _lower, upper, count in point.get("buckets", ()):
            counts[float(upper)] = counts.get(float(upper), 0.0) + float(count)
        rest = float(point["count"]) - sum(counts.values())
        return float(point["sum"]), counts | {inf: counts.get(inf, 0.0) + max(rest, 0.0)}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(SHAPE) from error
