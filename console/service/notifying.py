"""Telling people of incidents and plans by the configured notifiers: each thing once, tried again where that may help.

What is to be told is on disk before anybody is told, and goes on after a restart. A notifier that fails or hangs is
named in the status and holds up nobody but itself.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from console.clock import Clock
from console.config import NotifierConfig
from console.errors import (
    AndonError,
    ConfigError,
    PluginError,
    SourceBusy,
    SourceError,
    SourceMalformed,
    StoreError,
    UsageError,
)
from console.model import Notice, NoticeOf
from console.plugins import Notifier, Plugins, guard
from console.service.writer import Writer
from console.sources.opening import checked_options
from console.store.notices import Due, dues
from console.words import nearest

log = logging.getLogger("andon.notify")

TELL_SECONDS = 20.0
FIRST_PAUSE = 5.0  # after a failure; doubled with each further one
LONGEST_PAUSE = 300.0
LONGEST_ASKED = 3600.0  # that a notifier may ask us to wait
MOST_TRIES = 14  # of one notice: about an hour
MOST_WAITING = 200  # notices of one notifier; the oldest are given up
KEPT_SECONDS = 36 * 86400.0

Build = Callable[[Due], Awaitable[Notice]]


@dataclass(frozen=True, slots=True)
class Voice:
    """One configured notifier."""

    name: str
    plugin: str
    offer: Notifier
    options: Any


def open_voices(configs: Sequence[NotifierConfig], plugins: Plugins) -> tuple[list[Voice], list[AndonError]]:
    """Those that can be used, and what is wrong with the others."""
    offers = {offer.kind: (plugin, offer) for plugin, offer in reversed(plugins.offers("andon_notifiers"))}
    voices: list[Voice] = []
    wrong: list[AndonError] = []
    for config in configs:
        try:
            if config.kind not in offers:
                raise ConfigError(
                    f"notify {config.name}: there is no kind {config.kind!r}", nearest(config.kind, offers)
                )
            plugin, offer = offers[config.kind]
            options = checked_options(
                f"notify {config.name}", config.kind, config.options, offer.options, config.folder
            )
            voices.append(Voice(config.name, plugin, offer, options))
        except ConfigError as error:
            wrong.append(error)
    return voices, wrong


class Notifying:
    """`tell` puts something on disk; one task for each notifier tells it."""

    def __init__(
        self,
        voices: Sequence[Voice],
        writer: Writer,
        build: Build,
        clock: Clock,
        troubles: MutableMapping[str, str],
        *,
        pause: float = FIRST_PAUSE,
    ) -> None:
        self.voices = {voice.name: voice for voice in voices}
        self._writer = writer
        self._build = build
        self._clock = clock
        self._troubles = troubles
        self._first_pause = pause
        self._news = {name: asyncio.Event() for name in self.voices}
        self._well = {name: asyncio.Event() for name in self.voices}  # it was tried, and it works again
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to tell, what an earlier daemon left first."""
        self._tasks = [asyncio.create_task(self._go_on(each)) for each in self.voices.values()]

    async def close(self) -> None:
        """Stop; what waits is told by the next daemon."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2.0)

    async def tell(self, what: NoticeOf, about: str) -> None:
        """See to it that everybody is told, once. A store that fails says so by itself."""
        if not self.voices:
            return
        now = self._clock()
        try:
            await self._writer.do(lambda store: store.notices.forget(now - KEPT_SECONDS))
            await self._writer.do(lambda store: store.notices.add(dues(about, what, [*self.voices], now)))
        except StoreError:
            return
        self.wake()

    def wake(self) -> None:
        """There is something new to tell on disk."""
        for event in self._news.values():
            event.set()

    async def test(self, name: str, notice: Notice) -> None:
        """Tell one notifier something now. Raises what it raises, UsageError for a name that is none."""
        if name not in self.voices:
            raise UsageError(
                f"there is no notifier {name[:60]!r}", nearest(name[:60], self.voices) or "[notify.NAME] names them"
            )
        await say(self.voices[name], notice)
        self._well[name].set()

    # ── one task each ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _go_on(self, voice: Voice) -> None:
        news = self._news[voice.name]
        failures = 0
        while True:
            news.clear()
            try:
                due = await self._next(voice)
                if due is None:
                    self._troubles.pop(f"notify {voice.name}", None)
                    failures = 0
                    await news.wait()
                    continue
                failures = await self._try(voice, due, failures)
            except StoreError:  # which the writer says
                failures += 1
            if failures:
                await self._pause(voice, min(self._first_pause * 2.0 ** (failures - 1), LONGEST_PAUSE))

    async def _try(self, voice: Voice, due: Due, failures: int) -> int:
        """How many failures there were in a row by now."""
        try:
            await say(voice, await self._build(due))
        except SourceBusy as error:
            self._say(voice, f"{error.message}; it is told again in {error.seconds:.0f} s")
            await self._pause(voice, min(error.seconds, LONGEST_ASKED))
            return failures
        except AndonError as error:
            failures += 1
            is_hopeless = isinstance(error, SourceMalformed) or failures >= MOST_TRIES
            if is_hopeless and not isinstance(error, ConfigError):
                self._say(voice, f"{due.about} {due.what} was not told: {error.message}")
                await self._settle(due, "given up")
                return 0
            self._say(voice, f"{error.message}; {error.hint}".rstrip("; "))
            return failures
        await self._settle(due, "told")
        return 0

    async def _next(self, voice: Voice) -> Due | None:
        waiting = await self._writer.do(lambda store: store.notices.waiting(voice.name))
        for late in waiting[:-MOST_WAITING]:
            await self._settle(late, "given up")
        if len(waiting) > MOST_WAITING:
            self._say(voice, f"more than {MOST_WAITING} notices waited; the oldest were given up")
        return waiting[-MOST_WAITING:][0] if waiting else None

    async def _settle(self, due: Due, state: Any) -> None:
        await self._writer.do(lambda store: store.notices.settle(due, state))

    async def _pause(self, voice: Voice, seconds: float) -> None:
        """Wait, unless somebody finds out that it works."""
        self._well[voice.name].clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._well[voice.name].wait(), seconds)

    def _say(self, voice: Voice, trouble: str) -> None:
        told = f"notify {voice.name}: {trouble}"
        if self._troubles.get(f"notify {voice.name}") != told:
            log.error("%s", told)
        self._troubles[f"notify {voice.name}"] = told


async def say(voice: Voice, notice: Notice) -> None:
    """Tell one thing by one notifier, within its time. Whatever a plugin raises comes out as andon's own family."""
    doing = f"telling {voice.name} of {notice.about}"
    try:
        if inspect.iscoroutinefunction(voice.offer.notify):
            await asyncio.wait_for(voice.offer.notify(voice.options, notice), TELL_SECONDS)
        else:
            call = partial(voice.offer.notify, voice.options, notice)
            await asyncio.to_thread(guard, voice.plugin, doing, call, seconds=TELL_SECONDS)
    except TimeoutError:
        raise SourceError(f"{voice.name} did not answer within {TELL_SECONDS:g} s", "") from None
    except PluginError as error:
        raise (error.__cause__ if isinstance(error.__cause__, AndonError) else error) from None
    except AndonError:
        raise
    except Exception as error:
        raise PluginError(f"plugin {voice.plugin} failed: {doing}: {type(error).__name__}: {error}", "") from error
