"""Plain samples against each other: rows of files, each an observation of its own, with no order and no clock.

Where rows have a time, `analysis.series.timed` makes frames of them, and what neighbours share is accounted for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.compare import MIN_SAMPLES, PARTIAL
from console.analysis.series.contrast import contrast
from console.analysis.series.estimate import Estimate, with_centre
from console.analysis.series.ranks import rank_shift
from console.analysis.series.statistic import QUANTILES
from console.analysis.series.verdicts import Limits, Measured
from console.analysis.tails import TAIL, student_quantile
from console.model import NO_LABELS, Comparison, Labels, Side, Stat, Verdict

if TYPE_CHECKING:
    from console.model import Array


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Observations of one metric with one label set. Large files are counted: a value stands for many near it."""

    metric: str
    labels: Labels = NO_LABELS
    values: Array = field(default_factory=lambda: np.empty(0))  # (k,) finite; ascending where there are no times
    counts: Array = field(default_factory=lambda: np.empty(0))  # (k,) how many observations each stands for
    times: Array | None = None  # (k,) epoch seconds
    rows: int = 0  # all that were looked at, those without a value too

    @property
    def n(self) -> float:
        """How many observations there are."""
        return float(self.counts.sum())

    @classmethod
    def of(cls, metric: str, values: Array, labels: Labels = NO_LABELS) -> Samples:
        """Samples of raw values of any shape; what is not finite counts as missing.

        >>> Samples.of("latency", np.array([3.0, 1.0, np.nan])).values
        array([1., 3.])
        """
        flat = np.asarray(values, dtype=np.float64).ravel()
        known = np.sort(flat[np.isfinite(flat)])
        return cls(metric, labels, known, np.ones(known.size), None, flat.size)


def measured(
    current: Samples | None, baseline: Samples | None, stat: Stat, limits: Limits, min_samples: int | None = None
) -> Measured:
    """One statistic of one metric on both sides; None where a side does not have that metric and label set.

    Errors of quantiles are those of order statistics (binomial, free of any law of the values), those of means are
    Student's on the log scale. Raises ValueError for a stat that rows do not have, and where both sides are None.
    """
    some = current or baseline
    if some is None:
        raise ValueError("neither side has the metric")
    mine, its = (None if one is None or one.n == 0 else _estimate(one, stat) for one in (current, baseline))
    comparison = Comparison(
        some.metric, some.labels, stat, Verdict.NO_DATA, "", _side(mine, "current"), _side(its, "span")
    )
    missing = _missing(current, baseline, stat, MIN_SAMPLES[stat] if min_samples is None else min_samples)
    if missing is not None or mine is None or its is None:
        verdict, reason = missing or (Verdict.NO_DATA, "absent")
        return Measured(_said(comparison, verdict, reason), limits)
    if stat in QUANTILES and current is not None and baseline is not None:
        mine, its = _leaning(mine, its, current, baseline, QUANTILES[stat])
    found = contrast(mine, its, tolerance=limits.tolerance, floor=limits.floor)
    return Measured(
        Comparison(
            some.metric, some.labels, stat, Verdict.NO_DATA, "", comparison.current, comparison.baseline,
            found.ratio, found.difference, found.interval,
        ),
        limits,
        found,
    )  # fmt: skip


def quantile(samples: Samples, q: float | Array) -> Array:
    """The q-quantiles (any shape), interpolated between order statistics as numpy's default does."""
    upto = np.cumsum(samples.counts)
    place = np.clip(np.asarray(q, dtype=np.float64), 0, 1) * (upto[-1] - 1)
    low = samples.values[np.searchsorted(upto, np.floor(place), side="right")]
    high = samples.values[np.minimum(np.searchsorted(upto, np.ceil(place), side="right"), upto.size - 1)]
    share = place - np.floor(place)
    found: Array = low * (1 - share) + high * share
    return found


def _estimate(samples: Samples, stat: Stat) -> Estimate:
    if stat in QUANTILES:
        return _quantile(samples, QUANTILES[stat])
    if stat == "mean":
        return _mean(samples)
    raise ValueError(f"rows have no {stat}")


def _quantile(samples: Samples, q: float) -> Estimate:
    n = samples.n
    reach = student_quantile(TAIL, math.inf)
    half = reach * math.sqrt(q * (1 - q) / n)
    low, value, high = (float(each) for each in quantile(samples, np.array([q - half, q, q + half])))
    minus, plus = _width(value, low, reach), _width(value, high, reach)
    if q + half >= 1 or q - half <= 0:  # the data end before the interval does
        minus = plus = max(minus, plus)
    return Estimate(value, n, int(n), minus, plus, max(1.0, n - 1))


def _leaning(mine: Estimate, its: Estimate, current: Samples, baseline: Samples, q: float) -> tuple[Estimate, Estimate]:
    """Both quantiles with a centre to lean on: where one side's values rank among the other's."""
    if min(current.values[0], baseline.values[0]) < 0:
        return mine, its
    found = rank_shift((current.values, current.counts), (baseline.values, baseline.counts))
    if found is None:
        return mine, its
    n, m = current.n, baseline.n
    sides = (
        (mine, current, found.shift, found.error * math.sqrt(m / (n + m)), found.current_places),
        (its, baseline, 0.0, found.error * math.sqrt(n / (n + m)), found.baseline_places),
    )
    leaning = [
        with_centre(one, Estimate(value, one.n, one.samples, error, error, one.freedom), _together(of, one, places), q)
        for one, of, value, error, places in sides
    ]
    return leaning[0], leaning[1]


def _together(of: Samples, one: Estimate, places: Array) -> float:
    """The correlation of the errors of a quantile and of the centre: of lying above it, and of ranking high."""
    shares = of.counts / of.n
    above = (of.values > one.value) - float(shares @ (of.values > one.value))
    ranked = places - float(shares @ places)
    scale = math.sqrt(float(shares @ above**2) * float(shares @ ranked**2))
    return float(shares @ (above * ranked)) / scale if scale > 0 else 0.0


def _width(value: float, bound: float, reach: float) -> float:
    """The standard error of which `reach` span value to bound: on the log scale where that is one."""
    if value > 0 and bound > 0:
        return value * abs(math.log(bound) - math.log(value)) / reach
    return abs(bound - value) / reach


def _mean(samples: Samples) -> Estimate:
    n = samples.n
    value = float(samples.values @ samples.counts) / n
    spread = float(samples.counts @ (samples.values - value) ** 2) / max(n - 1, 1.0)
    error = math.sqrt(spread / n)
    return Estimate(value, n, int(n), error, error, max(1.0, n - 1))


def _side(one: Estimate | None, kind: str) -> Side:
    return Side(None if one is None else one.value, 0.0 if one is None else one.n, 0.0, 0.0, kind)


def _said(comparison: Comparison, verdict: Verdict, reason: str) -> Comparison:
    return Comparison(
        comparison.signal, comparison.labels, comparison.stat, verdict, reason, comparison.current, comparison.baseline
    )


def _missing(current: Samples | None, baseline: Samples | None, stat: Stat, needed: int) -> tuple[Verdict, str] | None:
    """Why these two cannot be compared, in the order a person would ask; None where they can."""
    if baseline is None or baseline.n == 0:
        if current is None or current.n == 0:
            return Verdict.NO_DATA, "absent: no value on either side"
        return Verdict.INCONCLUSIVE, "appeared: current has it and the baseline does not"
    if current is None or current.n == 0:
        return Verdict.DEGRADED, "vanished: the baseline has it and current does not"
    if current.n / current.rows < PARTIAL * baseline.n / baseline.rows:
        return Verdict.NO_DATA, f"partial: {current.n / current.rows:.0%} of current's rows hold a value"
    for name, one in (("current", current), ("baseline", baseline)):
        if one.n < needed:
            return Verdict.NO_DATA, f"too few: {one.n:.0f} values in {name}, {stat} needs {needed}"
    return None


def usual_stats(current: Samples | None, baseline: Samples | None) -> Sequence[Stat]:
    """What to ask of a metric when nobody said: its centre and as much of its tail as both sides can show.

    A metric of nothing but zeros and ones is a share: its mean says it all.
    """
    sides = [one for one in (current, baseline) if one is not None and one.n > 0]
    if sides and all(bool(np.isin(one.values, (0.0, 1.0)).all()) for one in sides):
        return ("mean",)
    fewest = min((one.n for one in sides), default=0.0)
    tails = [stat for stat in ("p95", "p90") if fewest >= MIN_SAMPLES[stat]]
    return ("p50", *tails[:1], *(("p99",) if fewest >= ENOUGH_FOR_P99 else ()))


ENOUGH_FOR_P99 = 2 * MIN_SAMPLES["p99"]
