"""Copies what the sources' event logs say into the store's timeline, so that it is kept when a log is rotated away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from console.errors import AndonError
from console.model import Event, Span
from console.sources.types import EventReader

log = logging.getLogger("andon.timeline")

READ_SECONDS = 10.0
BACK_SECONDS = 36 * 86400.0  # how far back a source is read the first time
OVERLAP_SECONDS = 300.0  # events may be written down late; the store keeps each once
LATE_SECONDS = 86400.0  # or much later: a commit that is pushed the next day has the time when it was made
LATE_EVERY = 900.0  # so often such ones are looked for
AHEAD_SECONDS = 60.0  # clocks differ


class Timeline:
    """One place per source up to which its events have been copied; `troubles` says which source failed, and why."""

    def __init__(self, sources: Mapping[str, EventReader], keep: Callable[[Sequence[Event]], Awaitable[None]]) -> None:
        self.troubles: dict[str, str] = {}
        self._sources = sources
        self._keep = keep
        self._seen: dict[str, float] = {}
        self._late: dict[str, float] = {}  # when late ones were looked for

    async def copy(self, now: float) -> None:
        """Copy what is new in every source, all at once."""
        await asyncio.gather(*(self._copy(name, source, now) for name, source in self._sources.items()))

    async def _copy(self, name: str, source: EventReader, now: float) -> None:
        is_late = not 0 <= now - self._late.get(name, -LATE_EVERY) < LATE_EVERY
        overlap = LATE_SECONDS if is_late else OVERLAP_SECONDS
        start = min(self._seen.get(name, now - BACK_SECONDS), now) - overlap  # a clock may be set back
        try:
            events = await asyncio.wait_for(source.events(Span(start, now + AHEAD_SECONDS), ()), READ_SECONDS)
            if events:
                await self._keep(events)
        except TimeoutError:
            self._failed(name, f"{name} did not tell its events within {READ_SECONDS:g} s")
        except AndonError as error:
            self._failed(name, f"the events of {name} could not be copied: {error.message}")
        except Exception as error:  # noqa: BLE001 - a source is a plugin: whatever it raises is its own trouble
            self._failed(name, f"the events of {name} could not be read: {type(error).__name__}: {error}")
        else:
            self._seen[name] = now
            self._late[name] = now if is_late else self._late[name]
            self.troubles.pop(name, None)

    def _failed(self, name: str, trouble: str) -> None:
        if self.troubles.get(name) != trouble:
            log.warning("%s", trouble)
        self.troubles[name] = trouble
