"""The query API of a Prometheus: every question bounded, asked once however many wait for it, its answer checked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import numpy as np
import orjson
from pydantic import Field

from console.errors import SourceMalformed, SourcePartial
from console.model import Span
from console.signals.exponential import classic
from console.signals.matrix import Answer, Row, gridded, joined
from console.signals.promql import matcher
from console.sources.aside import aside
from console.sources.site import Site, SiteOptions

MOST_POINTS = 11_000  # of one series in one range query; Prometheus refuses more
LONG_QUERY = 2_000  # characters; a longer one is posted, for what lies between may cut a URL
LONG_ANSWER = 256 << 10  # bytes; a longer one is read in a thread
MOST_HELD_BACK = 3600.0  # seconds; nothing that is a server of metrics hides more
AS_IT_IS = {"dedup": "true", "partial_response": "true", "nocache": "1", "latency_offset": "1ms"}
"""Thanos: copies are one series, and say what is missing. VictoriaMetrics: shift no step, hold nothing back."""
NO_ANSWER = (KeyError, TypeError, ValueError, IndexError, AttributeError)

T = TypeVar("T")


class ApiOptions(SiteOptions):
    """Where the API is, and what of its answers is taken."""

    accept_partial: bool = False  # go on with what is there where parts of a federation do not answer


@dataclass(frozen=True, slots=True)
class Clock:
    """The server's clock beside ours."""

    ahead: float = 0.0  # seconds
    held_back: float = 0.0  # seconds of the newest samples that it does not show yet

    def now(self) -> float:
        """The time of the newest samples that it shows, by its own clock."""
        return time.time() + self.ahead - self.held_back


@dataclass(slots=True)
class _Flight:
    task: asyncio.Task[Any]
    waiting: int = 0


class Api:
    """Questions and their answers. What two ask at once is asked once; what nobody waits for any more is hung up on.

    Raises the errors of `fetch`, SourceMalformed for an answer that is none, SourcePartial for a part of one.
    """

    def __init__(self, name: str, options: ApiOptions) -> None:
        self.asked = 0  # questions that went out
        self._name = name
        self._options = options
        self._site = Site(name, options)
        self._flights: dict[tuple[str, ...], _Flight] = {}

    async def names(self, among: Sequence[str], span: Span) -> frozenset[str]:
        """Which of these metric names it has within a span."""
        if not among:
            return frozenset()
        params = {
            "match[]": "{" + matcher("__name__", "|".join(among), "=~") + "}",
            "start": f"{span.start:.3f}",
            "end": f"{span.end:.3f}",
        }
        data = await self._ask("label/__name__/values", params, lambda data: [str(name) for name in data])
        return frozenset(data).intersection(among)

    async def instant(self, text: str, at: float | None = None) -> Mapping[tuple[tuple[str, str], ...], float]:
        """What an expression is at one time (its own now, where none is given), by label set."""

        def read(data: Any) -> dict[tuple[tuple[str, str], ...], float]:
            return {tuple(found["metric"].items()): float(found["value"][1]) for found in data["result"]}

        params = {"query": text} if at is None else {"query": text, "time": f"{at:.3f}"}
        return await self._ask("query", params | self._patience(), read)

    async def clock(self) -> Clock:
        """Its clock beside ours, to about a second."""

        def read(data: Any) -> tuple[float, float]:
            moment, shown = data["result"][0]["value"]
            return float(moment), float(shown)

        params = {"query": "vector(time())"} | self._patience()
        del params["nocache"]  # with it, VictoriaMetrics would not say what it holds back from ranges
        began = time.time()
        moment, shown = await self._ask("query", params, read)
        if not -1.0 <= moment - shown <= MOST_HELD_BACK:
            raise SourceMalformed(
                f"{self._name} has {shown:.0f} for its time at {moment:.0f}", "is it a Prometheus? check its URL"
            )
        return Clock(moment - (began + time.time()) / 2, moment - shown)

    async def range(self, text: str, times: np.ndarray, step: float, most: int, *, native: bool = False) -> Answer:
        """An expression at these times, `step` apart; of more than `most` series, the first `most` + 1."""
        pieces = [times[first : first + MOST_POINTS] for first in range(0, times.size, MOST_POINTS)]
        return joined([await self._piece(text, piece, step, most, native) for piece in pieces])

    async def close(self) -> None:
        """Hang up."""
        await self._site.close()

    async def _piece(self, text: str, times: np.ndarray, step: float, most: int, native: bool) -> Answer:
        def read(data: Any) -> Answer:
            points = "histograms" if native else "values"
            rows: list[Row] = [(found["metric"], found.get(points, ())) for found in data["result"]]
            return gridded(classic(rows) if native else rows, times, step)

        params = {
            "query": text,
            "start": f"{times[0]:.3f}",
            "end": f"{times[-1]:.3f}",
            "step": f"{step:.3f}",
            "limit": str(most + 1),
        }
        return await self._ask("query_range", params | self._patience(), read)

    def _patience(self) -> dict[str, str]:
        return {"timeout": f"{self._options.timeout:g}s", **AS_IT_IS}

    async def _ask(self, path: str, params: Mapping[str, str], read: Callable[[Any], T]) -> T:
        body = await self._once((path, *params.values()), lambda: self._send(path, params))
        if len(body) > LONG_ANSWER:
            return await aside(lambda: self._read(body, read))
        return self._read(body, read)

    async def _once(self, key: tuple[str, ...], send: Callable[[], Awaitable[bytes]]) -> bytes:
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(send()))
            flight.task.add_done_callback(lambda task: self._landed(key, task))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                del self._flights[key]  # whoever asks now asks anew
                flight.task.cancel()

    def _landed(self, key: tuple[str, ...], task: asyncio.Task[bytes]) -> None:
        if key in self._flights and self._flights[key].task is task:
            del self._flights[key]
        if not task.cancelled():
            task.exception()  # who waited was told

    async def _send(self, path: str, params: Mapping[str, str]) -> bytes:
        self.asked += 1
        if len(params.get("query", "")) <= LONG_QUERY:
            return await self._site.get(f"api/v1/{path}", params)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._site.ask("POST", f"api/v1/{path}", body=urlencode(params).encode(), headers=headers)

    def _read(self, body: bytes, read: Callable[[Any], T]) -> T:
        try:
            answer = orjson.loads(body)
            found = read(answer["data"])
            missing = _missing(answer)
        except NO_ANSWER as error:
            raise SourceMalformed(
                f"{self._name} does not answer like a Prometheus: {_cut(error)}",
                "check its URL, and its prefix if it has one",
            ) from None
        if missing and not self._options.accept_partial:
            raise SourcePartial(
                f"partial: {self._name} answers without some of its parts: {missing}",
                "mend what it is made of, or set accept_partial to judge by what is left",
            )
        return found


def _missing(answer: Mapping[str, Any]) -> str:
    """What a federation says of parts that did not answer; empty where nothing is missing."""
    told = [text for text in answer.get("warnings") or () if isinstance(text, str) and not text.startswith("PromQL ")]
    if told:
        return _cut(told[0])
    return "some of its stores were not reached" if answer.get("isPartial") else ""


def _cut(text: object) -> str:
    return " ".join(str(text).split())[:200]


class PrometheusOptions(ApiOptions):
    """A Prometheus, Thanos, Mimir or VictoriaMetrics, and how much may be asked of it."""

    max_series: int = Field(default=200_000, gt=0)  # that one question may have it look at
    copies: tuple[str, ...] = ("prometheus_replica", "__replica__")  # labels by which copies of one series differ
    delay: float = Field(default=0.0, ge=0, le=600)  # seconds that samples need to arrive there
