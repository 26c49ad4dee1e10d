"""`ask`: a question only a person can answer; where nobody is there, what the playbook says counts as the answer."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from console.model import Finding, Question, State, Verdict
from console.playbook.schema import Entry, Words
from console.playbook.step import StepContext, StepOutcome
from console.plugins import StepType

PATIENCE = 15 * 60.0


class AskOptions(Entry):
    """A question with the answers it can have."""

    called = "`ask`"
    question: Words
    answers: list[Annotated[str, StringConstraints(min_length=1, max_length=80)]] = Field(min_length=2, max_length=9)
    unattended: str = Field(description="the answer where nobody is there: one of `answers`, or a word such as unknown")

    @model_validator(mode="after")
    def _answers_differ(self) -> Self:
        if len(set(self.answers)) != len(self.answers):
            raise PydanticCustomError("answers", "two answers are the same")
        return self


async def _run(context: StepContext, options: AskOptions) -> StepOutcome:
    answer = await context.ask(options.question, tuple(options.answers))
    if answer is None:
        said = f"{options.question} Nobody was there to answer; counted as: {options.unattended}"
        question = Question(options.question, tuple(options.answers))
        return StepOutcome(State.SKIPPED, said, values={"answer": options.unattended}, question=question)
    text = f"{options.question} The operator said: {answer}"
    finding = Finding(id="", kind="answer", step=context.step, text=text, verdict=Verdict.OK)
    return StepOutcome(State.OK, answer, (finding,), {"answer": answer})


STEP = StepType(
    name="ask",
    title="A question to the operator",
    options=AskOptions,
    result={"answer": "string"},
    run=_run,
    timeout=PATIENCE,
)
