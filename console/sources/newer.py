"""A table of a database that grows: at each look, the rows with a time beyond that of the newest one read are counted.

Rows that come late are told by the number of rows in each of the last minutes: where there are others than were read,
their hour is counted anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from console.model import Span
from console.sources.databases import STATEMENT_SECONDS, Database
from console.sources.engines import Engine
from console.sources.following import WORK_SECONDS, Following
from console.sources.minutes import HOUR, MINUTE
from console.sources.types import ProfileGroup, ProfileRequest, Progress

if TYPE_CHECKING:
    from console.sources.options import DatabaseOptions

LATE_SECONDS = 10 * MINUTE  # before the newest row: so late a row may come and be counted
AT_ONCE = 1e-6  # what engines tell times apart by


def open_database(name: str, **options: Any) -> GrowingDatabase:
    """The table out of options that were checked before: what checks them is more than the child needs to load."""
    return GrowingDatabase(name, cast("DatabaseOptions", SimpleNamespace(**options)))


class GrowingDatabase(Database):
    """A table of a database. Requests with a `look` are answered from what earlier looks counted."""

    def __init__(
        self,
        name: str,
        options: DatabaseOptions,
        engine: Engine | None = None,
        *,
        seconds: float = STATEMENT_SECONDS,
        work_seconds: float = WORK_SECONDS,
    ) -> None:
        super().__init__(name, options, engine, seconds=seconds)
        self._newer = Newer(self)
        self._following = Following(self._newer, seconds=work_seconds)

    def profiles(self, request: ProfileRequest) -> Sequence[ProfileGroup]:
        """As of any database. With a `look`, raises NoData while there is more to count than one answer may take."""
        if request.look is None or self.options.time is None:
            return self.counted(request)
        self._following.keep_up(request.look)
        answer = self._following.profiles(request)
        return self.counted(request) if answer is None else answer

    def progress(self) -> Progress:
        """How far the table was read, for who looks on."""
        return self._newer.progress()


@dataclass(frozen=True, slots=True)
class NewRows:
    """Rows of a span of time, or hours with others than were read."""

    span: Span
    hours: frozenset[int]
    is_gone: bool = False


class Newer:
    """What is new in a table, told by its times."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read: float | None = None  # rows were read up to this time, and those of this time
        self._known: dict[int, int] = {}  # rows read, by minute, of the last few
        self._rows = 0
        self._ahead = 0

    def news(self, look: float) -> Iterator[NewRows]:
        """The hours with late rows, and the rows that are newer than any before."""
        read = self._database.newest(look) if self._read is None else self._read
        if read is None:
            return
        first = int((read - LATE_SECONDS) // MINUTE)
        minutes, self._ahead = self._database.by_minute(first * MINUTE, read, look)
        now = {minute: found.old for minute, found in minutes.items()}
        known = {minute: rows for minute, rows in self._known.items() if minute >= first}
        late = {minute for minute in now | known if now.get(minute, 0) != known.get(minute, 0)}
        is_first, self._read = self._read is None, max([read, *(found.newest for found in minutes.values())])
        self._known = {minute: found.old + found.new for minute, found in minutes.items()}
        if is_first:
            return
        self._rows += sum(found.new for found in minutes.values())
        if late:
            yield NewRows(Span(0, 0), frozenset(minute * MINUTE // HOUR for minute in late), is_gone=True)
        if self._read > read:
            hours = frozenset(minute * MINUTE // HOUR for minute, found in minutes.items() if found.new)
            yield NewRows(Span(read + AT_ONCE, self._read + AT_ONCE), hours)

    def counted(self, request: ProfileRequest, arrival: NewRows | None) -> Iterator[Sequence[ProfileGroup]]:
        """The rows of an arrival, or all up to the newest that was read."""
        if self._read is not None:
            within = arrival.span if arrival is not None else Span(0, self._read + AT_ONCE)
            yield self._database.counted(request, within)

    def columns(self) -> Sequence[str]:
        """Those that are counted where a request names none."""
        left_out = (self._database.options.time, self._database.options.label)
        return [column for column in self._database.columns() if column not in left_out]

    def progress(self) -> Progress:
        """Rows are told, bytes are the database's own affair."""
        return Progress(self._rows, 0, 0, self._read, self._ahead)
