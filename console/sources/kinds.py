"""What does each column hold? Told by its declared type where all values have one, else by a sample of its values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from console.model import ColumnKind
from console.sources.duck import Duck
from console.sources.rows import NUMBER, TIME, VECTOR, Rows

CATEGORIES = 20  # that are counted by name
MOST_CATEGORY_CHARACTERS = 200
MOSTLY = 0.9  # a column is numeric when so much of what is there is a number; the rest is unparsable
IDENTIFIER_SHARE = 0.5  # a text column with more distinct values than this per row names rows, it does not sort them
LONG = 30  # characters, on average: words of a language, if there are spaces among them
WORDS = r"[\s\x{0E00}-\x{0EFF}\x{3040}-\x{9FFF}]"  # spaces, or letters of those who write none between words
COLUMNS_AT_ONCE = 100


def kinds_of(duck: Duck, rows: Rows, columns: Sequence[str]) -> dict[str, ColumnKind]:
    """The kind of each column of a sample. Raises as Duck does."""
    kinds = {column: _declared(rows.declared(column)) for column in columns}
    open_ones = [column for column, kind in kinds.items() if kind is None]
    found: dict[str, ColumnKind] = {}
    for start in range(0, len(open_ones), COLUMNS_AT_ONCE):
        some = open_ones[start : start + COLUMNS_AT_ONCE]
        parts = [part for i, column in enumerate(some) for part in _looked_at(rows, i, column)]
        [row] = duck.asks(f"SELECT {', '.join(parts)} FROM {rows.relation}", {})  # noqa: S608 - as Duck says
        found |= {column: _found({key: row[f"{key}{i}"] for key in _LOOKED_AT}) for i, column in enumerate(some)}
    return {column: kind or found[column] for column, kind in kinds.items()}


def as_text(rows: Rows, column: str) -> str:
    """SQL: the cell as the name of a category."""
    text, most = rows.text(column), MOST_CATEGORY_CHARACTERS
    if rows.declared(column) is None:
        return f"left({text}, {most})"
    return f"CASE WHEN strlen({text}) > {most} THEN left({text}, {most}) ELSE {text} END"  # few are: left is slow


def _declared(dtype: str | None) -> ColumnKind | None:
    if dtype in (None, "VARCHAR"):
        return None
    kinds: list[tuple[Any, ColumnKind]] = [(NUMBER, "numeric"), (TIME, "datetime"), (VECTOR, "embedding")]
    if dtype == "BOOLEAN":
        return "boolean"
    return next((kind for pattern, kind in kinds if pattern.fullmatch(dtype)), "categorical")


_LOOKED_AT = ("present", "numbers", "booleans", "times", "vectors", "texts", "spaced", "long", "distinct")


def _looked_at(rows: Rows, i: int, column: str) -> list[str]:
    text, dtype = rows.text(column), rows.dtype(column)
    is_text = f"{dtype} = 'VARCHAR'"
    return [
        f"count({text}) AS present{i}",
        f"count({rows.number(column)}) AS numbers{i}",
        f"count_if({dtype} = 'BOOLEAN' OR ({is_text} AND lower({text}) IN ('true', 'false'))) AS booleans{i}",
        f"count(CASE WHEN {is_text} THEN TRY_CAST({text} AS TIMESTAMPTZ) END) AS times{i}",
        f"count(CASE WHEN {text} LIKE '[%' THEN {rows.vector(column)} END) AS vectors{i}",
        f"count_if({is_text}) AS texts{i}",
        f"count_if({is_text} AND regexp_matches({text}, '{WORDS}')) AS spaced{i}",
        f"avg(CASE WHEN {is_text} THEN length({text}) END) AS long{i}",
        f"approx_count_distinct({text}) AS distinct{i}",
    ]


def _found(seen: Mapping[str, Any]) -> ColumnKind:
    present = seen["present"]
    if not present:
        return "categorical"
    told: Iterable[tuple[str, ColumnKind]] = (
        ("numbers", "numeric"), ("booleans", "boolean"), ("times", "datetime"), ("vectors", "embedding"),
    )  # fmt: skip
    for key, kind in told:
        if seen[key] >= MOSTLY * present:
            return kind
    is_written = seen["spaced"] >= present / 2 and seen["distinct"] > CATEGORIES
    is_free = (seen["long"] or 0) > LONG or seen["distinct"] > IDENTIFIER_SHARE * present
    return "text" if is_written and is_free else "categorical"
