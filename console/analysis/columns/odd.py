"""More odd rows than there should be? A share of rows past both nulls, exact where rows are few."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from console.analysis.columns.nulls import ChiSquare, chi_square, usual

LEAST_SHARE = 0.01  # of the rows: fewer odd ones are not news

Share = tuple[int, int]
"""(odd rows, rows)"""


@dataclass(frozen=True, slots=True)
class Level:
    """How sure one check has to be, so that all checks of a window cry wolf seldom enough together."""

    sampling: float = 0.001
    usual: float = 0.01  # the past rarely holds enough windows to say more


def is_more(
    now: Share,
    before: Share,
    history: Sequence[Share],
    level: Level,
    *,
    least: float = LEAST_SHARE,
    burst: float = 1.0,
) -> bool:
    """A larger share of odd rows than sampling noise, usual wobble and the least that is news allow for.

    `history` are the shares of past windows, each held against `before` as `now` is. Where odd rows come in bursts of
    so many at once, each burst is one observation.
    """
    if now[1] == 0 or before[1] == 0 or now[0] / now[1] - before[0] / before[1] < least:
        return False
    if at_least(_in_bursts(now, burst), _in_bursts(before, burst)) > level.sampling:
        return False
    wobble = usual(_apart(before, now), [_apart(before, one) for one in history if one[1] > 0])
    return wobble is None or wobble.p <= level.usual


def at_least(now: Share, before: Share) -> float:
    """How likely so many odd rows are now, or more, where both sides are one: Fisher's exact test, one-sided.

    Fisher, The Design of Experiments (1935): the hypergeometric tail. 1 where there are fewer than expected.
    """
    odd, rows, drawn = now[0] + before[0], now[1] + before[1], now[1]
    seen = now[0]
    if seen * rows <= odd * drawn:
        return 1.0
    term = math.exp(_choose(odd, seen) + _choose(rows - odd, drawn - seen) - _choose(rows, drawn))
    total = term
    while seen < min(odd, drawn) and term > total * 1e-12:
        term *= (odd - seen) * (drawn - seen) / ((seen + 1) * (rows - odd - drawn + seen + 1))
        total += term
        seen += 1
    return min(total, 1.0)


def percent(share: Share) -> str:
    """In words: `2.0%`."""
    return f"{share[0] / max(share[1], 1):.1%}"


def _in_bursts(share: Share, burst: float) -> Share:
    return math.ceil(share[0] / burst), math.ceil(share[1] / burst)


def _choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _apart(before: Share, now: Share) -> ChiSquare:
    counts = [np.array([odd, rows - odd], dtype=np.float64) for odd, rows in (before, now)]
    return chi_square(counts[0], counts[1], fewest=1.0)
