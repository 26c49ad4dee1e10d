"""What the live panels show of an estate that lives behind servers of queries: asked for while somebody looks.

Such a server has every GPU and every model, and other users. So the questions are few, and as many for ten thousand
GPUs as for ten: one for each signal, over the last minute. A round of them is followed by a rest of nine times as long.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from console.clock import Clock
from console.errors import AndonError, SourceDenied, SourceError, SourceMalformed, SourcePartial
from console.model import Frame, Query, Span, Window
from console.service.collecting import FIRST_WAIT, LONGEST_WAIT, Health, SourceState
from console.service.gpus import TELLING, WHOSE
from console.service.hosts import HOST_SIGNALS
from console.service.latency import WANTED
from console.service.live import Live
from console.service.sightings import Sightings
from console.signals.catalogue import catalogue
from console.sources.estate import Estate
from console.sources.types import Collectable, SignalReader

log = logging.getLogger("andon.fleet")

MINUTE = 60.0  # how far back is asked: what a panel calls now
REST_SECONDS = 5.0  # from one round of questions to the next, at least
MOST_REST_SECONDS = 60.0  # after a round of which a part was not answered: it may answer again by now
SHARE = 0.1  # of the time, in which a server may be busy with our questions
SLOW_SECONDS = 60.0  # from one question to the next about what hardly ever changes
READ_SECONDS = 20.0  # for one question
MOST_FAILURES = 3  # in one round, after which it is over
LATE_PACES = 3  # rounds that may be missed before what was told is stale
LATE_SECONDS = 15.0  # at least

By = tuple[str, ...]
GPU: By = (*WHOSE, *TELLING)
MODEL: By = ("model",)
HOST: By = ("host", "instance")
QUICK_GPU = (
    "gpu.utilization", "gpu.memory.used", "gpu.memory.free", "gpu.memory.utilization", "gpu.temperature",
    "gpu.memory.temperature", "gpu.power", "gpu.clock.sm", "gpu.throttle.reasons", "gpu.xid", "gpu.xid.recent",
    "gpu.ecc.errors", "gpu.up",
)  # fmt: skip
QUICK = dict.fromkeys(QUICK_GPU, GPU) | dict.fromkeys(sorted(WANTED), MODEL)
SLOW: Mapping[str, By] = {
    name: GPU for name, signal in catalogue().items() if signal.scope == "gpu" and name not in QUICK
} | dict.fromkeys(HOST_SIGNALS, HOST)  # fmt: skip


def asked(estate: Estate) -> Mapping[str, SignalReader]:
    """The sources that know the past themselves, and are never collected from, by name."""
    return {
        name: source
        for name, source in estate.sources.items()
        if isinstance(source, SignalReader) and not isinstance(source, Collectable)
    }


class Fleet:
    """Asks the sources that answer queries; `health` says how each of them is. One that fails stops no other."""

    def __init__(self, readers: Mapping[str, SignalReader], live: Live, sightings: Sightings, clock: Clock) -> None:
        self.health = {name: Health() for name in readers}
        self.questions = dict.fromkeys(readers, 0)  # put to each in its last round
        self._readers = dict(readers)
        self._live = live
        self._sightings = sightings
        self._clock = clock
        self._again = dict.fromkeys(readers, 0.0)  # by the loop's clock
        self._pace = dict.fromkeys(readers, REST_SECONDS)  # seconds from one round to the next
        self._slow: dict[str, float] = {}  # when it was asked about what hardly changes, which comes second
        self._running: dict[str, asyncio.Task[None]] = {}

    def look(self) -> None:
        """Somebody looks: begin to ask those whose turn it is. Nobody waits for them."""
        now = asyncio.get_running_loop().time()
        for name in self._readers:
            if name not in self._running and now >= self._again[name]:
                task = self._running[name] = asyncio.create_task(self._round(name), name=f"ask {name}")
                task.add_done_callback(lambda _task, name=name: self._running.pop(name, None))  # type: ignore[misc]

    def rest(self) -> None:
        """Nobody looks any more: what is being asked is not wanted."""
        for task in self._running.values():
            task.cancel()

    async def close(self) -> None:
        """Let go of what is still running."""
        running = [*self._running.values()]
        self.rest()
        await asyncio.gather(*running, return_exceptions=True)

    def late(self, name: str) -> float:
        """From which age on what this source told is stale."""
        return max(LATE_SECONDS, MINUTE / 2 + LATE_PACES * self._pace[name])

    async def _round(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        began, now = loop.time(), self._clock()
        slow = self._slow.get(name, began)
        is_slow = began >= slow + SLOW_SECONDS
        asked = Round(name, self._readers[name], now, {**QUICK, **SLOW} if is_slow else QUICK)
        try:
            await asked.go(self._take)
            if asked.answered:
                self._slow[name] = began if is_slow else slow if name in self._slow else began - SLOW_SECONDS
                await self._settle(name, asked)
        finally:
            took = loop.time() - began
            rest = max(REST_SECONDS, took / SHARE) - took
            if asked.failure is not None:  # what waited for no answer kept nobody busy
                rest = min(rest, MOST_REST_SECONDS)
            self._pace[name] = took + rest
            self._again[name] = began + took + rest
            self.questions[name] = asked.questions
        self._say(name, asked, now, took)

    def _take(self, name: str, signal: str, frame: Frame) -> None:
        self._live.take(name, signal, frame)
        if signal in WANTED:
            self._sightings.take(signal, frame)

    async def _settle(self, name: str, asked: Round) -> None:
        """Judge what was told; screens and other sources have their turn meanwhile."""
        for number, _gpu in enumerate(self._live.gpus.settle(name, asked.answered, asked.now)):
            if number % 500 == 499:
                await asyncio.sleep(0)

    def _say(self, name: str, asked: Round, now: float, took: float) -> None:
        """How the source is after a round."""
        before = self.health[name]
        if asked.failure is None:
            silent = not asked.series
            reason = "nothing that it has for the panels is of the last minute" if silent else ""
            newest = before.newest if silent else now
            self.health[name] = Health("ok", reason, newest=newest, readings=asked.series, seconds=took)
            if before.failures:
                log.info("%s answers again", name)
            return
        signal, error = asked.failure
        state = state_of(error)
        words = error.message if isinstance(error, AndonError) else f"{type(error).__name__}: {error}"
        reason = f"{signal}: {words}" if asked.answered else words
        if (before.state, before.reason) != (state, reason):
            log.warning("%s is %s: %s", name, state, reason)
        failures = before.failures + 1
        if not asked.answered:
            wait = min(FIRST_WAIT * 2.0**before.failures, LONGEST_WAIT)
            self._again[name] = asyncio.get_running_loop().time() + wait
        self.health[name] = replace(
            before, state=state, reason=reason, readings=asked.series, seconds=took, failures=failures,
            newest=now if asked.series else before.newest,
        )  # fmt: skip


class Round:
    """The questions of one round to one source, one at a time, and what became of them."""

    def __init__(self, name: str, reader: SignalReader, now: float, wanted: Mapping[str, By]) -> None:
        self.now = now
        self.answered: set[str] = set()  # signals
        self.series = 0
        self.questions = 0
        self.failure: tuple[str, Exception] | None = None  # the first: what was asked, and why there is no answer
        self._failures = 0
        self._name = name
        self._reader = reader
        self._wanted = wanted

    async def go(self, take: Callable[[str, str, Frame], None]) -> None:
        """Ask, until the first question is not answered (a source that is not there need not be asked twice) or too
        many are not.
        """
        window = Window((Span(self.now - MINUTE, self.now),))
        for signal, by in self._wanted.items():
            await self._ask(Query(signal, window, MINUTE, by=by), take)
            if not self.answered or self._failures >= MOST_FAILURES:
                return

    async def _ask(self, query: Query, take: Callable[[str, str, Frame], None]) -> None:
        self.questions += 1
        try:
            frame = await asyncio.wait_for(self._reader.read(query), READ_SECONDS)
            take(self._name, query.signal, frame)
        except Exception as error:  # noqa: BLE001 - a source is a plugin: whatever it raises is its own state
            self._failures += 1
            late = SourceError(f"did not answer within {READ_SECONDS:g} s", "ask it yourself; it may be overloaded")
            self.failure = self.failure or (query.signal, late if isinstance(error, TimeoutError) else error)
        else:
            self.answered.add(query.signal)
            self.series += len(frame.series)


def state_of(error: Exception) -> SourceState:
    """How a source is that answered with an error."""
    match error:
        case SourceDenied():
            return "denied"
        case SourceMalformed():
            return "malformed"
        case SourcePartial():
            return "partial"
    return "unreachable"
