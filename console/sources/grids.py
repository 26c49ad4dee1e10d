"""Edges on a grid of a power of two: as short to write as they are quick to count by.

A number times a power of two is exact, so the cell that it lies in is the one that comparing it with each edge would
give; but it is one multiplication where finding its place among twenty edges is five comparisons that no processor
foresees.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from console.model import Array

MOST_CELLS = 250  # so that a cell's number is one byte
LARGEST = 2.0**900  # of a step, or of what it is multiplied with


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal cells between the first edge and the last; edges lie at `ends`, counted in cells from the first."""

    step: float
    low: float
    high: float
    ends: tuple[int, ...]

    def cell(self, number: str) -> str:
        """SQL: in which cell a DOUBLE lies, from 1; NULL for what is not above the first edge and up to the last."""
        place = f"ceil({number} * {1 / self.step!r}) - {self.low / self.step!r}"
        return f"CASE WHEN {number} > {self.low!r} AND {number} <= {self.high!r} THEN {place} END::UTINYINT"

    def counts(self, below: int, cells: Mapping[int, int], finite: int) -> tuple[int, ...]:
        """The counts of the bins, from those of the cells, of what is up to the first edge, of all that is finite."""
        counts = [below, *[0] * (len(self.ends) - 1)]
        for cell, count in cells.items():
            counts[bisect_left(self.ends, cell)] += count
        return (*counts, finite - sum(counts))


def grid_of(edges: Sequence[float]) -> Grid | None:
    """The grid that these edges lie on; None where its cells would be too many."""
    if len(edges) < 2:
        return None
    ratios = [edge.as_integer_ratio() for edge in edges]
    scale = max(denominator for _numerator, denominator in ratios)  # a power of two, as all of them are
    places = [numerator * (scale // denominator) for numerator, denominator in ratios]
    common = math.gcd(*places)
    width = common & -common
    ends = [(place - places[0]) // width for place in places]
    if ends[-1] > MOST_CELLS or not 1 / LARGEST < width / scale < LARGEST:
        return None
    return Grid(width / scale, edges[0], edges[-1], tuple(ends))


def on_grid(quantiles: Array) -> Array:
    """The nearest edges on a grid that fits them: shape (edges,), no more than there were."""
    span = float(quantiles[-1] - quantiles[0])
    if not 1 / LARGEST < span < LARGEST:
        return quantiles
    step = 2.0 ** math.ceil(math.log2(span / (MOST_CELLS - 2)))
    rounded: Array = np.unique(np.round(quantiles / step)) * step
    return rounded
