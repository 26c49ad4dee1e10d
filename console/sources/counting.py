"""Rows counted into bins where they lie, so that only bins travel (DESIGN §7).

One aggregate per column, never one per bin: 20 bins as 20 filters cost 40 times as much (FACTS I).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from console.model import ColumnProfile, Profile
from console.sources.duck import Duck, literal
from console.sources.fitting import Bins
from console.sources.grids import Grid, grid_of
from console.sources.kinds import as_text
from console.sources.rows import pointer
from console.sources.sampling import age
from console.sources.selection import Selection

COLUMNS_AT_ONCE = 100  # of one statement: a wide table takes several
MOST_HASHES = 50_000  # of rows that are told apart; of more, those with the smallest hashes
MOST_HASHES_OF_A_GROUP = 5_000

Keys = tuple[Any, ...]


def count(
    duck: Duck,
    selection: Selection,
    bins: Sequence[Bins],
    *,
    newest: Mapping[str, float],
    group: Sequence[str] = (),
    most: int = 1,
) -> list[tuple[Keys, Profile]]:
    """One profile per group: (the group's values, its profile). `group` is SQL over the selected rows.

    `newest` is what the ages of times are counted from, by column, where rows have no time of their own.
    Of more than `most` groups, those with the most rows; in the order of their values. Raises as Duck does.
    """
    counting = _Counting(duck, selection, group, most, newest)
    everything = list(selection.rows.columns)
    for at in range(0, max(len(bins), len(everything), 1), COLUMNS_AT_ONCE):
        counting.ask(bins[at : at + COLUMNS_AT_ONCE], everything[at : at + COLUMNS_AT_ONCE])
    return counting.profiles()


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


@dataclass(slots=True)
class _Counting:
    """One profile per group, as the answers of several statements add to it."""

    duck: Duck
    selection: Selection
    group: Sequence[str]
    most: int
    newest: Mapping[str, float]
    tables: dict[Keys, Profile] = field(default_factory=dict)  # a row is repeated where each part of it is
    columns: dict[Keys, list[ColumnProfile]] = field(default_factory=dict)

    def ask(self, bins: Sequence[Bins], whole: Sequence[str]) -> None:
        """Count some columns, and how many rows are repeated in the `whole` of some."""
        names = [f"g{i}" for i in range(len(self.group))]
        parts = [*names, "count(*) AS rows", "max(andon_time) AS newest"]
        cells = [*(f"{expression} AS g{i}" for i, expression in enumerate(self.group)), "andon_time"]
        if whole:
            most = MOST_HASHES_OF_A_GROUP if self.group else MOST_HASHES
            cells.append(f"({self.selection.hash(whole)} >> 1)::BIGINT AS hash")
            parts += [f"len(min(hash, {most})) AS hashed", f"list_unique(min(hash, {most})) AS kinds"]
        grids = [self._grid(one) for one in bins]
        values = dict(self.selection.values)
        for i, (one, grid) in enumerate(zip(bins, grids, strict=True)):
            cells += self._cells(i, one)
            parts += _aggregates(i, one, grid, is_typed=self.selection.rows.declared(one.column) is not None)
            values |= {f"bins{i}_": list(one.edges or one.categories), f"newest{i}_": self.newest.get(one.column)}
        by = ", ".join(names)
        grouping = f" GROUP BY {by} ORDER BY rows DESC, {by} LIMIT {self.most}" if names else ""
        query = f"SELECT {', '.join(parts)} FROM ({self.selection.query(cells)}){grouping}"  # noqa: S608 - as Duck says
        is_first = not self.tables
        for row in self.duck.asks(query, values):
            keys = tuple(row[name] for name in names)
            if is_first:
                self.tables[keys] = Profile((), row["rows"], newest=row["newest"], duplicates=row["rows"])
            if keys not in self.tables:  # the files grew between two statements
                continue
            if whole:
                repeated = _repeated(row["rows"], row["hashed"] or 0, row["kinds"] or 0)
                known = self.tables[keys]
                self.tables[keys] = replace(known, duplicates=min(known.duplicates, repeated))
            row |= self._in_cells(bins, grids, values, row)
            self.columns.setdefault(keys, []).extend(
                _column(one, grid, self.selection.rows.declared(one.column), _Found(row, i))
                for i, (one, grid) in enumerate(zip(bins, grids, strict=True))
            )

    def _grid(self, bins: Bins) -> Grid | None:
        """Where it pays to count a column by cells: numbers that need no reading, and no groups."""
        is_cheap = self.selection.rows.format == "parquet" and not self.group and bins.is_ordered
        return grid_of(bins.edges) if is_cheap else None

    def _in_cells(
        self, bins: Sequence[Bins], grids: Sequence[Grid | None], values: Mapping[str, Any], row: Mapping[str, Any]
    ) -> dict[str, Mapping[int, int]]:
        """The counts of all cells. Asked by itself: beside other aggregates this one costs three times as much."""
        parts, cells = [], ["andon_time"]
        for i, grid in enumerate(grids):
            if grid is not None and row[f"least{i}"] is not None:
                cells.append(self._cell(i, bins[i]))
                parts.append(f"histogram({grid.cell(f'n{i}', row[f'least{i}'], row[f'most{i}'])}) AS cells{i}")
        if not parts:
            return {}
        query = f"SELECT {', '.join(parts)} FROM ({self.selection.query(cells)})"  # noqa: S608 - as Duck says
        return self.duck.asks(query, values)[0]

    def profiles(self) -> list[tuple[Keys, Profile]]:
        """What was counted, in the order of the groups' values."""
        order = sorted(self.tables, key=lambda keys: [(key is None, key) for key in keys])
        return [(keys, replace(self.tables[keys], columns=tuple(self.columns.get(keys, ())))) for keys in order]

    def _cells(self, i: int, bins: Bins) -> list[str]:
        """SQL: what is there of the i-th column, its type where each value has its own, its number or its category."""
        rows, column = self.selection.rows, bins.column
        cells = [f"{rows.held(column)} AS c{i}"]
        if rows.declared(column) is None:
            cells.append(f"{rows.dtype(column)} AS d{i}")
        if bins.is_ordered or bins.categories:
            cells.append(self._cell(i, bins))
        return cells

    def _cell(self, i: int, bins: Bins) -> str:
        rows = self.selection.rows
        if bins.categories:
            return f"{as_text(rows, bins.column)} AS s{i}"
        if bins.kind == "numeric":
            return f"{rows.number(bins.column)} AS n{i}"
        return f"{age(rows, bins.column, is_timed=self.selection.time is not None, newest=f'$newest{i}_')} AS n{i}"


def _aggregates(i: int, bins: Bins, grid: Grid | None, *, is_typed: bool) -> list[str]:
    """What is counted of the column that is the i-th: its $bins are its edges or its categories."""
    parts = [f"count(c{i}) AS present{i}"]
    if not is_typed:
        parts.append(f"approx_top_k(d{i}, 1) AS dtype{i}")  # mode would hold megabytes for each column
    if bins.categories:
        places = f"range(1, {len(bins.categories) + 1})::INTEGER[]"
        parts.append(f"histogram(list_position($bins{i}_::VARCHAR[], s{i}), {places}) AS counts{i}")
    if bins.is_ordered:
        finite = f"CASE WHEN isfinite(n{i}) THEN n{i} END"
        parts += [
            f"count(n{i}) AS numbers{i}",
            f"coalesce(count_if(isnan(n{i})), 0) AS nan{i}",
            f"coalesce(count_if(isinf(n{i})), 0) AS infinite{i}",
            f"min({finite}) AS least{i}",
            f"max({finite}) AS most{i}",
            f"avg({finite}) AS mean{i}",
            f"histogram({finite}, $bins{i}_::DOUBLE[]) AS counts{i}"
            if grid is None
            else f"coalesce(count_if({finite} <= {bins.edges[0]!r}::DOUBLE), 0) AS below{i}",
        ]
    return parts


@dataclass(frozen=True, slots=True)
class _Found:
    """What was counted of the i-th column."""

    row: Mapping[str, Any]
    i: int

    def __getitem__(self, name: str) -> Any:
        return self.row.get(f"{name}{self.i}")


def _column(bins: Bins, grid: Grid | None, declared: str | None, found: _Found) -> ColumnProfile:
    rows, present = found.row["rows"], found["present"]
    dtype = declared or next(iter(found["dtype"] or ()), bins.dtype)
    if not present and bins.dtype != "NULL":
        dtype = bins.dtype
    column = ColumnProfile(bins.column, bins.kind, dtype, rows, missing=rows - present)
    if bins.is_ordered:
        finite = found["numbers"] - found["nan"] - found["infinite"]
        in_cells = grid and grid.counts(found["cells"] or {}, found["below"], finite)
        return replace(
            column,
            missing=rows - present + found["nan"], infinite=found["infinite"], unparsable=present - found["numbers"],
            edges=bins.edges, counts=in_cells or _counts(found["counts"] or {}, bins.edges),
            minimum=found["least"], maximum=found["most"], mean=found["mean"],
        )  # fmt: skip
    if bins.kind in ("text", "embedding"):
        return column
    places = found["counts"] or {}
    known = [places.get(at, 0) for at, _category in enumerate(bins.categories, start=1)]
    return replace(column, categories=bins.categories, counts=(*known, present - sum(known)))


def _counts(counted: Mapping[float, int], edges: Sequence[float]) -> tuple[int, ...]:
    """The counts of the bins up to these edges, and of all that lies above."""
    counts = [counted.get(edge, 0) for edge in edges]
    return (*counts, sum(counted.values()) - sum(counts))


def _repeated(rows: int, hashed: int, distinct: int) -> int:
    """How many of the rows are like an earlier one, told from those with the smallest hashes: like rows have like ones.

    Exact where all were hashed; none where no row is repeated; else an unbiased share, for the rows with the k smallest
    hashes are a uniform sample of the distinct ones (Beyer et al., SIGMOD 2007).
    """
    return round(rows * (hashed - distinct) / max(hashed, 1))
