"""How do columns go together? Sums of products of their scores over a bounded sample of rows, so that shards add up.

What became of them is for `broken` to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from console.model import Relations

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array

    Flags = npt.NDArray[np.bool_]

MOST_SCORES = 200  # of one table, so that their products stay small
FEWEST_CATEGORIES, MOST_CATEGORIES = 3, 20  # of a column, each with a score of its own
LEAST_ROWS = 30  # of a pair
LEAST_CELL = 10.0  # rows that two rare categories, or values apart from most, must be expected to share
LEAST_VARIANCE = 1e-3  # of a score: a column that is stuck goes with nothing
LARGEST = 0.9999  # correlation: no rows show that two columns are one


def categories_each(ordered: int, categorical: int) -> int:
    """How many categories of each column have a score, in a table of so many columns of either kind.

    All of them where there is room: what moves in one slice alone is a relation with its category.

    >>> categories_each(50, 10), categories_each(180, 20)
    (15, 3)
    """
    room = (MOST_SCORES - ordered) // max(categorical, 1)
    return min(max(room, FEWEST_CATEGORIES), MOST_CATEGORIES)


def scores(
    name: str, bins: Array, *, edges: int | None = None, categories: Sequence[str] = (), most: int = MOST_CATEGORIES
) -> dict[str, Array]:
    """The scores of one column for `relations_of`, by name.

    `bins` has shape (rows,): the number of each row's bin, NaN where the value is missing. A column in order, with so
    many inner `edges`, has one score: evenly spaced ranks, of mean 0 and variance 1 where bins are as full as each
    other (Spearman's on bins). One of `categories` has a 0/1 score for each of its first `most`, named `colour=red`;
    of two categories the one tells the other.
    """
    if edges is not None:
        return {name: ((bins + 0.5) / (edges + 1) - 0.5) * math.sqrt(12)}
    told = 1 if len(categories) == 2 else most
    return {
        f"{name}={category}": np.where(np.isnan(bins), np.nan, bins == at)
        for at, category in enumerate(categories[:told])
    }


def relations_of(codes: Mapping[str, Array]) -> Relations:
    """How columns go together: sums of products of their scores, each of shape (rows,), NaN where missing.

    Scores must mean the same in every window (bins of the baseline, say), and then windows and shards add up: `added`.
    """
    names = tuple(codes)
    if not names:
        return Relations((), 0, ())
    table = np.column_stack([np.asarray(codes[name], dtype=np.float64) for name in names])
    absent = ~np.isfinite(table)
    table[absent] = 0.0
    gaps = np.flatnonzero(absent.any(axis=0))
    holes = absent[:, gaps].astype(np.float64)
    return Relations(
        names,
        table.shape[0],
        _packed(table.T @ table),
        tuple(np.round(table.sum(axis=0), 1).tolist()),
        tuple(names[at] for at in gaps),
        tuple(int(one) for one in _packed(holes.T @ holes)),
    )


def added(shards: Iterable[Relations | None]) -> Relations | None:
    """The relations of all the rows of some windows, of the scores that all of them know; None where none has any."""
    known = [one for one in shards if one is not None and one.rows]
    if len(known) < 2:
        return known[0] if known else None
    everywhere = set.intersection(*(set(one.columns) for one in known))
    names = tuple(name for name in dict.fromkeys(name for one in known for name in one.columns) if name in everywhere)
    gaps = tuple(name for name in names if any(name in one.gaps for one in known))
    whole = reduce(Moments.__add__, (Moments.of(one, names) for one in known))
    at = [names.index(name) for name in gaps]
    return Relations(
        names,
        whole.rows,
        _packed(whole.products),
        tuple(np.round(whole.sums, 1).tolist()),
        gaps,
        tuple(int(one) for one in _packed(whole.missing[np.ix_(at, at)])),
    )


@dataclass(frozen=True, slots=True)
class Moments:
    """Relations of chosen columns as arrays, (columns,) and (columns, columns)."""

    rows: int
    products: Array
    sums: Array
    missing: Array

    @classmethod
    def of(cls, relations: Relations, names: Sequence[str]) -> Moments:
        at = [relations.columns.index(name) for name in names]
        missing = _spread(_unpacked(relations.missing, len(relations.gaps)), relations.gaps, names)
        products = _unpacked(relations.products, len(relations.columns))[np.ix_(at, at)]
        return cls(relations.rows, products, np.asarray(relations.sums)[at], missing)

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.rows + other.rows, self.products + other.products, self.sums + other.sums, self.missing + other.missing
        )

    def __sub__(self, other: Moments) -> Moments:
        return Moments(
            self.rows - other.rows, self.products - other.products, self.sums - other.sums, self.missing - other.missing
        )

    @property
    def pairs(self) -> Array:
        """Rows in which both columns have a value; the diagonal: in which the one has."""
        gone = np.diag(self.missing)
        return self.rows - gone[:, None] - gone[None, :] + self.missing

    @property
    def variances(self) -> Array:
        held = np.maximum(np.diag(self.pairs), 1)
        return np.diag(self.products) / held - (self.sums / held) ** 2

    @property
    def is_binary(self) -> Flags:
        """Of 0/1 scores the squares are the scores."""
        binary: Flags = np.isclose(np.diag(self.products), self.sums, rtol=1e-3, atol=0.2)
        return binary

    def correlations(self) -> Array:
        """Of every pair over the rows that have both; NaN where a column does not vary.

        Each column's mean and spread are those of all its rows: what is missing the same way on both sides of a
        comparison biases both alike.
        """
        held = np.maximum(np.diag(self.pairs), 1)
        mean = self.sums / held
        covariance = self.products / np.maximum(self.pairs, 1) - np.outer(mean, mean)
        spread = np.sqrt(np.where(self.variances > LEAST_VARIANCE, self.variances, np.nan))
        correlations: Array = np.clip(covariance / np.outer(spread, spread), -LARGEST, LARGEST)
        return correlations

    def noise(self, correlations: Array) -> Array:
        """The variance of Fisher's z of each pair.

        Of ranks (1 + r²/2) / (n - 3) (Bonett and Wright, Psychometrika 65, 2000); of two 0/1 scores by the delta method
        (Bishop, Fienberg and Holland, Discrete Multivariate Analysis, 1975, 11.3), where that is more.
        """
        r, n = correlations, np.maximum(self.pairs - 3, 1)
        noise = (1 + r**2 / 2) / n
        share = np.clip(self.sums / np.maximum(np.diag(self.pairs), 1), 1e-6, 1 - 1e-6)
        skew = (1 - 2 * share) / np.sqrt(share * (1 - share))
        lopsided = skew[:, None] ** 2 + skew[None, :] ** 2
        of_both = 1 - r**2 + r * (1 + r**2 / 2) * np.outer(skew, skew) - 0.75 * r**2 * lopsided
        binary = np.outer(self.is_binary, self.is_binary)
        return np.where(binary, np.maximum(noise, of_both / (1 - r**2) ** 2 / n), noise)

    def is_full(self) -> Flags:
        """Pairs with rows enough, and of rare categories enough of both."""
        held = np.maximum(np.diag(self.pairs), 1)
        share = np.clip(self.sums / held, 0, 1)
        # Ranks that nearly all rows share vary as little as a rare category does.
        rare = np.where(self.is_binary, np.minimum(share, 1 - share), np.clip(self.variances / 2, 0, 0.5))
        full: Flags = (self.pairs >= LEAST_ROWS) & (self.pairs * np.outer(rare, rare) >= LEAST_CELL)
        return full


def _packed(square: Array) -> tuple[float, ...]:
    """The upper triangle; a tenth is finer than sampling noise, and shorter to write."""
    return tuple(np.round(square[np.triu_indices(square.shape[0])], 1).tolist())


def _unpacked(triangle: Sequence[float], size: int) -> Array:
    square = np.zeros((size, size))
    square[np.triu_indices(size)] = triangle
    return square + np.triu(square, 1).T


def _spread(square: Array, names: Sequence[str], wanted: Sequence[str]) -> Array:
    """The same square over other names: 0 for those it does not know."""
    place = {name: at for at, name in enumerate(names)}
    at = [place.get(name, len(names)) for name in wanted]
    wider: Array = np.pad(square, (0, 1))[np.ix_(at, at)]
    return wider
