"""What the playbooks of an incident ask a person, and what was answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from console.errors import UsageError
from console.model import Answer, Question, Run
from console.playbook.answers import fits, fitting
from console.playbook.step import Ask
from console.words import nearest

Roles = Mapping[str, Sequence[str]]
"""By role: the names of the operators who have it."""


def open_questions(runs: Iterable[Run], answers: Iterable[Answer]) -> tuple[Question, ...]:
    """What the last run of each playbook asked and nobody has answered yet, each question once; runs oldest first."""
    answered = {answer.question for answer in answers}
    last = {run.playbook: run for run in runs}
    asked = (step.question for run in last.values() for step in run.steps if step.question is not None)
    return tuple({each.text: each for each in asked if each.text not in answered}.values())


def check_answer(question: str, answer: str, runs: Sequence[Run]) -> Question:
    """The question; UsageError for one that no run asked, and for an answer that it does not take.

    A question that was answered before may be answered anew: an earlier run still has it.
    """
    asked = {step.question.text: step.question for run in runs for step in run.steps if step.question is not None}
    if question not in asked:
        hint = f"it asks: {'; '.join(asked)}" if asked else "its playbooks ask nothing"
        raise UsageError(f"this incident does not ask {question[:200]!r}", hint)
    fitting(asked[question], answer)
    return asked[question]


def check_role(question: Question, operator: str, roles: Roles) -> None:
    """UsageError for an operator who has none of the roles that the question is put to; it says who may answer."""
    if not question.roles or any(operator in roles.get(role, ()) for role in question.roles):
        return
    may = sorted({name for role in question.roles for name in roles.get(role, ())})
    wanted = " or ".join(question.roles)
    hint = f"{', '.join(may)} may" if may else f'say who has it, under [roles]: {question.roles[0]} = ["{operator}"]'
    raise UsageError(f"{question.text!r} is for {wanted}, which {operator} is not", hint)


def asked_by(run: Run, answers: Mapping[str, str]) -> dict[str, Question]:
    """The questions that these answers (step -> answer) are to; UsageError for one that answers nothing."""
    asking = {step.id: step.question for step in run.steps if step.question is not None}
    for step, answer in answers.items():
        if step not in asking:
            hint = nearest(step, asking) if asking else "it asks nothing"
            raise UsageError(f"step {step!r} of run {run.id} asks nothing that is open", hint)
        fitting(asking[step], answer)
    return {step: asking[step] for step in answers}


def waiting_for(question: str, runs: Iterable[Run]) -> list[Run]:
    """The paused runs that go on once this question is answered; of each playbook only the last run counts."""
    last = {run.playbook: run for run in runs}
    return [
        run
        for run in last.values()
        if run.state == "paused"
        and any(step.question is not None and step.question.text == question for step in run.steps)
    ]


def answering(answers: Iterable[Answer]) -> Ask:
    """An `Ask` that repeats what was answered before; to anything else nobody is there."""
    said = {answer.question: answer.answer for answer in answers}

    async def ask(question: Question) -> str | None:
        answer = said.get(question.text)
        return answer if answer is not None and fits(question, answer) else None

    return ask
