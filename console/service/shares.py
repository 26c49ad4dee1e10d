"""Two distributions of one column, for drawing one over the other: bins named in words, and each side's shares."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from console.analysis.columns.bins import aligned
from console.model import ColumnProfile

MOST_BINS = 24
OTHER, MISSING = "other", "missing"

Bin = tuple[str, int, int]
"""(label, rows of the baseline, rows now)"""


def shares(baseline: ColumnProfile, current: ColumnProfile | None) -> dict[str, Any]:
    """`labels`, and the shares of `baseline` and `current` in each; no current ones where the column is another now.

    At most MOST_BINS: neighbouring bins of numbers are one, and the rarest categories are `other`.
    """
    if current is None or current.kind != baseline.kind:
        bins = _bins(baseline, baseline)
        bins = [(label, rows, 0) for label, rows, _same in bins]
    else:
        bins = _bins(*aligned(baseline, current))
    before = max(sum(then for _label, then, _now in bins), 1)
    after = max(sum(now for _label, _then, now in bins), 1)
    return {
        "labels": [label for label, _then, _now in bins],
        "baseline": [then / before for _label, then, _now in bins],
        "current": [now / after for _label, _then, now in bins],
    }


def _bins(baseline: ColumnProfile, current: ColumnProfile) -> list[Bin]:
    missing = (MISSING, _missing(baseline), _missing(current))
    is_whole = missing == (MISSING, 0, 0)
    room = MOST_BINS if is_whole else MOST_BINS - 1
    pairs = list(zip(baseline.counts, current.counts, strict=True))
    bins = _numeric(baseline.edges, pairs, room) if baseline.is_ordered else _named(baseline, pairs, room)
    return bins if is_whole else [*bins, missing]


def _missing(column: ColumnProfile) -> int:
    return column.missing + column.infinite + column.unparsable


def _numeric(edges: Sequence[float], pairs: Sequence[tuple[int, int]], most: int) -> list[Bin]:
    wide = -(-len(pairs) // most)
    kept = edges[wide - 1 :: wide]
    parts = [pairs[at : at + wide] for at in range(0, len(pairs), wide)]
    labels = _ranges(kept)
    return [
        (label, sum(then for then, _now in part), sum(now for _then, now in part))
        for label, part in zip(labels, parts, strict=True)
    ]


def _ranges(edges: Sequence[float]) -> list[str]:
    """The bins between edges in words, with as few digits as tell the edges apart.

    >>> _ranges([0.5, 0.75])
    ['< 0.5', '0.5 to 0.75', '≥ 0.75']
    """
    if not edges:
        return ["all"]
    edges = [edge if abs(edge) >= sys.float_info.min else 0.0 for edge in edges]  # next to 0 is 0 to a person
    shown = next(
        (texts for digits in range(3, 17) if len(set(texts := [f"{edge:.{digits}g}" for edge in edges])) == len(edges)),
        [repr(edge) for edge in edges],
    )
    between = [f"{low} to {high}" for low, high in pairwise(shown)]
    return [f"< {shown[0]}", *between, f"≥ {shown[-1]}"]


def _named(column: ColumnProfile, pairs: Sequence[tuple[int, int]], most: int) -> list[Bin]:
    """The most frequent categories of either side, in the baseline's order."""
    counted: list[Bin] = [(name, then, now) for name, (then, now) in zip(column.categories, pairs, strict=False)]
    others = [pairs[-1]] if len(pairs) > len(column.categories) else []
    frequent = sorted(counted, key=lambda one: max(one[1], one[2]), reverse=True)
    kept = {name for name, _then, _now in frequent[: most - 1]}
    others += [(then, now) for name, then, now in counted if name not in kept]
    bins = [one for one in counted if one[0] in kept]
    if any(then or now for then, now in others):
        bins.append((OTHER, sum(then for then, _now in others), sum(now for _then, now in others)))
    return bins
