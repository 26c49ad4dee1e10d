"""Plans: what a remedy would change, exactly; who approved it; what it did; and whether that helped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from console.model.comparing import Verdict

Risk = Literal["low", "medium", "high"]


class PlanState(StrEnum):
    """How far a plan is. What may follow what stands in remedy/states.py."""

    PLANNED = "planned"
    APPROVED = "approved"
    APPLYING = "applying"  # the intent is written; whether it happened is not known yet
    APPLIED = "applied"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    NOT_RECOVERED = "not_recovered"
    ROLLED_BACK = "rolled_back"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"  # it did not happen
    UNKNOWN = "unknown"  # nobody can tell whether it happened: a person decides


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a live object, before and after. None: it is not there."""

    path: str  # spec.replicas
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Act:
    """One change of one object, in absolute terms: doing it twice is doing it once."""

    action: str  # kubernetes.scale
    actuator: str  # the configured way to do it, by name
    target: str  # what it changes, as an operator names it: deployment prod/ranker
    set: Mapping[str, Any]  # what is to be so: {"replicas": 4}
    expect: Mapping[str, Any] = field(default_factory=dict)  # what must still be so when it is done: a resource version


@dataclass(frozen=True, slots=True)
class Blast:
    """How much a change touches."""

    objects: int = 1  # that change, or restart
    share: float | None = None  # of what does the same work, out of service at once; None: nobody can tell
    text: str = ""  # in words: 4 of 4 pods restart, one at a time


@dataclass(frozen=True, slots=True)
class Draft:
    """What an actuator answers when it is asked what it would do: nothing is changed yet."""

    target: str
    set: Mapping[str, Any]
    expect: Mapping[str, Any]
    changes: tuple[Change, ...]  # exactly what would differ in the live object
    restore: Mapping[str, Any] | None  # the values of before, as `set`; None: it cannot be taken back
    blast: Blast = Blast()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """How a change is seen to have worked: a step of the playbook, run again."""

    step: str
    want: Verdict
    within: float  # seconds
    guards: tuple[str, ...] = ()  # steps that must not turn degraded meanwhile: then it is taken back at once
    watch: float = 0.0  # seconds that must pass before it is believed: what comes now and then needs time to come


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, by whom it was asked for, and until when that may be approved. It never changes."""

    title: str
    incident: str  # id; empty: of a run by itself
    run: str
    playbook: str
    playbook_hash: str
    remedy: str
    cause: str
    subject: str
    act: Act
    changes: tuple[Change, ...]
    risk: Risk
    operator: str
    created: float
    expires: float
    probability: float = 0.0  # of the cause
    restore: Mapping[str, Any] | None = None  # as `act.set`, to take it back; None: irreversible
    blast: Blast = Blast()
    check: Check | None = None
    warnings: tuple[str, ...] = ()
    place: str = ""  # digest of what the actuator's table said then: the same name may be another place by now

    @property
    def is_reversible(self) -> bool:
        return self.restore is not None


@dataclass(frozen=True, slots=True)
class Approval:
    """An operator's word for exactly one plan."""

    time: float
    operator: str
    uid: int
    hash: str  # of the plan that was seen
    reason: str = ""  # given with it; break-glass demands one
    is_break_glass: bool = False  # alone, where two were wanted
    signature: str = ""  # by the operator's SSH key, over the hash


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was done. Without `ended` it is an intent: it was written before the act, and nobody knows yet."""

    key: str  # of this very doing, given to whatever is changed where that can keep it
    began: float
    ended: float | None = None
    did: bool | None = None  # None: nobody can tell
    text: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)  # what the object is now: a resource version


@dataclass(frozen=True, slots=True)
class Look:
    """One look at whether it helped."""

    time: float
    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A plan and everything that became of it."""

    id: str  # P-1, P-2 …
    hash: str  # SHA-256 of the plan: what an approval is for
    plan: Plan
    state: PlanState = PlanState.PLANNED
    reason: str = ""  # why it is in this state, where that needs saying
    rule: str = ""  # the policy's, that lets it be done
    approvals: tuple[Approval, ...] = ()
    approvers: int = 1  # how many different operators must approve
    receipt: Receipt | None = None
    undoing: Receipt | None = None  # of taking it back
    looks: tuple[Look, ...] = ()
    watched: float = 0.0  # since when what is seen tells whether it helped
    changed: float = 0.0  # when anything about it last did
