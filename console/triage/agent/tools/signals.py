"""Which signals there are, and how they went: values over a window, without a judgement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from pydantic import Field

from console.analysis.frames import coarsen
from console.errors import AndonError, UsageError
from console.model import Frame, Kind, Labels, Query, Series, Side
from console.playbook.steps.asking import told_by
from console.signals.catalogue import catalogue, find_signal
from console.sources.redact import shown_line
from console.sources.windows import current_window
from console.triage.agent.tool import Arguments, Scene, Seen, Tool, checked, note, schema_of
from console.triage.agent.tools.steps import SPAN, windows_of
from console.words import instant, labelled, quantity

MOST_SIGNALS = 80
MOST_SERIES = 10
MOST_POINTS = 24


class Searched(Arguments):
    """Which signals."""

    words: str = Field("", description="all of them in a name or title: queue, gpu memory; none: every signal")


class Queried(Arguments):
    """A signal over a window."""

    signal: str
    where: dict[str, str] = Field({}, description="only series with these labels")
    by: list[str] = Field([], description="labels to keep apart; none: one line for all")
    current: str | None = Field(None, description=SPAN["description"])


def tools(scene: Scene) -> Iterator[Tool]:
    """`signals` and `query`."""
    yield Tool("signals", "Signals that there is data of, with units.", schema_of(Searched), partial(_signals, scene))
    described = "How a signal went over a window: its values, without a verdict. Gives findings."
    yield Tool("query", described, schema_of(Queried), partial(_query, scene))


async def _signals(scene: Scene, arguments: Mapping[str, Any]) -> Seen:
    asked: Searched = checked(Searched, arguments)
    known: dict[str, None] = {}
    silent = []
    for reader in scene.situation.estate.readers:
        try:
            known |= dict.fromkeys(await reader.signals())
        except AndonError as error:
            silent.append(shown_line(error.message))
    words = asked.words.casefold().split()
    found = [
        each for name, each in catalogue().items()
        if name in known and all(word in f"{name} {each.title}".casefold() for word in words)
    ]  # fmt: skip
    lines = [f"{each.name} [{each.unit}, {each.kind}] {each.title}" for each in found[:MOST_SIGNALS]]
    more = [f"and {len(found) - MOST_SIGNALS} more: search by words"] if len(found) > MOST_SIGNALS else []
    return Seen("\n".join([*(lines or ["none"]), *more, *silent]))


async def _query(scene: Scene, arguments: Mapping[str, Any]) -> Seen:
    asked: Queried = checked(Queried, arguments)
    signal = find_signal(asked.signal)
    window = current_window(asked.current or windows_of(scene.diagnosis)["current"], scene.situation.now)
    query = Query(signal.name, window, scene.situation.interval, Labels.of(asked.where), tuple(asked.by))
    try:
        frame = await told_by(scene.situation.estate, query)
    except AndonError as error:
        raise UsageError(error.message, error.hint) from None
    steps = max(len(frame.times), 1)
    frame = coarsen(frame, frame.step * -(-steps // MOST_POINTS)) if steps > MOST_POINTS else frame
    told = [(series, _values(series)) for series in frame.series]
    told = [(series, values) for series, values in told if np.isfinite(values).any()]
    if not told:
        return Seen(f"no data of {signal.name} in that window")
    found = [_finding(series, values, frame, signal.unit) for series, values in told[:MOST_SERIES]]
    rest = f", {len(told) - MOST_SERIES} more are not shown: narrow `where`" if len(told) > MOST_SERIES else ""
    return Seen(f"{len(told)} series, a point each {quantity(frame.step, 's')}{rest}", tuple(found))


def _values(series: Series) -> np.ndarray[Any, Any]:
    """One number a step: of a histogram the mean of what was observed, or how much was where nobody kept the sums."""
    if series.key.kind is not Kind.HISTOGRAM:
        return series.values
    count: np.ndarray[Any, Any] = series.values.sum(axis=1)
    if series.sums is None:
        return count
    means: np.ndarray[Any, Any] = np.divide(series.sums, count, out=np.full(count.shape, np.nan), where=count > 0)
    return means


def _called(series: Series, unit: str) -> tuple[str, str]:
    """What its values are, and their unit."""
    if series.key.kind is not Kind.HISTOGRAM:
        return series.key.signal, unit
    return (f"mean {series.key.signal}", unit) if series.sums is not None else (f"count of {series.key.signal}", "1")


def _finding(series: Series, values: np.ndarray[Any, Any], frame: Frame, unit: str) -> Any:
    seen = values[np.isfinite(values)]
    name, unit = _called(series, unit)
    text = (
        f"{name}{labelled(series.key.labels)} went {_row(values, unit)} from "
        f"{instant(float(frame.times[0]) - frame.step)} to {instant(float(frame.times[-1]))}; "
        f"lowest {quantity(float(seen.min()), unit)}, highest {quantity(float(seen.max()), unit)}"
    )
    side = Side(float(seen[-1]), int(seen.size), float(frame.times[0]) - frame.step, float(frame.times[-1]))
    return replace(note(text, "query"), signal=series.key.signal, labels=series.key.labels, current=side)


def _row(values: Sequence[float] | np.ndarray[Any, Any], unit: str) -> str:
    return ", ".join("–" if not np.isfinite(each) else quantity(float(each), unit) for each in values)
