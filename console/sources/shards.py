"""The files of a table: which of them hold rows of a span, and how SQL reads those."""

from __future__ import annotations

import codecs
import glob
import gzip
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.errors import SourceDenied, SourceError, SourceMalformed
from console.model import Span
from console.sources.duck import Duck, literal
from console.sources.rows import FILE, RawRows, Rows

MOST_FILES = 5000
MOST_SCANNED = 2 << 30  # bytes
SCANNED_AT_ONCE = 4 << 20
FORMATS = {
    ".jsonl": "json", ".ndjson": "json", ".jsonl.gz": "json", ".ndjson.gz": "json",
    ".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shard:
    """What one file was seen to hold, until its size or its time of change is another."""

    mark: tuple[int, int]
    keys: tuple[str, ...]  # JSON only, the usual order first
    span: Span | None  # of its rows; None where no row says a time
    is_empty: bool

    def may_hold(self, spans: Sequence[Span]) -> bool:
        """Whether rows of these spans may be in it."""
        if self.span is None:
            return not self.is_empty
        return any(self.span.start < span.end and span.start <= self.span.end for span in spans)


class Shards:
    """The files behind a table's path or glob. Each is looked into once, until it changes."""

    def __init__(self, name: str, paths: Sequence[str], time: str | None) -> None:
        self.name = name
        self.paths = paths
        self.time = time
        self._seen: dict[str, Shard] = {}
        formats = {form for path in paths for form in formats_of(path)}
        if len(formats) != 1 or None in formats:
            raise SourceMalformed(
                f"table {name}: its files must be of one kind", f"end its paths in {', '.join(FORMATS)}"
            )
        self.format = str(formats.pop())

    def folders(self) -> list[Path]:
        """The folders that the paths lie in, without their wildcards."""
        return [Path(re.split(r"[*?\[]", path + "/" * Path(path).is_dir())[0] + "x").parent for path in self.paths]

    def home(self, file: str) -> Path:
        """The folder that paths in the rows of a file are relative to."""
        return Path(file).parent

    def rows(self, duck: Duck, spans: Sequence[Span]) -> Rows:
        """The rows of the files that may hold these spans (of all files where there are none).

        Raises SourceError where there is no file, SourceDenied and SourceMalformed where one cannot be read.
        """
        files = self.find()
        if self.format == "json" or (len(files) > 1 and self.time is not None):
            self._look_into(duck, files)
        if len(files) > 1 and spans and self.time is not None:
            files = [file for file in files if self._seen[file].may_hold(spans)] or files[-1:]
        if self.format == "json":
            return json_rows(files, first_spellings(key for file in files for key in self._seen[file].keys))
        return described(duck, self.format, files)

    def raw(self, rows: Rows) -> RawRows | None:
        """The same rows line by line, for JSON."""
        return RawRows(rows.format, RAW, rows.files, rows.columns) if rows.format == "json" else None

    def find(self) -> list[str]:
        """The files that there are. Raises as `rows` does."""
        files = sorted({str(file) for path in self.paths for file in matching(Path(path))})
        if not files:
            raise SourceError(f"table {self.name}: there is no file {', '.join(self.paths)}", "check its path")
        if len(files) > MOST_FILES:
            raise SourceError(f"table {self.name}: {len(files)} files are too many", f"at most {MOST_FILES} are read")
        for file in files:
            if not os.access(file, os.R_OK):
                raise SourceDenied(f"table {self.name}: {file} may not be read", "give this user the right to read it")
        return files

    def _look_into(self, duck: Duck, files: list[str]) -> None:
        """See what the files hold that are new or have changed."""
        marks = {file: (stat.st_size, stat.st_mtime_ns) for file in files for stat in [Path(file).stat()]}
        unknown = [file for file in files if file not in self._seen or self._seen[file].mark != marks[file]]
        self._seen = {file: shard for file, shard in self._seen.items() if file in marks}
        if not unknown:
            return
        if self.format == "json":
            rows: Rows = RawRows("json", RAW, tuple(unknown), {} if self.time is None else {self.time: "JSON"})
            keys = "json_keys(json)"
        else:
            rows, keys = described(duck, self.format, unknown), "NULL"
        time = rows.time(self.time) if self.time in rows.columns and self.time is not None else "NULL::DOUBLE"
        found = duck.asks(
            f"SELECT {FILE} AS file, {keys} AS keys, min({time}) AS first, max({time}) AS last "  # noqa: S608 - as Duck says
            f"FROM {rows.relation} WHERE {rows.is_there()} GROUP BY ALL ORDER BY count(*) DESC",
            {"files": unknown},
        )
        by_file: dict[str, list[dict[str, Any]]] = {file: [] for file in unknown}
        for row in found:
            by_file[row["file"]].append(row)
        for file, groups in by_file.items():
            times = [row[end] for row in groups for end in ("first", "last") if row[end] is not None]
            span = Span(min(times), max(times)) if times else None
            spelled = tuple(dict.fromkeys(key for row in groups for key in row["keys"] or ()))
            self._seen[file] = Shard(marks[file], spelled, span, is_empty=not groups)


RAW = f"read_ndjson_objects($files, ignore_errors = true, filename = '{FILE}')"


def json_rows(files: Sequence[str], keys: Sequence[str]) -> Rows:
    """Rows of lines of JSON, with these keys as columns."""
    shape = ", ".join(f"{literal(key)}: 'JSON'" for key in keys) or "andon_nothing: 'JSON'"
    options = f"format = 'newline_delimited', records = true, ignore_errors = true, filename = '{FILE}'"
    relation = f"read_json($files, {options}, columns = {{{shape}}})"
    return Rows("json", relation, tuple(files), dict.fromkeys(keys, "JSON"))


def described(duck: Duck, form: str, files: Sequence[str]) -> Rows:
    """Rows of CSV or Parquet, with the columns of all the files."""
    relation = (
        f"read_{form}($files, union_by_name = true, filename = '{FILE}')" if form != "csv" else _csv(duck, files[0])
    )
    described = duck.asks(f"DESCRIBE SELECT * FROM {relation}", {"files": list(files)})  # noqa: S608 - as Duck says
    columns = {row["column_name"]: row["column_type"] for row in described if row["column_name"] != FILE}
    return Rows(form, relation, tuple(files), columns)


def unread(files: Sequence[str]) -> int:
    """How many lines of CSV files are left out, for they are not UTF-8; of the first MOST_SCANNED bytes."""
    found, room = 0, MOST_SCANNED
    for name in files:
        with gzip.open(name) if name.endswith(".gz") else Path(name).open("rb") as file:
            begins = True
            while room > 0 and (lines := file.readlines(SCANNED_AT_ONCE)):
                if begins and lines[0].startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    break
                begins = False
                part = b"".join(lines)
                room -= len(part)
                found += 0 if _is_text(part) else sum(not _is_text(line) for line in lines)
    return found


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _csv(duck: Duck, first: str) -> str:
    """SQL for rows of CSV, each cell as it is written; `first` of the files tells how all of them are.

    Cells may hold line ends. Where semicolons part cells, commas are decimal ones.
    """
    with Path(first).open("rb") as file:
        is_wide = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    encoding = "utf-16" if is_wide else "utf-8"
    options = "all_varchar = true, header = true, null_padding = true, ignore_errors = true, parallel = false"
    options += f", encoding = '{encoding}'"
    relation = f"read_csv($files, union_by_name = true, filename = '{FILE}', {options})"
    sniffed = f"SELECT Delimiter AS mark FROM sniff_csv($file, encoding = '{encoding}', ignore_errors = true)"  # noqa: S608
    if duck.asks(sniffed, {"file": glob.escape(first)})[0]["mark"] != ";":
        return relation
    cells = f"regexp_replace(COLUMNS(* EXCLUDE ({FILE})), '^([+-]?\\d+),(\\d+)$', '\\1.\\2')"
    return f"(SELECT {FILE}, {cells} FROM {relation})"  # noqa: S608 - as Duck says


def first_spellings(keys: Iterable[str]) -> list[str]:
    """Each key once: SQL's names ignore case, so of two that differ in nothing else the first one stands."""
    spelled: dict[str, str] = {}
    for key in filter(None, keys):  # SQL has no name for the empty one
        spelled.setdefault(key.casefold(), key)
    return list(spelled.values())


def matching(path: Path) -> Iterable[Path]:
    """The file at a path, the tables in the folder there, or the files that a glob means."""
    if path.is_dir():
        files = (file for file in path.iterdir() if file.is_file() and not file.name.startswith((".", "_")))
        return [file for file in files if format_of(file.name) is not None]
    if path.is_file():
        return [path]
    return (file for file in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if file.is_file())  # no pipe


def formats_of(path: str) -> set[str | None]:
    """How DuckDB calls the formats of a file, of what a glob means, or of all tables in a folder; None for no table."""
    return {format_of(file.name) for file in matching(Path(path))} if Path(path).is_dir() else {format_of(path)}


def format_of(name: str) -> str | None:
    """The format of a file of this name; None for what is no table."""
    return FORMATS.get("".join(Path(name).suffixes[-2:]) if name.endswith(".gz") else Path(name).suffix)
