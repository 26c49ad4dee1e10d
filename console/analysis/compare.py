"""Is current worse than baseline? One Comparison per label set, as a person would argue it and a test can check it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.frames import has_data
from console.analysis.onset import onset
from console.analysis.series.contrast import contrast
from console.analysis.series.estimate import estimates
from console.analysis.series.pairing import Pair, pairs
from console.analysis.series.quantiles import count_below
from console.analysis.series.statistic import Statistic, statistic, total
from console.analysis.series.verdicts import Limits, Measured, judged
from console.model import Comparison, Direction, Frame, Kind, Series, Side, Stat, Verdict

if TYPE_CHECKING:
    from console.model import Array

# What a statistic needs before it means anything: observations (a gauge's samples); for rate and sum, steps.
MIN_SAMPLES: Mapping[Stat, int] = {
    "p50": 10, "p90": 12, "p95": 15, "p99": 200, "mean": 10, "rate": 4, "ratio": 20, "sum": 4, "max": 10,
}  # fmt: skip
MIN_STEPS = 4  # fewer do not show how a series wanders
STALE_STEPS = 5
PARTIAL = 0.5  # of the steps that the baseline fills


def compare(
    current: Frame,
    baseline: Frame,
    *,
    stat: Stat,
    tolerance: float,
    bad: Direction,
    floor: float = 0.0,
    min_samples: int | None = None,
    of: tuple[Frame, Frame] | None = None,
    baseline_kind: str = "offset",
    now: float | None = None,
    seed: int = 0,
    is_glance: bool = False,
) -> tuple[Comparison, ...]:
    """Judge every label set that either side has; p-values are adjusted over all of them.

    `tolerance` 0.2 allows the statistic to be 1.2 times as large (where `bad` is down, 1.2 times smaller). Differences
    up to `floor`, in the signal's unit, are never news. `of` gives the (current, baseline) denominators of a "ratio".
    With `now`, a series that stopped arriving is stale. The same seed gives the same answer. At a glance the verdicts
    are the same, but what is within the tolerance has neither interval nor p: how sure that is changes nothing.
    Raises ValueError where the stat has no meaning for the signal's kind.
    """
    limits = Limits(tolerance, bad, floor)
    return judged(
        measured(
            current, baseline, stat, limits, min_samples,
            of=of, baseline_kind=baseline_kind, now=now, seed=seed, is_glance=is_glance,
        )
    )  # fmt: skip


def measured(
    current: Frame,
    baseline: Frame,
    stat: Stat,
    limits: Limits,
    min_samples: int | None = None,
    *,
    of: tuple[Frame, Frame] | None = None,
    baseline_kind: str = "offset",
    now: float | None = None,
    seed: int = 0,
    is_glance: bool = False,
) -> list[Measured]:
    """One measurement per label set, for `judged` to hear together with others: several statistics, several signals.

    The arguments, and what is raised, are those of `compare`.
    """
    needed = MIN_SAMPLES[stat] if min_samples is None else min_samples
    frames = (current, baseline)
    return [
        _measure(pair, frames, stat, limits, needed, baseline_kind, now, seed, is_glance)
        for pair in pairs(current, baseline, of)
    ]


def _measure(
    pair: Pair,
    frames: tuple[Frame, Frame],
    stat: Stat,
    limits: Limits,
    needed: int,
    baseline_kind: str,
    now: float | None,
    seed: int,
    is_glance: bool,
) -> Measured:
    current, baseline = frames
    mine = _statistic(pair.current, pair.current_of, current, stat, seed)
    its = _statistic(pair.baseline, pair.baseline_of, baseline, stat, seed + 1)
    # A sum is that of a window as long as the current one, on both sides.
    steps = current.times.size if stat == "sum" else 1
    comparison = Comparison(
        pair.signal, pair.labels, stat, Verdict.NO_DATA, "",
        _side(mine, current, "current", steps), _side(its, baseline, baseline_kind, steps),
    )  # fmt: skip
    missing = _missing(pair, frames, mine, its, stat, needed, now)
    if missing is not None:
        verdict, reason = missing
        return Measured(replace(comparison, verdict=verdict, reason=reason), limits)
    assert mine is not None and its is not None  # or something would be missing
    if is_glance and _is_within(mine, its, limits):
        ratio = mine.value / its.value if its.value > limits.floor else None
        return Measured(replace(comparison, ratio=ratio, difference=mine.value - its.value), limits, is_within=True)
    a, b = (one.scaled(steps) for one in estimates(mine, its))
    found = contrast(a, b, tolerance=limits.tolerance, floor=limits.floor)
    comparison = replace(
        comparison,
        ratio=found.ratio,
        difference=found.difference,
        interval=found.interval,
        dispersion=max(a.dispersion, b.dispersion),
    )
    return Measured(comparison, limits, found, partial(_since, pair, comparison, frames))


def _is_within(mine: Statistic, its: Statistic, limits: Limits) -> bool:
    """Whether neither the statistic nor the centre that it may lean on moved by more than is tolerated, either way."""
    least = min(abs(mine.value), abs(its.value))
    if abs(mine.value - its.value) > max(limits.floor, limits.tolerance * least):
        return False
    if mine.centre is None or its.centre is None:
        return True
    return abs(mine.centre.value - its.centre.value) <= math.log1p(limits.tolerance)


def _statistic(series: Series | None, of: Series | None, frame: Frame, stat: Stat, seed: int) -> Statistic | None:
    if series is None or (stat == "ratio" and of is None):
        return None
    return statistic(series, stat, frame, of=of, seed=seed)


def _side(one: Statistic | None, frame: Frame, kind: str, steps: int) -> Side:
    """A side as it is shown; one without any step starts and ends at 0, which JSON can hold and NaN it cannot."""
    start, end = (float(frame.times[0]) - frame.step, float(frame.times[-1])) if frame.times.size else (0.0, 0.0)
    value = None if one is None or math.isnan(one.value) else one.value * steps
    return Side(value, 0.0 if one is None else one.n, start, end, kind)


def _missing(
    pair: Pair,
    frames: tuple[Frame, Frame],
    mine: Statistic | None,
    its: Statistic | None,
    stat: Stat,
    needed: int,
    now: float | None,
) -> tuple[Verdict, str] | None:
    """Why these two cannot be compared, in the order a person would ask; None where they can."""
    current, baseline = frames
    if pair.current is None:
        return Verdict.DEGRADED, "vanished: the baseline has it and the current window does not"
    if pair.baseline is None:
        if not any(has_data(one).any() for one in baseline.series):
            return Verdict.NO_DATA, "absent: the baseline holds no data"
        return Verdict.INCONCLUSIVE, "appeared: the current window has it and the baseline does not"
    if mine is None or its is None:
        return Verdict.NO_DATA, "absent: nothing to take the ratio of"
    filled = has_data(pair.current)
    last = float(current.times[filled][-1])
    if now is not None and now - last > STALE_STEPS * current.step and current.times[-1] > last:
        return Verdict.NO_DATA, f"stale: the last sample is {now - last:.0f} s old"
    if filled.mean() < PARTIAL * has_data(pair.baseline).mean():
        return Verdict.NO_DATA, f"partial: {filled.mean():.0%} of the current window holds data"
    for name, one in (("current", mine), ("baseline", its)):
        have = one.samples if stat in ("rate", "sum") else one.n
        if one.samples < MIN_STEPS:
            return Verdict.NO_DATA, f"too few: {one.samples} steps in the {name} window, {MIN_STEPS} needed"
        if have < needed:
            return Verdict.NO_DATA, f"too few: {have:.0f} in the {name} window, {stat} needs {needed}"
        if math.isnan(one.value):
            return Verdict.NO_DATA, f"absent: no {stat} in the {name} window"
    return None


def _since(pair: Pair, comparison: Comparison, frames: tuple[Frame, Frame], direction: Direction) -> float | None:
    """The onset, from one value per step of what the statistic is about."""
    if pair.current is None or pair.baseline is None:
        return None
    level = comparison.baseline.value
    mine = _per_step(pair.current, pair.current_of, comparison.stat, level)
    its = _per_step(pair.baseline, pair.baseline_of, comparison.stat, level)
    return onset(its, mine, frames[0].times, direction, step=frames[0].step)


def _per_step(series: Series, of: Series | None, stat: Stat, level: float | None) -> Array:
    """What moves in each step when the statistic moves: for a quantile, the share above the baseline's."""
    values = total(series)
    with np.errstate(invalid="ignore", divide="ignore"):
        if stat == "ratio" and of is not None:
            return np.where(total(of) > 0, values / total(of), np.nan)
        if series.key.kind is not Kind.HISTOGRAM or stat in ("rate", "sum"):
            return values
        if stat == "mean" and series.sums is not None:
            return np.where(values > 0, series.sums / values, np.nan)
        below = count_below(series.values, np.asarray(series.key.edges), level or 0.0)
        shares: Array = np.where(values > 0, 1 - below / values, np.nan)
        return shares
