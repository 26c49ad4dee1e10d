"""A source that gives samples of this instant, as a reader: what a run without a daemon knows of gauges."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import numpy as np

from console.analysis.frames import aggregate
from console.clock import Clock
from console.errors import SourceBusy
from console.model import Frame, Kind, Query, Reading, Series
from console.signals.catalogue import find_signal
from console.sources.types import Collectable

PATIENCE_SECONDS = 25.0  # with a source that is still getting ready
PAUSE_SECONDS = 0.5

T = TypeVar("T")


class OneLook:
    """A SignalReader of one Collectable. It is looked at once, when it is first asked about."""

    def __init__(self, source: Collectable, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._turn = asyncio.Lock()
        self._looked: tuple[float, Sequence[Reading]] | None = None

    async def signals(self) -> Sequence[str]:
        """The gauges that it has; one look says nothing of how fast counters rise. Raises what `collect` raises."""
        _time, readings = await self._look()
        return sorted({one.series.signal for one in readings if one.series.kind is Kind.GAUGE})

    async def read(self, query: Query) -> Frame:
        """A frame of one step where the window reaches up to the look, else one without steps."""
        time, readings = await self._look()
        if query.window.end < time - query.step:
            return Frame(np.empty(0), query.step)
        wanted = set(query.where) | set(query.window.where)
        series = tuple(
            Series(one.series, np.array([one.value]))
            for one in readings
            if one.series.signal == query.signal and one.series.kind is Kind.GAUGE and wanted <= set(one.series.labels)
        )
        frame = Frame(np.array([query.window.end]), query.step, series)
        return aggregate(frame, query.by, find_signal(query.signal).across)

    async def _look(self) -> tuple[float, Sequence[Reading]]:
        async with self._turn:
            if self._looked is None:
                now = self._clock()
                self._looked = now, await patiently(lambda: self._source.collect(now))
            return self._looked


async def patiently(ask: Callable[[], Awaitable[T]], seconds: float = PATIENCE_SECONDS) -> T:
    """The answer of a source that may still be getting ready. Raises SourceBusy where it is that for too long."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        try:
            return await ask()
        except SourceBusy as busy:
            if loop.time() + busy.seconds >= deadline:
                raise
            await asyncio.sleep(max(busy.seconds, PAUSE_SECONDS))
