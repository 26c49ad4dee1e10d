"""Runs of playbooks, and the causes that they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from console.model.comparing import State, Verdict
from console.model.happened import Finding
from console.model.windows import Window

AnswerKind = Literal["choice", "number", "text", "boolean"]


@dataclass(frozen=True, slots=True)
class Question:
    """What only a person can answer, and nobody has."""

    text: str
    answers: tuple[str, ...]  # choice: one of these
    kind: AnswerKind = "choice"
    roles: tuple[str, ...] = ()  # who may answer; empty: whoever is there
    expires: float | None = None  # from then on the run goes on as if nobody were there


@dataclass(frozen=True, slots=True)
class Shown:
    """What a playbook shows a person: words in Markdown, and a command to copy."""

    markdown: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step of one run."""

    id: str
    title: str
    uses: str
    state: State
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)  # what expressions see, plain JSON types
    seconds: float = 0.0
    unreachable: bool = False  # the error was a source that could not be reached: exit 4
    question: Question | None = None  # that the step put to nobody: an answer would let it say more
    shown: Shown | None = None
    attempts: int = 1
    is_optional: bool = False  # `on_error: continue`: its error is told, and decides nothing
    is_dry: bool = False  # `dry_run`: measured and told, never decisive
    inside: Run | None = None  # of a playbook inside that waits for a person: as far as it came


@dataclass(frozen=True, slots=True)
class Move:
    """One line of evidence that moved a cause."""

    text: str  # the expression, or its title
    weight: Literal["weak", "moderate", "strong", "decisive"]
    against: bool
    findings: tuple[str, ...]
    group: str | None = None
    counted: bool = True  # only the strongest of a group counts


@dataclass(frozen=True, slots=True)
class Cause:
    """A named root cause with its own odds."""

    id: str
    playbook: str
    title: str
    subject: str
    odds: float  # posterior odds of this cause, its own, not a share
    probability: float
    evidence: tuple[str, ...]  # finding ids that speak for it
    against: tuple[str, ...]
    moves: tuple[Move, ...] = ()
    remedies: tuple[str, ...] = ()

    @property
    def is_named(self) -> bool:
        return self.odds >= 3

    @property
    def is_likely(self) -> bool:
        return self.odds >= 20


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of one playbook."""

    id: str
    playbook: str
    title: str
    started: float
    finished: float | None
    verdict: Verdict
    steps: tuple[StepResult, ...]
    causes: tuple[Cause, ...]  # best first, those below 3:1 too
    inputs: Mapping[str, str] = field(default_factory=dict)
    current: Window | None = None
    baseline: Window | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)  # what the playbook says it gives, plain JSON types
    state: Literal["finished", "paused"] = "finished"  # paused: a step waits for a person
    playbook_hash: str = ""  # SHA-256 of the playbook's text: a changed one cannot go on with this run
    seconds: float = 0.0  # that it was at work, by the wall clock; not those between a question and its answer

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for step in self.steps for finding in step.findings)
