"""Asking every source for its samples, so that one that hangs, fails or floods harms nobody but itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from console.clock import Clock
from console.errors import AndonError, SourceDenied, SourceMalformed, StoreError
from console.model import Reading
from console.sources.types import Collectable

log = logging.getLogger("andon.collect")

COLLECT_SECONDS = 10.0
FIRST_WAIT = 15.0  # after a first failure; doubled with each further one
LONGEST_WAIT = 300.0
AHEAD_SECONDS = 60.0  # that the clock of a source may be before ours
MOST_READINGS = 50_000  # of one source in one round

Keep = Callable[[Sequence[Reading], float], Awaitable[None]]
Show = Callable[[str, Sequence[Reading]], None]
SourceState = Literal["new", "ok", "partial", "denied", "malformed", "unreachable"]


@dataclass(frozen=True, slots=True)
class Health:
    """How one source has been doing."""

    state: SourceState = "new"
    reason: str = "not asked yet"
    newest: float | None = None  # when it last gave samples
    readings: int = 0  # in its last round
    seconds: float = 0.0  # that the last round took
    failures: int = 0  # in a row
    again: float = 0.0  # not asked before this time


class Collector:
    """Collects from the sources that can be collected from; `health` says how each of them is.

    Everything that comes is shown; what a round asked for is kept as well. Between rounds, the `live` ones may be
    looked at as often as a screen wants it.
    """

    def __init__(
        self,
        sources: Mapping[str, object],
        keep: Keep,
        clock: Clock,
        *,
        show: Show = lambda _name, _readings: None,
        live: Container[str] = (),
        seconds: float = COLLECT_SECONDS,
        most: int = MOST_READINGS,
    ) -> None:
        self.sources = {name: source for name, source in sources.items() if isinstance(source, Collectable)}
        self.health = {name: Health() for name in self.sources}
        self.live = [name for name in self.sources if name in live]
        self._keep = keep
        self._show = show
        self._to_keep: set[str] = set()  # sources whose next samples are for the store as well
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._running: dict[str, asyncio.Task[None]] = {}
        self._asked: dict[str, asyncio.Future[Sequence[Reading]]] = {}

    async def round(self, *, patience: float | None = None) -> None:
        """Ask every source that is due, all at once, and wait for them for `patience` seconds at most.

        A source that is still at it from an earlier round is not asked a second time; one that failed rests first.
        """
        self._to_keep |= set(self.sources)
        await self._ask(self.sources, patience)

    async def look(self, *, patience: float) -> None:
        """Ask the live sources, as `round` does, for those who look; nothing is kept that no round asked for."""
        await self._ask(self.live, patience)

    async def close(self) -> None:
        """Let go of what is still running."""
        for task in list(self._running.values()):
            task.cancel()

    async def _ask(self, names: Collection[str], patience: float | None) -> None:
        now = self._clock()
        for name in names:
            if self._is_due(name, now):
                task = asyncio.create_task(self._collect(name, self.sources[name], now), name=f"collect {name}")
                self._running[name] = task
                task.add_done_callback(lambda _task, name=name: self._running.pop(name))  # type: ignore[misc]
        if waited_for := [task for name, task in self._running.items() if name in names]:
            await asyncio.wait(waited_for, timeout=patience)

    def _is_due(self, name: str, now: float) -> bool:
        asked = self._asked.get(name)
        is_busy = name in self._running or (asked is not None and not asked.done())
        return not is_busy and now >= self.health[name].again

    async def _collect(self, name: str, source: Collectable, now: float) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        asking = self._asked[name] = asyncio.ensure_future(source.collect(now))
        asking.add_done_callback(_look_at)
        try:
            done, _late = await asyncio.wait([asking], timeout=self._seconds)
        finally:
            asking.cancel()
        seconds = loop.time() - started
        if not done:
            # The cancelled call may take its time to end, or never do: nobody waits for it.
            self._failed(name, now, "unreachable", f"did not answer within {self._seconds:g} s", seconds)
            return
        try:
            await self._take(name, asking.result(), now, seconds)
        except SourceDenied as error:
            self._failed(name, now, "denied", error.message, seconds)
        except SourceMalformed as error:
            self._failed(name, now, "malformed", error.message, seconds)
        except StoreError as error:
            log.error("%s: its samples could not be kept: %s", name, error.message)
        except AndonError as error:
            self._failed(name, now, "unreachable", error.message, seconds)
        except Exception as error:  # noqa: BLE001 - a source is a plugin: whatever it raises is its own state
            self._failed(name, now, "unreachable", f"{type(error).__name__}: {error}", seconds)

    async def _take(self, name: str, given: Sequence[Reading], now: float, seconds: float) -> None:
        readings = list(islice(given, self._most + 1))
        flood = len(readings) > self._most
        del readings[self._most :]
        latest = self._clock() + AHEAD_SECONDS
        odd = sum(not 0.0 <= reading.time <= latest for reading in readings)
        if odd:  # else what has died would be the newest there is for as long as its clock was ahead
            readings = [each if 0.0 <= each.time <= latest else replace(each, time=now) for each in readings]
        self._show(name, readings)
        if name in self._to_keep:
            self._to_keep.discard(name)
            await self._keep(readings, now)
        if flood:
            reason = f"gave more than {self._most} samples at once; the rest was cut off"
            self._failed(name, now, "malformed", reason, seconds)
        else:
            if self.health[name].failures:
                log.info("%s answers again", name)
            reason = f"{odd} samples bear times that are none or to come; they count as of now" if odd else ""
            self.health[name] = Health("ok", reason, newest=now, readings=len(readings), seconds=seconds)

    def _failed(self, name: str, now: float, state: SourceState, reason: str, seconds: float) -> None:
        before = self.health[name]
        if (before.state, before.reason) != (state, reason):
            log.warning("%s is %s: %s", name, state, reason)
        wait = min(FIRST_WAIT * 2.0**before.failures, LONGEST_WAIT)
        failures = before.failures + 1
        self.health[name] = replace(
            before, state=state, reason=reason, readings=0, seconds=seconds, failures=failures, again=now + wait
        )


def _look_at(asked: asyncio.Future[Sequence[Reading]]) -> None:
    """A call that ends after its deadline has nobody else to take its exception."""
    if not asked.cancelled():
        asked.exception()
