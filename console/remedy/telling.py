"""What people who are not looking are told of a plan: that it waits for one of them, that somebody decided alone, and
that it ended badly. Whoever applied it sees the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from console.model import NoticeOf, PlanRecord, PlanState

BAD_ENDS: Mapping[PlanState, NoticeOf] = MappingProxyType(
    {
        PlanState.FAILED: "failed",
        PlanState.NOT_RECOVERED: "not_recovered",
        PlanState.ROLLED_BACK: "rolled_back",
        PlanState.UNKNOWN: "unknown",
    }
)


def told_of(before: PlanRecord, after: PlanRecord) -> NoticeOf | None:
    """What is to be told once a plan has changed from one record into another; None: nothing."""
    if len(after.approvals) > len(before.approvals):
        if after.approvals[-1].is_break_glass:
            return "break_glass"
        return "second_operator" if after.state is PlanState.PLANNED else None
    return None if _is_going_back(after) else BAD_ENDS.get(after.state)


def _is_going_back(record: PlanRecord) -> bool:
    """Whether what was before is about to be restored, or being restored: what comes of that is told instead."""
    if record.undoing is not None:
        return record.undoing.ended is None
    return record.state is PlanState.NOT_RECOVERED and record.plan.is_reversible
