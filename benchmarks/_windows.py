"""Windows of rows that are in memory, counted as the engine counts files: for many windows in little time.

`same_as_table` holds the two against each other; drift_honesty runs it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np

from console.analysis.columns.relations import added as added_relations
from console.analysis.columns.relations import categories_each, relations_of, scores
from console.model import ColumnProfile, Profile

BINS = CATEGORIES = 20
SAMPLE = 20_000

Rows = Mapping[str, np.ndarray]
"""Columns by name, shape (rows,): floats with NaN for missing, or texts with None."""


def length(rows: Rows) -> int:
    """How many rows."""
    return len(next(iter(rows.values())))


def part(rows: Rows, start: int, end: int) -> dict[str, np.ndarray]:
    """The rows from start up to end."""
    return {name: values[start:end] for name, values in rows.items()}


def profile(
    rows: Rows, like: Profile | None = None, span: tuple[float, float] | None = None, *, related: bool = True
) -> Profile:
    """The rows as counts, in the bins of `like` or in bins of their own."""
    known = {column.name: column for column in like.columns} if like else {}
    columns, codes = [], {}
    ordered = sum(values.dtype.kind == "f" for values in rows.values())
    most = categories_each(ordered, len(rows) - ordered)
    for name, values in rows.items():
        count = _numbers if values.dtype.kind == "f" else _texts
        column, code = count(name, values, known.get(name))
        columns.append(column)
        if related:
            codes |= scores(
                name,
                _sampled(code),
                edges=len(column.edges) if column.is_ordered else None,
                categories=column.categories,
                most=most,
            )
    start, end = span or (None, None)
    relations = relations_of(codes) if related else None
    return Profile(tuple(columns), length(rows), start, end, relations=relations)


def added(parts: list[Profile]) -> Profile:
    """All the rows of some windows that were counted into the same bins."""
    columns = []
    for alike in zip(*(one.columns for one in parts), strict=True):
        present = [one for one in alike if one.minimum is not None]
        held = [sum(one.counts) for one in present]
        columns.append(
            ColumnProfile(
                alike[0].name, alike[0].kind, alike[0].dtype, sum(one.rows for one in alike),
                sum(one.missing for one in alike), sum(one.infinite for one in alike),
                alike[0].edges, alike[0].categories,
                tuple(np.sum([one.counts for one in alike], axis=0).tolist()),
                min((one.minimum for one in present), default=None),
                max((one.maximum for one in present), default=None),
                float(np.average([one.mean for one in present], weights=held)) if sum(held) else None,
            )
        )  # fmt: skip
    starts = [one.start for one in parts if one.start is not None]
    ends = [one.end for one in parts if one.end is not None]
    relations = added_relations(one.relations for one in parts)
    rows = sum(one.rows for one in parts)
    return Profile(tuple(columns), rows, min(starts, default=None), max(ends, default=None), relations=relations)


def _numbers(name: str, values: np.ndarray, like: ColumnProfile | None) -> tuple[ColumnProfile, np.ndarray]:
    finite = values[np.isfinite(values)]
    if like is not None:
        edges = like.edges
    else:
        edges = tuple(dict.fromkeys(np.quantile(finite, np.arange(1, BINS) / BINS, method="inverted_cdf").tolist()))
        if edges and edges[0] == finite.min():
            edges = (math.nextafter(edges[0], -math.inf), *edges)
    at = np.searchsorted(edges, finite)
    ends = (float(finite.min()), float(finite.max()), float(finite.mean())) if finite.size else (None, None, None)
    column = ColumnProfile(
        name, "numeric", "DOUBLE", values.size, int(np.isnan(values).sum()), int(np.isinf(values).sum()),
        edges, (), tuple(np.bincount(at, minlength=len(edges) + 1).tolist()), *ends,
    )  # fmt: skip
    code = np.full(values.size, np.nan)
    code[np.isfinite(values)] = at
    return column, code


def _texts(name: str, values: np.ndarray, like: ColumnProfile | None) -> tuple[ColumnProfile, np.ndarray]:
    present = Counter(value for value in values.tolist() if value is not None)
    categories = like.categories if like else tuple(value for value, _n in present.most_common(CATEGORIES))
    known = [present.get(category, 0) for category in categories]
    counts = (*known, sum(present.values()) - sum(known))
    missing = values.size - sum(present.values())
    place = {category: at for at, category in enumerate(categories)} | {None: math.nan}
    code = np.array([place.get(value, len(categories)) for value in values.tolist()], float)
    column = ColumnProfile(name, "categorical", "VARCHAR", values.size, missing, categories=categories, counts=counts)
    return column, code


def _sampled(code: np.ndarray) -> np.ndarray:
    if code.size <= SAMPLE:
        return code
    return code[np.linspace(0, code.size - 1, SAMPLE).astype(int)]
