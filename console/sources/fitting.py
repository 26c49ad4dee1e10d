"""Bins that fit a sample: fixed once for a baseline, so that every window, day and shard is counted into the same.

They need not be exact quantiles, they only have to lie well: about a twentieth of the numbers in each, or one for each
of few values; the most frequent categories.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from console.model import ColumnKind, Profile
from console.sources.grids import on_grid
from console.sources.kinds import CATEGORIES, IDENTIFIER_SHARE
from console.sources.sampling import Sample

if TYPE_CHECKING:
    from console.model import Array

BINS = 20
FEW = 20  # distinct numbers: each is counted by itself
FEWEST_GRIDDED = 16  # edges, for a grid to do as well as the quantiles themselves
REPEATED = 5  # rows per distinct number, where so few are no accident of a small sample


@dataclass(frozen=True, slots=True)
class Bins:
    """Where the values of one column are counted: between edges, or under categories; not at all in its facets."""

    column: str
    kind: ColumnKind
    edges: tuple[float, ...] = ()  # inner ones; a value on an edge belongs to the bin below
    categories: tuple[str, ...] = ()
    dtype: str = "NULL"  # of the baseline: said of a column that has no values now

    @property
    def is_ordered(self) -> bool:
        """Whether they lie between edges."""
        return self.kind in ("numeric", "datetime")


def bins_of(profile: Profile) -> dict[str, Bins]:
    """The bins that a profile was counted into, by column; facets are counted otherwise."""
    return {
        column.name: Bins(column.name, column.kind, column.edges, column.categories, column.dtype)
        for column in profile.columns
        if not column.of
    }


def fitted(sample: Sample, column: str) -> Bins:
    """Bins that fit a column of the sample."""
    kind = sample.kinds[column]
    if kind in ("numeric", "datetime"):
        values = sample.values[column]
        return Bins(column, kind, edges=edges_of(values[np.isfinite(values)]))
    if kind == "boolean":
        spelled = sorted(categories_of(_counted(sample, column)), key=str.lower)
        return Bins(column, kind, categories=tuple(spelled) or ("false", "true"))
    if kind == "categorical":
        return Bins(column, kind, categories=categories_of(_counted(sample, column)))
    return Bins(column, kind)


def coded(bins: Bins, sample: Sample) -> Array:
    """The number of each sampled row's bin, NaN where it has none: shape (rows,)."""
    values = sample.values[bins.column]
    if bins.is_ordered:
        codes = np.searchsorted(bins.edges, values).astype(np.float64)
        codes[~np.isfinite(values)] = np.nan
        return codes
    place: dict[str | None, float] = {category: float(at) for at, category in enumerate(bins.categories)}
    place[None] = math.nan
    other = float(len(bins.categories))
    return np.fromiter(map(place.get, values.tolist(), repeat(other)), np.float64, values.size)


def edges_of(values: Array) -> tuple[float, ...]:
    """Inner edges that fit finite numbers of shape (rows,); a value on an edge belongs to the bin below."""
    if not values.size:
        return ()
    few = np.unique(values)
    if few.size <= FEW and values.size >= REPEATED * few.size:
        return _around(few)
    quantiles = np.unique(np.quantile(values, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    if quantiles.size == BINS - 1:
        gridded = on_grid(quantiles)
        if gridded.size >= FEWEST_GRIDDED and gridded[0] >= values.min():
            return tuple(gridded.tolist())
    edges = quantiles.tolist()
    if edges[0] == values.min():  # else what falls below a constant would share its bin
        edges.insert(0, math.nextafter(edges[0], -math.inf))
    return tuple(edges)


def _around(few: Array) -> tuple[float, ...]:
    """A bin for each of these values, and for what may come to lie between, below and above them."""
    edges: list[float] = []
    for value in few.tolist():
        below = math.nextafter(value, -math.inf)
        follows = edges and (below == edges[-1] or (value == edges[-1] + 1 and value.is_integer()))
        edges += [value] if follows else [below, value]
    return tuple(edges)


def _counted(sample: Sample, column: str) -> Counter[str]:
    counted = Counter(sample.values[column].tolist())
    del counted[None]
    return counted


def categories_of(counted: Counter[str]) -> tuple[str, ...]:
    """The most frequent texts; none where nearly every row has its own."""
    if len(counted) > max(CATEGORIES, IDENTIFIER_SHARE * counted.total()):
        return ()
    return tuple(sorted(counted, key=lambda text: (-counted[text], text))[:CATEGORIES])
