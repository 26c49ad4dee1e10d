"""Pinned baselines: spans of time that have a name and outlive the retention."""

from __future__ import annotations

from dataclasses import dataclass

from console.errors import UsageError
from console.model import Span
from console.store.database import Database


@dataclass(frozen=True, slots=True)
class Pin:
    """A named baseline."""

    name: str
    spans: tuple[Span, ...]
    created: float
    by: str
    note: str = ""


class Pins:
    """The pinned baselines of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pin(self, pin: Pin) -> None:
        """Keep a baseline; UsageError where the name is taken or a span is empty."""
        if not pin.name or not pin.spans or any(not span.start < span.end for span in pin.spans):
            raise UsageError(
                f"baseline {pin.name!r} has no name or no time in it", "pin START..END with START before END"
            )
        with self._database.write() as connection:
            if connection.execute("SELECT 1 FROM pins WHERE name = ?", (pin.name,)).fetchone():
                raise UsageError(f"a baseline {pin.name} is pinned already", f"`andon baseline drop {pin.name}` first")
            connection.execute("INSERT INTO pins VALUES (?, ?, ?, ?)", (pin.name, pin.created, pin.by, pin.note))
            connection.executemany(
                "INSERT OR IGNORE INTO pin_spans VALUES (?, ?, ?)", [(pin.name, s.start, s.end) for s in pin.spans]
            )

    def list(self) -> tuple[Pin, ...]:
        """All pinned baselines by name."""
        spans: dict[str, list[Span]] = {}
        for name, start, end in self._database.rows("SELECT pin, start, end FROM pin_spans ORDER BY start"):
            spans.setdefault(name, []).append(Span(start, end))
        rows = self._database.rows("SELECT name, created, by, note FROM pins ORDER BY name")
        return tuple(Pin(name, tuple(spans[name]), created, by, note) for name, created, by, note in rows)

    def drop(self, name: str) -> None:
        """Forget a baseline; its samples go when retention comes by. UsageError where there is none of that name."""
        with self._database.write() as connection:
            if not connection.execute("DELETE FROM pins WHERE name = ?", (name,)).rowcount:
                raise UsageError(f"no baseline {name} is pinned", "`andon baseline list` shows them all")
