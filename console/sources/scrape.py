"""The source kind `metrics`: an exporter's page, scraped by ourselves where no Prometheus does it.

It rests between failures because the collector does not ask it; it never holds more than one page.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import httpx

from console.errors import ConfigError
from console.model import Labels, Reading
from console.signals.dialect import Dialect
from console.signals.page import PageReader
from console.sources.fetch import fetch, open_client
from console.sources.types import SourceStatus

if TYPE_CHECKING:
    from console.sources.options import MetricsOptions

MOST_NAMES = 8  # of an exporter that nobody knows
RUNTIMES = ("go_", "process_", "promhttp_", "python_")  # say what language it is written in
# 0.0.4 and not OpenMetrics: prometheus_client's OpenMetrics rewrites names with a colon and contradicts itself there.
ACCEPT = "text/plain;version=0.0.4;q=1,text/plain;q=0.5"


class Scrape:
    """One exporter's page.

    Every series gets the label `instance` (host:port, as Prometheus would have it) and the labels of the source's
    options, unless the page has its own of that name: two replicas with the same labels must not become one counter.
    """

    def __init__(self, name: str, options: MetricsOptions) -> None:
        self.name = name
        self._options = options
        self._client = open_client(options.url)
        self._reading = threading.Lock()  # a page is read in a thread; a cancelled one may still be at it
        self._reader = PageReader(())

    def speak(self, dialects: Mapping[str, Dialect]) -> None:
        """Learn the exporters' dialects: those that the options name, or all with `auto`, once seen on a page.

        Raises ConfigError for a name that is no dialect.
        """
        chosen = self._options.dialects
        unknown = set() if chosen == "auto" else set(chosen) - set(dialects)
        if unknown:
            known = ", ".join(sorted(dialects)) or "none"
            raise ConfigError(f"source {self.name}: there is no dialect {sorted(unknown)[0]}", f"there are: {known}")
        spoken = list(dialects.values()) if chosen == "auto" else [dialects[name] for name in chosen]
        url = httpx.URL(self._options.url)
        instance = f"{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}"
        labels = Labels.of({"instance": instance} | self._options.labels)
        self._reader = PageReader(spoken, labels=labels, detect=chosen == "auto")

    async def collect(self, now: float) -> Sequence[Reading]:
        """Every sample of the page as it is now; the errors of `fetch`, and SourceMalformed for what is no page."""
        options = self._options
        body = await fetch(
            self._client,
            options.url,
            seconds=options.timeout,
            most_bytes=options.max_bytes,
            headers={"Accept": ACCEPT} | options.headers,
        )
        return await self.ingest(body, now)

    async def ingest(self, page: bytes, now: float) -> Sequence[Reading]:
        """Every sample of a page that came another way, labelled as if it had been scraped."""
        return await asyncio.to_thread(self._read, page, now)

    async def check(self) -> SourceStatus:
        """Which dialects the page speaks, which signals it has, and which it lacks and why."""
        began = time.monotonic()
        now = time.time()
        readings = await self.collect(now)
        reader = self._reader
        reason = f"{reader.skipped} lines could not be read: {reader.trouble}" if reader.skipped else ""
        if not reader.seen:
            reason = _unknown(reader.names)
        return SourceStatus(
            name=self.name,
            kind="metrics",
            state="ok" if reader.seen else "malformed",
            reason=reason,
            dialects=reader.seen,
            signals=reader.answered,
            missing=reader.missing,
            spoken=reader.spoken,
            newest=max((reading.time for reading in readings), default=None),
            seconds=time.monotonic() - began,
        )

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    def _read(self, body: bytes, now: float) -> Sequence[Reading]:
        with self._reading:
            return self._reader.read(body, now)


def _unknown(names: Sequence[str]) -> str:
    """What a page holds that no dialect knows, and what to do about it."""
    names = [name for name in names if not name.startswith(RUNTIMES)] or names
    shown = ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")
    return f"no dialect that andon knows: {shown}; a dialect of your own is a page of names, see docs/plugins.md"
