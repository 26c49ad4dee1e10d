"""Labels that come later, in files of their own: joined to the rows that they are about, by a key.

A row has the newest label of its key, however many there are; a row without one waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.errors import SourceMalformed
from console.sources.duck import Duck, identifier
from console.sources.rows import Rows
from console.sources.shards import Shards
from console.words import nearest

WHEN = "andon_labelled"  # the column of a joined relation that says when the label came, in epoch seconds
FILES = "label_files"  # as statements name them


@dataclass(frozen=True, slots=True)
class LateLabels:
    """Where labels come to: a path or a table, and its columns."""

    where: str
    key: str  # of both sides
    label: str
    time: str | None = None  # of the label; None: there is one of each key

    @classmethod
    def of(cls, options: Any) -> LateLabels | None:
        """Those that a source's options name."""
        told = getattr(options, "labels", None)
        if told is None:
            return None
        told = told if isinstance(told, Mapping) else told.model_dump()
        where = told.get("path") or told.get("table")
        return cls(str(where), told["key"], told["label"], told.get("time"))


def with_labels(duck: Duck, name: str, rows: Rows, late: LateLabels) -> tuple[Rows, Mapping[str, Any]]:
    """The rows with their labels as one more column, and what the relation names beside its own files.

    Raises SourceError where there are no such files, SourceMalformed for a column that is not there.
    """
    labels = Shards(f"{name}, its labels", [late.where], None).rows(duck, ())
    for there, column in ((rows, late.key), (labels, late.key), (labels, late.label), (labels, late.time)):
        if column is not None and there.columns and column not in there.columns:
            what = "its labels have" if there is labels else "it has"
            raise SourceMalformed(f"table {name}: {what} no column {column!r}", nearest(column, there.columns))
    values = {FILES: list(labels.files)}
    if not labels.columns:  # nothing has come yet
        labels = Rows("json", "(SELECT NULL::JSON AS k, NULL::JSON AS l WHERE false)", (), {"k": "JSON", "l": "JSON"})
        late = LateLabels(late.where, late.key, late.label)
        key, cell, type_ = "NULL", "NULL::JSON" if rows.format == "json" else "NULL::VARCHAR", "JSON"
    else:
        key = labels.text(late.key)
        cell, type_ = _cell(duck, rows, labels, late.label, values)
    when = "0.0" if late.time is None else f"coalesce({labels.time(late.time)}, '-infinity'::DOUBLE)"
    relation = labels.relation.replace("$files", f"${FILES}")
    latest = (
        f"SELECT andon_key, arg_max(andon_label, andon_when) AS andon_label, max(andon_when) AS andon_when "  # noqa: S608 - as Duck says
        f"FROM (SELECT {key} AS andon_key, {cell} AS andon_label, {when} AS andon_when FROM {relation}) "
        f"WHERE andon_label IS NOT NULL AND andon_key IS NOT NULL GROUP BY andon_key"
    )
    left_out = ["andon_key", *(identifier(column) for column in rows.columns if column == late.label)]
    joined = (
        f"(SELECT one.* EXCLUDE ({', '.join(left_out)}), other.andon_label AS {identifier(late.label)}, "  # noqa: S608 - as Duck says
        f"{'NULL::DOUBLE' if late.time is None else 'other.andon_when'} AS {WHEN} "
        f"FROM (SELECT *, {rows.text(late.key)} AS andon_key FROM {rows.relation}) AS one "
        f"LEFT JOIN ({latest}) AS other ON one.andon_key = other.andon_key)"
    )
    return Rows(rows.format, joined, rows.files, {**rows.columns, late.label: type_}), values


def _cell(duck: Duck, rows: Rows, labels: Rows, label: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """SQL for a label as the rows' own format has its cells, and its declared type."""
    number, text = labels.number(label), labels.text(label)
    if rows.format == "csv":
        return text, "VARCHAR"
    if rows.format == "json":
        if labels.format == "json":
            return labels.cell(label), "JSON"
        return f"CASE WHEN {number} IS NULL THEN to_json({text}) ELSE to_json({number}) END", "JSON"
    if labels.format == "parquet":
        return labels.cell(label), labels.columns[label]
    relation = labels.relation.replace("$files", f"${FILES}")
    [found] = duck.asks(f"SELECT count({text}) AS texts, count({number}) AS numbers FROM {relation}", values)  # noqa: S608
    return (number, "DOUBLE") if found["texts"] == found["numbers"] else (text, "VARCHAR")
