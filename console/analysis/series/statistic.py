"""What a window says about a statistic: its value, what each step contributed to it, and how doubt becomes error.

Gauges are resampled in moving blocks; counts and quantiles of histograms have the error of independent observations,
inflated by an over-dispersion factor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.frames import has_data, spans_of
from console.analysis.series.bootstrap import block_length, draw, moving_blocks
from console.analysis.series.quantiles import count_below, histogram_quantile
from console.analysis.series.wobble import Wobble
from console.analysis.tails import TAIL, student_quantile
from console.model import Frame, Kind, Series, Stat

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array

    IntArray = npt.NDArray[np.int64]
    BoolArray = npt.NDArray[np.bool_]

TRIMMED = 0.1  # of each end, for the centre
QUANTILES: Mapping[Stat, float] = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is known of how much a statistic wanders, before it is put into the statistic's own terms."""

    variance: float  # of the mean of its influence
    freedom: float  # degrees of freedom of that variance
    wobble: Wobble


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic of one window, and how it turns doubt into standard errors."""

    value: float
    n: float
    influence: Array  # what each step contributed, around 0; (steps,) with NaN for no data
    span: IntArray
    error: Callable[[Doubt], tuple[float, float, float]]  # standard errors down and up, dispersion
    of_season: Callable[[IntArray], float]  # the same statistic of some steps alone
    noise: float = 0.0  # what the variance of `influence` would be were observations independent; 0: nobody knows
    centre: Statistic | None = None  # of a quantile: where all of it lies, as a logarithm
    q: float | None = None  # of a quantile: which one

    @property
    def samples(self) -> int:
        return int(np.count_nonzero(~np.isnan(self.influence)))


def statistic(series: Series, stat: Stat, frame: Frame, *, of: Series | None = None, seed: int = 0) -> Statistic:
    """The statistic of one series over one window; for "sum", what one step adds on average.

    `of` is the denominator of the stat "ratio". A counter's quantiles, mean and maximum are those of its rate.
    Raises ValueError where the stat has no meaning for the kind.
    """
    span = spans_of(frame.times, frame.step)
    kind = series.key.kind
    match stat:
        case "ratio":
            if of is None:
                raise ValueError("a ratio needs what it is of")
            return _ratio(total(series), total(of), span, counted=kind is not Kind.GAUGE, share=True)
        case "mean" if kind is Kind.HISTOGRAM:
            if series.sums is None:
                raise ValueError(f"the mean of {series.key.signal} needs the sum of its observations")
            return _ratio(series.sums, total(series), span, counted=False)
        case "rate" | "sum" if kind is Kind.GAUGE:
            raise ValueError(f"{series.key.signal} is a gauge: it has no {stat}")
        case "rate" | "sum":
            counts = total(series)
            steps = np.where(np.isnan(counts), np.nan, frame.step if stat == "rate" else 1.0)
            return replace(_ratio(counts, steps, span, counted=True), n=_observations(counts))
        case "p50" | "p90" | "p95" | "p99" if kind is Kind.HISTOGRAM:
            return _histogram_quantile(series, QUANTILES[stat], span)
        case "max":
            return _maximum(series, span, frame.step)
        case _:
            return _resampled(total(series) / (frame.step if kind is Kind.COUNTER else 1.0), stat, span, seed)


def total(series: Series) -> Array:
    """One value per step, shape (steps,): a histogram's observations, any other's values."""
    return series.values.sum(axis=1) if series.key.kind is Kind.HISTOGRAM else series.values


def _resampled(values: Array, stat: Stat, span: IntArray, seed: int) -> Statistic:
    """A gauge: the statistic over moving blocks, widened by what blocks of that length cannot show."""
    samples = int(np.count_nonzero(~np.isnan(values)))
    measure = _quantile_of(QUANTILES[stat]) if stat in QUANTILES else _mean
    value = float(measure(values[None, :])[0])
    influence = (
        np.where(np.isnan(values), np.nan, (values <= value) - QUANTILES[stat]) if stat in QUANTILES else values - value
    )

    def error(doubt: Doubt) -> tuple[float, float, float]:
        at = moving_blocks(span, block_length(doubt.wobble.phi, samples), seed=seed)
        spread = float(np.nanstd(measure(draw(values, at))))
        seen = float(np.nanvar(_mean(draw(influence, at))))
        spread *= max(1.0, (doubt.variance / seen) ** 0.5) if seen > 0 else 1.0
        return spread, spread, doubt.wobble.inflation

    centre = _centre_of_values(values, span) if stat in QUANTILES else None
    return Statistic(
        value, samples, influence, span, error, lambda part: float(measure(values[part][None, :])[0]),
        centre=centre, q=QUANTILES.get(stat),
    )  # fmt: skip


def _ratio(over: Array, under: Array, span: IntArray, *, counted: bool, share: bool = False) -> Statistic:
    """Sum of `over` by sum of `under`, both (steps,). `counted`: `over` counts things, at least Poisson-noisy."""
    known = ~(np.isnan(over) | np.isnan(under))
    over, under = np.where(known, over, np.nan), np.where(known, under, np.nan)
    above, below = float(over[known].sum()), float(under[known].sum())
    value = above / below if below > 0 else float("nan")
    influence = over - value * under
    samples = int(known.sum())
    quantum = _quantum(over[known]) if counted else 0.0
    # A part of a whole varies as a binomial count does: hardly, where it is nearly all of it.
    floor = quantum * above * (max(1 - value, 1 / below) if share and value <= 1 else 1.0)

    def error(doubt: Doubt) -> tuple[float, float, float]:
        variance = doubt.variance * samples**2
        minus = max(variance, floor) ** 0.5 / below
        # Seeing nothing does not mean that nothing can happen: one more might have been counted.
        plus = max(variance, floor + quantum**2) ** 0.5 / below
        return minus, plus, max(1.0, variance / floor) if floor > 0 else doubt.wobble.inflation

    def of_season(part: IntArray) -> float:
        weight = float(np.nansum(under[part]))
        return float(np.nansum(over[part])) / weight if weight > 0 else float("nan")

    noise = floor if counted else value * value * below  # of the sum; not counted: as if each had its mean as spread
    return Statistic(value, below, influence, span, error, of_season, noise / max(samples, 1))


def _histogram_quantile(series: Series, q: float, span: IntArray) -> Statistic:
    """Order statistics of n / dispersion independent observations (binomial), interpolated in the buckets."""
    edges = np.asarray(series.key.edges)
    known = has_data(series)
    counts = np.where(known[:, None], series.values, 0.0)
    pooled = counts.sum(axis=0)
    n, samples = float(pooled.sum()), int(known.sum())
    independent = n * q * (1 - q)
    value = float(histogram_quantile(pooled, edges, q))
    influence = np.where(known, count_below(counts, edges, value) - q * counts.sum(axis=1), np.nan)

    def error(doubt: Doubt) -> tuple[float, float, float]:
        dispersion = max(1.0, doubt.variance * samples**2 / independent)
        reach = student_quantile(TAIL, doubt.freedom)
        half = reach * (dispersion * q * (1 - q) / n) ** 0.5
        low, high = (float(bound) for bound in histogram_quantile(pooled, edges, np.array([q - half, q + half])))
        minus, plus = _log_width(low, value, reach), _log_width(value, high, reach)
        if q + half >= 1 or q - half <= 0:  # the data end before the interval does
            minus = plus = max(minus, plus)
        return value * minus, value * plus, dispersion

    def of_season(part: IntArray) -> float:
        return float(histogram_quantile(counts[part].sum(axis=0), edges, q))

    centre = _centre_of_counts(counts, known, edges, span)
    return Statistic(value, n, influence, span, error, of_season, independent / max(samples, 1), centre, q)


def _centre_of_values(values: Array, span: IntArray) -> Statistic | None:
    known = ~np.isnan(values)
    bounds = np.quantile(values[known], [TRIMMED, 1 - TRIMMED]) if known.any() else np.zeros(2)
    if bounds[0] <= 0:
        return None
    roots = np.sqrt(np.clip(values, *bounds))
    found = root_mean(roots, known / max(int(known.sum()), 1), bounds)
    return None if found is None else _centre(*found, known.astype(np.float64), span, 0.0)


def _centre_of_counts(counts: Array, known: BoolArray, edges: Array, span: IntArray) -> Statistic | None:
    pooled = counts.sum(axis=0)
    bounds = histogram_quantile(pooled, edges, np.array([TRIMMED, 1 - TRIMMED]))
    if not bounds[0] > 0:
        return None
    upper = np.append(edges[:-1], edges[-2])
    lower = np.append(min(0.0, edges[0]), edges[:-1])
    roots = (np.sqrt(np.clip(lower, *bounds)) + np.sqrt(np.clip(upper, *bounds))) / 2
    found = root_mean(roots, pooled / pooled.sum(), bounds)
    if found is None:
        return None
    value, weights = found
    influence = np.where(known, counts @ weights, np.nan)
    return _centre(value, influence, np.where(known, counts.sum(axis=1), 0.0), span, float(pooled @ weights**2))


def root_mean(roots: Array, shares: Array, bounds: Array) -> tuple[float, Array] | None:
    """(centre, what each value adds to it) of values of which the roots, cut at the roots of `bounds`, are given.

    The centre is the logarithm of a scale: a change of scale moves it by the logarithm of the change. It is twice that
    of the trimmed mean of roots, which lie between values, whose mean outliers rule, and logarithms, which values near
    zero rule; for lognormal and for gamma laws they tell a scale nearly as well as can be. None where it is zero.
    """
    known = shares > 0
    winsorised = float(roots[known] @ shares[known])
    # The trimmed mean is the winsorised one freed of what was piled up at the two bounds.
    trimmed = (winsorised - TRIMMED * float(np.sqrt(bounds).sum())) / (1 - 2 * TRIMMED)
    if not trimmed > 0 or not math.isfinite(trimmed):
        return None
    influence: Array = 2 * (roots - winsorised) / (1 - 2 * TRIMMED) / trimmed
    return 2 * math.log(trimmed), influence


def _centre(value: float, influence: Array, weight: Array, span: IntArray, independent: float) -> Statistic:
    """The centre as a statistic; `weight` are the observations of each step, (steps,)."""
    n, samples = float(weight.sum()), int(np.count_nonzero(~np.isnan(influence)))

    def error(doubt: Doubt) -> tuple[float, float, float]:
        variance = max(doubt.variance * samples**2, independent)
        return variance**0.5 / n, variance**0.5 / n, max(1.0, variance / independent) if independent else 1.0

    def of_season(part: IntArray) -> float:
        held = float(weight[part].sum())
        return value + float(np.nansum(influence[part])) / held if held > 0 else float("nan")

    return Statistic(value, n, influence, span, error, of_season, independent / max(samples, 1))


def _maximum(series: Series, span: IntArray, step: float) -> Statistic:
    """The maximum; its error is that of the maxima of eight sub-windows, because a Gumbel law keeps its width."""
    if series.key.kind is Kind.HISTOGRAM:
        edges = np.asarray(series.key.edges)
        values = np.array([float(histogram_quantile(row, edges, 1.0)) for row in np.nan_to_num(series.values)])
        n = float(np.nansum(series.values))
    else:
        values = series.values / (step if series.key.kind is Kind.COUNTER else 1.0)
        n = float(np.sum(~np.isnan(values)))
    known = values[~np.isnan(values)]
    value = float(known.max()) if known.size else float("nan")

    def error(doubt: Doubt) -> tuple[float, float, float]:
        maxima = np.array([part.max() for part in np.array_split(known, min(8, known.size))])
        spread = float(np.std(maxima, ddof=1)) if maxima.size > 1 else abs(value)
        return spread, spread, doubt.wobble.inflation

    return Statistic(value, n, values - value, span, error, lambda part: float(np.nanmax(values[part])))


def _observations(counts: Array) -> float:
    """How many things a counter counted; one that measures (seconds, joules) has its samples instead."""
    known = counts[~np.isnan(counts)]
    return float(known.sum()) if _quantum(known) > 0.5 else float(known.size)


def _quantum(increases: Array) -> float:
    """What a counter counts in: 1, or less where it counts fractions (CPU seconds)."""
    positive = increases[increases > 0]
    return min(1.0, float(positive.min())) if positive.size else 1.0


def _quantile_of(q: float) -> Callable[[Array], Array]:
    def measure(rows: Array) -> Array:
        """The quantile of each row, ignoring NaN, as numpy's default does."""
        ordered = np.sort(rows, axis=1)  # NaN last
        last = np.count_nonzero(~np.isnan(rows), axis=1) - 1
        place = q * np.maximum(last, 0)
        low = place.astype(np.int64)
        row = np.arange(rows.shape[0])
        floor, ceiling = ordered[row, low], ordered[row, np.minimum(low + 1, np.maximum(last, 0))]
        found: Array = floor + (ceiling - floor) * (place - low)
        return found

    return measure


def _mean(rows: Array) -> Array:
    known = ~np.isnan(rows)
    count = known.sum(axis=1)
    mean: Array = np.where(count > 0, np.where(known, rows, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
    return mean


def _log_width(low: float, high: float, reach: float) -> float:
    """The standard error on the log scale of which `reach` span low to high."""
    return float(np.log(high / low)) / reach if low > 0 else 1.0
