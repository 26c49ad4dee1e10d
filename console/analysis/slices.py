"""Where does a drift come from, and since when? The rows that explain most of it, and the step that began it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.columns.bins import aligned, counts_of
from console.analysis.tails import chi_square_tail
from console.model import ColumnProfile, Profile, SliceShare

if TYPE_CHECKING:
    from console.model import Array

LEAST_P = 0.01
HALF_WAY = 0.5


def explaining_slice(column: str, baseline: Mapping[str, Profile], current: Mapping[str, Profile]) -> SliceShare | None:
    """The value of a slicing column whose rows carry most of this column's drift; None where no value stands out.

    G is split exactly (chain rule): G of side × (slice, bin) is the sum over slices of G of side × bin within each,
    plus G of side × slice, whose terms go to their slices. From each is taken what noise alone would make it, so that
    many slices do not look like less drift in the one that has it. A value stands out when its share of G is at least
    half way from its share of the rows to all of it. Which slicing column it was is the caller's to fill in.
    """
    terms: dict[str, float] = {}
    rows: dict[str, float] = {}
    noise: dict[str, int] = {}  # degrees of freedom: what each term is on average where nothing drifted
    tables: dict[str, Array] = {}
    for value in sorted({*baseline, *current}):
        table = _table(column, baseline.get(value), current.get(value))
        if table is not None and table.sum() > 0:
            tables[value] = table
    if len(tables) < 2:
        return None
    sides = np.sum([table.sum(axis=1) for table in tables.values()], axis=0)
    for value, table in tables.items():
        held = table.sum(axis=1)
        terms[value] = _g(table) + 2 * _surprise(held, sides * held.sum() / sides.sum())
        rows[value] = float(held.sum() / sides.sum())
        noise[value] = int((table.sum(axis=0) > 0).sum())
    if chi_square_tail(sum(terms.values()), max(sum(noise.values()) - 1, 1)) > LEAST_P:
        return None
    drift = {value: max(term - noise[value], 0.0) for value, term in terms.items()}
    best = max(drift, key=lambda value: drift[value])
    share = drift[best] / max(sum(drift.values()), 1e-9)
    found = SliceShare("", best, share, rows[best])
    return found if found.excess >= HALF_WAY else None


def counts_onset(column: str, baseline: Profile, steps: Sequence[tuple[float, Profile]]) -> float | None:
    """The start of the step from which on a column's counts are no longer the baseline's; None where nothing changed.

    `steps` are (start, counts of the step) in any order. Every split is weighed by its likelihood: baseline's shares
    before it, the shares of all later steps after it.
    """
    known = baseline.column(column)
    if known is None:
        return None
    timed = sorted(((start, one) for start, profile in steps if (one := profile.column(column))), key=lambda at: at[0])
    if not timed:
        return None
    rows = np.array([_row(known, one) for _start, one in timed])
    usual = _row(known, known)
    usual = (usual + 0.5) / (usual.sum() + 0.5 * usual.size)
    later = np.cumsum(rows[::-1], axis=0)[::-1]  # all rows from each step on
    held = later.sum(axis=1, keepdims=True)
    shares = (later + 0.5 * usual) / (held + 0.5)
    gain = np.sum(later * np.log(shares / usual), axis=1)
    at = int(np.argmax(gain))
    freedom = int((usual > 0).sum()) - 1
    # Half of 2 × gain is what chance gives each split; all splits were looked at.
    if chi_square_tail(2 * float(gain[at]), max(freedom, 1)) * len(timed) > LEAST_P:
        return None
    return float(timed[at][0])


def _row(baseline: ColumnProfile, column: ColumnProfile) -> Array:
    """Counts of shape (bins,) in the baseline's bins, missing ones as one more."""
    one = aligned(baseline, column)[1]
    return np.append(counts_of(one), one.missing + one.infinite)


def _table(column: str, baseline: Profile | None, current: Profile | None) -> Array | None:
    """Counts of shape (2, bins), missing values as one more bin; a side without the slice has none."""
    sides = [None if profile is None else profile.column(column) for profile in (baseline, current)]
    known = [one for one in sides if one is not None]
    if not known:
        return None
    a, b = aligned(sides[0] or known[0], sides[1] or known[0])
    counts = np.array([np.append(counts_of(one), one.missing + one.infinite) for one in (a, b)])
    counts[[one is None for one in sides]] = 0.0
    return counts


def _g(table: Array) -> float:
    whole = table.sum()
    return 2 * _surprise(table, np.outer(table.sum(axis=1), table.sum(axis=0)) / whole)


def _surprise(seen: Array, expected: Array) -> float:
    known = seen > 0
    return float(np.sum(seen[known] * np.log(seen[known] / expected[known])))
