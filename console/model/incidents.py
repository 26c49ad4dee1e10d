"""Incidents and their diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from console.model.agent import AgentSays
from console.model.comparing import Verdict
from console.model.happened import Finding
from console.model.plans import PlanRecord
from console.model.runs import Cause, Run
from console.model.samples import NO_LABELS, Labels
from console.model.windows import Window


@dataclass(frozen=True, slots=True)
class Symptom:
    """What was noticed: a trigger's verdict, an alert or an operator's words."""

    text: str
    signal: str | None = None
    labels: Labels = NO_LABELS
    verdict: Verdict | None = None
    alert: Labels = NO_LABELS


@dataclass(frozen=True, slots=True)
class Note:
    """A line of an incident's timeline."""

    time: float
    operator: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operator said to a playbook's question."""

    time: float
    operator: str
    question: str
    answer: str


IncidentState = Literal["open", "acknowledged", "closed"]


@dataclass(frozen=True, slots=True)
class Incident:
    """A symptom with everything that belongs to it."""

    id: str  # I-1, I-2 …
    title: str
    state: IncidentState
    opened: float
    symptom: Symptom
    subject: str = ""  # the model, node or pipeline it is about
    owner: str = ""
    closed: float | None = None
    notes: tuple[Note, ...] = ()
    runs: tuple[str, ...] = ()  # run ids
    answers: tuple[Answer, ...] = ()  # the last one to each question
    is_imported: bool = False  # from a bundle: it happened elsewhere, or long ago


@dataclass(frozen=True, slots=True)
class Offer:
    """A remedy that a named cause points to; its plan, once one was made."""

    id: str
    cause: str
    plan: PlanRecord | None = None


@dataclass(frozen=True, slots=True)
class Windows:
    """The two windows of a diagnosis."""

    current: Window | None = None
    baseline: Window | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What andon says about a run or an incident. The published shape of DESIGN §12."""

    verdict: Verdict
    exit: int
    incident: Incident | None
    causes: tuple[Cause, ...]  # named ones (odds >= 3), best first
    findings: tuple[Finding, ...]
    unexplained: tuple[str, ...]  # ids of findings worth a look that no named cause cites
    remedies: tuple[Offer, ...] = ()
    windows: Windows = Windows()
    agent: AgentSays | None = None  # what a language model added, where one is configured
    runs: tuple[Run, ...] = ()
    seconds: float = 0.0
