"""Who says yes: an approval is for the hash of one plan, by the socket's peer, once, and only for as long as the plan
lives. High risk asks for a second operator; alone there is a break-glass path, which demands a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from console.errors import UsageError
from console.model import Approval, PlanRecord, PlanState
from console.remedy.planning import plan_hash
from console.remedy.policy import Asked, Decision, Policy
from console.remedy.states import moved, past, said

SHORTEST_REASON = 10  # characters


def approved(record: PlanRecord, approval: Approval, policy: Policy, asked: Asked) -> PlanRecord:
    """The record with one approval more, and approved once there are enough.

    UsageError for another hash than the plan's, a plan that is over or was decided, an operator who approved already,
    and for whatever the policy does not allow this operator.
    """
    if record.state is not PlanState.PLANNED:
        raise UsageError(f"{record.id} is {said(record.state)}", f"andon plan show {record.id}")
    if approval.hash != record.hash:
        raise UsageError(
            f"this approval is for another plan than {record.id}", f"look at it again: andon plan show {record.id}"
        )
    if why := past(record, approval.time):
        raise UsageError(f"{record.id} cannot be approved any more: {why}", "make a new plan")
    if any(each.uid == approval.uid for each in record.approvals):
        raise UsageError(f"{approval.operator} has approved {record.id} already", "another operator has to")
    if approval.is_break_glass and len(approval.reason.strip()) < SHORTEST_REASON:
        raise UsageError("to break the glass you have to say why", "--reason 'what cannot wait, and who knows'")
    decision = policy.decide(asked)
    if not decision.is_allowed:
        raise UsageError(*refusal(record.id, decision))
    approvals = (*record.approvals, approval)
    if decision.is_signed and not all(each.signature for each in approvals):
        raise UsageError(
            f"rule {decision.rule!r} wants {record.id} signed",
            f"andon plan approve {record.id} --sign ~/.ssh/id_ed25519",
        )
    now = replace(record, approvals=approvals, rule=decision.rule, approvers=decision.approvers, changed=approval.time)
    is_enough = len(approvals) >= decision.approvers or any(each.is_break_glass for each in approvals)
    return moved(now, PlanState.APPROVED, approval.time) if is_enough else now


def still_allowed(record: PlanRecord, policy: Policy, asked: Sequence[Asked]) -> None:
    """Ask the policy once more, as the act begins: for each who approved, or for nobody where the policy did.

    UsageError where it does not allow any more what was approved, or not in this way, or where that is not this plan.
    """
    as_approved(record)
    for each in asked:
        decision = policy.decide(each)
        if not decision.is_allowed:
            raise UsageError(*refusal(record.id, decision))
        if why := _missing(record, decision):
            raise UsageError(f"rule {decision.rule!r} wants {record.id} {why} by now", "make a new plan")


def as_approved(record: PlanRecord) -> None:
    """UsageError where this is not the plan that was approved, or one operator stands there as two: it was changed."""
    given = record.approvals
    people = min(len({each.uid for each in given}), len({each.operator for each in given}))
    if people < len(given) or any(each != record.hash for each in (plan_hash(record.plan), *(e.hash for e in given))):
        raise UsageError(f"{record.id} is not the plan that was approved", "`andon audit verify`, and make a new plan")


def _missing(record: PlanRecord, decision: Decision) -> str:
    """What a rule wants of the approvals that they are not; empty: they will do."""
    if decision.is_signed and not (record.approvals and all(each.signature for each in record.approvals)):
        return "signed"
    is_alone = any(each.is_break_glass for each in record.approvals)
    return "" if is_alone or len(record.approvals) >= decision.approvers else f"approved by {decision.approvers}"


def refusal(id_: str, decision: Decision) -> tuple[str, str]:
    """What to say, and what to do, where the policy does not allow a plan."""
    by = f"rule {decision.rule!r}" if decision.rule else "the policy"
    return f"{by} does not let this be done: {decision.why}", f"`andon plan explain {id_}` goes through the rules"


def unattended(record: PlanRecord, policy: Policy, asked: Asked) -> PlanRecord:
    """The record approved by the policy alone, where nobody is there; UsageError where it does not allow that."""
    decision = policy.decide(asked)
    if not decision.is_allowed:
        raise UsageError(*refusal(record.id, decision))
    if why := past(record, asked.now):
        raise UsageError(f"{record.id} cannot be approved any more: {why}", "make a new plan")
    if decision.approvers > 0 or decision.is_signed:
        how = "a signature" if decision.is_signed else f"{decision.approvers} to approve this"
        raise UsageError(f"rule {decision.rule!r} wants {how}, and nobody is there", f"andon plan approve {record.id}")
    return moved(replace(record, rule=decision.rule, approvers=0), PlanState.APPROVED, asked.now)
