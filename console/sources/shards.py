"""The files of a table and how SQL reads them: which ones hold rows of a span, and what a cell of each format means."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.errors import SourceDenied, SourceError, SourceMalformed
from console.model import Span
from console.sources.duck import Duck, identifier, literal

MOST_FILES = 5000
NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\)")
TIME = re.compile(r"DATE|TIMESTAMP\w*( WITH TIME ZONE)?")
FILE = "andon_file"  # the column that says which file a row came from
FORMATS = {".jsonl": "json", ".ndjson": "json", ".csv": "csv", ".parquet": "parquet"}


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
            return f"epoch({self.cell(column)})"
        return f"coalesce({self.number(column)}, epoch(TRY_CAST({self.text(column)} AS TIMESTAMPTZ)))"

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


class Shards:
    """The files behind a table's path or glob, with the span of time that each was seen to hold."""

    def __init__(self, name: str, paths: Sequence[str], time: str | None) -> None:
        self.name = name
        self.paths = paths
        self.time = time
        self._held: dict[str, tuple[tuple[int, int], Span]] = {}  # file -> its (size, mtime), the span of its rows
        suffixes = {Path(path).suffix for path in paths}
        if len(suffixes) != 1 or not suffixes <= FORMATS.keys():
            raise SourceMalformed(
                f"table {name}: its files must all be of one kind", f"end paths in {', '.join(FORMATS)}"
            )
        self.format = FORMATS[suffixes.pop()]

    def folders(self) -> list[Path]:
        """The folders that the paths lie in, without their wildcards."""
        return [Path(re.split(r"[*?\[]", path)[0] + "x").parent for path in self.paths]

    def rows(self, duck: Duck, spans: Sequence[Span]) -> Rows:
        """The rows of the files that may hold these spans (all files where there are none).

        Raises SourceError where there is no file, SourceDenied and SourceMalformed where one cannot be read.
        """
        files = self._find()
        if len(files) > 1 and spans and self.time is not None:
            files = self._holding(duck, files, spans) or files[-1:]
        return self._relation(duck, files)

    def raw(self, rows: Rows) -> RawRows | None:
        """The same rows line by line, for JSON."""
        if rows.format != "json":
            return None
        relation = f"read_ndjson_objects($files, ignore_errors = true, filename = '{FILE}')"
        return RawRows(rows.format, relation, rows.files, rows.columns)

    def _find(self) -> list[str]:
        files = sorted({str(file) for path in self.paths for file in _matching(Path(path))})
        if not files:
            raise SourceError(f"table {self.name}: there is no file {', '.join(self.paths)}", "check its path")
        if len(files) > MOST_FILES:
            raise SourceError(
                f"table {self.name}: {len(files)} files are too many", f"at most {MOST_FILES} can be read"
            )
        for file in files:
            if not os.access(file, os.R_OK):
                raise SourceDenied(f"table {self.name}: {file} may not be read", "give this user the right to read it")
        return files

    def _holding(self, duck: Duck, files: list[str], spans: Sequence[Span]) -> list[str]:
        """The files with rows in the spans. What a file holds is looked up once, until the file changes."""
        marks = {file: (stat.st_size, stat.st_mtime_ns) for file in files for stat in [Path(file).stat()]}
        unknown = [file for file in files if file not in self._held or self._held[file][0] != marks[file]]
        if unknown:
            rows = self._relation(duck, unknown)
            if self.time not in rows.columns:
                return files
            time = rows.time(self.time)
            statement = (
                f"SELECT {FILE} AS file, min({time}) AS first, max({time}) AS last FROM {rows.relation} GROUP BY ALL"  # noqa: S608 - as Duck says
            )
            found = duck.asks(statement, {"files": unknown})
            held = {row["file"]: Span(row["first"], row["last"]) for row in found if row["first"] is not None}
            for file in unknown:
                self._held[file] = (marks[file], held.get(file, Span(0.0, -1.0)))
        self._held = {file: self._held[file] for file in files}
        return [
            file
            for file in files
            if any(self._held[file][1].start < span.end and span.start <= self._held[file][1].end for span in spans)
        ]

    def _relation(self, duck: Duck, files: list[str]) -> Rows:
        many = f"union_by_name = true, filename = '{FILE}'"
        if self.format == "json":
            columns = dict.fromkeys(_keys(duck, files), "JSON")
            shape = ", ".join(f"{literal(column)}: 'JSON'" for column in columns) or "andon_nothing: 'JSON'"
            options = f"format = 'newline_delimited', records = true, ignore_errors = true, filename = '{FILE}'"
            return Rows("json", f"read_json($files, {options}, columns = {{{shape}}})", tuple(files), columns)
        relation = (
            f"read_csv($files, all_varchar = true, header = true, null_padding = true, ignore_errors = true, {many})"
            if self.format == "csv"
            else f"read_parquet($files, {many})"
        )
        described: list[dict[str, Any]] = duck.asks(
            f"DESCRIBE SELECT * FROM {relation}",  # noqa: S608 - as Duck says
            {"files": files},
        )
        columns = {row["column_name"]: row["column_type"] for row in described if row["column_name"] != FILE}
        return Rows(self.format, relation, tuple(files), columns)


def _keys(duck: Duck, files: list[str]) -> list[str]:
    """Every key of every line, the usual order first; SQL names ignore case, so the first spelling stands."""
    found = duck.asks("SELECT json_keys(json) AS keys FROM read_ndjson_objects($files, ignore_errors = true) "
                      "WHERE json IS NOT NULL GROUP BY ALL ORDER BY count(*) DESC", {"files": files})  # fmt: skip
    spelled: dict[str, str] = {}
    for row in found:
        for key in row["keys"]:
            spelled.setdefault(key.casefold(), key)
    return list(spelled.values())


def _matching(path: Path) -> Iterable[Path]:
    return [path] if path.is_file() else Path(path.anchor).glob(str(path.relative_to(path.anchor)))


def pointer(key: str) -> str:
    """A key as a JSON pointer, whatever characters it has."""
    return "/" + key.replace("~", "~0").replace("/", "~1")
