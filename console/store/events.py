"""What happened at an instant, kept once however often it is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.model import Event, Span
from console.store.database import Database, Row

MOST_EVENTS = 10_000
ADD = "INSERT OR IGNORE INTO events (time, kind, target, title, id, detail, source) VALUES (?, ?, ?, ?, ?, ?, ?)"


class Events:
    """Deploys, config changes, alerts, restarts: the same source, id, time, target and kind is the same event."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, events: Iterable[Event]) -> int:
        """Keep events and say how many were new; they are on disk when this returns."""
        rows = [(e.time, e.kind, e.target, e.title, e.id, e.detail, e.source) for e in events]
        with self._database.write() as connection:
            return connection.executemany(ADD, rows).rowcount

    def between(self, span: Span, kinds: Sequence[str] = (), *, target: str | None = None) -> tuple[Event, ...]:
        """The events of a span in time order, at most the newest `MOST_EVENTS`; no kinds means all."""
        sql, parameters = events_query(span, kinds, target)
        return read_events(self._database.rows(sql, parameters))


def events_query(span: Span, kinds: Sequence[str], target: str | None = None) -> tuple[str, list[str | float]]:
    """The statement for `between`, which the reader runs on its own connection."""
    sql = "SELECT time, kind, target, title, id, detail, source FROM events WHERE time >= ? AND time < ?"
    parameters: list[str | float] = [span.start, span.end]
    if kinds:
        sql += f" AND kind IN ({', '.join('?' * len(kinds))})"
        parameters += kinds
    if target is not None:
        sql += " AND target = ?"
        parameters.append(target)
    return f"{sql} ORDER BY time DESC LIMIT ?", [*parameters, MOST_EVENTS]


def read_events(rows: Sequence[Row]) -> tuple[Event, ...]:
    """Rows of `events_query` in time order."""
    return tuple(Event(*row) for row in reversed(rows))
