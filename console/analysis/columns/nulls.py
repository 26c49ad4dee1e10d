"""The two nulls an alarm must pass: sampling noise at these very n and m, and the column's usual wobble."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.tails import chi_square_tail, student_quantile, student_tail, weighted_chi_square_tail

if TYPE_CHECKING:
    from console.model import Array

# Per cell. Cochran's 5 (Biometrics 10, 1954) is for p near .05; at 1e-4 it doubles the false alarms of 50 rows.
FEWEST_EXPECTED = 10.0
FEWEST_UPTO = 5.0  # the same for Anderson-Darling, whose sums up to an edge are of many bins
GRID = 64  # points at which the law of the next wobble is looked at
FEWEST_PAST = 3  # windows from which a wobble can be learned


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """How far two samples over the same bins are apart: a chi-square where nothing but sampling noise parts them."""

    value: float
    freedom: float
    weight: float  # n m / (n + m): how fast a true difference grows the value

    @property
    def p(self) -> float:
        return chi_square_tail(self.value, self.freedom) if self.freedom else 1.0


def p_sampling(baseline: Array, current: Array, *, ordered: bool) -> float:
    """How likely so large a difference is if both counts, shape (bins,), were drawn from one distribution.

    Chi-square sees any difference of shape; where bins are `ordered`, Anderson-Darling sees shifts better, and the
    smaller of the two answers twice (Bonferroni).
    """
    shape = chi_square(baseline, current).p
    return min(1.0, 2 * min(shape, anderson_darling(baseline, current))) if ordered else shape


def chi_square(baseline: Array, current: Array, *, fewest: float = FEWEST_EXPECTED) -> ChiSquare:
    """Two-sample chi-square; neighbouring bins are merged until each expects the `fewest`."""
    n, m = float(baseline.sum()), float(current.sum())
    if n <= 0 or m <= 0:
        return ChiSquare(0.0, 0, 0.0)
    pooled = baseline + current
    group = _merged(pooled * min(n, m) / (n + m), fewest)
    a, b = np.bincount(group, weights=baseline), np.bincount(group, weights=current)
    both = a + b
    both, a = both[both > 0], a[both > 0]
    expected = both * n / (n + m)
    value = float(np.sum((a - expected) ** 2 / expected)) * (n + m) / m
    return ChiSquare(value, both.size - 1, n * m / (n + m))


def anderson_darling(baseline: Array, current: Array) -> float:
    """The p-value of the two-sample Anderson-Darling statistic over ordered bins."""
    value, weights = _gap(baseline, current, FEWEST_UPTO)
    return weighted_chi_square_tail(value, weights) if weights.size else 1.0


def location(baseline: Array, current: Array, *, fewest: float = FEWEST_UPTO) -> ChiSquare:
    """The Anderson-Darling statistic as the chi-square of its own mean and variance (Satterthwaite, 1946)."""
    n, m = float(baseline.sum()), float(current.sum())
    value, weights = _gap(baseline, current, fewest)
    first, second = float(weights.sum()), float((weights**2).sum())
    if first <= 0:
        return ChiSquare(0.0, 0.0, 0.0)
    return ChiSquare(value * first / second, first**2 / second, n * m / (n + m))


def _gap(baseline: Array, current: Array, fewest: float) -> tuple[float, Array]:
    """The Anderson-Darling statistic, and the weights of the chi-squares it is a sum of; none where nothing can differ.

    The statistic is a quadratic form of a Brownian bridge seen at the edges, so its null law follows from the pooled
    counts. Binning costs power and no validity.
    """
    n, m = float(baseline.sum()), float(current.sum())
    if n <= 0 or m <= 0:
        return 0.0, np.empty(0)
    group = _merged((baseline + current) * min(n, m) / (n + m), fewest)
    a, b = np.bincount(group, weights=baseline), np.bincount(group, weights=current)
    a, b = a[a + b > 0], b[a + b > 0]
    if a.size < 2:
        return 0.0, np.empty(0)
    share = (a + b) / (n + m)
    upto = np.cumsum(share)[:-1]
    gap = np.cumsum(a / n - b / m)[:-1]
    scale = np.sqrt((share[:-1] + share[1:]) / 2 / (upto * (1 - upto)))
    value = n * m / (n + m) * float(np.sum((gap * scale) ** 2))
    bridge = np.minimum.outer(upto, upto) - np.outer(upto, upto)
    return value, np.maximum(np.linalg.eigvalsh(bridge * np.outer(scale, scale)), 0.0)


@dataclass(frozen=True, slots=True)
class Usual:
    """The current difference against those of past windows."""

    p: float
    wobble: float  # how many times the past differs more than sampling noise would


def usual(now: ChiSquare, past: Sequence[ChiSquare]) -> Usual | None:
    """How likely so large a difference is, given how past windows differed from their own trailing baseline.

    Past statistics are brought to the current n and m (a true difference grows with them) and say how much more than
    sampling noise this column wobbles: never less than once. The next window's wobble is not known, only its law, a
    Student's t of the logarithms; the p-value is the chi-square tail averaged over it. None with fewer than 3 windows.
    """
    past = [one for one in past if one.freedom > 0]
    if len(past) < FEWEST_PAST or now.freedom == 0:
        return None
    excess = np.array([one.value / one.freedom - 1 for one in past])
    growth = np.array([now.weight / one.weight for one in past])
    logs = np.log(np.maximum(1 + excess * growth, 1.0))
    spread = float(np.std(logs, ddof=1)) * math.sqrt(1 + 1 / len(past))
    wobbles = np.exp(np.maximum(float(logs.mean()) + spread * np.array(_student_grid(len(past) - 1)), 0.0))
    p = sum(chi_square_tail(now.value / wobble, now.freedom) for wobble in wobbles.tolist()) / GRID
    return Usual(p, float(np.exp(logs.mean())))


def usual_shift(now: float, baseline: float, past: Sequence[float], span: int = 0) -> float | None:
    """How likely a mean is so far from the baseline's, given how far past windows' means lie from their own baseline.

    The baseline of a past window is the `span` windows before it, as in a trailing one, or all of them where `span` is
    0; `past` has the oldest first. Student's t of the next value: it sees how far values went where bins only see that
    they left. Means that are never negative may be as skewed as rain is, so they are also asked on a scale of factors,
    and the less sure answers. None with fewer than 3 windows, where they never moved, and where some are 0.
    """
    means = np.asarray(past, dtype=np.float64)
    if means.size < FEWEST_PAST or 0.0 in (means.min(), means.max(), now, baseline):
        return None
    linear = _next(now - baseline, means, span)
    if linear is None or min(now, baseline, float(means.min())) < 0:
        return linear
    factor = _next(math.log(now / baseline), np.log(means), span)
    return None if factor is None else max(linear, factor)


def _next(away: float, past: Array, span: int) -> float | None:
    if 0 < span <= past.size - FEWEST_PAST:
        steps = past[span:] - np.array([past[at : at + span].mean() for at in range(past.size - span)])
        spread, freedom = float(np.sqrt(np.mean(steps**2))), steps.size
    else:
        spread, freedom = float(np.std(past, ddof=1)) * math.sqrt(1 + 1 / past.size), past.size - 1
    return 2 * student_tail(abs(away) / spread, freedom) if spread > 0 else None


@cache
def _student_grid(freedom: int) -> tuple[float, ...]:
    """The quantiles in the middle of `GRID` equal parts of Student's t."""
    upper = [student_quantile((place + 0.5) / GRID, freedom) for place in range(GRID // 2)]
    return (*(-one for one in upper), *reversed(upper))


def _merged(expected: Array, fewest: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The group of each bin, so that every group expects enough; what is left at the end joins the last."""
    group = np.zeros(expected.size, dtype=np.int64)
    filled, held = 0, 0.0
    for at, one in enumerate(expected):
        group[at] = filled
        held += one
        if held >= fewest:
            filled, held = filled + 1, 0.0
    if filled > 0:  # empty bins at the end too, or they would be a group of nothing
        group[group == filled] = filled - 1
    return group
