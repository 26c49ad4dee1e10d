"""The source kind `prometheus`: signals from a Prometheus, or from what speaks its query API.

Its history is never copied: a question goes out as a range query that aggregates there, and only the answer travels.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from console.analysis.frames import aggregate, concatenate
from console.errors import ConfigError, SourceError, SourceMalformed, UsageError
from console.model import Frame, Query, Span
from console.plugins import SourceType, hookimpl
from console.signals.catalogue import catalogue, find_signal
from console.signals.dialect import Dialect
from console.signals.matrix import Row, plain_series, series_of
from console.signals.promql import Expression, promql
from console.sources.fetch import fetch, open_client
from console.sources.types import SourceStatus

if TYPE_CHECKING:
    from console.model import Array

MOST_POINTS = 11_000  # of one range query; Prometheus refuses more
MOST_SERIES = 500  # of an operator's own expression
BAD_QUERY = " answered 400 "
AT_ONCE = 4  # queries; a Prometheus serves others too
REMEMBERED = 32  # spans whose metric names are kept
STALE_SECONDS = 300.0
ROUNDING = 1e-6


class PrometheusOptions(BaseModel):
    """Where it is, and how much of it to ask for at once."""

    model_config = ConfigDict(extra="forbid")

    url: str  # http://host:9090, or with the prefix that it is served under
    token_env: str | None = None  # the environment variable that holds a bearer token
    timeout: float = Field(default=10.0, gt=0)  # of one query
    max_bytes: int = Field(default=32 << 20, gt=0)  # of one answer


Answer = TypeVar("Answer", bound=BaseModel)


class _Names(BaseModel):
    data: list[str]


class _Found(BaseModel):
    metric: dict[str, str]
    values: list[tuple[float, str]] = []  # of a range
    value: tuple[float, float] | None = None  # of an instant


class _Result(BaseModel):
    result: list[_Found]


class _Queried(BaseModel):
    data: _Result


class Prometheus:
    """A SignalReader over a Prometheus."""

    def __init__(self, name: str, options: PrometheusOptions) -> None:
        self.name = name
        self._options = options
        self._headers = _authorization(name, options.token_env)
        self._client = open_client(options.url)
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._dialects: tuple[Dialect, ...] = ()
        self._names: OrderedDict[Span, frozenset[str]] = OrderedDict()

    def speak(self, dialects: Mapping[str, Dialect]) -> None:
        """Learn the exporters' dialects."""
        self._dialects = tuple(dialects.values())

    async def read(self, query: Query) -> Frame:
        """The frame of a query, by its labels, in increase form; a step without data is NaN.

        Steps end where their span ends. Raises the errors of `fetch`, and SourceMalformed for an answer that is none.
        """
        spans = query.window.spans
        exposed = await self._exposed(Span(query.window.start, query.window.end))
        expressions = [each for dialect in self._dialects for each in promql(dialect, query, exposed)]
        frames = await asyncio.gather(*(self._read_span(query, expressions, span) for span in spans))
        return aggregate(concatenate(frames), query.by, find_signal(query.signal).across)

    async def select(self, text: str, span: Span, step: float) -> Frame:
        """Whatever an expression answers, as gauges: one value per step, NaN where it has none.

        Raises UsageError for an expression that it does not understand or that answers too many series, and the errors
        of `fetch`.
        """
        times = _steps(span, step)
        try:
            rows = await self._range(text, times, step, limit=MOST_SERIES + 1)
        except SourceError as error:
            if BAD_QUERY in error.message:
                raise UsageError(error.message, "check the expression; it is sent as it is") from None
            raise
        if len(rows) > MOST_SERIES * -(-times.size // MOST_POINTS):
            raise UsageError(
                f"{text[:80]!r} answers more than {MOST_SERIES} series", "fold them: sum by (…) (…), or add matchers"
            )
        return Frame(times, step, plain_series(rows, times, step))

    async def signals(self) -> Sequence[str]:
        """The signals that it has, in the order of the catalogue."""
        return self._signals(await self._exposed())

    async def check(self) -> SourceStatus:
        """Which dialects it holds, which of their signals it lacks, and how old its newest sample is."""
        began = time.monotonic()
        exposed = await self._exposed()
        seen = [dialect for dialect in self._dialects if dialect.is_seen(exposed)]
        newest = await self._newest()
        age = None if newest is None else time.time() - newest
        reason = "" if seen else "it holds no metrics in a dialect that andon knows"
        if age is not None and age > STALE_SECONDS:
            reason = f"its newest sample is {age:.0f} s old"
        return SourceStatus(
            name=self.name,
            kind="prometheus",
            state="stale" if age is None or age > STALE_SECONDS else "ok" if seen else "malformed",
            reason=reason or ("it scrapes nothing" if newest is None else ""),
            dialects=tuple(dialect.name for dialect in seen),
            signals=tuple(self._signals(exposed)),
            missing=tuple(
                (signal, f"it has no {dialect.natives(signal)[0].names[0]}")
                for dialect in seen
                for signal in dialect.signals
                if not _has(dialect, signal, exposed)
            ),
            newest=newest,
            seconds=time.monotonic() - began,
        )

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    def _signals(self, exposed: frozenset[str]) -> Sequence[str]:
        return [signal for signal in catalogue() if any(_has(dialect, signal, exposed) for dialect in self._dialects)]

    async def _read_span(self, query: Query, expressions: Sequence[Expression], span: Span) -> Frame:
        times = _steps(span, query.step)
        answers = await asyncio.gather(*(self._range(expression.text, times, query.step) for expression in expressions))
        try:
            series = series_of(query.signal, zip(expressions, answers, strict=True), times, query.step)
        except ValueError as error:
            raise SourceMalformed(
                f"{self.name} answered a query with what is no number: {error}", "look at it"
            ) from None
        return Frame(times, query.step, series)

    async def _range(self, text: str, times: Array, step: float, limit: int | None = None) -> Sequence[Row]:
        """One expression over all these steps, asked for in as many pieces as Prometheus wants."""
        cuts = [*range(0, times.size, MOST_POINTS), times.size]
        rows: list[Row] = []
        for first, end in pairwise(cuts):
            params = {
                "query": text,
                "start": f"{times[first]:.3f}",
                "end": f"{times[end - 1]:.3f}",
                "step": f"{step:.3f}",
                "timeout": f"{self._options.timeout:g}s",
                **({"limit": str(limit)} if limit is not None else {}),
            }
            answer = await self._ask("query_range", params, _Queried)
            rows.extend((found.metric, found.values) for found in answer.data.result)
        return rows

    async def _exposed(self, span: Span | None = None) -> frozenset[str]:
        """The metric names that it has seen within a span, or ever."""
        if span is None:
            return frozenset((await self._ask("label/__name__/values", {}, _Names)).data)
        if span not in self._names:  # the steps of one run ask for the same few spans
            params = {"start": f"{span.start:.3f}", "end": f"{span.end:.3f}"}
            self._names[span] = frozenset((await self._ask("label/__name__/values", params, _Names)).data)
            while len(self._names) > REMEMBERED:
                self._names.popitem(last=False)
        return self._names[span]

    async def _newest(self) -> float | None:
        answer = await self._ask("query", {"query": "max(timestamp(up))"}, _Queried)
        return next((found.value[1] for found in answer.data.result if found.value), None)

    async def _ask(self, path: str, params: Mapping[str, str], shape: type[Answer]) -> Answer:
        async with self._turn:
            body = await fetch(
                self._client,
                f"{self._options.url.rstrip('/')}/api/v1/{path}",
                seconds=self._options.timeout,
                most_bytes=self._options.max_bytes,
                headers=self._headers,
                params=params,
            )
        try:
            return shape.model_validate_json(body)
        except ValidationError:
            raise SourceMalformed(
                f"{self.name} does not answer like a Prometheus", "check its URL, and its prefix if it has one"
            ) from None


def _steps(span: Span, step: float) -> Array:
    """The ends of the steps, (steps,): the last one where the span ends."""
    steps = max(1, math.floor((span.seconds + ROUNDING) / step))
    times: Array = span.end - step * np.arange(steps - 1.0, -1.0, -1.0)
    return times


def _has(dialect: Dialect, signal: str, exposed: frozenset[str]) -> bool:
    return any(
        name in exposed or f"{name}_bucket" in exposed
        for native in dialect.natives(signal)
        for name in dialect.spellings(*native.names)
    )


def _authorization(name: str, token_env: str | None) -> dict[str, str]:
    if token_env is None:
        return {}
    token = os.environ.get(token_env, "").strip()
    if not token:
        raise ConfigError(f"source {name}: the environment has no {token_env}", "set it to the bearer token")
    return {"Authorization": f"Bearer {token}"}


def _from_url(url: str) -> Mapping[str, Any] | None:
    """`prometheus+http://…`, or an address with the usual port and no path."""
    if url.startswith("prometheus+"):
        return {"url": url.removeprefix("prometheus+")}
    return {"url": url} if re.match(r"https?://[^/]+:9090/?$", url) else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """Prometheus."""
    return [SourceType("prometheus", "A Prometheus", PrometheusOptions, Prometheus, from_url=_from_url)]
