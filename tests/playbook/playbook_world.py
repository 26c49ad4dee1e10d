"""A small world for playbooks: readers of given series, diaries of events, probers, and step types that do as told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from console.errors import AndonError
from console.model import Event, Frame, Kind, Labels, Query, Series, SeriesKey, Span, State
from console.playbook.step import StepContext, StepOutcome
from console.plugins import StepType
from console.signals.catalogue import find_signal
from console.sources.estate import Estate, Situation
from console.sources.types import ProbeAnswer

NOW = 1_795_348_800.0  # 2026-11-22T12:00:00Z
EDGES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, float("inf"))


class Readings:
    """A SignalReader of functions: (labels, times) -> values, one per series of a signal."""

    def __init__(self, series: Mapping[str, Mapping[Labels, Any]], *, broken: AndonError | None = None) -> None:
        self.series, self.broken = series, broken
        self.queries: list[Query] = []

    async def signals(self) -> Sequence[str]:
        if self.broken:
            raise self.broken
        return list(self.series)

    async def read(self, query: Query) -> Frame:
        self.queries.append(query)
        times = np.concatenate(
            [np.arange(span.start + query.step, span.end + 1e-6, query.step) for span in query.window.spans]
        )
        kind = find_signal(query.signal).kind
        found = []
        for labels, values in self.series[query.signal].items():
            if set(query.where) <= set(labels):
                held = values(times, query.step)
                edges = EDGES if kind is Kind.HISTOGRAM else ()
                found.append(Series(SeriesKey(query.signal, labels, kind, edges), held))
        return Frame(times, query.step, tuple(found))


def counter(rate: float, since: float | None = None, then: float = 0.0) -> Any:
    """Increases of `rate` a second, `then` from `since` on, with the noise of counting."""

    def values(times: Any, step: float) -> Any:
        means = np.where(times > since, then, rate) if since is not None else np.full(times.shape, rate)
        return np.random.default_rng(int(times[0])).poisson(means * step).astype(float)

    return values


def spread(median: float, since: float | None = None, then: float = 0.0, rate: float = 20.0) -> Any:
    """A histogram of log-normal durations around `median`, `then` from `since` on."""

    def values(times: Any, step: float) -> Any:
        random = np.random.default_rng(int(times[0]))
        rows = []
        for time in times:
            centre = then if since is not None and time > since else median
            seen = random.lognormal(np.log(centre), 0.4, int(rate * step))
            rows.append(np.histogram(seen, bins=np.array([0.0, *EDGES]))[0])
        return np.array(rows, dtype=float)

    return values


class Diary:
    """An EventReader of a list."""

    def __init__(self, *events: Event, broken: AndonError | None = None) -> None:
        self.kept, self.broken = events, broken

    async def events(self, span: Span, kinds: Sequence[str]) -> Sequence[Event]:
        if self.broken:
            raise self.broken
        return [each for each in self.kept if span.start <= each.time < span.end and (not kinds or each.kind in kinds)]


class Golden:
    """A Prober that answers what it is given."""

    def __init__(self, answer: ProbeAnswer) -> None:
        self.answer = answer

    async def probe(self) -> ProbeAnswer:
        return self.answer


def situation(**estate: Any) -> Situation:
    return Situation(Estate(**estate), NOW)


class SaysOptions(BaseModel):
    """What the step `says` is to give."""

    model_config = ConfigDict(extra="forbid", strict=True)
    verdict: str = "ok"
    n: float | None = None
    text: str = ""
    seconds: float = 0.0
    fails: str = ""


def says(run: Any, name: str = "says", **changes: Any) -> StepType:
    result = {"verdict": "string", "n": "double", "text": "string", "labels": "map(string, string)", "onset": "double"}
    return StepType(name, name, SaysOptions, changes.pop("result", result), run, **changes)


async def nothing(_context: StepContext, _options: Any) -> StepOutcome:
    return StepOutcome(State.OK)
