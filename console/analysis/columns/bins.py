"""Columns counted alike: two profiles of one column brought to the same bins."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from console.model import ColumnProfile

if TYPE_CHECKING:
    from console.model import Array

FEW = 10  # rows of the baseline that make a category a known one
LUCK = 4.0  # standard deviations by which a category must be clear of the rarest listed


def aligned(baseline: ColumnProfile, current: ColumnProfile) -> tuple[ColumnProfile, ColumnProfile]:
    """Both on the bins they share; unchanged where those are the same already (counted `like` each other).

    Numeric bins merge over edges that only one side has; categories that one side does not list flow into `other`.
    """
    if baseline.edges == current.edges and baseline.categories == current.categories:
        return baseline, current
    if baseline.is_ordered:
        edges = tuple(sorted(set(baseline.edges) & set(current.edges)))
        return _on_edges(baseline, edges), _on_edges(current, edges)
    listed = set(current.categories)
    categories = tuple(one for one in baseline.categories if one in listed)
    return _on_categories(baseline, categories), _on_categories(current, categories)


def settled(baseline: ColumnProfile) -> ColumnProfile:
    """The column with those categories in `other` that it lists by luck.

    A category that is listed because it came a few times more than its like comes less the next time, and that is no
    drift. Kept are those with rows enough, clear of the rarest one listed by more than chance parts them.
    """
    if baseline.is_ordered or not baseline.categories:
        return baseline
    listed = baseline.counts[:-1]
    least = float(FEW)
    if baseline.counts[-1]:
        rarest = min(listed)
        least = max(least, rarest + LUCK * math.sqrt(rarest))
    kept = tuple(name for name, rows in zip(baseline.categories, listed, strict=True) if rows >= least)
    return _on_categories(baseline, kept)


def counts_of(column: ColumnProfile) -> Array:
    """The counts as an array of shape (bins,)."""
    return np.asarray(column.counts, dtype=np.float64)


def counted(column: ColumnProfile) -> int:
    """Rows with a usable value."""
    return sum(column.counts)


def _on_edges(column: ColumnProfile, edges: tuple[float, ...]) -> ColumnProfile:
    kept = [*(at + 1 for at, edge in enumerate(column.edges) if edge in edges)]
    parts = np.split(np.asarray(column.counts), kept)
    return replace(column, edges=edges, counts=tuple(int(part.sum()) for part in parts))


def _on_categories(column: ColumnProfile, categories: tuple[str, ...]) -> ColumnProfile:
    count = dict(zip(column.categories, column.counts, strict=False))
    kept = tuple(count[one] for one in categories)
    return replace(column, categories=categories, counts=(*kept, sum(column.counts) - sum(kept)))
