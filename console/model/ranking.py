"""A case of many series, and what may have caused it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from console.model.happened import Event
from console.model.samples import NO_LABELS, Frame, Labels, SeriesKey
from console.model.windows import Window

if TYPE_CHECKING:
    from console.model.arrays import Array, Codes, Flags


@dataclass(frozen=True, slots=True, eq=False)
class LogLines:
    """Log lines as columns, sorted by time. Every column has shape (lines,)."""

    times: Array
    service: Codes  # of `services`
    severity: Codes  # of `severities`
    span: Codes  # of the case's spans: the one that a line was written in; -1 where it does not say
    bodies: tuple[str, ...]
    services: tuple[str, ...]
    severities: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TraceSpans:
    """Spans of distributed traces as columns, sorted by start. Every column has shape (spans,)."""

    starts: Array
    ends: Array
    service: Codes  # of `services`
    operation: Codes  # of `operations`
    parent: Codes  # of these very spans; -1 where it has none or it was not kept
    failed: Flags
    services: tuple[str, ...]
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """An incident with whatever is there to find its cause by. What is missing is None or empty."""

    current: Window
    baseline: Window  # may lie before or after the current one
    onset: float | None = None
    violated: SeriesKey | None = None  # the series whose objective was missed: the symptom
    alert: Labels = NO_LABELS
    services: tuple[str, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()  # caller, callee
    metrics: Frame | None = None
    logs: LogLines | None = None
    spans: TraceSpans | None = None
    events: tuple[Event, ...] = ()
    notes: tuple[str, ...] = ()  # what was skipped or thinned out while reading, in words


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be the root cause, with its score taken apart."""

    kind: Literal["service", "event"]
    target: str  # a service, an event's id, or `none`: no event is to blame
    score: float  # comparable within one kind, only roughly across kinds
    parts: Mapping[str, float]  # ingredient -> what it added
    why: str
    onset: float | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates, best first; empty where nothing stands out."""

    candidates: tuple[Candidate, ...] = ()
