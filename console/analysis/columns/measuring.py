"""How far one column is from its baseline, before its family has been heard: distances, effect, both p-values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from console.analysis.columns.bins import aligned, counted, counts_of, settled
from console.analysis.columns.distances import (
    jensen_shannon,
    kolmogorov_smirnov,
    psi,
    shift,
    total_variation,
    wasserstein,
)
from console.analysis.columns.faults import LEAST_ROWS
from console.analysis.columns.nulls import Usual, chi_square, location, p_sampling, usual, usual_shift
from console.model import ColumnDrift, ColumnProfile, Profile, Verdict

if TYPE_CHECKING:
    from console.model import Array

RARE = 1.0  # rows expected of a bin that past windows are compared in: what is rare may come in bursts, and is to show

FACETED = ("text", "embedding")  # columns that are counted by their facets alone

Line = Literal["step", "creep"]


def measured(
    column: ColumnProfile, current: Profile, line: Line, reference: ColumnProfile | None, history: Sequence[Profile]
) -> ColumnDrift:
    """One column on one line against a reference, with the p-values of this column alone; `no_data` with its reason."""
    found = current.column(column.name)
    if current.rows == 0 or found is None or reference is None or found.kind != reference.kind:
        return _no_data(column.name, line, "absent: nothing to compare")
    if column.kind in FACETED:
        held = found.rows - found.missing
        few = _no_data(column.name, line, f"too few: {held} values in the current window, {LEAST_ROWS} needed")
        return few if held < LEAST_ROWS else ColumnDrift(column.name, Verdict.OK, "its facets tell", line)
    before, now = aligned(aligned(reference, settled(column))[0], found)
    for name, rows in (("current", counted(now)), ("baseline", counted(before))):
        if rows < LEAST_ROWS:
            return _no_data(column.name, line, f"too few: {rows} values in the {name} window, {LEAST_ROWS} needed")
    a, b = counts_of(before), counts_of(now)
    ordered = column.is_ordered
    past = [one for profile in history if (one := profile.column(column.name)) and one.kind == reference.kind]
    wobble = _usual(a, b, _alike(before, past), _moved_mean(reference, found, past), ordered=ordered)
    edges = np.asarray(before.edges)
    bounded = ordered and edges.size > 0
    return ColumnDrift(
        column.name,
        Verdict.OK,
        "",
        line,
        p_sampling=p_sampling(a, b, ordered=ordered),
        p_usual=wobble.p if wobble else None,
        wobble=wobble.wobble if wobble else None,
        effect=total_variation(a, b),
        shift=_shift(before, now) if bounded else None,
        psi=psi(a, b),
        js=jensen_shannon(a, b),
        ks=kolmogorov_smirnov(a, b) if ordered else None,
        wasserstein=wasserstein(a, b, edges, *_outer(before)) if bounded else None,
    )


def _shift(before: ColumnProfile, now: ColumnProfile) -> float | None:
    """Of the mean; of what lies within the baseline's range, where few wild values would speak for all the others."""
    if None in (before.mean, now.mean, now.minimum, now.maximum):
        return None
    low, high = _outer(before)
    reach = max((now.maximum or 0.0) - high, low - (now.minimum or 0.0))
    within = shift(counts_of(before), counts_of(now), np.asarray(before.edges), low, high)
    of_means = (now.mean or 0.0) - (before.mean or 0.0)
    if reach <= high - low or total_variation(counts_of(before), counts_of(now)) > 0.5:
        return of_means
    return within


def _alike(reference: ColumnProfile, history: Sequence[ColumnProfile]) -> list[Array]:
    """The counts of past windows that have enough rows in the reference's bins."""
    found = [aligned(reference, one)[1] for one in history if counted(one) >= LEAST_ROWS]
    return [counts_of(one) for one in found if len(one.counts) == len(reference.counts)]


def _usual(
    baseline: Array, current: Array, past: Sequence[Array], p_mean: float | None, *, ordered: bool
) -> Usual | None:
    """The current difference against those of past windows, each measured against all the others.

    Ordered bins are asked for their shape, for a shift, and how far their mean is from where it usually is; the surest
    answers.
    """
    everything = sum(past, np.zeros_like(baseline))
    asked = [
        usual(apart(baseline, current, fewest=RARE), [apart(everything - one, one, fewest=RARE) for one in past])
        for apart in ((chi_square, location) if ordered else (chi_square,))
    ]
    answers = [answer for answer in asked if answer is not None]
    surest = min(answers, key=lambda answer: answer.p, default=None)
    if surest is None:
        return None
    ps = [answer.p for answer in answers] + ([] if p_mean is None else [p_mean])
    return replace(surest, p=min(1.0, min(ps) * len(ps)))


def _moved_mean(reference: ColumnProfile, current: ColumnProfile, past: Sequence[ColumnProfile]) -> float | None:
    if current.mean is None or reference.mean is None:
        return None
    known = [one for one in past if one.mean is not None]
    windows = round(reference.rows * len(known) / max(sum(one.rows for one in known), 1))
    return usual_shift(current.mean, reference.mean, [one.mean or 0.0 for one in known], windows)


def _outer(before: ColumnProfile) -> tuple[float, float]:
    """The ends of the first and last bin: the baseline's, or one wild value now would stretch a whole bin."""
    low, high = before.minimum, before.maximum
    return before.edges[0] if low is None else low, before.edges[-1] if high is None else high


def _no_data(name: str, line: Line, reason: str) -> ColumnDrift:
    return ColumnDrift(name, Verdict.NO_DATA, reason, line)
