"""What may follow what in the life of a plan, and which changes of it are one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from console.errors import UsageError
from console.model import PlanRecord, PlanState

_S = PlanState
FOLLOWS: Mapping[PlanState, frozenset[PlanState]] = MappingProxyType(
    {
        _S.PLANNED: frozenset({_S.APPROVED, _S.REJECTED, _S.CANCELLED, _S.EXPIRED}),
        _S.APPROVED: frozenset({_S.APPLYING, _S.REJECTED, _S.CANCELLED, _S.EXPIRED}),
        _S.APPLYING: frozenset({_S.APPLIED, _S.FAILED, _S.UNKNOWN}),
        _S.APPLIED: frozenset({_S.VERIFYING, _S.ROLLED_BACK, _S.UNKNOWN}),
        _S.VERIFYING: frozenset({_S.VERIFIED, _S.NOT_RECOVERED, _S.ROLLED_BACK, _S.UNKNOWN}),
        _S.VERIFIED: frozenset({_S.ROLLED_BACK, _S.UNKNOWN}),
        _S.NOT_RECOVERED: frozenset({_S.ROLLED_BACK, _S.UNKNOWN}),
        _S.UNKNOWN: frozenset({_S.APPLIED, _S.FAILED, _S.ROLLED_BACK}),  # a person looked, and says
        _S.ROLLED_BACK: frozenset(),
        _S.REJECTED: frozenset(),
        _S.CANCELLED: frozenset(),
        _S.EXPIRED: frozenset(),
        _S.FAILED: frozenset(),
    }
)
WAITING = frozenset({_S.PLANNED, _S.APPROVED})  # for people
OPEN = frozenset({*WAITING, _S.APPLYING, _S.VERIFYING, _S.UNKNOWN})  # somebody has to do something about it, or does
BACK_SECONDS = 5.0  # that a clock is set back now and then, and nobody minds
BAD = frozenset({_S.FAILED, _S.NOT_RECOVERED, _S.ROLLED_BACK, _S.UNKNOWN})  # exit 5


def moved(record: PlanRecord, to: PlanState, now: float, **changes: Any) -> PlanRecord:
    """The record in its next state; UsageError where that cannot follow."""
    refuse_unless(record, to)
    return replace(record, **{"reason": "", **changes}, state=to, changed=now)


def refuse_unless(record: PlanRecord, to: PlanState) -> None:
    """UsageError where a plan cannot get into this state from where it is."""
    if to not in FOLLOWS[record.state]:
        raise UsageError(
            f"{record.id} is {said(record.state)}, so it cannot become {said(to)}", f"andon plan show {record.id}"
        )


def past(record: PlanRecord, now: float) -> str:
    """Why a plan that waits for people is too old for them by now; empty: it is not."""
    if now >= record.plan.expires:
        return "it is too old: things may have changed"
    if now < record.changed - BACK_SECONDS:
        return "the clock went back since: its age is not known"
    return ""


def said(state: PlanState) -> str:
    """The state in words.

    >>> said(PlanState.NOT_RECOVERED)
    'not recovered'
    """
    return state.replace("_", " ")
