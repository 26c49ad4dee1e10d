"""Events from a file of JSON lines, {time, kind, target, id, title, detail}: a deploy script writes one with echo."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from console.errors import SourceDenied, SourceError, SourceMalformed
from console.model import Event, Span
from console.sources.types import SourceStatus

TAIL_BYTES = 8 << 20  # the newest of a long file
MOST_EVENTS = 2000
LATEST = 253_402_300_799  # the end of the year 9999
MOST_CHARACTERS = 2000  # of any one text
LINE = 'write lines such as {"time": "2026-11-01T12:00:00Z", "kind": "deploy", "target": "glove"}'


class EventFile:
    """A file of events, appended to by others. Bad lines are skipped and counted; `check` says how many."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._path = path

    def events(self, span: Span, kinds: Sequence[str]) -> Sequence[Event]:
        """The events of a span, of these kinds or of all, oldest first; the newest MOST_EVENTS of them.

        Raises SourceError, SourceDenied for a file that cannot be read, SourceMalformed for one without any event.
        """
        found, _bad = self._read()
        chosen = [
            event for event in found if span.start <= event.time < span.end and (not kinds or event.kind in kinds)
        ]
        return chosen[-MOST_EVENTS:]

    def check(self) -> SourceStatus:
        """How many events there are, and how many lines are none. Raises as `events` does."""
        began = time.monotonic()
        found, bad = self._read()
        reason = f"{len(found)} events" + (f", {bad} lines that are none" if bad else "")
        newest = found[-1].time if found else None
        return SourceStatus(self.name, "events", "ok", reason, newest=newest, seconds=time.monotonic() - began)

    def _read(self) -> tuple[list[Event], int]:
        """The events in order of time, and the number of lines that are none."""
        lines = self._tail()
        found = [_event(line, self.name) for line in lines]
        events = sorted((event for event in found if event is not None), key=lambda event: event.time)
        bad = len(found) - len(events)
        if bad and not events:
            raise SourceMalformed(f"source {self.name}: no line of {self._path} is an event", LINE)
        return events, bad

    def _tail(self) -> list[bytes]:
        """The whole lines at the end of the file; a last line without its end is still being written."""
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, 2)
                start = file.seek(max(0, size - TAIL_BYTES))
                lines = file.read(TAIL_BYTES).split(b"\n")
        except PermissionError:
            raise SourceDenied(
                f"source {self.name}: {self._path} may not be read", "give this user the right to read it"
            ) from None
        except OSError as error:
            raise SourceError(
                f"source {self.name}: {self._path} cannot be read: {error.strerror}", "check its path"
            ) from None
        if _event(lines[-1], self.name) is None:
            lines.pop()
        return [line for line in lines[1 if start else 0 :] if line.strip()]


def _event(line: bytes, source: str) -> Event | None:
    try:
        fields = orjson.loads(line)
        when = _epoch(fields["time"])
        kind, target = str(fields["kind"]), str(fields.get("target", ""))
        title, name, detail = (_text(fields.get(key)) for key in ("title", "id", "detail"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Event(
        when,
        kind[:MOST_CHARACTERS],
        target[:MOST_CHARACTERS],
        title or f"{kind} {target}".strip(),
        name,
        detail,
        source,
    )


def _epoch(value: Any) -> float:
    """Epoch seconds of a number or of RFC 3339 text; a number beyond the year 9999 is of milliseconds.

    ValueError for another text, TypeError for what is neither.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    if isinstance(value, str):
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError(value)
        return instant.timestamp()
    return float(value) / 1000 if value > LATEST else float(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return (value if isinstance(value, str) else orjson.dumps(value).decode())[:MOST_CHARACTERS]
