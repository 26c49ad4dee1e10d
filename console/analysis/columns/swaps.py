"""Did two columns change places? Each looks now as the other did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.columns.bins import aligned, counted, counts_of
from console.analysis.columns.distances import total_variation
from console.analysis.columns.faults import LEAST_ROWS
from console.model import ColumnProfile, IntegrityIssue, Profile, Verdict

if TYPE_CHECKING:
    from console.model import Array

LEAST_MOVED = 0.3  # of the rows of either: of columns that look alike nobody can tell
LIKE = 0.12  # the largest gap between distribution functions of columns that are one
KNOWN = 0.9  # of the rows hold categories of the other column


def swapped(current: Profile, baseline: Profile) -> Iterator[IntegrityIssue]:
    """One issue per pair of columns that exchanged their distributions."""
    moved = [column for column in baseline.columns if not column.of and _has_left(current, column)]
    told: set[str] = set()
    for a, b in combinations(moved, 2):
        if told & {a.name, b.name} or a.kind != b.kind:
            continue
        now_a, now_b = current.column(a.name), current.column(b.name)
        if now_a and now_b and _is_like(now_a, b, a) and _is_like(now_b, a, b):
            told |= {a.name, b.name}
            yield IntegrityIssue("swapped", a.name, Verdict.DEGRADED, f"columns {a.name} and {b.name} changed places")


def _has_left(current: Profile, baseline: ColumnProfile) -> bool:
    now = current.column(baseline.name)
    if now is None or now.kind != baseline.kind or min(counted(now), counted(baseline)) < LEAST_ROWS:
        return False
    before, after = aligned(baseline, now)
    return len(before.counts) > 1 and total_variation(counts_of(before), counts_of(after)) >= LEAST_MOVED


def _is_like(now: ColumnProfile, other: ColumnProfile, own: ColumnProfile) -> bool:
    """Whether a column's values now are those that another column had, rather than its own."""
    if not now.is_ordered:
        rows = sum(rows for name, rows in now.heavy if name in other.categories)
        own_rows = sum(rows for name, rows in now.heavy if name in own.categories)
        return now.sampled > 0 and rows >= KNOWN * now.sampled and own_rows < (1 - KNOWN) * now.sampled
    if not now.edges or not other.edges or None in (now.minimum, now.mean, other.minimum, other.mean):
        return False
    held = np.cumsum(counts_of(now))[:-1] / max(counted(now), 1)
    gap = float(np.max(np.abs(held - _upto(other, now.edges))))
    # Most of its values may lie within one of its own bins: then the mean and the ends are what tells.
    spread = _spread(other)
    away = abs((now.mean or 0.0) - (other.mean or 0.0))
    ends = max((other.minimum or 0.0) - (now.minimum or 0.0), (now.maximum or 0.0) - (other.maximum or 0.0))
    return gap <= LIKE and away <= LIKE * spread and ends <= spread


def _upto(column: ColumnProfile, points: Sequence[float]) -> Array:
    """The share of rows at or below each point, shape (points,); values lie evenly within a bin."""
    low, high = column.minimum or 0.0, column.maximum or 0.0
    bounds = [min(low, column.edges[0]), *column.edges, max(high, column.edges[-1])]
    shares = np.concatenate([[0.0], np.cumsum(counts_of(column)) / max(counted(column), 1)])
    upto: Array = np.interp(points, bounds, shares)
    return upto


def _spread(column: ColumnProfile) -> float:
    """Between the outermost edges, which hold nine tenths of the rows."""
    return column.edges[-1] - column.edges[0]
