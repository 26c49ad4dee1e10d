"""Who says yes: an approval is for the hash of one plan, by the socket's peer, once, and only for as long as the plan
lives. High risk asks for a second operator; alone there is a break-glass path, which demands a reason.
"""

from __future__ import annotations

from dataclasses import replace

from console.errors import UsageError
from console.model import Approval, PlanRecord, PlanState
from console.remedy.policy import Asked, Decision, Policy
from console.remedy.states import moved, said

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
    if approval.time >= record.plan.expires:
        raise UsageError(f"{record.id} is too old to be approved", "make a new plan: things may have changed")
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


def refusal(id_: str, decision: Decision) -> tuple[str, str]:
    """What to say, and what to do, where the policy does not allow a plan."""
    by = f"rule {decision.rule!r}" if decision.rule else "the policy"
    return f"{by} does not let this be done: {decision.why}", f"`andon plan explain {id_}` goes through the rules"


def unattended(record: PlanRecord, policy: Policy, asked: Asked) -> PlanRecord:
    """The record approved by the policy alone, where nobody is there; UsageError where it does not allow that."""
    decision = policy.decide(asked)
    if not decision.is_allowed:
        raise UsageError(*refusal(record.id, decision))
    if decision.approvers > 0 or decision.is_signed:
        how = "a signature" if decision.is_signed else f"{decision.approvers} to approve this"
        raise UsageError(f"rule {decision.rule!r} wants {how}, and nobody is there", f"andon plan approve {record.id}")
    return moved(replace(record, rule=decision.rule, approvers=0), PlanState.APPROVED, asked.now)
