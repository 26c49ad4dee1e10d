"""What happened at an instant or was said of it: events, alerts, log lines, spans, and findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from console.model.comparing import Side, Verdict
from console.model.performance import Exemplar
from console.model.samples import NO_LABELS, Labels
from console.model.tables import ColumnDrift


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at an instant: a deploy, a config change, an XID, an alert, a restart."""

    time: float
    kind: str
    target: str
    title: str
    id: str = ""
    detail: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """What somebody's alerting rule says."""

    id: str  # the alert manager's own, the same for as long as its labels are
    labels: Labels
    text: str  # its summary
    started: float
    ended: float | None = None
    state: Literal["firing", "silenced", "inhibited", "resolved"] = "firing"
    silences: tuple[str, ...] = ()  # ids of those that keep it quiet
    url: str = ""  # the page of the rule
    source: str = ""
    annotations: Labels = NO_LABELS  # what the rule says beside: a description, pages such as a runbook


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on an alert's labels."""

    label: str
    value: str
    is_equal: bool = True  # False: it must not be
    is_regex: bool = False  # a whole value, as RE2 reads it


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch of time in which alerts with these labels tell nobody."""

    matchers: tuple[Matcher, ...]  # all of which must hold
    start: float
    end: float
    author: str
    comment: str
    id: str = ""  # empty: not created yet
    state: Literal["active", "pending", "expired"] = "pending"
    source: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a service wrote."""

    time: float
    service: str
    severity: str  # as analysis.incidents knows it: error, warning, info …; empty where the line does not say
    body: str
    trace: str = ""  # the id of the trace that it was written in
    stands_for: float = 1.0  # lines: more than itself, where a source thinned them out


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that a source keeps, as it is now: a pod, a workload, a node."""

    kind: str
    name: str
    namespace: str = ""
    facts: Labels = NO_LABELS  # phase, ready, restarts, node …


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """One call of a distributed trace."""

    trace: str
    id: str
    parent: str  # empty: the trace begins here, or its caller was not kept
    service: str
    operation: str
    start: float
    end: float
    failed: bool = False


FindingKind = Literal[
    "comparison", "drift", "event", "probe", "exemplar", "integrity", "rank", "answer", "log", "trace", "check"
]


@dataclass(frozen=True, slots=True)
class Finding:
    """A comparison, event, exemplar pair or check worth citing. The published shape of DESIGN §12."""

    id: str
    kind: FindingKind
    step: str
    text: str
    verdict: Verdict
    signal: str | None = None
    labels: Labels = NO_LABELS
    reason: str = ""
    stat: str | None = None
    current: Side | None = None
    baseline: Side | None = None
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    onset: float | None = None
    drift: ColumnDrift | None = None
    exemplars: tuple[Exemplar, ...] = ()
    event: Event | None = None
