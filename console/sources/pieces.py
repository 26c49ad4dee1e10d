"""A growing table in pieces: which hours the rows of each piece lie in, so that a question reads no more than it must.

A piece is some whole lines of a log, or a whole Parquet or compressed file. DuckDB reads it from the spool; a whole
file of this host, from where it lies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.errors import SourceError
from console.model import Span
from console.sources.duck import Duck
from console.sources.logs import COMPRESSED, PART, Log, Logs, Position
from console.sources.places import Here, Objects
from console.sources.rows import FILE, RawRows, Rows
from console.sources.shards import RAW, Shards, described, first_spellings, json_rows
from console.sources.spool import Spool

HOUR = 3600.0
SPOOL_BYTES = 256 << 20  # of files of this host, which can be read in place where that is not enough
KEPT_BYTES = 16 << 20  # of them, from one question to the next
OBJECT_BYTES = 2 << 30  # of objects, which are fetched once
BATCH_BYTES = 64 << 20  # that are counted at once
MOST_BATCH = 500  # pieces
MOST_HOURS = 2000  # of one piece that are told apart
SKEW = 60.0  # seconds that clocks may differ: rows beyond are of the future

Hours = frozenset[int] | None  # None: any


@dataclass(slots=True, eq=False)
class Piece:
    """Lines of a log from one byte up to another."""

    log: Log
    start: int
    end: int
    columns: tuple[str, ...] = ()
    hours: Hours = frozenset()

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start

    @property
    def key(self) -> str:
        """Its name in the spool."""
        ending = COMPRESSED if self.log.file.path.endswith(COMPRESSED) else ""  # DuckDB goes by it
        return f"{self.log.number}-{self.start}-{self.end}{ending}"

    def may_hold(self, hours: Collection[int], columns: Collection[str] = ()) -> bool:
        """Whether rows of these hours may be in it, with these columns."""
        return (self.hours is None or not self.hours.isdisjoint(hours)) and {*columns} <= {*self.columns}


@dataclass(frozen=True, slots=True)
class Arrival:
    """Rows that came, or, where `is_gone`, that are no more: the hours they lie in, and in which pieces."""

    pieces: tuple[Piece, ...]
    is_gone: bool = False

    @property
    def hours(self) -> Hours:
        """All of theirs."""
        every = [piece.hours for piece in self.pieces]
        return None if None in every else frozenset[int]().union(*(hours for hours in every if hours is not None))


class Pieces(Shards):
    """The pieces of a table. `news` reads what came; any question is answered from the pieces known by then."""

    def __init__(self, name: str, paths: Sequence[str], time: str | None) -> None:
        super().__init__(name, paths, time)
        is_here = not any("://" in path for path in paths)
        self._place = Here(self.find) if is_here else Objects(name, paths)
        self._is_here = is_here
        self._logs = Logs(name, self._place, self.format)
        self._spool = Spool(SPOOL_BYTES if is_here else OBJECT_BYTES)
        self._pieces: dict[Log, list[Piece]] = {}
        self._only: Sequence[Piece] | None = None
        self.rows_read = 0
        self.bytes_read = 0
        self.newest: float | None = None
        self.ahead = 0  # rows whose time had not come when they were read

    @property
    def left(self) -> int:
        """Bytes that wait to be read."""
        return self._logs.left

    @property
    def has_times(self) -> bool:
        """Whether any row says when it was."""
        return any(piece.hours is None or piece.hours for piece in self._every())

    def folders(self) -> list[Path]:
        return [self._spool.folder, *(super().folders() if self._is_here else ())]

    def home(self, file: str) -> Path:
        name = Path(file).name
        return Path(next((piece.log.file.path for piece in self._every() if piece.key == name), file)).parent

    def tidy(self) -> None:
        """Let go of copies of what lies on this host anyway; objects stay, for they come from far."""
        if self._is_here:
            self._spool.make_room(SPOOL_BYTES - KEPT_BYTES)

    # ── what is new ──────────────────────────────────────────────────────────────────────────────────────────────────

    def news(self, duck: Duck, now: float) -> Iterator[Arrival]:
        """What went and what came since this was last asked. An arrival counts as read once the next one is asked for.

        Raises as `Shards.rows` does; what was not read by then is new at the next time.
        """
        if gone := self._logs.look():
            pieces = tuple(piece for log in gone for piece in self._pieces.pop(log, ()))
            yield Arrival(pieces, is_gone=True)
        for batch in _batches(self._arriving(duck), lambda pair: pair[0].size):
            pieces = tuple(piece for piece, _position in batch)
            self._look_at(duck, pieces, now)
            for piece, position in batch:
                piece.log.position = position
                self._keep(piece)
            yield Arrival(pieces)
            self.tidy()

    def _arriving(self, duck: Duck) -> Iterator[tuple[Piece, Position]]:
        """New pieces, in the spool, and how far their logs are read with them."""
        for part in self._logs.read():
            piece = Piece(part.log, part.start, part.position.offset)
            if self._logs.is_closed(piece.log):
                self._spooled([piece])
            else:
                self._spool.make_room(len(part.data))
                self._spool.put(piece.key, (part.position.header, part.data))
            if self.format != "json":
                known = self._pieces.get(piece.log)
                piece.columns = (
                    known[-1].columns if known else tuple(described(duck, self.format, [self._file(piece)]).columns)
                )
            yield piece, part.position

    def _look_at(self, duck: Duck, pieces: Sequence[Piece], now: float) -> None:
        """See what new pieces hold."""
        files = {self._file(piece): piece for piece in pieces}
        rows, keys = self._whole(duck, [*files])
        has_time = self.time is not None and self.time in rows.columns
        when = rows.time(self.time) if has_time and self.time is not None else "NULL::DOUBLE"
        inner = f"SELECT {FILE} AS file, {keys} AS keys, {when} AS seconds FROM {rows.relation} WHERE {rows.is_there()}"  # noqa: S608 - as Duck says
        found = duck.asks(
            f"SELECT file, keys, floor(seconds / {HOUR}) AS hour, count(*) AS rows, "  # noqa: S608 - as Duck says
            f"max(seconds) FILTER (seconds <= $by) AS newest, count(*) FILTER (seconds > $by) AS ahead "
            f"FROM ({inner}) GROUP BY ALL ORDER BY rows DESC",
            {"files": [*files], "by": now + SKEW},
        )
        for piece in pieces:
            self._note(piece, [row for row in found if files[row["file"]] is piece])

    def _note(self, piece: Piece, told: Sequence[Mapping[str, Any]]) -> None:
        hours = frozenset(int(row["hour"]) for row in told if row["hour"] is not None)
        piece.hours = hours if len(hours) <= MOST_HOURS else None
        if self.format == "json":
            piece.columns = tuple(dict.fromkeys(key for row in told for key in row["keys"] or ()))
        self.rows_read += sum(row["rows"] for row in told)
        self.ahead += sum(row["ahead"] for row in told)
        self.bytes_read += piece.size
        newest = [row["newest"] for row in told if row["newest"] is not None]
        self.newest = max([*newest, *([] if self.newest is None else [self.newest])], default=None)

    def _keep(self, piece: Piece) -> None:
        """Note a new piece; small ones that follow each other become one."""
        known = self._pieces.setdefault(piece.log, [])
        last = known[-1] if known else None
        if last is None or last.end != piece.start or piece.end - last.start > PART:
            known.append(piece)
            return
        self._spool.drop(last.key)
        last.end = piece.end
        last.columns = tuple(dict.fromkeys((*last.columns, *piece.columns)))
        last.hours = None if last.hours is None or piece.hours is None else last.hours | piece.hours

    # ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────────

    def all_columns(self) -> Sequence[str]:
        """The columns that any piece has."""
        return first_spellings(name for pieces in self._pieces.values() for piece in pieces for name in piece.columns)

    def batches(
        self, hours: Collection[int], columns: Collection[str], among: Iterable[Piece] | None = None
    ) -> Iterator[Sequence[Piece]]:
        """The pieces that may hold rows of these hours with these columns, as many at a time as can be counted."""
        every = self._every() if among is None else among
        return _batches((piece for piece in every if piece.may_hold(hours, columns)), lambda piece: piece.size)

    @contextmanager
    def only(self, pieces: Iterable[Piece]) -> Iterator[None]:
        """For now, questions are about these pieces."""
        self._only = [*pieces]
        try:
            yield
        finally:
            self._only = None

    def rows(self, duck: Duck, spans: Sequence[Span]) -> Rows:
        """The rows of the pieces that may hold these spans (of all where there are none). Raises as `Shards.rows`."""
        hours = {hour for span in spans for hour in range(int(span.start // HOUR), int(-(-span.end // HOUR)))}
        pieces = self._only
        if pieces is None:
            pieces = self._holding(hours) if spans and self.time is not None else self._every()
        if self._is_here and self._only is None and sum(piece.size for piece in pieces) > SPOOL_BYTES:
            return super().rows(duck, spans)
        self._spooled(pieces)
        return self._whole(duck, [self._file(piece) for piece in pieces], raw=False)[0]

    def _every(self) -> list[Piece]:
        return [piece for pieces in self._pieces.values() for piece in pieces]

    def _holding(self, hours: Collection[int]) -> list[Piece]:
        """The pieces that may hold rows of these hours; one at least, for its columns."""
        every = self._every()
        return [piece for piece in every if piece.may_hold(hours)] or every[-1:]

    def _whole(self, duck: Duck, files: Sequence[str], *, raw: bool = True) -> tuple[Rows, str]:
        """The rows of some files, and SQL for the keys of one."""
        if not files:
            return Rows(self.format, "(SELECT NULL AS json) AS nothing", ()), "NULL"
        if self.format != "json":
            return described(duck, self.format, files), "NULL"
        if raw:
            columns = {} if self.time is None else {self.time: "JSON"}
            return RawRows("json", RAW, tuple(files), columns), "json_keys(json)"
        return json_rows(files, self.all_columns()), "NULL"

    def _file(self, piece: Piece) -> str:
        """Where a piece lies."""
        if self._lies_as_it_is(piece):
            return piece.log.file.path
        path = self._spool.path(piece.key)
        assert path is not None, "it was put there before"
        return path

    def _lies_as_it_is(self, piece: Piece) -> bool:
        """Whether it is a whole file of this host, which nothing is ever added to."""
        return self._is_here and self._logs.is_closed(piece.log)

    def _spooled(self, pieces: Sequence[Piece]) -> None:
        """Put pieces into the spool, where they are not yet."""
        missing = [piece for piece in pieces if not self._lies_as_it_is(piece) and not self._spool.path(piece.key)]
        needed = sum(piece.size for piece in missing)
        if not self._spool.make_room(needed, keep=[piece.key for piece in pieces]):
            most = self._spool.most >> 20
            raise SourceError(f"table {self.name}: more than {most} MiB would have to be fetched at once",
                              "ask for a shorter window")  # fmt: skip
        for piece in missing:
            self._spool.put(piece.key, self._bytes(piece))

    def _bytes(self, piece: Piece) -> Iterator[bytes]:
        yield piece.log.position.header
        for at in range(piece.start, piece.end, PART):
            yield self._logs.again(piece.log, at, min(at + PART, piece.end))


def _batches(items: Iterator[Any], size: Any) -> Iterator[list[Any]]:
    batch: list[Any] = []
    held = 0
    for item in items:
        batch.append(item)
        held += size(item)
        if held >= BATCH_BYTES or len(batch) >= MOST_BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
