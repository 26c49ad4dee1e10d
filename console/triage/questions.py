"""What the playbooks of an incident ask a person, and what was answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.errors import UsageError
from console.model import Answer, Question, Run
from console.playbook.answers import fits, fitting
from console.playbook.step import Ask


def open_questions(runs: Iterable[Run], answers: Iterable[Answer]) -> tuple[Question, ...]:
    """What the last run of each playbook asked and nobody has answered yet, each question once; runs oldest first."""
    answered = {answer.question for answer in answers}
    last = {run.playbook: run for run in runs}
    asked = (step.question for run in last.values() for step in run.steps if step.question is not None)
    return tuple({each.text: each for each in asked if each.text not in answered}.values())


def check_answer(question: str, answer: str, runs: Sequence[Run]) -> None:
    """UsageError for a question that no run asked, and for an answer that it does not take.

    A question that was answered before may be answered anew: an earlier run still has it.
    """
    asked = {step.question.text: step.question for run in runs for step in run.steps if step.question is not None}
    if question not in asked:
        hint = f"it asks: {'; '.join(asked)}" if asked else "its playbooks ask nothing"
        raise UsageError(f"this incident does not ask {question[:200]!r}", hint)
    fitting(asked[question], answer)


def answering(answers: Iterable[Answer]) -> Ask:
    """An `Ask` that repeats what was answered before; to anything else nobody is there."""
    said = {answer.question: answer.answer for answer in answers}

    async def ask(question: Question) -> str | None:
        answer = said.get(question.text)
        return answer if answer is not None and fits(question, answer) else None

    return ask
