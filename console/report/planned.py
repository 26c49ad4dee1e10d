"""What a run would ask, in words."""

from __future__ import annotations

from console.playbook.answers import offered
from console.report import phrases
from console.report.clean import clean
from console.report.tables import columns
from console.triage.planning import PlannedRun, PlannedStep

MOST_ITEMS = 5  # of a foreach that are named


def planned_report(plan: PlannedRun) -> str:
    """The windows, the steps and what is put to a person."""
    baseline = plan.windows.baseline
    head = [
        f"current   {phrases.window(plan.windows.current)}",
        f"baseline  {clean(phrases.window(baseline) if baseline else str(dict(plan.baseline)))}",
        f"sources   {', '.join(plan.sources) or 'none configured; the daemon and its store, where one runs'}",
        "",
    ]
    rows = [(step.id, step.uses, step.title, _beside(step)) for step in plan.steps]
    lines = ["\n".join(head) + columns(["step", "uses", "question", "how"], rows)]
    asked = [step for step in plan.steps if step.question is not None]
    if asked:
        lines += ["", "asked of a person:", *(_asked(step) for step in asked)]
    return "\n".join(lines)


def _beside(step: PlannedStep) -> str:
    """What else decides how a step is done."""
    said = []
    if step.is_dry:
        said.append("dry run: decides nothing")
    if step.foreach:
        more = f" and {len(step.foreach) - MOST_ITEMS} more" if len(step.foreach) > MOST_ITEMS else ""
        said.append(f"for each of {', '.join(step.foreach[:MOST_ITEMS])}{more}")
    if step.condition:
        said.append(f"if {step.condition}")
    return "; ".join(said)


def _asked(step: PlannedStep) -> str:
    assert step.question is not None
    who = f", by {' or '.join(step.question.roles)}" if step.question.roles else ""
    else_ = f"else counted as {step.unattended}" if step.unattended is not None else "else the run waits"
    return clean(f"  {step.id}: {step.question.text} ({offered(step.question)}{who}; {else_})")
