"""One column as SQL: what is read of it, what is counted of it, and the profile that the answer makes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from console.model import ColumnProfile
from console.sources.fitting import Bins
from console.sources.grids import Grid, grid_of
from console.sources.kinds import as_text
from console.sources.rows import NUMBER
from console.sources.sampling import age
from console.sources.selection import Selection


@dataclass(frozen=True, slots=True)
class Asked:
    """The i-th column of a statement. In its SQL c is its cell, d its type, n its number and s its category."""

    i: int
    bins: Bins
    selection: Selection
    newest: float | None  # what the ages of times are counted from, where rows have no time of their own
    is_plain: bool  # typed numbers that are taken to be finite: their least and most say if they are not
    grid: Grid | None  # where they are counted by cells, in a statement of their own

    @classmethod
    def of(
        cls, i: int, bins: Bins, selection: Selection, newest: float | None, *, is_grouped: bool, is_sure: bool
    ) -> Asked:
        """Typed numbers without groups are asked cheaply at first, and in full where that alone `is_sure`."""
        declared = selection.rows.declared(bins.column)
        is_typed = bins.kind == "numeric" and declared is not None and NUMBER.fullmatch(declared) is not None
        by_cells = selection.rows.format == "parquet" and bins.is_ordered and not is_grouped
        is_plain = is_typed and not is_grouped and not is_sure
        return cls(i, bins, selection, newest, is_plain, grid_of(bins.edges) if by_cells else None)

    @property
    def values(self) -> dict[str, Any]:
        """What its SQL names."""
        return {f"bins{self.i}_": list(self.bins.edges or self.bins.categories), f"newest{self.i}_": self.newest}

    def cells(self) -> list[str]:
        """SQL: what is there, its type where each value has its own, its number or its category."""
        i, rows, column = self.i, self.selection.rows, self.bins.column
        cells = [f"{rows.held(column)} AS c{i}"]
        if rows.declared(column) is None:
            cells.append(f"{rows.dtype(column)} AS d{i}")
        if self.bins.categories:
            cells.append(f"{as_text(rows, column)} AS s{i}")
        elif self.bins.is_ordered:
            cells.append(self.number())
        return cells

    def number(self) -> str:
        """SQL: its number, or its age."""
        rows, column = self.selection.rows, self.bins.column
        if self.bins.kind == "numeric":
            return f"{rows.number(column)} AS n{self.i}"
        since = age(rows, column, is_timed=self.selection.time is not None, newest=f"$newest{self.i}_")
        return f"{since} AS n{self.i}"

    def counts(self) -> list[str]:
        """SQL: all that is counted, but cells."""
        i = self.i
        parts = [f"count(c{i}) AS present{i}"]
        if self.selection.rows.declared(self.bins.column) is None:
            parts.append(f"mode(d{i}) AS dtype{i}")
        if self.bins.categories:
            places = f"range(1, {len(self.bins.categories) + 1})::INTEGER[]"
            parts.append(f"histogram(list_position($bins{i}_::VARCHAR[], s{i}), {places}) AS counts{i}")
        if self.bins.is_ordered:
            finite = f"n{i}" if self.is_plain else f"CASE WHEN isfinite(n{i}) THEN n{i} END"
            parts += [f"min({finite}) AS least{i}", f"max({finite}) AS most{i}", f"avg({finite}) AS mean{i}"]
            if self.grid is None:
                parts.append(f"histogram({finite}, $bins{i}_::DOUBLE[]) AS counts{i}")
            else:
                parts.append(f"coalesce(count_if({finite} <= {self.bins.edges[0]!r}::DOUBLE), 0) AS below{i}")
            if not self.is_plain:
                parts.append(f"count(n{i}) AS numbers{i}")
                parts.append(f"coalesce(count_if(isnan(n{i})), 0) AS nan{i}")
                parts.append(f"coalesce(count_if(isinf(n{i})), 0) AS infinite{i}")
        return parts

    def in_cells(self, row: Mapping[str, Any]) -> str | None:
        """SQL: the counts of its cells, once it is known between what they lie; None where it has none."""
        least, most = row.get(f"least{self.i}"), row.get(f"most{self.i}")
        if self.grid is None or least is None or most is None or not self.is_answered(row):
            return None
        return f"histogram({self.grid.cell(f'n{self.i}', least, most)}) AS cells{self.i}"

    def is_answered(self, row: Mapping[str, Any]) -> bool:
        """Whether what was taken to be finite is."""
        ends = [row.get(f"{end}{self.i}") for end in ("least", "most")]
        return not self.is_plain or all(end is None or math.isfinite(end) for end in ends)

    def profile(self, row: Mapping[str, Any]) -> ColumnProfile:
        """The column, out of a statement's answer."""
        found = {name: row.get(f"{name}{self.i}") for name in _FOUND}
        bins, rows, present = self.bins, row["rows"], row[f"present{self.i}"]
        dtype = self.selection.rows.declared(bins.column) or found["dtype"] or bins.dtype
        if not present and bins.dtype != "NULL":
            dtype = bins.dtype
        column = ColumnProfile(bins.column, bins.kind, dtype, rows, missing=rows - present)
        if bins.is_ordered:
            numbers = present if found["numbers"] is None else found["numbers"]
            nan, infinite = found["nan"] or 0, found["infinite"] or 0
            if self.grid is None:
                counts = _counts(found["counts"] or {}, bins.edges)
            else:
                counts = self.grid.counts(found["cells"] or {}, row[f"below{self.i}"], numbers - nan - infinite)
            return replace(
                column, missing=rows - present + nan, infinite=infinite, unparsable=present - numbers,
                edges=bins.edges, counts=counts,
                minimum=found["least"], maximum=found["most"], mean=found["mean"],
            )  # fmt: skip
        if bins.kind in ("text", "embedding"):
            return column
        places = found["counts"] or {}
        known = [places.get(at, 0) for at, _category in enumerate(bins.categories, start=1)]
        return replace(column, categories=bins.categories, counts=(*known, present - sum(known)))


_FOUND = ("dtype", "numbers", "nan", "infinite", "least", "most", "mean", "counts", "cells")


def _counts(counted: Mapping[float, int], edges: Sequence[float]) -> tuple[int, ...]:
    """The counts of the bins up to these edges, and of all that lies above."""
    counts = [counted.get(edge, 0) for edge in edges]
    return (*counts, sum(counted.values()) - sum(counts))
