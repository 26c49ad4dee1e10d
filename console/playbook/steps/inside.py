"""`playbook`: another playbook run inside this one. What it found, concludes and gives comes back as one step."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from console.model import Cause, Run, State
from console.playbook.schema import Constant, Entry, Id, Name
from console.playbook.step import StepContext, StepOutcome
from console.plugins import StepType

RESULT = {
    "verdict": "string",
    "cause": "string",  # the likeliest one that it names; unknown where it names none
    "odds": "double",  # of that cause
    "outputs": "map(string, string)",  # typed, where the other playbook is known when this one is loaded
}
PATIENCE = 3600.0  # the steps inside have their own


class PlaybookOptions(Entry):
    """Which playbook, and what it must be told."""

    called = "`playbook`"
    name: Name = Field(description="the playbook to run")
    inputs: dict[Id, Constant] = Field({}, description="what it must be told")


async def _run(context: StepContext, options: PlaybookOptions) -> StepOutcome:
    run = await context.play(options.name, {name: _text(value) for name, value in options.inputs.items()})
    findings = tuple(replace(each, step=f"{context.step}.{each.step}") for each in run.findings)
    waiting = next((step for step in run.steps if step.state is State.WAITING and step.question is not None), None)
    if waiting is not None:
        return StepOutcome(State.WAITING, waiting.reason, findings, question=waiting.question, inside=run)
    named = next((cause for cause in run.causes if cause.is_named), None)
    return StepOutcome(
        state=State(run.verdict),
        reason=_reason(run, named),
        findings=findings,
        values={
            "verdict": run.verdict,
            "cause": named.id if named else None,
            "odds": named.odds if named else None,
            "outputs": {name: _text(value) for name, value in run.outputs.items()},
        },
        outputs=run.outputs,
        unreachable=any(step.unreachable and not (step.is_optional or step.is_dry) for step in run.steps),
    )


STEP = StepType(
    name="playbook",
    title="Another playbook",
    options=PlaybookOptions,
    result=RESULT,
    run=_run,
    timeout=PATIENCE,
    is_patient=True,
)


def _reason(run: Run, named: Cause | None) -> str:
    if named is not None:
        return f"{named.title}, about {named.subject}" if named.subject else named.title
    return next((step.reason for step in run.steps if step.state is State(run.verdict) and step.reason), "")


def _text(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case list():
            return ", ".join(map(str, value))
    return str(value)
