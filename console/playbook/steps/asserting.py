"""`assert`: what must be so, said about the results of other steps. What nobody can tell is no data, never ok."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from console.model import Finding, State, Verdict
from console.playbook.schema import Cel, Entry, Words
from console.playbook.step import Claim, StepContext, StepOutcome
from console.plugins import StepType


class AssertOptions(Entry):
    """What must be so."""

    called = "`assert`"
    that: Cel | Annotated[list[Cel], Field(min_length=1)] = Field(
        description="CEL, true or false; of a list, all must be true"
    )
    message: Words | None = Field(None, description="what it means that it is not so")


async def _run(context: StepContext, options: AssertOptions) -> StepOutcome:
    claims = context.claims["that"]
    wrong = [claim for claim in claims if claim.is_so is False]
    unknown = [claim for claim in claims if claim.is_so is None]
    if wrong:
        broken = options.message or f"it is not so that {wrong[0].source}"
        findings = tuple(_finding(context, claim, options) for claim in wrong)
        return StepOutcome(State.DEGRADED, broken, findings, _values(Verdict.DEGRADED, claims))
    if unknown:
        why = f"nobody can tell whether {unknown[0].source}: {unknown[0].why}"
        return StepOutcome(State.NO_DATA, why, values=_values(Verdict.NO_DATA, claims))
    held = Finding(
        "", "check", context.step, f"it is so that {' and '.join(each.source for each in claims)}", Verdict.OK
    )
    return StepOutcome(State.OK, findings=(held,), values=_values(Verdict.OK, claims))


STEP = StepType(
    name="assert",
    title="What must be so",
    options=AssertOptions,
    result={"verdict": "string", "broken": "int"},
    run=_run,
    expressions=("that",),
)


def _finding(context: StepContext, claim: Claim, options: AssertOptions) -> Finding:
    text = f"it is not so that {claim.source}"
    text = f"{options.message} ({text})" if options.message else text
    return Finding("", "check", context.step, text, Verdict.DEGRADED)


def _values(verdict: Verdict, claims: tuple[Claim, ...]) -> dict[str, object]:
    return {"verdict": verdict, "broken": sum(claim.is_so is False for claim in claims)}
