"""What a cell of each file format means, as SQL: its number, its text, its vector, its type, its time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from console.sources.duck import identifier, literal

NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\)")
TIME = re.compile(r"DATE|TIMESTAMP\w*( WITH TIME ZONE)?")
VECTOR = re.compile(r"(FLOAT|DOUBLE|DECIMAL\(.*\))\[\d*\]|(U?(TINY|SMALL|BIG)?INT(EGER)?)\[\d+\]")
FIRST, LAST = -62_135_596_800, 253_402_300_799  # the years that have a name: 1 to 9999
PARTS = (10**3, 10**6, 10**9)  # of a second, that times are counted in
FILE = "andon_file"  # the column that says which file a row came from


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of some files: an SQL relation with a column FILE, and its columns with their declared types.

    JSON keeps its values as JSON, so that "3" and 3 stay apart and nothing is guessed from the first rows.
    """

    format: str
    relation: str
    files: tuple[str, ...]
    columns: dict[str, str] = field(default_factory=dict)

    def number(self, column: str) -> str:
        """SQL: the cell as a DOUBLE, NULL where it is none; text that looks like a number is one in CSV alone."""
        cell = self.cell(column)
        if self.format == "json":
            is_number = f"json_type({cell}) IN ('DOUBLE', 'BIGINT', 'UBIGINT')"
            return f"CASE WHEN {is_number} THEN TRY_CAST({cell} AS DOUBLE) END"
        if self.format == "csv":
            return f"TRY_CAST({cell} AS DOUBLE)"
        return f"{cell}::DOUBLE" if NUMBER.fullmatch(self.columns[column]) else "NULL::DOUBLE"

    def text(self, column: str) -> str:
        """SQL: the cell as VARCHAR."""
        cell = self.cell(column)
        return f"({cell} ->> '$')" if self.format == "json" else f"{cell}::VARCHAR"

    def held(self, column: str) -> str:
        """SQL: something that is NULL where the cell is missing."""
        return self.text(column) if self.format == "json" else self.cell(column)

    def vector(self, column: str) -> str:
        """SQL: the cell as a list of FLOAT, NULL where it is none."""
        typed = self.declared(column) not in (None, "VARCHAR")
        return f"TRY_CAST({self.cell(column) if typed else self.text(column)} AS FLOAT[])"

    def declared(self, column: str) -> str | None:
        """The type that every value of the column has; None where each has its own."""
        return self.columns[column] if self.format == "parquet" else None

    def dtype(self, column: str) -> str:
        """SQL: the name of the cell's type."""
        if self.format == "json":
            kind = f"json_type({self.cell(column)})"
            return f"CASE WHEN {kind} IN ('BIGINT', 'UBIGINT') THEN 'DOUBLE' ELSE nullif({kind}, 'NULL') END"
        if self.format == "csv":
            kind = f"CASE WHEN {self.number(column)} IS NULL THEN 'VARCHAR' ELSE 'DOUBLE' END"
            return f"CASE WHEN {self.cell(column)} IS NOT NULL THEN {kind} END"
        return literal(self.columns[column])

    def time(self, column: str) -> str:
        """SQL: the cell as epoch seconds; what says no zone is UTC."""
        if TIME.fullmatch(self.columns[column]):
            return _of_calendar(f"epoch({self.cell(column)})")
        number = _in_seconds(self.number(column))
        text = f"epoch(TRY_CAST({self.text(column)} AS TIMESTAMPTZ))"
        return f"coalesce({number}, {_of_calendar(text)})"

    def cell(self, column: str) -> str:
        """SQL: the cell as the format has it."""
        return identifier(column)

    def is_there(self) -> str:
        """SQL: whether the row is one; a half-written last line of a live log reads as all NULL."""
        cells = ", ".join(self.cell(column) for column in self.columns)
        return f"coalesce({cells}) IS NOT NULL" if self.format == "json" and cells else "true"


@dataclass(frozen=True, slots=True)
class RawRows(Rows):
    """The same rows with each line whole: slower, but an absent key is told apart from a null."""

    def cell(self, column: str) -> str:
        """SQL: the value under the key."""
        return f"(json -> {literal(pointer(column))})"

    def is_there(self) -> str:
        """SQL: whether the row is one."""
        return "json IS NOT NULL"


def _of_calendar(seconds: str) -> str:
    """SQL: epoch seconds, NULL outside the years 1 to 9999: no times at all."""
    return f"CASE WHEN {seconds} BETWEEN {FIRST} AND {LAST} THEN {seconds} END"


def _in_seconds(number: str) -> str:
    """SQL: a number as epoch seconds; beyond the year 9999 it is of milli-, micro- or nanoseconds."""
    last = f"{LAST}::DOUBLE"
    finer = (
        f"WHEN {number} > {last} * {parts} / 1000 AND {number} <= {last} * {parts} THEN {number} / {parts}"
        for parts in PARTS
    )
    return f"CASE WHEN {number} BETWEEN {FIRST} AND {LAST} THEN {number} {' '.join(finer)} END"


def pointer(key: str) -> str:
    """A key as a JSON pointer, whatever characters it has."""
    return "/" + key.replace("~", "~0").replace("/", "~1")
