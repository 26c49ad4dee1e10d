"""Pages of the past: metrics whose lines say when they were true, handed in to fill a source's history."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from console.clock import Clock
from console.config import SourceConfig
from console.errors import UsageError
from console.model import Reading
from console.plugins import Plugins
from console.service.operation import nearest
from console.signals.page import PageReader

KIND = "metrics"


class Pages:
    """One reader per source, with the source's dialects, so that history and live samples are the same series."""

    def __init__(
        self,
        sources: Sequence[SourceConfig],
        plugins: Plugins,
        keep: Callable[[Sequence[Reading], float], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._sources: Mapping[str, SourceConfig] = {each.name: each for each in sources if each.kind == KIND}
        self._plugins = plugins
        self._keep = keep
        self._clock = clock
        self._readers: dict[str, tuple[PageReader, asyncio.Lock]] = {}

    async def take(self, source: str, page: str) -> int:
        """Keep a page's samples; how many there were.

        UsageError for a source that has no metrics pages; SourceMalformed for a page that is none.
        """
        if source not in self._sources:
            raise UsageError(f"no source {source!r} has metrics pages", nearest(source, self._sources))
        if source not in self._readers:
            reader = await asyncio.to_thread(self._reader, self._sources[source])
            self._readers.setdefault(source, (reader, asyncio.Lock()))
        reader, turn = self._readers[source]
        now = self._clock()
        async with turn:  # a reader remembers the page before
            readings = await asyncio.to_thread(lambda: reader.read(page.encode(), now))
        await self._keep(readings, now)
        return len(readings)

    def _reader(self, source: SourceConfig) -> PageReader:
        wanted = source.options.get("dialects", "auto")
        dialects = self._plugins.by_name("andon_dialects")
        if wanted == "auto":
            return PageReader(list(dialects.values()))
        return PageReader([dialects[name] for name in wanted if name in dialects], detect=False)
