"""A plan in words: what would change, how wide, who may say yes, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from console import words
from console.model import PlanRecord, PlanState, Receipt
from console.report.clean import clean

SHORT_HASH = 12
MOST_VALUE = 160  # characters of a value
MOST_CHANGES = 60
SHAPES = {
    PlanState.PLANNED: "○", PlanState.APPROVED: "◐", PlanState.APPLYING: "◔", PlanState.APPLIED: "●",
    PlanState.VERIFYING: "◔", PlanState.VERIFIED: "●", PlanState.NOT_RECOVERED: "✗", PlanState.ROLLED_BACK: "↩",
    PlanState.REJECTED: "–", PlanState.CANCELLED: "–", PlanState.EXPIRED: "–", PlanState.FAILED: "✗",
    PlanState.UNKNOWN: "?",
}  # fmt: skip


def in_words(record: PlanRecord) -> str:
    """All of a plan, ending with what to type next; what strangers wrote stays on the line where it stands."""
    return "\n".join(clean(line).replace("\n", " ") for line in _lines(record))


def value_in_words(value: Any) -> str:
    """A value of a live object on one line; `–` where there is none."""
    if value is None:
        return "–"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= MOST_VALUE else f"{text[: MOST_VALUE - 1]}…"


def _lines(record: PlanRecord) -> Iterator[str]:
    plan = record.plan
    yield f"{SHAPES[record.state]} {record.id}  {record.state.replace('_', ' ')}: {plan.title}"
    if record.reason:
        yield f"  {record.reason}"
    yield f"  for       {plan.cause} of {plan.subject} ({plan.probability:.0%}), {plan.incident or plan.run}"
    yield f"  through   {plan.act.actuator}"
    yield f"  touches   {plan.blast.text or f'{plan.blast.objects} objects'}"
    back = "can be taken back" if plan.is_reversible else "CANNOT be taken back"
    yield f"  risk      {plan.risk}; {back}"
    for warning in plan.warnings:
        yield f"  mind      {warning}"
    if plan.check is not None:
        within = words.lapse(plan.check.within)
        yield f"  verified  when step {plan.check.step} is {plan.check.want}, within {within}"
    yield f"  planned   {words.instant(plan.created)} by {plan.operator}, until {words.instant(plan.expires)}"
    yield f"  hash      {record.hash[:SHORT_HASH]}…"
    yield "  changes"
    for change in plan.changes[:MOST_CHANGES]:
        yield f"    {change.path}"
        yield f"      - {value_in_words(change.before)}"
        yield f"      + {value_in_words(change.after)}"
    if len(plan.changes) > MOST_CHANGES:
        yield f"    … and {len(plan.changes) - MOST_CHANGES} more"
    for each in record.approvals:
        how = "broke the glass" if each.is_break_glass else "approved"
        by = f"{each.operator}, signed" if each.signature else each.operator
        yield f"  {how}  {words.instant(each.time)} by {by}{f': {each.reason}' if each.reason else ''}"
    yield from _doings("done", record.receipt)
    yield from _doings("taken back", record.undoing)
    for look in record.looks[-3:]:
        yield f"  looked    {words.instant(look.time)} {look.verdict}: {look.text}"
    yield from _next(record)


def _doings(what: str, receipt: Receipt | None) -> Iterator[str]:
    if receipt is None:
        return
    said = {True: "yes", False: "no", None: "nobody knows"}[receipt.did] if receipt.ended else "under way"
    when = words.instant(receipt.ended or receipt.began)
    yield f"  {what:<9} {said}, {when}{f': {receipt.text}' if receipt.text else ''}"


def _next(record: PlanRecord) -> Iterator[str]:
    """What to type now."""
    match record.state:
        case PlanState.PLANNED:
            left = record.approvers - len(record.approvals)
            who = "somebody" if left == 1 else f"{left} different operators"
            yield f"  next      {who}: andon plan approve {record.id}    (andon plan explain {record.id}: who may)"
        case PlanState.APPROVED:
            yield f"  next      andon plan apply {record.id}"
        case PlanState.APPLIED | PlanState.VERIFYING | PlanState.VERIFIED if record.plan.is_reversible:
            yield f"  back      andon plan rollback {record.id}"
        case PlanState.UNKNOWN:
            yield f"  next      look at {record.plan.act.target}, then: andon plan settle {record.id} applied|failed"
