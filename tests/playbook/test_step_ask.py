"""`ask`: answers of a type, questions that expire, and what counts where nobody is there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from playbook_world import NOW
from pydantic import ValidationError

from console.errors import UsageError
from console.model import Question, Span, State, Window
from console.playbook.answers import fits, fitting, offered
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps import ask
from console.sources.estate import Estate

WINDOW = Window((Span(NOW - 60, NOW),))


async def asked(options: dict[str, Any], answer: str | None = None, **more: Any) -> StepOutcome:
    async def operator(_question: Question) -> str | None:
        return answer

    context = StepContext("s", Estate(), WINDOW, WINDOW, {}, {}, NOW, operator, **more)
    outcome = await ask.STEP.run(context, ask.AskOptions.model_validate({"question": "How many?"} | options))
    assert isinstance(outcome, StepOutcome)
    return outcome


@pytest.mark.parametrize(
    ("kind", "said", "values"),
    [
        ("number", "3", {"answer": "3", "number": 3.0}),
        ("boolean", "yes", {"answer": "yes", "boolean": True}),
        ("text", "three", {"answer": "three"}),
    ],
)
async def test_an_answer_has_the_type_that_was_asked_for(kind: str, said: str, values: dict[str, object]) -> None:
    outcome = await asked({"type": kind}, said)
    assert (outcome.state, outcome.values) == (State.OK, values)


async def test_without_anybody_and_without_unattended_the_step_waits() -> None:
    outcome = await asked({"type": "number", "roles": ["lead"], "ttl": "4h"})
    assert outcome.state is State.WAITING
    assert outcome.question == Question("How many?", (), "number", ("lead",), NOW + 4 * 3600)


@pytest.mark.parametrize(
    ("unattended", "values"),
    [
        (3, {"answer": "3", "number": 3.0}),
        ("unknown", {"answer": "unknown"}),
    ],
)
async def test_with_unattended_it_counts_at_once(unattended: object, values: dict[str, object]) -> None:
    outcome = await asked({"type": "number", "unattended": unattended})
    assert (outcome.state, outcome.values) == (State.SKIPPED, values)
    assert outcome.question is not None


async def test_a_question_asked_again_expires_when_it_did() -> None:
    outcome = await asked({"type": "text", "ttl": "4h"}, expires={"How many?": NOW + 60})
    assert outcome.question is not None
    assert outcome.question.expires == NOW + 60


@pytest.mark.parametrize(("more", "values"), [({}, {}), ({"unattended": "none"}, {"answer": "none"})])
async def test_an_expired_question_asks_nobody(more: dict[str, str], values: dict[str, str]) -> None:
    outcome = await asked({"type": "text", "ttl": "4h"} | more, "too late", expires={"How many?": NOW - 1})
    assert (outcome.state, outcome.values, outcome.question) == (State.SKIPPED, values, None)
    assert "Nobody answered in time" in outcome.reason


@pytest.mark.parametrize("options", [{}, {"answers": ["a", "b"], "type": "text"}, {"answers": ["a", "a"]}])
def test_a_question_has_either_answers_or_a_type(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ask.AskOptions.model_validate({"question": "How many?"} | options)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [("choice", "a", "c"), ("number", " 1e3 ", "nan"), ("boolean", "False", "2"), ("text", "any", " ")],
)
def test_what_does_not_fit_is_refused(kind: Any, good: str, bad: str) -> None:
    question = replace(Question("Which?", ("a", "b")), kind=kind)
    assert fits(question, good)
    with pytest.raises(UsageError, match="is no answer to 'Which\\?'"):
        fitting(question, bad)
    assert offered(question)
