"""Of which changes of a plan people are told who are not looking."""

from __future__ import annotations

from dataclasses import replace

import pytest
from nouns import NOON
from plans import plan

from console.model import Approval, NoticeOf, PlanRecord, PlanState, Receipt
from console.remedy.planning import plan_hash
from console.remedy.telling import told_of

ONE = PlanRecord("P-1", plan_hash(plan()), plan(), approvers=2)
DONE = replace(ONE, state=PlanState.VERIFYING, receipt=Receipt("k", NOON, NOON + 1, True))
UNDER_WAY = Receipt("k2", NOON + 2)


def yes(name: str, uid: int, *, is_break_glass: bool = False) -> Approval:
    return Approval(NOON, name, uid, ONE.hash, is_break_glass=is_break_glass)


def test_a_second_operator_hears_that_a_plan_waits_and_nobody_where_it_does_not() -> None:
    first = replace(ONE, approvals=(yes("ada", 1),))
    assert told_of(ONE, first) == "second_operator"
    assert told_of(first, replace(first, approvals=(*first.approvals, yes("bob", 2)), state=PlanState.APPROVED)) is None


def test_who_breaks_the_glass_is_not_alone_with_it() -> None:
    alone = replace(ONE, approvals=(yes("ada", 1, is_break_glass=True),), state=PlanState.APPROVED)
    assert told_of(ONE, alone) == "break_glass"


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (replace(DONE, state=PlanState.FAILED), "failed"),
        (replace(DONE, state=PlanState.UNKNOWN), "unknown"),
        (replace(DONE, state=PlanState.VERIFIED), None),
        (replace(DONE, state=PlanState.EXPIRED), None),
        (replace(DONE, state=PlanState.NOT_RECOVERED), None),  # what was before is about to come back
        (replace(DONE, state=PlanState.NOT_RECOVERED, undoing=UNDER_WAY), None),
        (replace(DONE, state=PlanState.ROLLED_BACK, undoing=replace(UNDER_WAY, ended=NOON, did=True)), "rolled_back"),
        (replace(DONE, state=PlanState.NOT_RECOVERED, undoing=replace(UNDER_WAY, ended=NOON, did=False)),
         "not_recovered"),
        (replace(DONE, plan=plan(restore=None), state=PlanState.NOT_RECOVERED), "not_recovered"),
        (replace(DONE, undoing=UNDER_WAY), None),
    ],
)  # fmt: skip
def test_what_ended_badly_is_told_once_it_has_come_to_its_end(after: PlanRecord, told: NoticeOf | None) -> None:
    assert told_of(DONE, after) == told
