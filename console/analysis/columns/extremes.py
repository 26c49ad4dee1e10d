"""How far do values reach beyond the usual range, and is that news? One wild value is told from a heavy tail."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from console.analysis.columns.bins import aligned, counted, counts_of
from console.analysis.columns.odd import Level, at_least
from console.analysis.tails import student_tail
from console.model import ColumnProfile

NEAR_OUT = 1.0  # usual ranges beyond the usual range: less is not mentioned
HEAVIEST_TAIL = 1.0  # what is taken of a column whose bins tell nothing of its tail
TAIL_DOUBT = 2.56  # two standard deviations of the logarithm of a farthest value (Gumbel)
FEWEST_PAST = 4  # windows that teach how far a column's extremes reach


def beyond(
    current: ColumnProfile, baseline: ColumnProfile, history: Sequence[ColumnProfile], level: Level
) -> tuple[float, float]:
    """(how many usual ranges the values reach beyond the usual range, the farthest value); 0 where that is no news."""
    past = [one for one in (baseline, *history) if one.minimum is not None and one.maximum is not None]
    if not past or current.minimum is None or current.maximum is None:
        return 0.0, 0.0
    low = min(one.minimum for one in past if one.minimum is not None)
    high = max(one.maximum for one in past if one.maximum is not None)
    width = max(high - low, 1e-9 * max(abs(high), abs(low)), 1e-300)
    sides = [
        ((current.maximum - high) / width, current.maximum, 1),
        ((low - current.minimum) / width, current.minimum, -1),
    ]
    widths, end, way = max(sides)
    if widths <= NEAR_OUT:
        return 0.0, 0.0
    ends = [(one.maximum if way > 0 else one.minimum) or 0.0 for one in past]
    reach = [abs(one - _middle(baseline)) for one in ends]
    distance = abs(end - _middle(baseline))
    chance = _chance_of_reaching(distance, max(reach), current, baseline, way)
    rows = sum(counted(one) for one in past)
    many = (counted(current) / (counted(current) + rows)) ** _rows_beyond(current, baseline, low, high, way)
    before, now = aligned(baseline, current)
    last = -1 if way > 0 else 0
    fuller = at_least((now.counts[last], counted(now)), (before.counts[last], counted(before)))
    if 2 * min(_both(chance, fuller), many) > level.sampling:
        return 0.0, 0.0
    return (widths, end) if _is_unusual(distance, reach[1:], level) else (0.0, 0.0)


def _both(p: float, q: float) -> float:
    """Of two independent p-values one (Fisher, Statistical Methods for Research Workers, 1932): far, and more of it."""
    product = min(p, 1.0) * q
    return product * (1 - math.log(product)) if product > 0 else 0.0


def _chance_of_reaching(
    distance: float, farthest: float, current: ColumnProfile, baseline: ColumnProfile, way: int
) -> float:
    """How likely the current rows reach so far from the middle, by the weight of the baseline's own tail.

    The tail is taken to fall as a power, through the outermost edge and the farthest value (a two-point Hill estimate,
    Ann. Stat. 3, 1975): too heavy for most columns, which is the careful side.
    """
    rows = counted(baseline)
    edge = (baseline.edges[-1] if way > 0 else baseline.edges[0]) if baseline.edges else _middle(baseline)
    outside = baseline.counts[-1 if way > 0 else 0]
    inner = float(abs(edge - _middle(baseline)))
    weight = HEAVIEST_TAIL
    if 0 < inner < farthest and outside > 2:
        falls = math.log(outside)
        weight = min(max(math.log(farthest / inner) / falls * (1 + TAIL_DOUBT / falls), 0.1), 5.0)
    return float(counted(current) / rows * (max(farthest, 1e-300) / distance) ** (1 / weight))


def _rows_beyond(current: ColumnProfile, baseline: ColumnProfile, low: float, high: float, way: int) -> int:
    """So many rows at least lie beyond the usual range: without them the mean could not be where it is.

    All others add no more to the sum than the far edge of their bin does.
    """
    now = aligned(baseline, current)[1]
    bounds = [*now.edges, high] if way > 0 else [low, *now.edges]
    most = float(np.dot(counts_of(now), np.clip(bounds, low, high)))
    excess = (current.mean or 0.0) * counted(current) - most
    width = (current.maximum or 0.0) - high if way > 0 else (current.minimum or 0.0) - low
    return max(0, math.floor(excess / width)) if width else 0


def _is_unusual(distance: float, reach: Sequence[float], level: Level) -> bool:
    """Farther than the extremes of past windows lie from each other, on a scale of factors."""
    past = np.array([one for one in reach if one > 0])
    if past.size < FEWEST_PAST:
        return True
    logs = np.log(past)
    spread = float(np.std(logs, ddof=1)) * math.sqrt(1 + 1 / past.size)
    if spread <= 0:
        return True
    return student_tail((math.log(distance) - float(logs.mean())) / spread, past.size - 1) <= level.usual


def _middle(column: ColumnProfile) -> float:
    """The edge nearest to the median."""
    if not column.edges:
        return column.mean or 0.0
    upto = np.cumsum(counts_of(column))[:-1] / max(counted(column), 1)
    return float(column.edges[int(np.argmin(np.abs(upto - 0.5)))])
