"""The source kind `prometheus`: signals from a Prometheus, or from what speaks its query API.

Its history is never copied: a question goes out as a range query that aggregates there, and only the answer travels.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
from andon_plugins._prometheus_api import NO_ANSWER, Api, Clock, PrometheusOptions
from andon_plugins._prometheus_past import Past, Steps, cut, missing, on_grid, put_together
from andon_plugins._prometheus_series import DAY, Names, Surveys, Traits, has

from console.analysis.frames import aggregate, concatenate
from console.errors import SourceError, SourceMalformed, UsageError
from console.model import Across, Frame, Kind, Labels, Query, Span
from console.plugins import SourceType, hookimpl
from console.signals.catalogue import catalogue, find_signal
from console.signals.dialect import Dialect
from console.signals.matrix import Answer, plain_series, series_of
from console.signals.promql import Expression, promql
from console.signals.spoken import Spoken
from console.sources.types import SourceStatus

if TYPE_CHECKING:
    from console.model import Array

MOST_SELECTED = 500  # series of an operator's own expression
MOST_ANSWERED = 100_000  # series of one expression: a label set has one, of a histogram one for every edge
MOST_LABEL_SETS = 100_000  # that are remembered
BAD_QUERY = re.compile(r" answered (400|422 .*parse)")
STALE_SECONDS = 300.0
SETTLED_SECONDS = 900.0  # after that nobody sends samples late
CLOCK_SECONDS = 300.0  # until its clock is looked at again
LEAST_AHEAD = 5.0  # seconds that clocks may differ without a word
LONG = 60  # steps of a window of which the settled part is remembered
ROUNDING = 1e-6

T = TypeVar("T")


class Prometheus:
    """A SignalReader over a Prometheus."""

    def __init__(self, name: str, options: PrometheusOptions) -> None:
        self.name = name
        self._options = options
        self._api = Api(name, options)
        self._names = Names(self._api)
        self._surveys = Surveys(self._api, name, options.max_series, options.copies)
        self._past = Past()
        self._dialects: tuple[Dialect, ...] = ()
        self._labels: dict[tuple[Any, ...], Labels] = {}
        self._clock = Clock()
        self._clock_until = 0.0
        self._clock_turn = asyncio.Lock()

    @property
    def asked(self) -> int:
        """How many questions went out."""
        return self._api.asked

    def speak(self, dialects: Mapping[str, Dialect]) -> None:
        """Learn the exporters' dialects."""
        self._dialects = tuple(dialects.values())

    async def read(self, query: Query) -> Frame:
        """The frame of a query, by its labels, in increase form; a step without data is NaN.

        Steps end where their span ends, or less than a step before that: where it is long past, so that answers can be
        remembered, and where the server does not show its newest samples yet. A counter's are never shorter than the
        time between two samples of it. Raises the errors of `fetch`, SourceMalformed for an answer that is none,
        SourcePartial for a part of one, and SourceError for a question that would have it look at too much.
        """
        signal = find_signal(query.signal)
        clock = await self._time()
        span = _moved(Span(query.window.start, query.window.end), clock.ahead)
        exposed = await self._names.within(span, self._dialects)
        at = min(span.end, clock.now())
        expressions: list[Expression] = []
        step, traits = query.step, dict[str, Traits]()
        for dialect in self._dialects:
            if drafts := promql(dialect, query, exposed):
                traits[dialect.name] = await self._surveys.traits(dialect, exposed, at)
                if signal.kind is not Kind.GAUGE:
                    step = max(step, *(_coarser(query.step, each, traits[dialect.name]) for each in drafts))
        asked = replace(query, step=step)
        for dialect in self._dialects:
            if dialect.name in traits:
                copies = [label for label in traits[dialect.name].copies if label not in query.by]
                expressions += promql(dialect, asked, exposed, copies)
        await _all(self._surveys.count(query.signal, each, at) for each in expressions if each.part != "sum")
        frames = await _all(self._read_span(asked, expressions, each, clock) for each in query.window.spans)
        frame = frames[0] if len(frames) == 1 else concatenate(frames)
        return _folded(frame, query.by, signal.across)

    async def select(self, text: str, span: Span, step: float) -> Frame:
        """Whatever an expression answers, as gauges: one value per step, NaN where it has none.

        Raises UsageError for an expression that it does not understand or that answers too many series, and the errors
        of `fetch`.
        """
        clock = await self._time()
        times = _ends(_moved(span, clock.ahead), step, clock)
        try:
            answer = await self._api.range(text, times, step, MOST_SELECTED)
        except SourceError as error:
            if BAD_QUERY.search(error.message):
                raise UsageError(error.message, "check the expression; it is sent as it is") from None
            raise
        if len(answer.metrics) > MOST_SELECTED:
            raise UsageError(
                f"{text[:80]!r} answers more than {MOST_SELECTED} series", "fold them: sum by (…) (…), or add matchers"
            )
        return Frame(times - clock.ahead, step, plain_series(answer))

    async def coverage(self, span: Span, step: float) -> float:
        """In which share of the steps of a span it was scraping, as `up` tells; 1 where it never had that."""
        frame = await self.select(f"max(max_over_time(up[{step * 1000:.0f}ms]))", span, step)
        if not frame.series:
            return 0.0 if await self._api.instant("count(last_over_time(up[1d]))") else 1.0
        return float(np.isfinite(frame.series[0].values).mean())

    async def signals(self) -> Sequence[str]:
        """The signals that it has had since yesterday, in the order of the catalogue."""
        exposed = await self._exposed()
        return [signal for signal in catalogue() if any(has(each, signal, exposed) for each in self._dialects)]

    async def check(self) -> SourceStatus:
        """Which dialects it holds, what they lack, how old its newest sample is, and what time it has."""
        began = time.monotonic()
        self._clock_until = 0.0
        clock = await self._time()
        exposed = await self._exposed()
        seen = [dialect for dialect in self._dialects if dialect.is_seen(exposed)]
        newest = await self._newest([name for each in seen for name in each.detectors() if name in exposed])
        age = None if newest is None else max(0.0, clock.now() - newest)
        notes = [] if seen else ["it holds no metrics in a dialect that andon knows"]
        if age is None:
            notes = ["it scrapes nothing"]
        elif age > STALE_SECONDS:
            notes = [f"its newest sample is {age:.0f} s old"]
        if clock.ahead:
            way = "ahead of" if clock.ahead > 0 else "behind"
            notes.append(f"its clock is {abs(clock.ahead):.0f} s {way} ours; windows are asked for by its own")
        if clock.held_back > self._options.delay:
            notes.append(f"it holds back the newest {clock.held_back:.0f} s")
        spoken = tuple(Spoken.of(each, lambda signal, each=each: has(each, signal, exposed)) for each in seen)
        return SourceStatus(
            name=self.name,
            kind="prometheus",
            state="stale" if age is None or age > STALE_SECONDS else "ok" if seen else "malformed",
            reason="; ".join(notes),
            dialects=tuple(dialect.name for dialect in seen),
            signals=tuple(await self.signals()),
            missing=tuple(pair for one in spoken for pair in one.missing),
            spoken=spoken,
            newest=None if newest is None else newest - clock.ahead,
            seconds=time.monotonic() - began,
        )

    async def close(self) -> None:
        """Hang up."""
        await self._api.close()

    async def _exposed(self) -> frozenset[str]:
        clock = await self._time()
        now = time.time() + clock.ahead
        return await self._names.within(Span(now - DAY, now), self._dialects)  # at midnight today is still empty

    async def _newest(self, detectors: Sequence[str]) -> float | None:
        """The time of its newest sample that a dialect speaks of, or of any scrape where there is none."""
        times = [f"max(timestamp({name}))" for name in detectors[:8]] or ["max(timestamp(up))"]
        return max((await self._api.instant(" or ".join(times))).values(), default=None)

    async def _time(self) -> Clock:
        """Its clock, looked at every few minutes; small differences are none."""
        async with self._clock_turn:
            if time.monotonic() > self._clock_until:
                clock = await self._api.clock()
                ahead = clock.ahead if abs(clock.ahead) >= LEAST_AHEAD else 0.0
                held_back = math.ceil(clock.held_back) if clock.held_back >= 1.0 else 0.0
                self._clock = Clock(round(ahead, 3), max(held_back, self._options.delay))
                self._clock_until = time.monotonic() + CLOCK_SECONDS
            return self._clock

    async def _read_span(self, query: Query, expressions: Sequence[Expression], span: Span, clock: Clock) -> Frame:
        span = _moved(span, clock.ahead)
        count = _count(span, query.step)
        settled = clock.now() - SETTLED_SECONDS
        steps = on_grid(min(span.end, clock.now()), count, query.step)
        if span.end <= settled or count > LONG:
            times = steps.times
            answers = await _all(self._remembered(query, each, steps, settled) for each in expressions)
        else:
            times = _ends(span, query.step, clock)
            answers = await _all(self._answer(query, each, times) for each in expressions)
        if len(self._labels) > MOST_LABEL_SETS:
            self._labels.clear()
        try:
            series = series_of(
                query.signal,
                zip(expressions, answers, strict=True),
                find_signal(query.signal).across,
                self._labels,
            )
        except NO_ANSWER as error:
            raise SourceMalformed(f"{self.name} answered with what cannot be read: {error}", "look at it") from None
        return Frame(times - clock.ahead, query.step, series)

    async def _remembered(self, query: Query, expression: Expression, steps: Steps, settled: float) -> Answer:
        kept = self._past.kept(expression.text, steps, settled)
        runs = missing(steps, kept, settled)
        answers = await _all(self._answer(query, expression, run.times) for run in runs)
        new, tail = {}, None
        for run, answer in zip(runs, answers, strict=True):
            if run.last * run.step > settled:
                tail = answer
            else:
                new |= cut(run, answer)
        self._past.keep(expression.text, steps.step, new)
        return put_together(steps, kept | new, tail)

    async def _answer(self, query: Query, expression: Expression, times: Array) -> Answer:
        answer = await self._api.range(
            expression.text, times, query.step, MOST_ANSWERED, native=expression.part == "native"
        )
        if len(answer.metrics) > MOST_ANSWERED:
            by = ", ".join(query.by) or "nothing"
            raise SourceError(
                f"{query.signal} by {by} is more than {MOST_ANSWERED:,} series on {self.name}",
                "keep fewer labels apart in `by`, or say in `where` whose they are",
            )
        return answer


def _moved(span: Span, seconds: float) -> Span:
    return Span(span.start + seconds, span.end + seconds)


def _count(span: Span, step: float) -> int:
    return max(1, math.floor((span.seconds + ROUNDING) / step))


def _ends(span: Span, step: float, clock: Clock) -> Array:
    """The ends of the steps, (steps,): the last one where the span ends, or where the newest samples are."""
    end = span.end if span.end <= clock.now() or not clock.held_back else min(span.end, clock.now())
    times: Array = end - step * np.arange(_count(span, step) - 1.0, -1.0, -1.0)
    return times


def _coarser(step: float, expression: Expression, traits: Traits) -> float:
    """The shortest multiple of a step that has a sample in it, give or take what scrapes are late."""
    needed = 2.0 if expression.part == "native" else 1.0  # samples
    return step * max(1, math.ceil(needed * (traits.interval or 0.0) / step - 0.2))


def _folded(frame: Frame, by: tuple[str, ...], across: Across) -> Frame:
    """By the labels asked for. The server has folded already, where it has been one dialect's metric alone."""
    labels = [series.key.labels for series in frame.series]
    if len(set(labels)) == len(labels) and all(name in by for each in set(labels) for name, _value in each):
        return frame
    return aggregate(frame, by, across)


async def _all(questions: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All the answers; where one fails, the others are hung up on."""
    tasks = [asyncio.ensure_future(question) for question in questions]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


def _from_url(url: str) -> Mapping[str, Any] | None:
    """`prometheus+http://…`, or any http address that no other kind of source takes and that is no file's."""
    if url.startswith(("prometheus+http://", "prometheus+https://")):
        return {"url": url.removeprefix("prometheus+")}
    is_file = bool(PurePosixPath(urlsplit(url).path).suffix)
    return {"url": url} if url.startswith(("http://", "https://")) and not is_file else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """Prometheus."""
    title = "A Prometheus, Thanos, Mimir or VictoriaMetrics"
    return [SourceType("prometheus", title, PrometheusOptions, Prometheus, from_url=_from_url, takes_the_rest=True)]
