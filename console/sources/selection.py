"""Which rows are meant: those of some files, within spans of time, with these labels. The WHERE of every question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.errors import SourceMalformed
from console.model import Labels, Span
from console.sources.duck import Duck
from console.sources.rows import Rows
from console.sources.shards import Shards


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows, the condition that chooses among them, and the values that it names."""

    rows: Rows
    time: str | None
    condition: str
    values: Mapping[str, Any]

    def query(self, parts: Sequence[str]) -> str:
        """SQL for these expressions over the chosen rows; `andon_time` is their time in epoch seconds."""
        time = "NULL::DOUBLE" if self.time is None else self.rows.time(self.time)
        inner = f"SELECT *, {time} AS andon_time FROM {self.rows.relation}"  # noqa: S608 - as Duck says
        return f"SELECT {', '.join(parts) or '0'} FROM ({inner}) WHERE {self.condition}"  # noqa: S608 - as Duck says

    def hash(self, columns: Sequence[str]) -> str:
        """SQL: one number per distinct row of these columns."""
        return f"hash({', '.join(self.rows.cell(column) for column in columns)})"


def select(shards: Shards, duck: Duck, spans: Sequence[Span], where: Labels, model: str | None = None) -> Selection:
    """The rows within `spans` (all of them where there are none, or where rows carry no time) that match `where`.

    `model` is the one that all rows are about, for tables without such a column.
    Raises SourceMalformed where the time column or a column of `where` is not there.
    """
    rows = shards.rows(duck, spans)
    if not rows.columns:
        return Selection(rows, None, "false", {"files": list(rows.files)})
    if shards.time is not None and shards.time not in rows.columns:
        raise SourceMalformed(f"table {shards.name} has no time column {shards.time!r}",
                              f"its columns are {', '.join(rows.columns)}; name one with time = \"…\"")  # fmt: skip
    return _conditioned(rows, shards, spans, where, model)


def whole_lines(
    selection: Selection, shards: Shards, spans: Sequence[Span], where: Labels, model: str | None
) -> Selection | None:
    """The same rows, for JSON, with each line whole: what a column's absence is told from."""
    raw = shards.raw(selection.rows)
    return None if raw is None else _conditioned(raw, shards, spans, where, model)


def _conditioned(rows: Rows, shards: Shards, spans: Sequence[Span], where: Labels, model: str | None) -> Selection:
    terms: list[str] = [rows.is_there()]
    values: dict[str, Any] = {"files": list(rows.files)}
    if spans and shards.time is not None:
        terms.append(" OR ".join(f"(andon_time >= $from{i}_ AND andon_time < $to{i}_)" for i in range(len(spans))))
        for i, span in enumerate(spans):
            values |= {f"from{i}_": span.start, f"to{i}_": span.end}
    for i, (name, value) in enumerate(where):
        if name in rows.columns:
            terms.append(f"{rows.text(name)} = $where{i}_")
            values[f"where{i}_"] = value
        elif name != "model" or model is None:
            raise SourceMalformed(f"table {shards.name} has no column {name!r} to select by",
                                  "for a table of one model, say which in its settings: model = \"…\"")  # fmt: skip
        elif value != model:
            terms.append("false")
    return Selection(rows, shards.time, " AND ".join(f"({term})" for term in terms), values)
