"""Two estimates against each other: how much larger, how sure, and how likely if nothing were worse than tolerated.

Interval and p-value come from one distribution (Student's t, Welch's degrees of freedom), so they never disagree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from console.analysis.series.estimate import Estimate
from console.analysis.tails import TAIL, student_quantile, student_tail

NEAR_ZERO = 0.4  # a relative standard error above this leaves zero within reach: differences are compared instead
NOTHING = 1e-12  # of the other side: a side smaller than that is zero, and a ratio to it no number
SCALE_FLOOR = 0.005  # no side is known better than to half a percent, so a flat series does not make a scale of zero


@dataclass(frozen=True, slots=True)
class Contrast:
    """Current minus baseline on the scale where they can be compared, with standard errors down and up."""

    scale: Literal["log", "linear"]
    shift: float
    minus: float
    plus: float
    freedom: float
    margin: float  # what is tolerated, either way
    ratio: float | None
    difference: float
    interval: tuple[float, float]  # of the ratio, or of the difference where there is none
    lean: float = 0.0  # what leaning on the centre has added to the shift

    @property
    def p_higher(self) -> float:
        """How likely so high a value is if the truth were no higher than tolerated."""
        return student_tail((self.shift - self.margin) / self.minus, self.freedom)

    @property
    def p_lower(self) -> float:
        """How likely so low a value is if the truth were no lower than tolerated."""
        return student_tail((-self.shift - self.margin) / self.plus, self.freedom)

    @property
    def is_higher(self) -> bool:
        """The point estimate, by itself or leaning on the centre, lies above what is tolerated."""
        return max(self.shift, self.shift - self.lean) > self.margin

    @property
    def is_lower(self) -> bool:
        """The point estimate, by itself or leaning on the centre, lies below what is tolerated."""
        return -min(self.shift, self.shift - self.lean) > self.margin


def contrast(current: Estimate, baseline: Estimate, *, tolerance: float, floor: float) -> Contrast:
    """Compare on the log scale where both sides are safely positive, as a difference otherwise.

    On the log scale a tolerance of 0.2 allows ×1.2 and ÷1.2; a difference may be `tolerance` of the baseline's size,
    and `floor` (the values' unit) in any case.
    """
    difference = current.value - baseline.value
    is_something = baseline.value > max(floor, NOTHING * abs(current.value))
    if is_something and _is_positive(baseline) and _is_positive(current) and current.value > NOTHING * baseline.value:
        a, b = current.value, baseline.value
        point = math.log(a / b)
        minus, plus, freedom = _combined(current, baseline, 1 / a, 1 / b, SCALE_FLOOR)
        shift, minus, plus, freedom = _with_centre(point, minus, plus, freedom, current, baseline)
        margin = math.log1p(max(tolerance, floor / min(a, b)))
        reach = student_quantile(TAIL, freedom)
        low, high = min(shift - reach * minus, point), max(shift + reach * plus, point)
        interval = (_exp(low), _exp(high))
        return Contrast("log", shift, minus, plus, freedom, margin, a / b, difference, interval, shift - point)
    least = max(SCALE_FLOOR * max(abs(current.value), abs(baseline.value)), floor * SCALE_FLOOR, 1e-12)
    minus, plus, freedom = _combined(current, baseline, 1.0, 1.0, least)
    margin = max(floor, tolerance * abs(baseline.value))
    reach = student_quantile(TAIL, freedom)
    low, high = difference - reach * minus, difference + reach * plus
    if is_something and _is_positive(baseline):
        # The current side is at zero or nearly: the ratio still means something, its interval is the difference's.
        ratio = current.value / baseline.value
        least_ratio = 0.0 if current.value >= 0 else -math.inf  # what is never negative has no ratio below 0
        interval = (max(1 + low / baseline.value, least_ratio), 1 + high / baseline.value)
        return Contrast("linear", difference, minus, plus, freedom, margin, ratio, difference, interval)
    return Contrast("linear", difference, minus, plus, freedom, margin, None, difference, (low, high))


def _with_centre(
    shift: float, minus: float, plus: float, freedom: float, current: Estimate, baseline: Estimate
) -> tuple[float, float, float, float]:
    """(shift, errors down and up, freedom) of a quantile that leans on the centre where the data allow it.

    Where all values moved alike, the centre tells by how much, and far more surely than a tail does; where the quantile
    moved otherwise, only the quantile itself tells. How much otherwise is estimated: not at all while the difference of
    the two is no larger than its error, and by their difference beyond that (James and Stein, 1961).
    """
    if current.centre is None or baseline.centre is None:
        return shift, minus, plus, freedom
    error = math.sqrt((minus * minus + plus * plus) / 2)
    centre = current.centre.value - baseline.centre.value
    its_error, _plus, its_freedom = _combined(current.centre, baseline.centre, 1.0, 1.0, SCALE_FLOOR)
    shared = (current.together + baseline.together) / 2 * error * its_error
    away = max(error * error + its_error * its_error - 2 * shared, (shift - centre) * (shift - centre))
    if not 0 < away < math.inf:
        return shift, minus, plus, freedom
    lean = min(max((error * error - shared) / away, 0.0), 1.0)
    left = math.sqrt(max(error * error - lean * (error * error - shared), 0.0))
    # The centre errs as much either way: what leans on it does so too.
    minus, plus = (left * (one / error) ** (1 - lean) for one in (minus, plus))
    return shift + lean * (centre - shift), minus, plus, its_freedom if lean > 0.5 else freedom


def _is_positive(one: Estimate) -> bool:
    error = max(one.minus, one.plus, math.sqrt(one.between))
    return one.value > 0 and error <= NEAR_ZERO * one.value


def _combined(current: Estimate, baseline: Estimate, a: float, b: float, least: float) -> tuple[float, float, float]:
    """Standard errors down and up and Welch's degrees of freedom of current - baseline, each scaled by its factor."""
    # x * x, not x**2: values of 1e-200 beside others make a factor whose square Python would refuse, and inf will do.
    spreads = [(math.sqrt(one.between) * factor, one.seasons - 1) for one, factor in ((current, a), (baseline, b))]
    seasons = [(spread * spread, freedom) for spread, freedom in spreads]

    def together(mine: float, its: float) -> tuple[float, float]:
        scaled = [(mine * a, current.freedom), (its * b, baseline.freedom)]
        parts = [*((error * error, freedom) for error, freedom in scaled), *seasons]
        variance = sum(part for part, _freedom in parts)
        lost = sum(part * part / freedom for part, freedom in parts if part > 0)
        # The floor is a certainty, not an estimate: it adds variance and no doubt about it.
        variance += 2 * least * least
        if not math.isfinite(lost):
            return math.inf, 1.0
        return math.sqrt(variance), variance * variance / lost if lost > 0 else math.inf

    minus, down = together(current.minus, baseline.plus)
    plus, up = together(current.plus, baseline.minus)
    return minus, plus, max(1.0, min(down, up))


def _exp(x: float) -> float:
    return math.exp(min(x, 700.0))
