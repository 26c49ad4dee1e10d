"""`ask`: a question only a person can answer. Where nobody is there, what the playbook says counts as the answer.

Where it says nothing, the run waits until somebody answers or the question expires.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from console.config import duration
from console.model import Finding, Question, State, Verdict
from console.playbook.answers import fits, fitting
from console.playbook.schema import Duration, Entry, Words
from console.playbook.step import StepContext, StepOutcome
from console.plugins import StepType

PATIENCE = 15 * 60.0

Short = Annotated[str, StringConstraints(min_length=1, max_length=80)]


class AskOptions(Entry):
    """A question with the answers it can have: one of several, or any of a type."""

    called = "`ask`"
    question: Words = Field(description="what is asked; `${{ … }}` may stand in it")
    answers: list[Short] | None = Field(None, min_length=2, max_length=9, description="the answers to choose from")
    type: Literal["number", "text", "boolean"] | None = Field(
        None, description="what is answered, where it is no choice"
    )
    roles: list[Short] = Field([], max_length=9, description="who may answer; whoever is there where nothing is said")
    ttl: Duration | None = Field(None, description="from then on it counts as if nobody were there: 4h")
    unattended: str | float | bool | None = Field(
        None, description="what counts where nobody is there, such as unknown; where nothing is said, the run waits"
    )

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        if (self.answers is None) == (self.type is None):
            raise PydanticCustomError("answers", "a question has either `answers` or a `type`")
        if self.answers is not None and len(set(self.answers)) != len(self.answers):
            raise PydanticCustomError("answers", "two answers are the same")
        return self


async def _run(context: StepContext, options: AskOptions) -> StepOutcome:
    question = _question(context, options)
    is_over = question.expires is not None and question.expires <= context.now
    answer = None if is_over else await context.ask(question)
    if answer is not None:
        text = f"{question.text} The operator said: {answer}"
        finding = Finding(id="", kind="answer", step=context.step, text=text, verdict=Verdict.OK)
        return StepOutcome(State.OK, answer, (finding,), _values(question, answer))
    nobody = "Nobody answered in time" if is_over else "Nobody was there to answer"
    still_open = None if is_over else question
    if options.unattended is not None:
        counted = _text(options.unattended)
        said = f"{question.text} {nobody}; counted as: {counted}"
        return StepOutcome(State.SKIPPED, said, values=_values(question, counted), question=still_open)
    if is_over:
        return StepOutcome(State.SKIPPED, f"{question.text} {nobody}")
    return StepOutcome(State.WAITING, question.text, question=question)


def _question(context: StepContext, options: AskOptions) -> Question:
    expires = context.expires.get(options.question)
    if expires is None and options.ttl is not None:
        expires = context.now + duration(options.ttl)
    return Question(
        options.question, tuple(options.answers or ()), options.type or "choice", tuple(options.roles), expires
    )


def _values(question: Question, answer: str) -> dict[str, object]:
    if not fits(question, answer):
        return {"answer": answer}  # what counts where nobody is there may be a word such as unknown
    value = fitting(question, answer)
    return {"answer": answer} | ({question.kind: value} if question.kind in ("number", "boolean") else {})


def _text(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{value:g}"


STEP = StepType(
    name="ask",
    title="A question to the operator",
    options=AskOptions,
    result={"answer": "string", "number": "double", "boolean": "bool"},
    run=_run,
    timeout=PATIENCE,
)
