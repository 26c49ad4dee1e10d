"""What people are told, by whatever way is configured to reach them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from console.model.happened import Finding
from console.model.incidents import Diagnosis, Incident
from console.model.plans import PlanRecord
from console.model.runs import Cause

NoticeOf = Literal[
    "opened", "cause", "closed",  # an incident
    "second_operator", "break_glass", "failed", "not_recovered", "rolled_back", "unknown",  # a plan
    "test",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notice:
    """What people are told of an incident: that it was opened, what its cause is, that it is over; and of a plan that
    it waits for another operator, was approved by one alone, or ended badly.
    """

    what: NoticeOf
    time: float
    incident: Incident | None  # none: of a plan that is for a run by itself
    diagnosis: Diagnosis | None = None  # once it was examined
    command: str = ""  # what shows all of it, or does what is asked for
    url: str = ""  # a page that does, where one is configured
    plan: PlanRecord | None = None

    @property
    def about(self) -> str:
        """The id of what it is about: I-3, P-1."""
        told = self.plan or self.incident
        return told.id if told else ""

    @property
    def cause(self) -> Cause | None:
        """The likeliest cause, where one is named."""
        return self.diagnosis.causes[0] if self.diagnosis and self.diagnosis.causes else None

    @property
    def cited(self) -> tuple[Finding, ...]:
        """The findings that speak for that cause."""
        named = set(self.cause.evidence) if self.cause else set()
        return tuple(each for each in (self.diagnosis.findings if self.diagnosis else ()) if each.id in named)
