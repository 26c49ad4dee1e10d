"""One statistic over time: a window cut into steps, with baseline spans laid over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.frames import has_data
from console.analysis.series.statistic import statistic
from console.model import Frame, Series, Span, Stat

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array

    IntArray = npt.NDArray[np.int64]

ROUNDING = 1e-6  # of a step


@dataclass(frozen=True, slots=True)
class Axis:
    """Steps of equal length from `start` on."""

    start: float
    step: float
    size: int

    @property
    def times(self) -> Array:
        """The end of each step, shape (size,)."""
        times: Array = self.start + self.step * np.arange(1, self.size + 1, dtype=np.float64)
        return times


@dataclass(frozen=True, slots=True)
class Lay:
    """A span of time, and how much later it is put on the axis."""

    span: Span
    shift: float = 0.0


def overlay(
    frame: Frame, stat: Stat, axis: Axis, lays: Sequence[Lay], of: Frame | None = None
) -> tuple[Array, Array, Array]:
    """(pooled, lowest, highest) of the statistic in each step, all (size,): of all lays together, and of each alone.

    `frame` holds one series, `of` that of the denominator on the same times. NaN where a step has no data. Raises
    ValueError where the stat has no meaning for the series.
    """
    if not frame.series or (of is not None and not of.series):
        nothing = np.full(axis.size, np.nan)
        return nothing, nothing, nothing
    under = of.series[0] if of is not None else None
    placed = [_places(frame.times, axis, lay) for lay in lays]
    each = np.array([_curve(frame, stat, axis, [one], under) for one in placed]).reshape(len(placed), axis.size)
    pooled = each[0] if len(placed) == 1 else _curve(frame, stat, axis, placed, under)
    known = ~np.isnan(each)
    low = np.where(known, each, np.inf).min(axis=0, initial=np.inf)
    high = np.where(known, each, -np.inf).max(axis=0, initial=-np.inf)
    seen = known.any(axis=0)
    return pooled, np.where(seen, low, np.nan), np.where(seen, high, np.nan)


def _places(times: Array, axis: Axis, lay: Lay) -> tuple[IntArray, IntArray]:
    """(which times lie in the span, the step of the axis that each falls into)."""
    inside = np.flatnonzero((times > lay.span.start) & (times <= lay.span.end + ROUNDING))
    steps = np.ceil((times[inside] + lay.shift - axis.start) / axis.step - ROUNDING).astype(np.int64) - 1
    kept = (steps >= 0) & (steps < axis.size)
    return inside[kept].astype(np.int64), steps[kept]


def _curve(
    frame: Frame, stat: Stat, axis: Axis, placed: Sequence[tuple[IntArray, IntArray]], under: Series | None
) -> Array:
    curve = np.full(axis.size, np.nan)
    for step in range(axis.size):
        at = np.sort(np.concatenate([where[steps == step] for where, steps in placed] or [np.empty(0, np.int64)]))
        part = _part(frame.series[0], at)
        if at.size and has_data(part).any():
            cut = Frame(frame.times[at], frame.step)
            curve[step] = statistic(part, stat, cut, of=None if under is None else _part(under, at)).value
    return curve


def _part(series: Series, at: IntArray) -> Series:
    return Series(series.key, series.values[at], None if series.sums is None else series.sums[at])
