"""Pages of the past: metrics whose lines say when they were true, handed in to fill a source's history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from console.clock import Clock
from console.errors import UsageError
from console.model import Reading
from console.words import nearest


@runtime_checkable
class PageSource(Protocol):
    """A source that reads metrics pages; one that came another way becomes the same series as its own."""

    async def ingest(self, page: bytes, now: float) -> Sequence[Reading]: ...


class Pages:
    """Takes pages for the sources that can read them."""

    def __init__(
        self,
        sources: Mapping[str, object],
        keep: Callable[[Sequence[Reading], float], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._sources = {name: source for name, source in sources.items() if isinstance(source, PageSource)}
        self._keep = keep
        self._clock = clock

    async def take(self, source: str, page: str) -> int:
        """Keep a page's samples; how many there were.

        UsageError for a source that reads no pages; SourceMalformed for a page that is none.
        """
        if source not in self._sources:
            raise UsageError(f"no source {source[:60]!r} reads metrics pages", nearest(source[:60], self._sources))
        now = self._clock()
        readings = await self._sources[source].ingest(page.encode(), now)
        await self._keep(readings, now)
        return len(readings)
