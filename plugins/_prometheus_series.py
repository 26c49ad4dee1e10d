"""What a Prometheus has to ask about: the names it knows, and how many series a question would have it look at."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from andon_plugins._prometheus_api import Api

from console.errors import SourceError
from console.model import Span
from console.signals.dialect import Dialect
from console.signals.promql import Expression, label_name

NAMES_SECONDS = 60.0  # until names are asked for again
NO_NAMES_SECONDS = 2.0  # and where there were none: it may just have begun to scrape
SURVEY_SECONDS = 600.0  # until series are counted again
LONG_SECONDS = 2.0  # of its time, in vain
YOUNG_SECONDS = 60.0  # and where they have not been there for long
REMEMBERED = 32  # spans whose names are kept
MOST_COUNTS = 1_000
LONGEST_LIST = 3_000  # characters of names in one question: it is part of a URL
DAY = 86_400.0
LOOKBACK = 300  # seconds in which samples are counted
ONE_TARGET = 'instance=~".+:[0-9]+"'  # a host and a port: series of it that differ by their job came from one page


@dataclass(frozen=True, slots=True)
class Traits:
    """How an exporter's pages come in."""

    copies: tuple[str, ...] = ()  # labels by which series differ that say the same thing
    interval: float | None = None  # seconds between two samples, about; None where they are too young to tell


class Names:
    """Which metrics that dialects speak of are there, remembered by day."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._kept: OrderedDict[Span, tuple[float, frozenset[str]]] = OrderedDict()  # and until when

    async def within(self, span: Span, dialects: Sequence[Dialect]) -> frozenset[str]:
        """The metric names of the dialects that it has on the days of a span."""
        days = Span(math.floor(span.start / DAY) * DAY, math.ceil(span.end / DAY) * DAY)
        until, names = self._kept.get(days, (0.0, frozenset()))
        if time.monotonic() > until:
            names = await self._ask(days, dialects)
            seconds = math.inf if days.end < time.time() - DAY else NAMES_SECONDS if names else NO_NAMES_SECONDS
            self._kept[days] = (time.monotonic() + seconds, names)
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return names

    async def _ask(self, span: Span, dialects: Sequence[Dialect]) -> frozenset[str]:
        """First which dialects are there at all, then which of their metrics."""
        seen = await self._among({name for each in dialects for name in each.detectors()}, span)
        spoken = {name for each in dialects if each.is_seen(seen) for name in _names(each)}
        return seen | await self._among(spoken - seen, span)

    async def _among(self, names: Iterable[str], span: Span) -> frozenset[str]:
        found = await asyncio.gather(*(self._api.names(part, span) for part in _parts(sorted(names))))
        return frozenset().union(*found)


class Surveys:
    """What is behind a question, looked at where it lies and remembered for a while."""

    def __init__(self, api: Api, name: str, most: int, copies: Sequence[str]) -> None:
        self._api = api
        self._name = name
        self._most = most
        self._copies = [label_name(label) for label in copies]
        self._counts: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()  # and until when
        self._traits: dict[str, tuple[float, Traits]] = {}
        self._in_vain: dict[str, tuple[float, SourceError]] = {}

    async def count(self, signal: str, expression: Expression, at: float) -> int:
        """How many series a question would have it look at. Raises SourceError where they are too many."""
        series = await self._count(expression.reads, at)
        if series > self._most:
            raise SourceError(
                f"{signal} is {series:,} series on {self._name}, more than the {self._most:,} that it may read",
                "say in the step's `where` whose they are (a model, a namespace, a host), or raise max_series",
            )
        return series

    async def traits(self, dialect: Dialect, exposed: Container[str], at: float) -> Traits:
        """How the pages of a dialect come in, seen at a metric that each of them has."""
        until, traits = self._traits.get(dialect.name, (0.0, Traits()))
        metric = next((name for name in dialect.detectors() if name in exposed), None)
        if metric is not None and time.monotonic() > until:
            traits = await self._look(metric, at)
            seconds = SURVEY_SECONDS if traits.interval else YOUNG_SECONDS
            self._traits[dialect.name] = (time.monotonic() + seconds, traits)
        return traits

    async def _count(self, reads: tuple[str, ...], at: float) -> int:
        until, series = self._counts.get(reads, (0.0, 0))
        if time.monotonic() > until:
            series = int(sum((await self._patiently(f"count({' or '.join(reads)})", at)).values()))
            if series:
                self._counts[reads] = (time.monotonic() + SURVEY_SECONDS, series)
            while len(self._counts) > MOST_COUNTS:
                self._counts.popitem(last=False)
        return series

    async def _patiently(self, text: str, at: float) -> Mapping[Any, float]:
        """An answer; a question that it has long tried to answer, and in vain, is not asked again for a while."""
        until, error = self._in_vain.get(text, (0.0, None))
        began = time.monotonic()
        if error is not None and began < until:
            raise error
        try:
            return await self._api.instant(text, at)
        except SourceError as failure:
            if time.monotonic() - began > LONG_SECONDS:
                self._in_vain = {text: (time.monotonic() + SURVEY_SECONDS, failure)} | self._in_vain
                self._in_vain = dict(islice(self._in_vain.items(), MOST_COUNTS))
            raise

    async def _look(self, metric: str, at: float) -> Traits:
        if await self._count((metric,), at) > self._most:
            return Traits()
        # An interval is read only where there was a sample before already: what has just begun tells none.
        samples = f"count_over_time({metric}[{LOOKBACK}s]) and {metric} offset {LOOKBACK}s"
        asked = {
            "all": f"count({metric})",
            "once": f"count(count without ({', '.join(self._copies)}) ({metric}))",
            "targets": f"count({metric}{{{ONE_TARGET}}})",
            "pages": f"count(count without (job) ({metric}{{{ONE_TARGET}}}))",
            "samples": f"quantile(0.5, {samples})",
        }
        tagged = [f'label_replace({text}, "andon", "{name}", "", "")' for name, text in asked.items()]
        found = await self._patiently(" or ".join(tagged), at)
        told = {dict(labels).get("andon"): number for labels, number in found.items()}
        copies = tuple(self._copies) if told.get("once", 0.0) < told.get("all", 0.0) else ()
        jobs = ("job",) if told.get("pages", 0.0) < told.get("targets", 0.0) else ()
        return Traits(copies + jobs, LOOKBACK / told["samples"] if told.get("samples") else None)


def has(dialect: Dialect, signal: str, exposed: frozenset[str]) -> bool:
    """Whether any metric that holds the signal is among these names."""
    return any(
        name in exposed or f"{name}_bucket" in exposed
        for native in dialect.natives(signal)
        for name in dialect.spellings(*native.names)
    )


def _names(dialect: Dialect) -> Iterator[str]:
    for signal in dialect.signals:
        for native in dialect.natives(signal):
            for name in dialect.spellings(*native.names):
                yield from (name, f"{name}_bucket", f"{name}_sum") if native.kind == "histogram" else (name,)


def _parts(names: Sequence[str]) -> Iterator[list[str]]:
    """The names in lists that are short enough to be asked for."""
    part: list[str] = []
    length = 0
    for name in names:
        if part and length + len(name) > LONGEST_LIST:
            yield part
            part, length = [], 0
        part.append(name)
        length += len(name) + 1
    if part:
        yield part
