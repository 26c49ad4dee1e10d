"""Rows counted into bins where they lie, so that only bins travel (DESIGN §7).

One aggregate per column, never one per bin: 20 bins as 20 filters cost 40 times as much (FACTS I).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from console.model import ColumnProfile, Profile
from console.sources.columns import Asked
from console.sources.duck import Duck, literal
from console.sources.fitting import Bins
from console.sources.rows import pointer
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
        asked = self._asked(bins)
        is_first = not self.tables
        for row in self._answers(asked, whole):
            keys = tuple(row[f"g{i}"] for i in range(len(self.group)))
            if is_first:
                self.tables[keys] = Profile((), row["rows"], newest=row["newest"], duplicates=row["rows"])
            if keys not in self.tables:  # the files grew between two statements
                continue
            if whole:
                repeated = _repeated(row["rows"], row["hashed"] or 0, row["kinds"] or 0)
                known = self.tables[keys]
                self.tables[keys] = replace(known, duplicates=min(known.duplicates, repeated))
            self.columns.setdefault(keys, []).extend(self._columns(asked, row))

    def profiles(self) -> list[tuple[Keys, Profile]]:
        """What was counted, in the order of the groups' values."""
        order = sorted(self.tables, key=lambda keys: [(key is None, key) for key in keys])
        return [(keys, replace(self.tables[keys], columns=tuple(self.columns.get(keys, ())))) for keys in order]

    def _asked(self, bins: Sequence[Bins], *, is_sure: bool = False) -> list[Asked]:
        return [
            Asked.of(i, one, self.selection, self.newest.get(one.column), is_grouped=bool(self.group), is_sure=is_sure)
            for i, one in enumerate(bins)
        ]

    def _answers(self, asked: Sequence[Asked], whole: Sequence[str]) -> list[dict[str, Any]]:
        """One row per group."""
        names = [f"g{i}" for i in range(len(self.group))]
        parts = [*names, "count(*) AS rows", "max(andon_time) AS newest"]
        cells = [*(f"{expression} AS g{i}" for i, expression in enumerate(self.group)), "andon_time"]
        if whole:
            most = MOST_HASHES_OF_A_GROUP if self.group else MOST_HASHES
            cells.append(f"({self.selection.hash(whole)} >> 1)::BIGINT AS hash")
            parts += [f"len(min(hash, {most})) AS hashed", f"list_unique(min(hash, {most})) AS kinds"]
        by = ", ".join(names)
        grouping = f" GROUP BY {by} ORDER BY rows DESC, {by} LIMIT {self.most}" if names else ""
        cells += [cell for one in asked for cell in one.cells()]
        parts += [part for one in asked for part in one.counts()]
        return self._query(cells, parts, asked, grouping)

    def _columns(self, asked: Sequence[Asked], row: dict[str, Any]) -> list[ColumnProfile]:
        """The columns of a group. Cells are asked for by themselves: beside other counts they cost three times more."""
        in_cells = [(one, part) for one in asked if (part := one.in_cells(row)) is not None]
        if in_cells:
            gridded = [one for one, _part in in_cells]
            cells = ["andon_time", *(one.number() for one in gridded)]
            row |= self._query(cells, [part for _one, part in in_cells], gridded)[0]
        odd = self._asked([one.bins for one in asked if not one.is_answered(row)], is_sure=True)
        again = iter(self._columns(odd, self._answers(odd, ())[0]) if odd else ())
        return [one.profile(row) if one.is_answered(row) else next(again) for one in asked]

    def _query(
        self, cells: Sequence[str], parts: Sequence[str], asked: Sequence[Asked], grouping: str = ""
    ) -> list[dict[str, Any]]:
        values = {name: value for one in asked for name, value in one.values.items()} | dict(self.selection.values)
        query = f"SELECT {', '.join(parts)} FROM ({self.selection.query(cells)}){grouping}"  # noqa: S608 - as Duck says
        return self.duck.asks(query, values)


def _repeated(rows: int, hashed: int, distinct: int) -> int:
    """How many of the rows are like an earlier one, told from those with the smallest hashes: like rows have like ones.

    Exact where all were hashed; none where no row is repeated; else an unbiased share, for the rows with the k smallest
    hashes are a uniform sample of the distinct ones (Beyer et al., SIGMOD 2007).
    """
    return round(rows * (hashed - distinct) / max(hashed, 1))
