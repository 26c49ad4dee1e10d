"""A column that cannot be binned itself, seen from several sides: each side is a column of its own, counted as any is.

And back: of what the sides say, one answer for the column, so that many sides do not raise many false alarms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from console.model import ColumnDrift, ColumnProfile

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array

    IntArray = npt.NDArray[np.int64]

LEAST_EFFECT = 0.01  # of the rows, seen from one side: the rows that moved are more (benchmarks/rich_drift.py)

_BINS = 20
_SAME = 1e-5  # of the largest value: closer values are one value, differently rounded


def combined(facets: Sequence[ColumnDrift], *, least: float = LEAST_EFFECT) -> ColumnDrift | None:
    """The facet of a column that is surest to have moved, for all of them; None where none could be asked.

    `facets` are measured and not yet judged. The p-values that come back are what the column as a whole may claim after
    so many questions (Bonferroni: facets of one column go together in any way), so that it enters its family as one
    column. Facets that moved less than `least` speak only where none moved more; see LEAST_EFFECT.
    """
    asked = [one for one in facets if one.p_sampling is not None]
    moved = [one for one in asked if (one.effect or 0.0) >= least] or asked
    if not moved:
        return None
    surest = min(moved, key=lambda one: max(one.p_sampling or 0.0, one.p_usual or 0.0))
    p, usual = (None if one is None else min(1.0, one * len(asked)) for one in (surest.p_sampling, surest.p_usual))
    return replace(surest, p_sampling=p, p_usual=usual)


def facet_name(of: str, side: str) -> str:
    """How a facet is called.

    >>> facet_name("prompt", "length")
    'prompt [length]'
    """
    return f"{of} [{side}]"


def ordered_facet(
    of: str, side: str, values: Array, like: ColumnProfile | None = None, *, missing: int = 0, basis: str = ""
) -> ColumnProfile:
    """Finite values, shape (rows,), between the edges of `like`, or between edges that fit them."""
    edges = like.edges if like is not None else _edges(values)
    counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
    ends = (float(values.min()), float(values.max()), float(values.mean())) if values.size else (None, None, None)
    return ColumnProfile(
        facet_name(of, side), "numeric", "DOUBLE", values.size + missing, missing=missing, edges=edges,
        counts=tuple(counts.tolist()), minimum=ends[0], maximum=ends[1], mean=ends[2], of=of,
        basis=basis if like is None else like.basis,
    )  # fmt: skip


def sorted_facet(
    of: str, side: str, places: IntArray, categories: Sequence[str], like: ColumnProfile | None = None, *,
    basis: str = "",
) -> ColumnProfile:  # fmt: skip
    """Rows by their place, shape (rows,), in `categories`, counted under those of `like`; -1 is none of them."""
    listed = tuple(categories) if like is None else like.categories
    place_of = {category: place for place, category in enumerate(listed)}
    places_there = np.array([*(place_of.get(category, len(listed)) for category in categories), len(listed)])
    counts = np.bincount(places_there[places], minlength=len(listed) + 1)
    return ColumnProfile(
        facet_name(of, side), "categorical", "VARCHAR", places.size, categories=listed, counts=tuple(counts.tolist()),
        of=of, basis=basis if like is None else like.basis,
    )  # fmt: skip


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
