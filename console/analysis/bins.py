"""Columns counted alike: two profiles of one column brought to the same bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from console.model import ColumnProfile

if TYPE_CHECKING:
    from console.model import Array


def aligned(baseline: ColumnProfile, current: ColumnProfile) -> tuple[ColumnProfile, ColumnProfile]:
    """Both on the bins they share; unchanged where those are the same already (counted `like` each other).

    Numeric bins merge over edges that only one side has; categories that one side does not list flow into `other`.
    """
    if baseline.edges == current.edges and baseline.categories == current.categories:
        return baseline, current
    if baseline.kind == "numeric":
        edges = tuple(sorted(set(baseline.edges) & set(current.edges)))
        return _on_edges(baseline, edges), _on_edges(current, edges)
    listed = set(current.categories)
    categories = tuple(one for one in baseline.categories if one in listed)
    return _on_categories(baseline, categories), _on_categories(current, categories)


def pooled(profiles: Sequence[ColumnProfile]) -> ColumnProfile:
    """Several windows of one column as one; they must be counted into the same bins."""
    first = profiles[0]
    known = [one for one in profiles if one.mean is not None and counted(one) > 0]
    weight = sum(counted(one) for one in known)
    return replace(
        first,
        rows=sum(one.rows for one in profiles),
        missing=sum(one.missing for one in profiles),
        infinite=sum(one.infinite for one in profiles),
        unparsable=sum(one.unparsable for one in profiles),
        counts=tuple(int(count) for count in np.sum([one.counts for one in profiles], axis=0)),
        minimum=min((one.minimum for one in profiles if one.minimum is not None), default=None),
        maximum=max((one.maximum for one in profiles if one.maximum is not None), default=None),
        mean=sum((one.mean or 0.0) * counted(one) for one in known) / weight if weight else None,
    )


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
