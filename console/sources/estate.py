"""Everything that can be asked: the open sources of one run or one daemon, by what they can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.errors import AndonError
from console.model import Span
from console.sources.types import (
    AlertReader,
    EventReader,
    LogReader,
    ObjectReader,
    Prober,
    SignalReader,
    Silencer,
    TableReader,
    TraceReader,
)

KEPT = "andon's own store"  # among the event readers: what the others told before; alone it knows nothing


@dataclass(slots=True)
class Estate:
    """Sources by name. A source appears under every capability that it has."""

    readers: list[SignalReader] = field(default_factory=list)  # asked in this order; the store comes first
    tables: dict[str, TableReader] = field(default_factory=dict)
    events: dict[str, EventReader] = field(default_factory=dict)
    probers: dict[str, Prober] = field(default_factory=dict)
    logs: dict[str, LogReader] = field(default_factory=dict)
    traces: dict[str, TraceReader] = field(default_factory=dict)
    alerts: dict[str, AlertReader] = field(default_factory=dict)
    objects: dict[str, ObjectReader] = field(default_factory=dict)
    silencers: dict[str, Silencer] = field(default_factory=dict)
    sources: dict[str, Any] = field(default_factory=dict)  # all of them
    models: dict[str, str] = field(default_factory=dict)  # source -> the model it is about, where its options say so
    failed: dict[str, AndonError] = field(default_factory=dict)  # those that could not be opened, and why
    dataset: Callable[[str], TableReader] | None = None  # who reads the rows of a path; None: they are read from there


@dataclass(frozen=True, slots=True)
class Situation:
    """What a run stands on: the sources, the clock, and what windows need to know about the past."""

    estate: Estate
    now: float
    pins: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)  # pinned baselines by name
    excluded: Sequence[Span] = ()  # known incidents: left out of baselines
    interval: float = 15.0  # seconds between samples: the resolution of what is still held raw
    is_replay: bool = False  # what is asked was recorded: no time passes, and nothing new comes
