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

CELLS = 250  # between the first edge and the last, at most
MOST_CELLS = 8000  # that are worth telling apart; what lies farther out is counted as if it lay just beyond the edges
FARTHEST = 1 << 30  # cells from zero: an INTEGER
LARGEST = 2.0**900  # of a step, or of what it is multiplied with


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal cells, of which the n-th goes from (n - 1) steps up to n steps; `ends` are those of the edges."""

    step: float
    ends: tuple[int, ...]

    def cell(self, number: str, least: float, most: float) -> str:
        """SQL: the cell of a DOUBLE, none of which lies below the least or above the most."""
        if (most - least) / self.step > MOST_CELLS:
            low, high = self.ends[0] * self.step, (self.ends[-1] + 1) * self.step
            number = f"least(greatest({number}, {low!r}::DOUBLE), {high!r}::DOUBLE)"
        return f"TRY_CAST(ceil({number} * {1 / self.step!r}::DOUBLE) AS INTEGER)"

    def counts(self, cells: Mapping[int, int], below: int, finite: int) -> tuple[int, ...]:
        """The counts of the bins, from those of the cells, what lies up to the first edge, and all that is finite."""
        counts = [below, *[0] * (len(self.ends) - 1)]
        for cell, count in cells.items():
            if self.ends[0] < cell <= self.ends[-1]:
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
    ends = tuple(place // width for place in places)
    if ends[-1] - ends[0] > CELLS or max(map(abs, ends)) > FARTHEST or not 1 / LARGEST < width / scale < LARGEST:
        return None
    return Grid(width / scale, ends)


def on_grid(quantiles: Array) -> Array:
    """The nearest edges on a grid that fits them: shape (edges,), no more than there were."""
    span = float(quantiles[-1] - quantiles[0])
    if not 1 / LARGEST < span < LARGEST:
        return quantiles
    step = 2.0 ** math.ceil(math.log2(span / (CELLS - 2)))
    rounded: Array = np.unique(np.round(quantiles / step)) * step
    return rounded
