"""Profiles of shards and days made one: what was counted into the same bins adds up, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import reduce

from console.analysis.columns.relations import added
from console.model import ColumnProfile, Profile

MOST_HEAVY = 20  # values that are kept of all that were heavy somewhere
APART = "/"  # between types that are not the same


def merged(profiles: Iterable[Profile]) -> Profile:
    """The profile of all their rows together.

    In any order it is the same, but for the last digits of means and relations, and for the rarest heavy values where
    there are more than 20. A column that some profiles do not have is missing in all of their rows; a facet is of a
    sample, and of theirs nothing is known. `duplicates` are those within each: a row that two share is not seen.
    Raises ValueError where a column is not counted into the same bins everywhere, and where there is no profile.
    """
    held = list(profiles)
    if not held:
        raise ValueError("there is no profile to merge")
    return reduce(_both, held)


def _both(one: Profile, other: Profile) -> Profile:
    names = [column.name for column in one.columns]
    if names != [column.name for column in other.columns]:
        names = sorted({*names, *(column.name for column in other.columns)})
    return Profile(
        tuple(_column(one, other, name) for name in names),
        one.rows + other.rows,
        start=_least(one.start, other.start),
        end=_most(one.end, other.end),
        duplicates=one.duplicates + other.duplicates,
        newest=_most(one.newest, other.newest),
        relations=added([one.relations, other.relations]),
    )


def _column(one: Profile, other: Profile, name: str) -> ColumnProfile:
    a, b = one.column(name), other.column(name)
    if a is not None and b is not None:
        return _added(a, b)
    there, absent = (a, other.rows) if a is not None else (b, one.rows)
    assert there is not None  # the name is one of theirs
    return there if there.of else replace(there, rows=there.rows + absent, missing=there.missing + absent)


def _added(a: ColumnProfile, b: ColumnProfile) -> ColumnProfile:
    if any(getattr(a, bins) != getattr(b, bins) for bins in ("kind", "of", "edges", "categories", "basis")):
        raise ValueError(f"column {a.name} is not counted into the same bins")
    return replace(
        a,
        dtype=_types(a.dtype, b.dtype),
        rows=a.rows + b.rows,
        missing=a.missing + b.missing,
        infinite=a.infinite + b.infinite,
        unparsable=a.unparsable + b.unparsable,
        counts=tuple(x + y for x, y in zip(a.counts, b.counts, strict=True)),
        minimum=_least(a.minimum, b.minimum),
        maximum=_most(a.maximum, b.maximum),
        mean=_mean(a, b),
        heavy=_heavy(a, b),
        sampled=a.sampled + b.sampled,
    )


def _mean(a: ColumnProfile, b: ColumnProfile) -> float | None:
    if a.mean is None or b.mean is None:
        return b.mean if a.mean is None else a.mean
    rows = sum(a.counts), sum(b.counts)
    return (a.mean * rows[0] + b.mean * rows[1]) / max(sum(rows), 1)


def _heavy(a: ColumnProfile, b: ColumnProfile) -> tuple[tuple[str, int], ...]:
    counted = Counter(dict(a.heavy)) + Counter(dict(b.heavy))
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:MOST_HEAVY])


def _types(a: str, b: str) -> str:
    """One type, or all that there are."""
    named = {*a.split(APART), *b.split(APART)} - {"NULL"}
    return APART.join(sorted(named)) or "NULL"


def _least(a: float | None, b: float | None) -> float | None:
    return min((one for one in (a, b) if one is not None), default=None)


def _most(a: float | None, b: float | None) -> float | None:
    return max((one for one in (a, b) if one is not None), default=None)
