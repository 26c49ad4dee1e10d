"""`probe`: the pinned golden inputs sent through the live model. Other answers mean that the model is another one."""

from __future__ import annotations

from pydantic import Field

from console.errors import SourceError
from console.model import Finding, State, Verdict
from console.playbook.schema import Entry
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps.asking import only_one
from console.plugins import StepType
from console.sources.types import ProbeAnswer

RESULT = {
    "verdict": "string",
    "same": "bool",
    "changed": "int",
    "sent": "int",
    "answered": "int",
    "largest": "double",
}


class ProbeOptions(Entry):
    """Which model to ask."""

    called = "`probe`"
    endpoint: str | None = Field(None, description="the source that can send golden inputs; the only one by default")


async def _run(context: StepContext, options: ProbeOptions) -> StepOutcome:
    answer = await only_one(context.estate.probers, options.endpoint, "model endpoint", context).probe()
    if answer.sent and not answer.answered:
        raise SourceError(
            f"the model answered none of {answer.sent} golden inputs: {answer.error or 'no reason given'}", ""
        )
    verdict, text = _reading(answer)
    said = "; ".join(answer.examples)
    return StepOutcome(
        state=State(verdict),
        reason=text,
        findings=(Finding(id="", kind="probe", step=context.step, text=text, verdict=verdict, reason=said),),
        values={
            "verdict": verdict,
            "same": {Verdict.OK: True, Verdict.DEGRADED: False}.get(verdict),
            "changed": answer.changed,
            "sent": answer.sent,
            "answered": answer.answered,
            "largest": answer.largest,
        },
    )


def _reading(answer: ProbeAnswer) -> tuple[Verdict, str]:
    if not answer.sent:
        return Verdict.NO_DATA, "absent: no golden input is pinned"
    asked = f"{answer.sent} golden inputs through the live model"
    if answer.changed:
        return Verdict.DEGRADED, f"{asked}: {answer.changed} are answered differently, by up to {answer.largest:.3g}"
    if answer.answered < answer.sent:
        return Verdict.INCONCLUSIVE, f"{asked}: {answer.answered} were answered as before, the others not at all"
    return Verdict.OK, f"{asked}: all are answered as before"


STEP = StepType(
    name="probe",
    title="Golden inputs through the live model",
    options=ProbeOptions,
    result=RESULT,
    run=_run,
)
