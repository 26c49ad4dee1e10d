"""A column that cannot be binned itself is seen from several sides: each side is a column, counted as any is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from console.analysis.columns.heavy import heavy_values
from console.model import ColumnProfile

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array

    IntArray = npt.NDArray[np.int64]

_BINS = 20
_SAME = 1e-5  # of the largest value: closer values are one value, differently rounded


def facet_name(of: str, side: str) -> str:
    """How a facet is called.

    >>> facet_name("prompt", "length")
    'prompt [length]'
    """
    return f"{of} [{side}]"


def ordered_facet(
    of: str,
    side: str,
    values: Array,
    like: ColumnProfile | None = None,
    *,
    missing: int = 0,
    basis: str = "",
    is_shared: bool = False,
) -> ColumnProfile:
    """Finite values, shape (rows,), between the edges of `like`, or between edges that fit them.

    `is_shared` where many rows may have one value (a length at which texts are cut): those values are kept by name.
    """
    edges = like.edges if like is not None else _edges(values)
    counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
    ends = (float(values.min()), float(values.max()), float(values.mean())) if values.size else (None, None, None)
    heavy, sampled = heavy_values(values) if is_shared else ((), 0)
    return ColumnProfile(
        facet_name(of, side), "numeric", "DOUBLE", values.size + missing, missing=missing, edges=edges,
        counts=tuple(counts.tolist()), minimum=ends[0], maximum=ends[1], mean=ends[2], of=of, heavy=heavy,
        sampled=sampled, basis=basis if like is None else like.basis,
    )  # fmt: skip


def sorted_facet(
    of: str, side: str, places: IntArray, categories: Sequence[str], like: ColumnProfile | None = None, *,
    basis: str = "",
) -> ColumnProfile:  # fmt: skip
    """Rows by their place, shape (rows,), in `categories`, counted under those of `like`; -1 is none of them."""
    listed = tuple(categories) if like is None else like.categories
    place_of = {category: place for place, category in enumerate(listed)}
    there = np.array([*(place_of.get(category, len(listed)) for category in categories), len(listed)])
    counts = np.bincount(there[places], minlength=len(listed) + 1)
    return ColumnProfile(
        facet_name(of, side), "categorical", "VARCHAR", places.size, categories=listed, counts=tuple(counts.tolist()),
        of=of, basis=basis if like is None else like.basis,
    )  # fmt: skip


def named_facet(
    of: str, side: str, names: Sequence[str], most: int, like: ColumnProfile | None = None
) -> ColumnProfile:
    """Rows by their names, (rows,), under the `most` frequent ones or those of `like`."""
    found, at, counts = np.unique(np.array(names, dtype=str), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    order = order[:most] if like is None else order
    place = np.full(found.size, -1)
    place[order] = np.arange(order.size)
    heavy, sampled = heavy_values(names)
    facet = sorted_facet(of, side, place[at], found[order].tolist(), like)
    return replace(facet, heavy=heavy, sampled=sampled)


def by_side(of: str, profiles: Sequence[ColumnProfile]) -> Mapping[str, ColumnProfile]:
    """The facets of one column by what they see: length, norm …"""
    return {one.name[len(of) + 2 : -1]: one for one in profiles if one.of == of}


def _edges(values: Array) -> tuple[float, ...]:
    """Edges between the quantiles of values and what comes next, so that none lies on a value that many rows share.

    A value that fills a whole bin has an edge on both sides, though nothing may lie there yet.
    """
    if not values.size:
        return ()
    known = np.sort(values)
    gap = _SAME * max(abs(float(known[0])), abs(float(known[-1])), 1e-30)
    cuts = []
    for value in np.quantile(known, np.arange(1, _BINS) / _BINS, method="lower").tolist():
        after = int(np.searchsorted(known, value + gap, side="right"))
        cuts.append((value + float(known[after])) / 2 if after < known.size else value + gap)
        if value <= known[0] + gap:
            cuts.append(float(known[0]) - gap)
    return tuple(sorted(set(cuts)))
