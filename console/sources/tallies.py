"""Counts of bins, asked of a database through Ibis: one grouping per column, many columns a statement.

What is counted is what `sources.counting` counts of files, to the row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import ibis
from ibis.backends.sql.datatypes import DuckDBType

from console.model import ColumnProfile, Profile
from console.sources.chosen import TIME, is_called, is_finite, name_of
from console.sources.fitting import Bins
from console.sources.kinds import MOST_CATEGORY_CHARACTERS

COLUMNS_AT_ONCE = 50  # of one statement
MISSING, UNPARSABLE, NAN, INFINITE = -1, -2, -3, -4  # instead of a bin

Keys = tuple[Any, ...]
Tally = Mapping[str, Any]


def tallied(
    ask: Callable[[Any], Any],
    rows: Any,
    bins: Sequence[Bins],
    *,
    epoch: Callable[[Any], Any],
    newest: Mapping[str, float],
    group: Sequence[str],
    most: int,
) -> list[tuple[Keys, Profile]]:
    """One profile per group: (the group's values, its profile); of more than `most`, those with the most rows.

    `rows` is an Ibis table with a column TIME, `group` are columns of it, `ask` answers an expression as a
    pyarrow.Table, `epoch` turns a time into epoch seconds. `newest` is what the ages of times are counted from where
    rows have no time of their own.
    """
    rows, groups = _groups(ask, rows, group, most)
    tallies: dict[tuple[Keys, int], list[Tally]] = {}
    for at in range(0, len(bins), COLUMNS_AT_ONCE):
        parts = [
            _of_column(rows, group, number, one, epoch, newest.get(one.column))
            for number, one in enumerate(bins[at : at + COLUMNS_AT_ONCE], at)
        ]
        for tally in ask(reduce(lambda one, other: one.union(other), parts)).to_pylist():
            tallies.setdefault((tuple(tally[name] for name in group), tally["number"]), []).append(tally)
    found = []
    for row in groups:
        keys = tuple(row[name] for name in group)
        columns = tuple(
            _column(one, dtype_of(rows[one.column]), row["rows"], tallies.get((keys, number), ()))
            for number, one in enumerate(bins)
        )
        found.append((keys, Profile(columns, row["rows"], newest=row["newest"])))
    return sorted(found, key=lambda pair: [(key == "", key) for key in pair[0]])  # rows without a value come last


def dtype_of(column: Any) -> str:
    """The type as DuckDB calls it, so that rows in files and rows in a database can be compared."""
    kind = column.type()
    if kind.is_timestamp():
        return "TIMESTAMP WITH TIME ZONE" if kind.timezone else "TIMESTAMP"
    written = str(DuckDBType.from_ibis(kind).sql("duckdb")).replace(", ", ",")
    return re.sub(r"^(TEXT|INT|REAL)\b", lambda found: _AS_TOLD[found[0]], written)


_AS_TOLD = {"TEXT": "VARCHAR", "INT": "INTEGER", "REAL": "FLOAT"}


def _groups(ask: Callable[[Any], Any], rows: Any, group: Sequence[str], most: int) -> tuple[Any, list[dict[str, Any]]]:
    """The rows of those groups that are counted, and how many each has."""
    wanted = {"rows": rows.count(), "newest": rows[TIME].max()}
    if not group:
        return rows, ask(rows.aggregate(**wanted)).to_pylist()
    largest = rows.group_by(group).aggregate(**wanted).order_by([ibis.desc("rows"), *group])
    groups = ask(largest.limit(most)).to_pylist()
    if len(groups) == most:
        for name in group:
            rows = rows.filter(rows[name].isin(sorted({row[name] for row in groups})))
    return rows, groups


def _of_column(
    rows: Any, group: Sequence[str], number: int, bins: Bins, epoch: Callable[[Any], Any], newest: float | None
) -> Any:
    """How many rows of each group lie in each bin, with the least, the most and the sum of their values."""
    cell = rows[bins.column]
    value = ibis.null("float64")
    if bins.kind == "datetime":
        value = (rows[TIME] if newest is None else ibis.literal(newest, "float64")) - epoch(cell)
    elif bins.is_ordered and cell.type().is_numeric() and not cell.type().is_boolean():
        value = cell.cast("float64")
    binned = rows.select(*group, cell=cell, value=value)
    binned = binned.select(*group, "value", bin=_place(binned.cell, binned.value, bins))
    counted = binned.group_by([*group, "bin"]).aggregate(
        rows=binned.count(), least=binned.value.min(), most=binned.value.max(), total=binned.value.sum()
    )
    return counted.select(*group, "bin", "rows", "least", "most", "total", number=ibis.literal(number, "int64"))


def _place(cell: Any, value: Any, bins: Bins) -> Any:
    """The number of each row's bin."""
    branches = [(cell.isnull(), MISSING)]
    if bins.is_ordered:
        branches += [(value.isnull(), UNPARSABLE), (value.isnan(), NAN), (~is_finite(value), INFINITE)]
        branches += [(value <= edge, at) for at, edge in enumerate(bins.edges)]
        last = len(bins.edges)
    else:
        if any(len(name) >= MOST_CATEGORY_CHARACTERS for name in bins.categories):
            cell = name_of(cell).left(MOST_CATEGORY_CHARACTERS)
        branches += [(is_called(cell, name), at) for at, name in enumerate(bins.categories)]
        last = len(bins.categories)
    return ibis.cases(*((condition, _int(at)) for condition, at in branches), else_=_int(last))


def _int(number: int) -> Any:
    return ibis.literal(number, "int64")


def _column(bins: Bins, dtype: str, rows: int, tallies: Sequence[Tally]) -> ColumnProfile:
    counted = {tally["bin"]: int(tally["rows"]) for tally in tallies}
    missing = counted.get(MISSING, 0)
    if missing == rows and bins.dtype != "NULL":
        dtype = bins.dtype
    column = ColumnProfile(bins.column, bins.kind, dtype, rows, missing=missing + counted.get(NAN, 0))
    if bins.kind in ("text", "embedding"):
        return column
    counts = tuple(counted.get(place, 0) for place in range(len(bins.edges or bins.categories) + 1))
    if not bins.is_ordered:
        return replace(column, categories=bins.categories, counts=counts)
    known = [tally for tally in tallies if tally["bin"] >= 0]
    return replace(
        column, infinite=counted.get(INFINITE, 0), unparsable=counted.get(UNPARSABLE, 0), edges=bins.edges,
        counts=counts,
        minimum=min((tally["least"] for tally in known), default=None),
        maximum=max((tally["most"] for tally in known), default=None),
        mean=sum(tally["total"] for tally in known) / sum(counts) if known else None,
    )  # fmt: skip
