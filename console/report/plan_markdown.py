"""A plan as Markdown, for a pull request or a post-mortem: what changed, who said yes, and whether it helped."""

from __future__ import annotations

from collections.abc import Iterator

from console import words
from console.model import Approval, Plan, PlanRecord, Receipt
from console.report.clean import clean
from console.report.marked import safe
from console.report.plan import MOST_CHANGES, SHAPES, SHORT_HASH, value_in_words

MOST_LOOKS = 20  # the last ones


def plan_section(record: PlanRecord) -> list[str]:
    """The lines of a plan, below a heading of the second rank; text from outside is escaped."""
    plan = record.plan
    state = record.state.replace("_", " ")
    lines = [f"## {SHAPES[record.state]} {record.id} {state}: {safe(plan.title)}", ""]
    lines += [safe(record.reason), ""] if record.reason else []
    lines += ["| | |", "|---|---|", *(f"| {name} | {told} |" for name, told in _facts(record)), ""]
    return [*lines, *_diff(plan), *_looks(record)]


def plan_markdown(record: PlanRecord) -> str:
    """A plan by itself."""
    return (
        "\n".join([*plan_section(record), "", f"`andon audit show` has who did what, and when, of {record.id}."]) + "\n"
    )


def _facts(record: PlanRecord) -> Iterator[tuple[str, str]]:
    plan = record.plan
    about = f", incident {plan.incident}" if plan.incident else f", run {plan.run}"
    yield "for", f"{safe(plan.cause)} of {safe(plan.subject)} ({plan.probability:.0%}){safe(about)}"
    yield "target", f"{safe(plan.act.target)}, through {safe(plan.act.actuator)}"
    yield "touches", safe(plan.blast.text) or f"{plan.blast.objects} objects"
    yield "risk", plan.risk
    yield "can be taken back", "yes" if plan.is_reversible else "**no**"
    for warning in plan.warnings:
        yield "mind", safe(warning)
    if plan.check is not None:
        guards = f"; ended early where {', '.join(plan.check.guards)} turns worse" if plan.check.guards else ""
        within = words.lapse(plan.check.within)
        yield "verified", safe(f"when {plan.check.step} is {plan.check.want}, within {within}{guards}")
    yield "planned", f"{words.instant(plan.created)} by {safe(plan.operator)}"
    yield "allowed by", f"rule {safe(record.rule)}" if record.rule else "no rule yet"
    for each in record.approvals:
        why = f": {safe(each.reason)}" if each.reason else ""
        yield _how(each), f"{words.instant(each.time)} by {safe(each.operator)}{why}"
    if record.receipt is not None:
        yield "applied", _receipt(record.receipt)
    if record.undoing is not None:
        yield "taken back", _receipt(record.undoing)
    yield "hash", f"`{record.hash[:SHORT_HASH]}…`"


def _how(approval: Approval) -> str:
    said = "approved alone, the glass broken" if approval.is_break_glass else "approved"
    return f"{said}, signed" if approval.signature else said


def _receipt(receipt: Receipt) -> str:
    did = {True: "done", False: "not done", None: "nobody knows whether it was done"}[receipt.did]
    said = f"{did if receipt.ended else 'under way'}, {words.instant(receipt.ended or receipt.began)}"
    return f"{said}: {safe(receipt.text)}" if receipt.text else said


def _diff(plan: Plan) -> list[str]:
    """What would change, as a diff; whatever stands in it, the fence around it is longer."""
    lines = []
    for change in plan.changes[:MOST_CHANGES]:
        lines += [f"  {change.path}", f"- {value_in_words(change.before)}", f"+ {value_in_words(change.after)}"]
    more = len(plan.changes) - MOST_CHANGES
    lines += [f"  … and {more} more"] if more > 0 else []
    text = [clean(line).replace("\n", " ") for line in lines]
    fence = "`" * max(3, 1 + max((len(run) for line in text for run in _ticks(line)), default=0))
    return [f"{fence}diff", *text, fence]


def _ticks(line: str) -> list[str]:
    return "".join(each if each == "`" else " " for each in line).split()


def _looks(record: PlanRecord) -> list[str]:
    if not record.looks:
        return []
    rows = [
        f"| {words.instant(look.time)} | {words.mark(look.verdict)} {look.verdict} | {safe(look.text)} |"
        for look in record.looks[-MOST_LOOKS:]
    ]
    return ["", "| looked | verdict | why |", "|---|---|---|", *rows]
