"""Which service, or which change, is to blame? What logs, spans and events of the diagnosis' windows say together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from console.analysis.rank import rank
from console.errors import AndonError, UsageError
from console.model import Candidate, Case, Finding, LogLine, LogLines, Span, TraceSpan, TraceSpans
from console.sources.redact import shown_line
from console.sources.retold import told_once
from console.sources.types import LogRequest, TraceRequest
from console.triage.agent.tool import Arguments, Scene, Seen, Tool, checked, note, schema_of
from console.words import instant

BEFORE = 1800.0  # seconds before the current window in which a change may lie
MOST_CANDIDATES = 8
READ_SECONDS = 45.0


class Ranked(Arguments):
    """Nothing has to be said."""


def tools(scene: Scene) -> Iterator[Tool]:
    """`rank`, where there is something to rank by."""
    estate, windows = scene.situation.estate, scene.diagnosis.windows
    if windows.current and windows.baseline and windows.baseline.spans and (estate.logs or estate.traces):
        described = "Which service or change is to blame, by logs, traces and events together. Gives findings."
        yield Tool("rank", described, schema_of(Ranked), partial(_rank, scene))


async def _rank(scene: Scene, arguments: Mapping[str, Any]) -> Seen:
    checked(Ranked, arguments)
    try:
        async with asyncio.timeout(READ_SECONDS):
            case, silent = await _case(scene)
    except TimeoutError:
        raise UsageError(
            f"reading took more than {READ_SECONDS:g} s", "use logs or traces, and narrow `where`"
        ) from None
    ranking = await asyncio.to_thread(rank, case)
    told = tuple(_finding(place, each) for place, each in enumerate(ranking.candidates[:MOST_CANDIDATES], 1))
    said = "best first" if told else "nothing stands out"
    return Seen("\n".join([said, *silent]), told)


async def _case(scene: Scene) -> tuple[Case, list[str]]:
    """The logs, spans and events of both windows; what a source would not tell is said."""
    current, baseline = scene.diagnosis.windows.current, scene.diagnosis.windows.baseline
    assert current is not None and baseline is not None
    estate, silent = scene.situation.estate, list[str]()

    async def all_of(asked: Sequence[Any]) -> list[Any]:
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for each in answers:
            if isinstance(each, AndonError):
                silent.append(shown_line(each.message))
            elif isinstance(each, BaseException):
                raise each
        return [*chain.from_iterable(each for each in answers if not isinstance(each, BaseException))]

    spans = [*current.spans, *baseline.spans]
    lines = await all_of([reader.logs(LogRequest(span)) for reader in estate.logs.values() for span in spans])
    calls = await all_of([reader.spans(TraceRequest(span)) for reader in estate.traces.values() for span in spans])
    around = Span(current.start - BEFORE, current.end)
    events = await all_of([reader.events(around, ()) for reader in estate.events.values()])
    incident = scene.diagnosis.incident
    case = Case(
        current, baseline, incident.opened if incident is not None else None,
        logs=_lines(lines), spans=_spans(calls), events=tuple(told_once(events)),
    )  # fmt: skip
    return case, silent


def _lines(lines: Sequence[LogLine]) -> LogLines | None:
    if not lines:
        return None
    lines = sorted(lines, key=lambda line: line.time)
    services, service = _coded([line.service for line in lines])
    severities, severity = _coded([line.severity for line in lines])
    return LogLines(
        np.array([line.time for line in lines]), service, severity, np.full(len(lines), -1),
        tuple(line.body for line in lines), services, severities,
    )  # fmt: skip


def _spans(spans: Sequence[TraceSpan]) -> TraceSpans | None:
    if not spans:
        return None
    spans = sorted(spans, key=lambda span: span.start)
    places = {(span.trace, span.id): place for place, span in enumerate(spans)}
    services, service = _coded([span.service for span in spans])
    operations, operation = _coded([span.operation for span in spans])
    return TraceSpans(
        np.array([span.start for span in spans]), np.array([span.end for span in spans]), service, operation,
        np.array([places.get((span.trace, span.parent), -1) for span in spans]),
        np.array([span.failed for span in spans]), services, operations,
    )  # fmt: skip


def _coded(values: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray[Any, Any]]:
    names: dict[str, int] = {}
    codes = np.array([names.setdefault(value, len(names)) for value in values], dtype=np.intp)
    return tuple(names), codes


def _finding(place: int, one: Candidate) -> Finding:
    since = f", since {instant(one.onset)}" if one.onset is not None else ""
    text = f"{place}. {one.kind} {shown_line(one.target, 120)} scores {one.score:.2f}{since}: {shown_line(one.why)}"
    return replace(note(text, "rank"), kind="rank")
