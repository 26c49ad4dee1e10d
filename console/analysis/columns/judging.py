"""Verdicts once all columns have been heard: many columns, both lines and many facets raise no more false alarms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from console.analysis.families import benjamini_hochberg
from console.model import ColumnDrift, Verdict

NOTICED = 0.5  # of the effect floor: surely moved by less is nothing
LEAST_SHOWN = 1e-4
SEEN = 0.25  # of the rows that moved, a facet sees at least so many: two texts differ, their lengths may not


def judged(
    measured: Sequence[ColumnDrift], facets: Mapping[str, str], alpha: float, effect_floor: float
) -> list[ColumnDrift]:
    """The same columns and lines with their verdicts, in the same order, for each null by itself.

    `facets` names the column that a facet is of. The lines and facets of one column are a family: columns are heard by
    the Simes p-value of each (Simes, Biometrika 73, 1986), with Benjamini-Hochberg over the columns and again within
    the one that speaks (Benjamini and Bogomolov, J. R. Stat. Soc. B 76, 2014). What a facet sees is the least that
    moved, so its floor is lower (SEEN; benchmarks/rich_drift.py).
    """
    family = [facets.get(one.name, one.name) for one in measured]
    sampling = _adjusted([one.p_sampling for one in measured], family)
    learned = _adjusted([one.p_usual for one in measured], family)
    found = []
    for one, p, q in zip(measured, sampling, learned, strict=True):
        if p is None:
            found.append(one)
            continue
        floor = effect_floor * SEEN if one.name in facets else effect_floor
        verdict, reason = _decision(one, p, q, alpha, floor)
        found.append(replace(one, verdict=verdict, reason=reason, p_sampling=p, p_usual=q))
    return found


def _adjusted(p: Sequence[float | None], family: Sequence[str]) -> list[float | None]:
    """The p-values after both rounds: over families, and within each."""
    # What cannot differ at all, a constant column above all, is no question that was asked.
    asked = np.array([math.nan if one is None or one == 1.0 else one for one in p])
    names = list(dict.fromkeys(family))
    place = np.array([names.index(name) for name in family])
    within = np.full(asked.shape, np.nan)
    simes = np.full(len(names), np.nan)
    for at in range(len(names)):
        members = place == at
        within[members] = benjamini_hochberg(asked[members])
        if not np.isnan(within[members]).all():
            simes[at] = np.nanmin(within[members])
    over = benjamini_hochberg(simes)[place]
    return [
        old if math.isnan(one) else max(one, other)
        for old, one, other in zip(p, within.tolist(), over.tolist(), strict=True)
    ]


def _decision(
    one: ColumnDrift, p: float, p_usual: float | None, alpha: float, effect_floor: float
) -> tuple[Verdict, str]:
    """The verdict of one column, in the order in which an alarm could be wrong."""
    effect = one.effect or 0.0
    moved = f"{effect:.1%} of the rows moved" if effect < effect_floor else f"{effect:.0%} of the rows moved"
    if one.shift is not None:
        moved += f", the mean by {one.shift:+.3g}"
    wobbles = "" if one.wobble is None else f"×{one.wobble:.3g}"
    chance = _chance(p)
    if p > alpha:
        return Verdict.OK, f"{moved}: sampling noise ({chance})"
    if effect < effect_floor * NOTICED:
        return Verdict.OK, f"{moved}: less than the {effect_floor:.0%} that matter"
    if p_usual is not None and p_usual > alpha:
        return Verdict.OK, f"{moved}: this column wobbles {wobbles} by itself ({_chance(p_usual)})"
    if effect < effect_floor:
        return Verdict.INCONCLUSIVE, f"{moved}: surely ({chance}), but less than the {effect_floor:.0%} that matter"
    more = f"more than sampling noise ({chance})"
    return Verdict.DEGRADED, f"{moved}: {more}" + (f" and than its usual wobble ({wobbles})" if wobbles else "")


def _chance(p: float) -> str:
    """A p-value as people write it: beyond four places it says no more."""
    return "p < 0.0001" if p < LEAST_SHOWN else f"p {p:.2g}"
