"""What a Prometheus has to ask about: the names it knows, and how many series a question would have it look at."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from andon_plugins._prometheus_api import Api

from console.errors import SourceError
from console.model import Labels, Span
from console.signals.dialect import Dialect
from console.signals.promql import Expression

NAMES_SECONDS = 60.0  # until names are asked for again
NO_NAMES_SECONDS = 2.0  # and where there were none: it may just have begun to scrape
SURVEY_SECONDS = 600.0  # until series are counted again
YOUNG_SECONDS = 60.0  # and where they have not been there for long
REMEMBERED = 32  # spans whose names are kept
MOST_SURVEYS = 1_000
LONGEST_LIST = 3_000  # characters of names in one question: it is part of a URL
DAY = 86_400.0
LOOKBACK = 300  # seconds in which samples are counted
ONE_TARGET = 'instance=~".+:[0-9]+"'  # a host and a port: series of it that differ by their job came from one page


@dataclass(frozen=True, slots=True)
class Survey:
    """What is behind an expression right now."""

    series: int = 0
    repeated: int = 0  # how many of them another scrape job holds as well
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
    """How many series are behind an expression, counted where they lie and remembered for a while."""

    def __init__(self, api: Api, name: str, most: int) -> None:
        self._api = api
        self._name = name
        self._most = most
        self._kept: OrderedDict[tuple[str, ...], tuple[float, Survey]] = OrderedDict()

    async def of(self, signal: str, expression: Expression, at: float) -> Survey:
        """What is behind an expression at a time. Raises SourceError where it is more than may be asked for."""
        until, survey = self._kept.get(expression.reads, (0.0, Survey()))
        if time.monotonic() > until:
            survey = await self._count(signal, expression, at)
            if survey.series:
                seconds = SURVEY_SECONDS if survey.interval else YOUNG_SECONDS
                self._kept[expression.reads] = (time.monotonic() + seconds, survey)
            while len(self._kept) > MOST_SURVEYS:
                self._kept.popitem(last=False)
        return survey

    async def _count(self, signal: str, expression: Expression, at: float) -> Survey:
        counted = await self._api.instant(f"count({' or '.join(expression.reads)})", at)
        series = int(sum(counted.values()))
        if series > self._most:
            raise SourceError(
                f"{signal} is {series:,} series on {self._name}, more than the {self._most:,} that it may read",
                "say in the step's `where` whose they are (a model, a namespace, a host), or raise max_series",
            )
        if not series:
            return Survey()
        reads = [_with(each, 'le="+Inf"') if expression.part == "bucket" else each for each in expression.reads]
        targets = " or ".join(_with(each, ONE_TARGET) for each in reads)
        # Only where there was one before already: samples of a series that has just begun tell no interval.
        samples = " or ".join(f"(count_over_time({each}[{LOOKBACK}s]) and {each} offset {LOOKBACK}s)" for each in reads)
        found = await self._api.instant(
            " or ".join(
                f'label_replace({text}, "andon", "{name}", "", "")'
                for name, text in (
                    ("targets", f"count({targets})"),
                    ("once", f"count(count without (job) ({targets}))"),
                    ("samples", f"max({samples})"),
                )
            ),
            at,
        )
        told = {Labels.of(labels).value("andon"): number for labels, number in found.items()}
        repeated = int(told.get("targets", 0.0) - told.get("once", 0.0))
        return Survey(series, repeated, LOOKBACK / told["samples"] if told.get("samples") else None)


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


def _with(selector: str, matcher: str) -> str:
    return f"{selector[:-1]}, {matcher}}}" if selector.endswith("}") else f"{selector}{{{matcher}}}"
