"""From measured contrasts to verdicts: the whole family is heard before anyone is called degraded."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from console.analysis.families import benjamini_hochberg
from console.analysis.series.contrast import Contrast
from console.analysis.tails import TAIL
from console.model import Comparison, Direction, Verdict

NOT_TESTED = math.nan
WITHIN = 1.0  # more than a half would be true of it, and changes no other's verdict

Since = Callable[[Direction], float | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as worse: more than `tolerance` (a share) and `floor` (the signal's unit) in the bad direction."""

    tolerance: float
    bad: Direction
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A comparison whose family has not been heard yet; without a contrast it is judged already.

    One that is within the tolerance anyway needs no contrast to be well, and counts in the family as p = 1.
    """

    comparison: Comparison
    limits: Limits
    contrast: Contrast | None = None
    since: Since | None = None  # when it began to move that way, asked only of what moved
    is_within: bool = False


def judged(family: Sequence[Measured], level: float = TAIL) -> tuple[Comparison, ...]:
    """Verdicts for questions asked together, in their order; p-values are adjusted over all of them.

    `level` is the false-discovery rate at which a shift beyond the tolerance is believed.
    """
    worse = benjamini_hochberg(np.array([_worse(one) for one in family]))
    better = benjamini_hochberg(np.array([_better(one) for one in family]))
    return tuple(_judge(*each, level) for each in zip(family, worse.tolist(), better.tolist(), strict=True))


def _worse(one: Measured) -> float:
    found = one.contrast
    if found is None:
        return WITHIN if one.is_within else NOT_TESTED
    match one.limits.bad:
        case Direction.UP:
            return found.p_higher
        case Direction.DOWN:
            return found.p_lower
        case Direction.EITHER:
            return min(1.0, 2 * min(found.p_higher, found.p_lower))


def _better(one: Measured) -> float:
    found, bad = one.contrast, one.limits.bad
    if found is None or bad is Direction.EITHER:
        return WITHIN if one.is_within else NOT_TESTED
    return found.p_lower if bad is Direction.UP else found.p_higher


def _judge(one: Measured, worse: float, better: float, level: float) -> Comparison:
    found, limits = one.contrast, one.limits
    if one.is_within:
        return replace(one.comparison, verdict=Verdict.OK, reason=_reason(one.comparison, Verdict.OK, limits))
    if found is None:
        return one.comparison
    up, down = limits.bad is not Direction.DOWN, limits.bad is not Direction.UP
    is_worse = (up and found.is_higher) or (down and found.is_lower)
    is_better = not is_worse and (found.is_higher or found.is_lower)
    if is_worse:
        verdict = Verdict.DEGRADED if worse <= level else Verdict.INCONCLUSIVE
    else:
        verdict = Verdict.IMPROVED if is_better and better <= level else Verdict.OK
    onset = None
    if verdict in (Verdict.DEGRADED, Verdict.IMPROVED) and one.since is not None:
        onset = one.since(Direction.UP if found.is_higher else Direction.DOWN)
    reason = _reason(one.comparison, verdict, limits)
    return replace(one.comparison, verdict=verdict, reason=reason, p=worse, onset=onset)


def _reason(comparison: Comparison, verdict: Verdict, limits: Limits) -> str:
    size = _size(comparison)
    match verdict:
        case Verdict.DEGRADED:
            return f"{size}: worse than the {limits.tolerance:.0%} tolerated"
        case Verdict.IMPROVED:
            return f"{size}: better by more than {limits.tolerance:.0%}"
        case Verdict.INCONCLUSIVE:
            return f"{size}: beyond {limits.tolerance:.0%}, but chance could do that"
        case _:
            return f"{size}: within {limits.tolerance:.0%}"


def _size(comparison: Comparison) -> str:
    """How far it moved, and between which bounds, where those were asked for."""
    sign = "+" if comparison.ratio is None else ""
    moved = f"{comparison.difference:+.3g}" if comparison.ratio is None else f"×{comparison.ratio:.3g}"
    if comparison.interval is None:
        return f"{comparison.stat} {moved}"
    low, high = comparison.interval
    return f"{comparison.stat} {moved} ({low:{sign}.3g} … {high:{sign}.3g})"
