"""What playbooks ask a person: once each, until it is answered, and only with the answers offered."""

from dataclasses import replace

import nouns
import pytest

from console.errors import UsageError
from console.model import Answer, Question, State
from console.triage.questions import answering, asked_by, check_answer, check_role, open_questions, waiting_for

LOAD = Question("Was more load announced?", ("yes", "no"))
RUN = nouns.a_run(steps=(nouns.step("campaign", State.SKIPPED, question=LOAD), nouns.step("other")))
YES = Answer(nouns.NOON, "ada", LOAD.text, "yes")


def test_a_question_is_open_until_somebody_answers_it() -> None:
    twice = nouns.a_run(playbook="error_burst", steps=RUN.steps)
    assert open_questions([RUN, twice], ()) == (LOAD,)
    assert open_questions([RUN, twice], (YES,)) == ()


def test_only_a_playbooks_last_run_asks() -> None:
    assert open_questions([RUN, nouns.a_run()], ()) == ()


def test_only_what_was_asked_is_answered_and_only_as_offered() -> None:
    check_answer(LOAD.text, "no", [RUN, nouns.a_run()])  # answered before: it may be answered anew
    with pytest.raises(UsageError, match="no answer") as refused:
        check_answer(LOAD.text, "maybe", [RUN])
    assert refused.value.hint == "answers are yes, no"
    with pytest.raises(UsageError, match="does not ask"):
        check_answer("Is it Friday?", "yes", [RUN])


async def test_an_answer_is_given_again_where_it_is_still_offered() -> None:
    ask = answering((YES,))
    assert await ask(LOAD) == "yes"
    assert await ask(replace(LOAD, answers=("perhaps", "no"))) is None
    assert await ask(Question("Is it Friday?", ("yes", "no"))) is None


def test_a_question_for_a_role_is_for_those_who_have_it() -> None:
    asked = Question("Drain it?", ("yes", "no"), roles=("oncall", "lead"))
    check_role(asked, "ana", {"lead": ("ana",)})
    check_role(LOAD, "anybody", {})
    with pytest.raises(UsageError, match="is for oncall or lead, which eve is not") as refused:
        check_role(asked, "eve", {"oncall": ("bob",), "lead": ("ana",)})
    assert refused.value.hint == "ana, bob may"


def test_answers_are_named_by_the_step_that_asks() -> None:
    assert asked_by(RUN, {"campaign": "yes"}) == {"campaign": LOAD}
    with pytest.raises(UsageError, match="asks nothing that is open"):
        asked_by(RUN, {"other": "yes"})


def test_only_the_last_run_of_a_playbook_that_waits_goes_on_with_an_answer() -> None:
    waits = replace(RUN, state="paused", steps=(nouns.step("campaign", State.WAITING, question=LOAD),))
    assert waiting_for(LOAD.text, [waits]) == [waits]
    assert waiting_for("Another?", [waits]) == []
    assert waiting_for(LOAD.text, [waits, RUN]) == []  # the later one counted it as something
