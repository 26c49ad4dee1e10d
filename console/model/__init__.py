"""The nouns every floor speaks: frozen dataclasses, no behaviour beyond reading themselves.

numpy appears in annotations only, so that a screen can import this module without paying for it.
Times are epoch seconds (UTC); durations are seconds; shapes are given as (steps,) or (steps, buckets).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.model.agent import AgentClaim, AgentSays, Transcript, Usage
from console.model.comparing import Comparison, Side, Stat, State, Verdict
from console.model.gpus import Gpu, GpuLink, GpuProcess
from console.model.happened import Alert, Event, Finding, FindingKind, LogLine, Matcher, Silence, Thing, TraceSpan
from console.model.incidents import Answer, Diagnosis, Incident, IncidentState, Note, Offer, Symptom, Windows
from console.model.notices import Notice, NoticeOf
from console.model.performance import (
    Disparity,
    Exemplar,
    Grid,
    Labelling,
    Metric,
    MetricName,
    Outcomes,
    Performance,
    Record,
    SegmentOutcomes,
    SegmentPerformance,
    StepOutcomes,
    Task,
)
from console.model.plans import (
    Act,
    Approval,
    Blast,
    Change,
    Check,
    Draft,
    Look,
    Plan,
    PlanRecord,
    PlanState,
    Receipt,
    Risk,
)
from console.model.ranking import Candidate, Case, LogLines, Ranking, TraceSpans
from console.model.runs import AnswerKind, Cause, Move, Question, Run, Shown, StepResult
from console.model.samples import (
    NO_LABELS,
    Across,
    Direction,
    Frame,
    Kind,
    Labels,
    Reading,
    Scope,
    Series,
    SeriesKey,
    Signal,
)
from console.model.tables import (
    ColumnDrift,
    ColumnKind,
    ColumnProfile,
    Drift,
    IntegrityIssue,
    Profile,
    Relations,
    SliceShare,
)
from console.model.windows import Query, Span, Window, WindowKind

if TYPE_CHECKING:
    from console.model.arrays import Array as Array
    from console.model.arrays import Codes as Codes
    from console.model.arrays import Flags as Flags

__all__ = [
    "NO_LABELS",
    "Across",
    "Act",
    "AgentClaim",
    "AgentSays",
    "Alert",
    "Answer",
    "AnswerKind",
    "Approval",
    "Blast",
    "Candidate",
    "Case",
    "Cause",
    "Change",
    "Check",
    "ColumnDrift",
    "ColumnKind",
    "ColumnProfile",
    "Comparison",
    "Diagnosis",
    "Direction",
    "Disparity",
    "Draft",
    "Drift",
    "Event",
    "Exemplar",
    "Finding",
    "FindingKind",
    "Frame",
    "Gpu",
    "GpuLink",
    "GpuProcess",
    "Grid",
    "Incident",
    "IncidentState",
    "IntegrityIssue",
    "Kind",
    "Labelling",
    "Labels",
    "LogLine",
    "LogLines",
    "Look",
    "Matcher",
    "Metric",
    "MetricName",
    "Move",
    "Note",
    "Notice",
    "NoticeOf",
    "Offer",
    "Outcomes",
    "Performance",
    "Plan",
    "PlanRecord",
    "PlanState",
    "Profile",
    "Query",
    "Question",
    "Ranking",
    "Reading",
    "Receipt",
    "Record",
    "Relations",
    "Risk",
    "Run",
    "Scope",
    "SegmentOutcomes",
    "SegmentPerformance",
    "Series",
    "SeriesKey",
    "Shown",
    "Side",
    "Signal",
    "Silence",
    "SliceShare",
    "Span",
    "Stat",
    "State",
    "StepOutcomes",
    "StepResult",
    "Symptom",
    "Task",
    "Thing",
    "TraceSpan",
    "TraceSpans",
    "Transcript",
    "Usage",
    "Verdict",
    "Window",
    "WindowKind",
    "Windows",
]
