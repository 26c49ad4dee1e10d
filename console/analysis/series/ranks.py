"""How many times as large are these values as those, by their ranks alone? Zeros, outliers and any law are welcome."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from console.model import Array

MOST_VALUES = 20_000  # of a side are ranked; of more, every so many
REACH = 1.5  # standard errors from the estimate to where its error is read
LEVEL = 1e-9  # standard errors that are none: sums of floats differ by machine
HALVINGS = 45


@dataclass(frozen=True, slots=True)
class RankShift:
    """The logarithm of the factor between two sides, its error, and where each value lies in the other side."""

    shift: float
    error: float
    current_places: Array  # (k,) of the values given: the share of the baseline below, once the shift is undone
    baseline_places: Array


def rank_shift(current: tuple[Array, Array], baseline: tuple[Array, Array]) -> RankShift | None:
    """The factor at which neither side outranks the other; None where so much is zero that ranks do not tell.

    Both are (values, counts), each (k,), values ascending and not negative. The estimate is that of Hodges and Lehmann
    (Ann. Math. Stat. 34, 1963) for logarithms, the error that of the Mann-Whitney test turned around, with its
    correction for ties.
    """
    (b, nb), (a, na) = _thinned(*current), _thinned(*baseline)
    positive = np.concatenate([a[a > 0], b[b > 0]])
    if positive.size == 0:
        return None
    n, m = float(na.sum()), float(nb.sum())
    _distinct, place = np.unique(np.concatenate([a, b]), return_inverse=True)
    ties = np.bincount(place, weights=np.concatenate([na, nb]))
    total = n + m
    tied = float(np.sum(ties**3 - ties)) / (total * max(total - 1, 1))
    spread = math.sqrt(max(n * m / 12 * (total + 1 - tied), 0.0))
    if spread <= 0:
        return None

    def surplus(shift: float) -> float:
        """How many standard errors the current side outranks the baseline by, once shifted back."""
        return float((_places(b, a, na, -shift) - 0.5) @ nb) * n / spread

    width = math.log(float(positive.max())) - math.log(float(positive.min())) + 1.0

    def solve(target: float) -> float | None:
        low, high = -width, width
        if not surplus(low) > target > surplus(high):
            return None
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if surplus(middle) > target else (low, middle)
        return (low + high) / 2

    found = [solve(target) for target in (LEVEL, -LEVEL, REACH, -REACH)]
    first, last, below, above = found
    if first is None or last is None or below is None or above is None:
        return None
    shift = (first + last) / 2  # of an even number of ratios the median lies between two
    (b_all, _), (a_all, _) = current, baseline
    return RankShift(
        shift, (above - below) / 2 / REACH, _places(b_all, a, na, -shift), _places(a_all, b, nb, shift)
    )  # fmt: skip


def _places(values: Array, others: Array, counts: Array, shift: float) -> Array:
    """The share of the others below each value times exp(shift), ties half; (k,)."""
    upto = np.concatenate([[0.0], np.cumsum(counts)])
    with np.errstate(over="ignore", under="ignore"):  # beyond all others is where it belongs
        moved = values * np.exp(shift)
    low, high = np.searchsorted(others, moved, side="left"), np.searchsorted(others, moved, side="right")
    places: Array = (upto[low] + upto[high]) / 2 / upto[-1]
    return places


def _thinned(values: Array, counts: Array) -> tuple[Array, Array]:
    step = -(-values.size // MOST_VALUES)
    if step <= 1:
        return values, counts
    starts = np.arange(0, values.size, step)
    return values[np.minimum(starts + step // 2, values.size - 1)], np.add.reduceat(counts, starts)
