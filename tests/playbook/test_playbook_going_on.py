"""A run that waits for a person, and one that goes on from an earlier one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import orjson
import pytest
from playbook_world import NOW, SaysOptions, says, situation

from console.errors import SourceError, UsageError
from console.model import Finding, Question, Run, State, Verdict
from console.playbook.engine import run
from console.playbook.loader import load_text
from console.playbook.step import Ask, StepContext, StepOutcome
from console.playbook.steps import ask, inside
from console.triage.diagnose import diagnose
from console.wire import dump, encode, load

HEAD = "schema: andon/v1\nname: p\ntitle: P\ninputs: {model: {type: string, default: glove}}\nsteps:\n"
WAITS = HEAD + (
    "  - {id: a, title: A, uses: says, with: {text: one}}\n"
    "  - {id: told, title: T, uses: ask, with: {question: How many?, type: number}}\n"
    '  - {id: b, title: B, uses: says, with: {n: "${{ steps.told.number * 2.0 }}"}}\n'
    "  - {id: c, title: C, uses: says, needs: [b]}\n"
    "causes:\n"
    "  - {id: many, title: Many, prior: '1:1', evidence: [{if: steps.b.n > 4.0, weight: strong}]}\n"
)
looks: Counter[str] = Counter()
down: set[str] = set()


async def speak(context: StepContext, options: SaysOptions) -> StepOutcome:
    looks[context.step] += 1
    if context.step in down:
        raise SourceError("it is down", "")
    finding = Finding("", "comparison", "", options.text, Verdict.OK)
    return StepOutcome(State.OK, "", (finding,), {"n": options.n, "verdict": "ok"})


speak.__module__ = "console.playbook.steps.speak"
TYPES = {"says": says(speak), "ask": ask.STEP, "playbook": inside.STEP}


@pytest.fixture(autouse=True)
def _anew() -> None:
    looks.clear()
    down.clear()


def answer(text: str) -> Ask:
    async def operator(_question: Question) -> str:
        return text

    return operator


async def ran(text: str = WAITS, **more: Any) -> Run:
    inputs = more.pop("inputs", {})
    return await run(load_text(text, "p.yaml", TYPES), inputs, situation(), step_types=TYPES, **more)


async def test_a_run_waits_where_only_a_person_knows_and_does_the_rest() -> None:
    paused = await ran()
    assert [step.state for step in paused.steps] == [State.OK, State.WAITING, State.WAITING, State.WAITING]
    assert (paused.state, paused.finished, paused.verdict) == ("paused", None, Verdict.INCONCLUSIVE)
    assert paused.steps[1].question == Question("How many?", (), "number")
    assert paused.steps[2].reason == "it needs told, which waits for an answer"
    assert paused.causes[0].odds == 1.0


async def test_it_goes_on_with_the_answer_and_keeps_what_it_knew() -> None:
    paused = await ran(inputs={"model": "shoe"})
    done = await ran(earlier=paused, ask=answer("3"))
    assert [step.state for step in done.steps] == [State.OK] * 4
    assert looks == {"a": 1, "b": 1, "c": 1}
    assert (done.id, done.started, done.current) == (paused.id, paused.started, paused.current)
    assert (done.state, done.verdict, done.inputs) == ("finished", Verdict.OK, {"model": "shoe"})
    assert [finding.id for finding in done.findings] == ["F1", "F2", "F3", "F4"]
    assert done.causes[0].evidence == ("F3",)


async def test_what_passed_until_somebody_answered_is_no_work() -> None:
    paused = await ran()
    later = replace(situation(), now=NOW + 1300)  # twenty minutes later, or a minute and a half of the practice line
    book = load_text(WAITS, "p.yaml", TYPES)
    done = await run(book, {}, later, step_types=TYPES, earlier=paused, ask=answer("3"))
    assert done.finished is not None
    assert done.finished - done.started >= 1300
    assert 0 < paused.seconds < done.seconds < 60
    assert diagnose([done]).seconds == done.seconds


OUTER = HEAD.replace("name: p", "name: outer") + (
    "  - {id: sub, title: S, uses: playbook, with: {name: p, inputs: {model: shoe}}}\n"
    "  - {id: after, title: A, uses: says, needs: [sub]}\n"
)


async def outer(inner: str = WAITS, **more: Any) -> Run:
    known = {"p": load_text(inner, "p.yaml", TYPES)}
    book = load_text(OUTER, "outer.yaml", TYPES, known)
    return await run(book, {}, situation(), step_types=TYPES, playbooks=known, **more)


async def test_a_playbook_inside_goes_on_with_what_it_knew_too() -> None:
    paused = load(Run, orjson.loads(encode(dump(await outer()))))  # as a daemon reads it that was started anew
    assert [step.state for step in paused.steps] == [State.WAITING] * 2
    assert paused.steps[0].question == Question("How many?", (), "number")
    done = await outer(earlier=paused, ask=answer("3"))
    assert looks == {"a": 1, "b": 1, "c": 1, "after": 1}
    assert done.steps[0].values["cause"] == "many"
    assert [finding.step for finding in done.findings] == ["sub.a", "sub.told", "sub.b", "sub.c", "after"]
    assert done.steps[0].inside is None


async def test_a_playbook_inside_that_changed_or_is_to_be_run_anew_begins_anew() -> None:
    paused = await outer()
    await outer(WAITS + "# more\n", earlier=paused, ask=answer("3"))
    assert looks["a"] == 2
    await outer(earlier=paused, from_step="sub", ask=answer("3"))
    assert looks["a"] == 3


async def test_while_nobody_answers_it_waits_on() -> None:
    again = await ran(earlier=await ran())
    assert (again.state, looks) == ("paused", {"a": 1})


async def test_from_a_step_on_all_that_needs_it_runs_anew() -> None:
    first = await ran(ask=answer("3"))
    await ran(earlier=first, from_step="b")
    assert looks == {"a": 1, "b": 2, "c": 2}


async def test_without_a_step_those_that_failed_run_anew() -> None:
    down.add("b")
    first = await ran(ask=answer("3"))
    assert first.steps[2].state is State.ERROR
    down.clear()
    done = await ran(earlier=first)
    assert looks["a"] == 1
    assert [step.state for step in done.steps] == [State.OK] * 4


async def test_it_does_not_go_on_with_another_playbook() -> None:
    paused = await ran()
    with pytest.raises(UsageError, match="changed since"):
        await ran(WAITS + "# more\n", earlier=paused)


async def test_a_step_that_is_not_there_and_a_run_with_nothing_left_are_refused() -> None:
    done = await ran(ask=answer("3"))
    with pytest.raises(UsageError, match="has no step 'd'"):
        await ran(earlier=done, from_step="d")
    with pytest.raises(UsageError, match="is left to do"):
        await ran(earlier=done)


async def test_its_windows_stay_though_time_went_on() -> None:
    paused = await ran()
    later = situation()
    later = type(later)(later.estate, NOW + 3600)
    done = await run(load_text(WAITS, "p.yaml", TYPES), {}, later, step_types=TYPES, earlier=paused, ask=answer("3"))
    assert (done.current, done.baseline) == (paused.current, paused.baseline)
    assert done.finished is not None and done.finished >= NOW + 3600
