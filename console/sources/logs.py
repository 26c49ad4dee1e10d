"""What was written to files since they were last read, in whole lines: they grow, are renamed, truncated, replaced."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from console.errors import SourceMalformed

PART = 2 << 20  # bytes that are read at once
MOST_LINE = 16 << 20
COMPRESSED = ".gz"
KNOWN_BY = 256  # bytes at the beginning of a file, and where it was read to, that tell it from another


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is found."""

    path: str
    size: int
    version: tuple[object, ...]  # another one: what is in it may be another
    identity: tuple[object, ...] = ()  # goes with the file to another name; empty where nobody knows


class Place(Protocol):
    """Where files lie."""

    is_live: bool  # what is written there appears byte by byte, so that a line may be half there

    def find(self) -> Sequence[File]: ...

    def read(self, path: str, start: int, end: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file was read."""

    offset: int = 0
    is_whole: bool = True  # to the end of a line; else to the end of what there was
    header: bytes = b""  # CSV only
    head: bytes = b""  # the first bytes, and the last ones that were read: what is written at the end changes neither
    tail: bytes = b""


@dataclass(slots=True, eq=False)
class Log:
    """One file, whatever its name is by now."""

    number: int
    file: File
    position: Position = field(default_factory=Position)


@dataclass(frozen=True, slots=True)
class Part:
    """New whole lines of a log, from `start` up to where `position` is. Read once the log's position is set to it."""

    log: Log
    start: int
    data: bytes
    position: Position


class Logs:
    """The files of a place, in one format: json, csv or parquet."""

    def __init__(self, name: str, place: Place, form: str) -> None:
        self.name = name
        self.place = place
        self.form = form
        self.logs: dict[str, Log] = {}
        self._numbers = itertools.count()

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return sum(log.file.size - log.position.offset for log in self.logs.values())

    def look(self) -> list[Log]:
        """See what files there are by now. Answers those that are no more, or whose first lines are others."""
        before, self.logs = self.logs, {}
        moved = {log.file.identity: log for log in before.values() if log.file.identity}
        kept: set[Log] = set()
        for file in self.place.find():
            known = [before.get(file.path), moved.get(file.identity)]
            log = next((log for log in known if log and log not in kept and self._is_still(log, file)), None)
            if log is None:
                log = Log(next(self._numbers), file)
            log.file = file
            kept.add(log)
            self.logs[file.path] = log
        return [log for log in before.values() if log not in kept]

    def read(self) -> Iterator[Part]:
        """What is new, part by part. Raises SourceMalformed for a line beyond all measure, and as the place does."""
        for log in self.logs.values():
            position = log.position
            while (part := self._next(log, position)) is not None:
                yield part
                position = part.position

    def again(self, log: Log, start: int, end: int) -> bytes:
        """Bytes that were read before."""
        return self.place.read(log.file.path, start, end)

    def is_closed(self, log: Log) -> bool:
        """Whether the file is new as a whole or not at all: Parquet, and what is compressed."""
        return self.form == "parquet" or log.file.path.endswith(COMPRESSED)

    def _is_still(self, log: Log, file: File) -> bool:
        """Whether a file holds what was read of a log, at most with more lines behind it."""
        if log.file.version == file.version and log.file.identity == file.identity:
            return True
        at = log.position
        if self.is_closed(log) or log.file.identity != file.identity or file.size < at.offset:
            return False
        follows = self.place.read(file.path, at.offset - len(at.tail), min(at.offset + 1, file.size))
        if not at.is_whole and follows[len(at.tail) :] not in (b"", b"\n", b"\r"):
            return False
        return follows.startswith(at.tail) and self.place.read(file.path, 0, len(at.head)) == at.head

    def _next(self, log: Log, at: Position) -> Part | None:
        size = log.file.size
        if at.offset >= size:
            return None
        if self.is_closed(log):
            return Part(log, 0, b"", replace(at, offset=size))
        length = PART
        while True:
            data = self.place.read(log.file.path, at.offset, min(at.offset + length, size))
            is_all = at.offset + len(data) >= size or len(data) < length
            end = self._whole(data, is_all=is_all)
            if end or is_all:
                break
            if length >= MOST_LINE:
                raise SourceMalformed(f"table {self.name}: a line of {log.file.path} is longer than 16 MiB", "")
            length *= 2
        if not end:
            return None
        start, header = at.offset, at.header
        if self.form == "csv" and not start:
            header = data[: _first_line(data)]
            start += len(header)
        data = data[:end]
        position = Position(
            at.offset + end, data.endswith(b"\n"), header, at.head or data[:KNOWN_BY], (at.tail + data)[-KNOWN_BY:]
        )
        return Part(log, start, data[start - at.offset :], position)

    def _whole(self, data: bytes, *, is_all: bool) -> int:
        """How many bytes are whole lines. The last line waits for its end, unless what is there is one already."""
        if is_all and not data.endswith(b"\n") and (not self.place.is_live or self._is_a_row(data)):
            return len(data)
        if self.form != "csv":
            return data.rfind(b"\n") + 1
        end, quotes = len(data), data.count(b'"')
        while (at := data.rfind(b"\n", 0, end)) >= 0:  # a line's end between quotes is none
            quotes -= data.count(b'"', at, end)
            if quotes % 2 == 0:
                return at + 1
            end = at
        return 0

    def _is_a_row(self, data: bytes) -> bool:
        if self.form != "json":
            return False
        try:
            return isinstance(json.loads(data[data.rfind(b"\n") + 1 :]), dict)
        except ValueError:
            return False


def _first_line(data: bytes) -> int:
    """Where the second line of a CSV begins; its first may have line ends between quotes."""
    at = data.find(b"\n") + 1
    while at and data.count(b'"', 0, at) % 2:
        at = data.find(b"\n", at) + 1
    return at or len(data)
