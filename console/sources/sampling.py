"""A bounded sample of the selected rows, for what needs rows and not counts: where bins lie, how columns go together.

The same rows are drawn each time, every row is as likely as every other, and files are read through once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from console.model import ColumnKind
from console.sources.duck import Duck, identifier
from console.sources.kinds import as_text, kinds_of
from console.sources.rows import Rows
from console.sources.selection import Selection

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Codes, Flags

MOST_ROWS = 20_000
MOST_CELLS = 4_000_000  # rows times columns, or rows times the width of a vector
SEED = 7
COLUMNS_AT_ONCE = 200
MOST_TEXT_CHARACTERS = 4000
NEWEST = 0.99  # of the times of a column without a row's own time: one row in the far future is not now


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows drawn from a selection, by column, in one order.

    Of a `numeric` column there are floats of shape (rows,), NaN where there is none; of a `datetime` column its age in
    seconds; of any other kind objects of shape (rows,): texts, or None. Vectors are in `vectors` alone.
    """

    rows: int
    kinds: Mapping[str, ColumnKind]
    values: Mapping[str, npt.NDArray[Any]]
    vectors: Mapping[str, Vectors]
    newest: Mapping[str, float]  # epoch seconds, of each datetime column: what its ages are counted from
    groups: tuple[npt.NDArray[Any], ...] = ()  # each of shape (rows,): the values that the rows are grouped by

    def members(self, keys: Sequence[Any]) -> Flags:
        """Which rows belong to one group, shape (rows,)."""
        chosen = np.ones(self.rows, dtype=bool)
        for group, key in zip(self.groups, keys, strict=False):
            chosen &= np.array([one is None or one != one for one in group.tolist()]) if key is None else group == key
        return chosen


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """The vectors of a column, as many as fit, and which rows of the sample they are of: (vectors,)."""

    values: npt.NDArray[Any]  # floats (vectors, width); where widths differ, objects (vectors,): arrays
    rows: Codes


NO_SAMPLE = Sample(0, {}, {}, {}, {})


def sampled(
    duck: Duck,
    selection: Selection,
    columns: Sequence[str],
    *,
    known: Mapping[str, ColumnKind],
    group: Sequence[str] = (),
    most: int = MOST_ROWS,
) -> Sample:
    """At most so many of the selected rows. `known` kinds are kept; those of other columns are found out.

    `group` is SQL over the selected rows. Raises as Duck does.
    """
    most = min(most, max(1, MOST_CELLS // max(len(columns), 1)))
    chunks = [columns[at : at + COLUMNS_AT_ONCE] for at in range(0, max(len(columns), 1), COLUMNS_AT_ONCE)]
    parts = [_sampled(duck, selection, chunk, known, group, most) for chunk in chunks]
    duck.asks("DROP TABLE andon_sample", {})
    rows = min(part.rows for part in parts)  # the same ones, but that a file may grow meanwhile
    return Sample(
        rows,
        {column: kind for part in parts for column, kind in part.kinds.items()},
        {column: values[:rows] for part in parts for column, values in part.values.items()},
        {column: vectors for part in parts for column, vectors in part.vectors.items()},
        {column: newest for part in parts for column, newest in part.newest.items()},
        tuple(group[:rows] for group in parts[0].groups),
    )


def age(rows: Rows, column: str, *, is_timed: bool, newest: str) -> str:
    """SQL: how many seconds a time lies before its row's, or before the column's newest where rows have no time."""
    return f"{'andon_time' if is_timed else newest} - {rows.time(column)}"


def _sampled(
    duck: Duck,
    selection: Selection,
    columns: Sequence[str],
    known: Mapping[str, ColumnKind],
    group: Sequence[str],
    most: int,
) -> Sample:
    """Of so few columns that one statement can read them all."""
    drawn = _drawn(duck, selection, columns, group, most)
    kinds = {column: known[column] for column in columns if column in known}
    kinds |= kinds_of(duck, drawn, [column for column in columns if column not in known])
    parts, newest = [], {}
    for i, column in enumerate(columns):
        if kinds[column] == "datetime":
            newest[column] = _newest(duck, drawn, column)
            since = age(drawn, column, is_timed=selection.time is not None, newest=repr(newest[column]))
            parts.append(f"{since} AS c{i}")
        elif kinds[column] == "numeric":
            parts.append(f"{drawn.number(column)} AS c{i}")
        elif kinds[column] == "text":
            parts.append(f"left({drawn.text(column)}, {MOST_TEXT_CHARACTERS}) AS c{i}")
        elif kinds[column] != "embedding":
            parts.append(f"{as_text(drawn, column)} AS c{i}")
    keys = [f"andon_g{i}" for i in range(len(group))]
    wanted = ", ".join(["andon_row", *keys, *parts])
    found = duck.arrays(f"SELECT {wanted} FROM {drawn.relation} ORDER BY andon_row", {})  # noqa: S608 - as Duck says
    return Sample(
        found["andon_row"].size,
        kinds,
        {column: found[f"c{i}"] for i, column in enumerate(columns) if f"c{i}" in found},
        {column: _vectors(duck, drawn, column) for column in columns if kinds[column] == "embedding"},
        newest,
        tuple(found[key] for key in keys),
    )


def _drawn(duck: Duck, selection: Selection, columns: Sequence[str], group: Sequence[str], most: int) -> Rows:
    """The sample as a relation, its cells as they are in the files."""
    cells = [identifier(column) for column in columns]
    parts = [*(f"{expression} AS andon_g{i}" for i, expression in enumerate(group)), "andon_time", *cells]
    duck.asks(
        "CREATE OR REPLACE TEMP TABLE andon_sample AS SELECT *, row_number() OVER () AS andon_row "  # noqa: S608 - as Duck says
        f"FROM ({selection.query(parts)}) USING SAMPLE reservoir({most} ROWS) REPEATABLE ({SEED})",
        selection.values,
    )
    return replace(selection.rows, relation="andon_sample", files=())


def _newest(duck: Duck, drawn: Rows, column: str) -> float:
    time = f"CASE WHEN isfinite({drawn.time(column)}) THEN {drawn.time(column)} END"
    [found] = duck.asks(f"SELECT quantile_disc({time}, {NEWEST}) AS newest FROM {drawn.relation}", {})  # noqa: S608 - as Duck says
    return float(found["newest"] or 0.0)


def _vectors(duck: Duck, drawn: Rows, column: str) -> Vectors:
    """Those of every so many-th row, as the sample is in no order."""
    held = f"(SELECT andon_row - 1 AS place, {drawn.vector(column)} AS v FROM {drawn.relation})"  # noqa: S608 - as Duck says
    [size] = duck.asks(f"SELECT coalesce(sum(len(v)), 0) AS cells, count(DISTINCT len(v)) AS widths FROM {held}", {})  # noqa: S608 - as Duck says
    step = max(1, -(-int(size["cells"]) // MOST_CELLS))
    found = duck.arrays(f"SELECT place, v FROM {held} WHERE v IS NOT NULL AND place % {step} = 0 ORDER BY place", {})  # noqa: S608 - as Duck says
    values = found["v"]
    for at, vector in enumerate(values):
        if isinstance(vector, np.ma.MaskedArray):  # a cell is NULL: by its NaN the vector is told from one of numbers
            values[at] = np.ma.filled(vector.astype(np.float32), np.nan)
    if size["widths"] == 1 and values.size:
        values = np.stack(values.tolist())
    return Vectors(values, found["place"].astype(np.intp))
