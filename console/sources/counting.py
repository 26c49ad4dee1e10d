"""Rows counted into bins where they lie, so that only bins travel (DESIGN §7).

One aggregate per column, never one per bin: 20 bins as 20 filters cost 40 times as much (FACTS I).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from console.model import ColumnProfile, Profile
from console.sources.duck import Duck, literal
from console.sources.fitting import Bins
from console.sources.kinds import as_text
from console.sources.rows import pointer
from console.sources.sampling import age
from console.sources.selection import Selection

COLUMNS_AT_ONCE = 100  # of one statement: a wide table takes several
MOST_DISTINCT = 2_000_000  # rows that are told apart one by one; of more, those of a share of all hashes
FEWEST_DISTINCT = 10_000  # of that share, for it to speak for the rest
LINE_BYTES = 50  # of a row as text, about

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
    share = 1 << max(0, (_most_rows(duck, selection) - 1) // MOST_DISTINCT).bit_length()
    chunks: list[Sequence[Bins]] = [bins[at : at + COLUMNS_AT_ONCE] for at in range(0, len(bins), COLUMNS_AT_ONCE)]
    # Parquet is read twice at less cost than counting numbers beside distinct values has; text is not.
    if selection.rows.format == "parquet" or not chunks:
        chunks.insert(0, ())
    for at, chunk in enumerate(chunks):
        counting.ask(chunk, hashes=share if at == 0 else 0)
    if share > 1 and counting.distinct < FEWEST_DISTINCT:
        counting.ask((), hashes=1)
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
    tables: dict[Keys, dict[str, Any]] = field(default_factory=dict)
    columns: dict[Keys, list[ColumnProfile]] = field(default_factory=dict)

    @property
    def distinct(self) -> int:
        """Of the hashes that were looked at."""
        return sum(row["kinds"] for row in self.tables.values())

    def ask(self, bins: Sequence[Bins], *, hashes: int) -> None:
        """Count these columns; and repeated rows among those of one in so many hashes, 0: not at all."""
        names = [f"g{i}" for i in range(len(self.group))]
        parts = [*names, "count(*) AS rows", "max(andon_time) AS newest"]
        cells = [*(f"{expression} AS g{i}" for i, expression in enumerate(self.group)), "andon_time"]
        values = dict(self.selection.values)
        if hashes:
            cells.append(f"CASE WHEN {self.selection.hash()} % {hashes} = 0 THEN {self.selection.hash()} END AS hash")
            parts += ["count(DISTINCT hash) AS kinds", f"{hashes} * (count(hash) - kinds) AS duplicates"]
        for i, one in enumerate(bins):
            cells += self._cells(i, one)
            parts += _aggregates(i, one, is_typed=self.selection.rows.declared(one.column) is not None)
            values |= {f"bins{i}_": list(one.edges or one.categories), f"newest{i}_": self.newest.get(one.column)}
        grouping = (
            f" GROUP BY {', '.join(names)} ORDER BY rows DESC, {', '.join(names)} LIMIT {self.most}" if names else ""
        )
        query = f"SELECT {', '.join(parts)} FROM ({self.selection.query(cells)}){grouping}"  # noqa: S608 - as Duck says
        for row in self.duck.asks(query, values):
            keys = tuple(row[name] for name in names)
            if hashes:
                self.tables[keys] = row
            if keys in self.tables:  # not, where files grew between two statements
                self.columns.setdefault(keys, []).extend(
                    _column(
                        one,
                        row["rows"],
                        {key: row.get(f"{key}{i}") for key in _COUNTED},
                        self.selection.rows.declared(one.column),
                    )
                    for i, one in enumerate(bins)
                )

    def profiles(self) -> list[tuple[Keys, Profile]]:
        """What was counted, in the order of the groups' values."""
        return [
            (
                keys,
                Profile(
                    tuple(self.columns.get(keys, ())),
                    row["rows"],
                    duplicates=min(row["duplicates"], max(row["rows"] - 1, 0)),
                    newest=row["newest"],
                ),
            )
            for keys, row in sorted(self.tables.items(), key=lambda item: [(key is None, key) for key in item[0]])
        ]

    def _cells(self, i: int, bins: Bins) -> list[str]:
        """SQL: what is there of the i-th column, its type where each value has its own, its number or its category."""
        rows, column = self.selection.rows, bins.column
        cells = [f"{rows.held(column)} AS c{i}"]
        if rows.declared(column) is None:
            cells.append(f"{rows.dtype(column)} AS d{i}")
        if bins.kind == "datetime":
            cells.append(
                f"{age(rows, column, is_timed=self.selection.time is not None, newest=f'$newest{i}_')} AS n{i}"
            )
        elif bins.is_ordered:
            cells.append(f"{rows.number(column)} AS n{i}")
        elif bins.categories:
            cells.append(f"{as_text(rows, column)} AS s{i}")
        return cells


def _aggregates(i: int, bins: Bins, *, is_typed: bool) -> list[str]:
    """What is counted of the column that is the i-th: its $bins are its edges or its categories."""
    parts = [f"count(c{i}) AS present{i}"]
    if not is_typed:
        parts.append(f"mode(d{i}) AS dtype{i}")
    if bins.categories:
        other = len(bins.categories) + 1
        position = f"coalesce(nullif(list_position($bins{i}_::VARCHAR[], s{i}), 0), {other})"
        parts.append(
            f"histogram(CASE WHEN s{i} IS NOT NULL THEN {position} END, range(1, {other})::INTEGER[]) AS counts{i}"
        )
    if bins.is_ordered:
        finite = f"CASE WHEN isfinite(n{i}) THEN n{i} END"
        parts += [
            f"count(n{i}) AS numbers{i}",
            f"coalesce(count_if(isnan(n{i})), 0) AS nan{i}",
            f"coalesce(count_if(isinf(n{i})), 0) AS infinite{i}",
            f"min({finite}) AS least{i}",
            f"max({finite}) AS most{i}",
            f"avg({finite}) AS mean{i}",
            f"histogram({finite}, $bins{i}_::DOUBLE[]) AS counts{i}",
        ]
    return parts


_COUNTED = ("present", "numbers", "dtype", "nan", "infinite", "least", "most", "mean", "counts")


def _column(bins: Bins, rows: int, found: Mapping[str, Any], declared: str | None) -> ColumnProfile:
    present = found["present"]
    dtype = declared or found["dtype"] or bins.dtype
    if not present and bins.dtype != "NULL":
        dtype = bins.dtype
    column = ColumnProfile(bins.column, bins.kind, dtype, rows, missing=rows - present)
    counted: Mapping[Any, int] = found["counts"] or {}
    if bins.is_ordered:
        return replace(
            column,
            missing=rows - present + found["nan"], infinite=found["infinite"], unparsable=present - found["numbers"],
            edges=bins.edges, counts=_counts(counted, bins.edges),
            minimum=found["least"], maximum=found["most"], mean=found["mean"],
        )  # fmt: skip
    if bins.kind in ("text", "embedding"):
        return column
    counts = _counts(counted, range(1, len(bins.categories) + 1)) if bins.categories else (present,)
    return replace(column, categories=bins.categories, counts=counts)


def _counts(counted: Mapping[Any, int], names: Sequence[Any]) -> tuple[int, ...]:
    """The counts of these bins, and of all that lies in none."""
    counts = [counted.get(name, 0) for name in names]
    return (*counts, sum(counted.values()) - sum(counts))


def _most_rows(duck: Duck, selection: Selection) -> int:
    """No fewer rows than the files hold, as far as can be told without reading them."""
    if selection.rows.format == "parquet":
        [found] = duck.asks(f"SELECT count(*) AS rows FROM {selection.rows.relation}", selection.values)  # noqa: S608 - as Duck says
        return int(found["rows"])
    files = [Path(file) for file in selection.rows.files]
    return sum(file.stat().st_size for file in files if file.exists()) // LINE_BYTES
