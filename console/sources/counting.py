"""Rows counted into bins where they lie, so that only bins travel (DESIGN §7).

One aggregate per column, never one per bin: 20 bins as 20 filters cost 40 times as much (FACTS I).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.model import ColumnProfile, Profile
from console.sources.duck import Duck, literal
from console.sources.rows import pointer
from console.sources.selection import Selection

BINS = 20
CATEGORIES = 20
MOST_CATEGORY_CHARACTERS = 200
NUMERIC_SHARE = 0.9  # a column is numeric when so much of what is there is a number; the rest is unparsable
IDENTIFIER_SHARE = 0.5  # a text column with more distinct values than this per row names rows, it does not sort them
QUANTILES = [number / BINS for number in range(1, BINS)]


@dataclass(frozen=True, slots=True)
class Bins:
    """Where the values of one column are counted: between edges, or under categories."""

    column: str
    edges: tuple[float, ...] | None = None
    categories: tuple[str, ...] = ()
    dtype: str = "NULL"  # of the baseline: said of a column that has no values now


def bins_of(profile: Profile) -> list[Bins]:
    """The bins that a profile was counted into."""
    return [
        Bins(column.name, column.edges if column.is_ordered else None, column.categories, column.dtype)
        for column in profile.columns
    ]


def fresh_bins(duck: Duck, selection: Selection, columns: Sequence[str]) -> list[Bins]:
    """Bins that fit these rows: between the quantiles of numbers, and the most frequent texts."""
    if not columns:
        return []
    parts = []
    for i in range(len(columns)):
        parts += [
            f"count(s{i}) AS present{i}", f"count(n{i}) AS numbers{i}", f"approx_count_distinct(s{i}) AS distinct{i}",
            f"min({_finite(i)}) AS least{i}", f"quantile_disc({_finite(i)}, {QUANTILES}) AS quantiles{i}",
            f"approx_top_k(s{i}, {CATEGORIES}) AS top{i}",
        ]  # fmt: skip
    [found] = duck.asks(f"SELECT {', '.join(parts)} FROM ({_cells(selection, columns)})", selection.values)  # noqa: S608 - as Duck says
    return [_fitting(column, {key: found[f"{key}{i}"] for key in _FITTED}) for i, column in enumerate(columns)]


_FITTED = ("present", "numbers", "distinct", "least", "quantiles", "top")


def _fitting(column: str, found: Mapping[str, Any]) -> Bins:
    if found["numbers"] and found["numbers"] >= NUMERIC_SHARE * found["present"]:
        edges = sorted(set(found["quantiles"] or ()))
        if edges and edges[0] == found["least"]:  # else what falls below a constant would share its bin
            edges.insert(0, math.nextafter(edges[0], -math.inf))
        return Bins(column, edges=tuple(edges))
    if found["distinct"] > max(CATEGORIES, IDENTIFIER_SHARE * found["present"]):
        return Bins(column)
    return Bins(column, categories=tuple(found["top"] or ()))


def count(
    duck: Duck, selection: Selection, bins: Sequence[Bins], group: Sequence[str], most: int
) -> list[tuple[tuple[Any, ...], Profile]]:
    """One profile per group: (the group's values, its profile). `group` is SQL over the selected rows.

    Of more than `most` groups, those with the most rows; in the order of their values.
    """
    keys = [f"{expression} AS g{i}" for i, expression in enumerate(group)]
    parts = [f"g{i}" for i in range(len(group))]
    parts += ["count(*) AS rows", "max(andon_time) AS newest", "count(*) - count(DISTINCT andon_hash) AS duplicates"]
    bound = dict(selection.values)
    for i, one in enumerate(bins):
        parts += _aggregates(i, one)
        bound[f"bins{i}_"] = list(one.categories if one.edges is None else one.edges)
    names = ", ".join(f"g{i}" for i in range(len(group)))
    grouping = f" GROUP BY {names} ORDER BY rows DESC, {names} LIMIT {most}" if group else ""
    cells = _cells(selection, [one.column for one in bins], [*keys, f"{selection.hash()} AS andon_hash", "andon_time"])
    found = duck.asks(f"SELECT {', '.join(parts)} FROM ({cells}){grouping}", bound)  # noqa: S608 - as Duck says
    counted = [(tuple(row[f"g{i}"] for i in range(len(group))), _profile(row, bins)) for row in found]
    return sorted(counted, key=lambda pair: [(value is None, value) for value in pair[0]])


def absent(
    duck: Duck, lines: Selection, columns: Sequence[str], group: Sequence[str]
) -> dict[tuple[Any, ...], set[str]]:
    """For each group, those of the columns whose key no JSON line of it has. `lines` are whole lines."""
    parts = [f"{expression} AS g{i}" for i, expression in enumerate(group)]
    parts += [f"json_exists(json, {literal(pointer(column))}) AS k{i}" for i, column in enumerate(columns)]
    keys = [f"g{i}" for i in range(len(group))]
    seen = ", ".join([*keys, *(f"count(*) FILTER (k{i}) AS seen{i}" for i in range(len(columns)))])
    found = duck.asks(f"SELECT {seen} FROM ({lines.query(parts)}) GROUP BY ALL", lines.values)  # noqa: S608 - as Duck says
    return {
        tuple(row[key] for key in keys): {column for i, column in enumerate(columns) if not row[f"seen{i}"]}
        for row in found
    }


def _aggregates(i: int, bins: Bins) -> list[str]:
    """What is counted of the column that is the i-th: its $bins are its edges or its categories."""
    parts = [f"count(s{i}) AS present{i}", f"count(n{i}) AS numbers{i}", f"mode(d{i}) AS dtype{i}"]
    if bins.edges is None:
        other = len(bins.categories) + 1
        position = f"coalesce(nullif(list_position($bins{i}_::VARCHAR[], s{i}), 0), {other})"
        places = list(range(1, other))
        return [*parts, f"histogram(CASE WHEN s{i} IS NOT NULL THEN {position} END, {places}::INTEGER[]) AS counts{i}"]
    finite = _finite(i)
    return [
        *parts,
        f"count(*) FILTER (isnan(n{i})) AS nan{i}",
        f"count(*) FILTER (isinf(n{i})) AS infinite{i}",
        f"min({finite}) AS least{i}",
        f"max({finite}) AS most{i}",
        f"avg({finite}) AS mean{i}",
        f"histogram({finite}, $bins{i}_::DOUBLE[]) AS counts{i}",
    ]


def _cells(selection: Selection, columns: Sequence[str], more: Iterable[str] = ()) -> str:
    """Each column as its number, its text and its type, each written once."""
    parts, rows = list(more), selection.rows
    for i, column in enumerate(columns):
        text = f"left({rows.text(column)}, {MOST_CATEGORY_CHARACTERS})"
        parts += [f"{rows.number(column)} AS n{i}", f"{text} AS s{i}", f"{rows.dtype(column)} AS d{i}"]
    return selection.query(parts)


def _finite(i: int) -> str:
    return f"CASE WHEN isfinite(n{i}) THEN n{i} END"


def _profile(row: Mapping[str, Any], bins: Sequence[Bins]) -> Profile:
    columns = tuple(
        _column(one, row["rows"], {key: row.get(f"{key}{i}") for key in _COUNTED}) for i, one in enumerate(bins)
    )
    return Profile(columns, row["rows"], duplicates=row["duplicates"], newest=row["newest"])


_COUNTED = ("present", "numbers", "dtype", "nan", "infinite", "least", "most", "mean", "counts")


def _column(bins: Bins, rows: int, found: Mapping[str, Any]) -> ColumnProfile:
    present, numbers = found["present"], found["numbers"]
    dtype = found["dtype"] or bins.dtype
    counted: Mapping[Any, int] = found["counts"] or {}
    names: Sequence[Any] = bins.edges if bins.edges is not None else range(1, len(bins.categories) + 1)
    counts = [counted.get(name, 0) for name in names]
    counts.append(sum(counted.values()) - sum(counts))
    if bins.edges is None:
        return ColumnProfile(bins.column, "categorical", dtype, rows, missing=rows - present,
                             categories=bins.categories, counts=tuple(counts))  # fmt: skip
    return ColumnProfile(
        bins.column, "numeric", dtype, rows,
        missing=rows - present + found["nan"], infinite=found["infinite"], unparsable=present - numbers,
        edges=bins.edges, counts=tuple(counts), minimum=found["least"], maximum=found["most"], mean=found["mean"],
    )  # fmt: skip
