"""Constants, outputs, items, tries, dry runs, errors that do not matter, and playbooks inside playbooks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playbook_world import NOW, SaysOptions, says, situation

from console.errors import PlaybookError, SourceError
from console.model import Finding, Question, Run, State, Verdict
from console.playbook.definition import Playbook
from console.playbook.engine import run
from console.playbook.loader import library, load, load_text
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps import ask, asserting, inside, show
from console.triage.diagnose import diagnose

HEAD = "schema: andon/v1\nname: p\ntitle: P\ninputs: {model: {type: string, default: glove}}\n"
tries: Counter[str] = Counter()


async def speak(context: StepContext, options: SaysOptions) -> StepOutcome:
    tries[context.step] += 1
    if options.fails == "always" or (options.fails == "once" and tries[context.step] == 1):
        raise SourceError("it is down", "")
    ratio = options.n if options.verdict == "degraded" else None
    finding = Finding("", "comparison", "", options.text, Verdict(options.verdict), ratio=ratio)
    return StepOutcome(State(options.verdict), "", (finding,), {"verdict": options.verdict, "n": options.n})


speak.__module__ = "console.playbook.steps.speak"
RESULT = {"verdict": "string", "n": "double", "names": "list(string)"}
TYPES = {
    "says": says(speak, result=RESULT),
    "ask": ask.STEP,
    "playbook": inside.STEP,
    "show": show.STEP,
    "assert": asserting.STEP,
}


@pytest.fixture(autouse=True)
def _anew() -> None:
    tries.clear()


def book(text: str, others: dict[str, Playbook] | None = None, head: str = HEAD) -> Playbook:
    return load_text(head + text, "p.yaml", TYPES, others)


async def ran(text: str, others: dict[str, Playbook] | None = None, **more: Any) -> Run:
    return await run(book(text, others), {}, situation(), step_types=TYPES, playbooks=others or {}, **more)


# ── constants and outputs ────────────────────────────────────────────────────────────────────────────────────────────


async def test_constants_stand_in_options_and_expressions() -> None:
    done = await ran(
        "vars: {limit: 2, word: high, strict: true}\nsteps:\n"
        '  - {id: a, title: A, uses: says, with: {n: "${{ vars.limit }}", text: "${{ vars.word }}!"}}\n'
        "  - {id: b, title: B, uses: says, if: vars.strict && steps.a.n == vars.limit}\n"
    )
    assert [step.state for step in done.steps] == [State.OK, State.OK]
    assert done.findings[0].text == "high!"


def test_a_constant_of_the_wrong_type_is_found_when_the_playbook_is_loaded() -> None:
    with pytest.raises(PlaybookError, match=r"^p.yaml:7:\d+: `n` must be a number, not 'high'"):
        book('vars: {word: high}\nsteps:\n  - {id: a, title: A, uses: says, with: {n: "${{ vars.word }}"}}\n')


async def test_outputs_are_typed_and_left_out_where_nobody_can_tell() -> None:
    done = await ran(
        "outputs: {twice: steps.a.n * 2.0, nothing: steps.b.n}\n"
        "steps:\n  - {id: a, title: A, uses: says, with: {n: 2.0}}\n  - {id: b, title: B, uses: says}\n"
    )
    assert done.outputs == {"twice": 4.0}


# ── foreach ──────────────────────────────────────────────────────────────────────────────────────────────────────────

EACH = (
    'steps:\n  - {id: a, title: "Is ${{ each }} slow?", uses: says, foreach: [x, y, z], if: each != "z",\n'
    "     with: {text: \"${{ each }}!\", verdict: \"${{ each == 'x' ? 'ok' : 'degraded' }}\", n: 3.0}}\n"
    '  - {id: b, title: "${{ steps.a.worst }}", uses: says, if: steps.a.count == 3 && "y" in steps.a.degraded}\n'
)


async def test_a_step_is_done_for_each_item_and_says_one_thing() -> None:
    whole, after = (await ran(EACH)).steps
    assert (whole.state, whole.title) == (State.DEGRADED, "Is each slow?")
    assert whole.values == {"verdict": "degraded", "count": 3, "degraded": ["y"], "ok": ["x"], "worst": "y"}
    assert [(each.text, each.labels.value("item")) for each in whole.findings] == [("x: x!", "x"), ("y: y!", "y")]
    assert (after.state, after.title) == (State.OK, "y")


async def test_the_worst_item_is_the_one_with_the_largest_harm() -> None:
    done = await ran(
        "steps:\n  - {id: a, title: A, uses: says, foreach: [2, 5, 3],\n"
        '     with: {verdict: degraded, n: "${{ each }}"}}\n'
    )
    assert done.steps[0].values["worst"] == "5"
    assert done.steps[0].values["degraded"] == ["5", "3", "2"]


async def test_items_may_come_from_another_step() -> None:
    done = await ran(EACH + '  - {id: c, title: C, uses: says, foreach: "${{ steps.a.ok }}", with: {text: t}}\n')
    assert done.steps[2].findings[0].text == "x: t"


@pytest.mark.parametrize(("expression", "state", "reason"), [
    ("steps.a.degraded", State.SKIPPED, "there is nothing to go through"),
    ("[steps.a.worst]", State.SKIPPED, "steps.a.worst has no value"),
    ("steps.a.ok", State.ERROR, "foreach gives 3 items, and `most` is 2"),
])  # fmt: skip
async def test_no_items_and_too_many_are_said(expression: str, state: State, reason: str) -> None:
    done = await ran(
        "steps:\n  - {id: a, title: A, uses: says, foreach: [x, y, z]}\n"
        f'  - {{id: b, title: B, uses: says, foreach: "${{{{ {expression} }}}}", most: 2}}\n'
    )
    assert (done.steps[1].state, done.steps[1].reason) == (state, reason)


@pytest.mark.parametrize(("more", "message"), [
    ("foreach: [x, 1]", "neither all text nor all numbers"),
    ("foreach: []", "no list with at least one item"),
    ("foreach: x", "is no list"),
    ('foreach: "${{ inputs.model }}"', "gives a string, and a list"),
    ("foreach: [x, y, z], most: 2", "`foreach` has 3 items"),
    ("most: 2", "bounds a `foreach`"),
    ("if: each == 'x'", "inside a step with `foreach` only"),
])  # fmt: skip
def test_items_that_cannot_be_are_refused(more: str, message: str) -> None:
    with pytest.raises(PlaybookError, match=r"^p\.yaml:\d+:\d+: .*") as refused:
        book(f"steps:\n  - {{id: a, title: A, uses: says, {more}}}\n")
    assert message in refused.value.message


# ── errors, tries, dry runs ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_source_that_did_not_answer_is_asked_again() -> None:
    done = await ran(
        "steps:\n  - {id: a, title: A, uses: says, with: {fails: once}, retry: {times: 2, wait: 1ms}}\n"
        "  - {id: b, title: B, uses: says, with: {fails: always}, retry: {times: 2, wait: 1ms}}\n"
    )
    assert [(step.state, step.attempts) for step in done.steps] == [(State.OK, 2), (State.ERROR, 3)]


async def test_an_error_that_does_not_matter_decides_nothing() -> None:
    done = await ran(
        "steps:\n  - {id: a, title: A, uses: says, with: {fails: always}, on_error: continue}\n"
        "  - {id: b, title: B, uses: says, needs: [a]}\n"
    )
    assert [step.state for step in done.steps] == [State.ERROR, State.OK]
    assert (done.verdict, done.steps[0].is_optional, diagnose([done]).exit) == (Verdict.OK, True, 0)


async def test_an_error_that_matters_holds_back_what_needs_it() -> None:
    done = await ran(
        "steps:\n  - {id: a, title: A, uses: says, with: {fails: always}}\n"
        "  - {id: b, title: B, uses: says, needs: [a]}\n"
    )
    assert (done.steps[1].state, done.steps[1].reason) == (State.SKIPPED, "it needs a, which failed")
    assert diagnose([done]).exit == 4


async def test_a_dry_run_is_told_and_decides_nothing() -> None:
    done = await ran(
        "steps:\n  - {id: a, title: A, uses: says, with: {verdict: degraded}, dry_run: true}\n"
        "  - {id: b, title: B, uses: says, if: 'steps.a.verdict == \"degraded\"'}\n"
        "causes:\n  - {id: c, title: C, evidence: [\n"
        '      {if: \'steps.a.verdict == "degraded" || steps.b.verdict == "ok"\', weight: decisive}]}\n'
    )
    assert [step.state for step in done.steps] == [State.DEGRADED, State.OK]
    assert (done.verdict, done.steps[0].is_dry) == (Verdict.OK, True)
    assert done.causes[0].evidence == ("F2",)
    assert (diagnose([done]).exit, diagnose([done]).unexplained) == (0, ())


async def test_what_shows_or_waits_makes_nothing_well() -> None:
    done = await ran("steps:\n  - {id: a, title: A, uses: show, with: {markdown: look}}\n")
    assert (done.steps[0].state, done.verdict) == (State.OK, Verdict.NO_DATA)


# ── playbooks inside playbooks ───────────────────────────────────────────────────────────────────────────────────────

INNER = (
    "schema: andon/v1\nname: inner\ntitle: Inner\ninputs: {what: {type: string}}\n"
    "outputs: {size: steps.seen.n, word: inputs.what}\n"
    'steps:\n  - {id: seen, title: S, uses: says, with: {verdict: degraded, n: 4.0, text: "${{ inputs.what }}"}}\n'
    "causes:\n  - {id: big, title: It is big, subject: it, evidence: [{if: steps.seen.n > 3.0, weight: decisive}]}\n"
)
OUTER = (
    "steps:\n  - {id: sub, title: S, uses: playbook, with: {name: inner, inputs: {what: much}}}\n"
    "  - {id: b, title: B, uses: says, if: steps.sub.outputs.size > 3.0 && steps.sub.odds > 3.0}\n"
)


def inner(text: str = INNER) -> dict[str, Playbook]:
    return {"inner": load_text(text, "inner.yaml", TYPES)}


async def test_a_playbook_inside_tells_all_it_found() -> None:
    done = await ran(OUTER, inner())
    sub, after = done.steps
    assert (sub.state, sub.reason, after.state) == (State.DEGRADED, "It is big, about it", State.OK)
    assert sub.values | {"odds": 0} == {
        "verdict": "degraded", "cause": "big", "odds": 0, "outputs": {"size": "4", "word": "much"},
        "outputs.size": 4.0, "outputs.word": "much",
    }  # fmt: skip
    assert [(each.id, each.step, each.text) for each in done.findings[:1]] == [("F1", "sub.seen", "much")]


@pytest.mark.parametrize(("text", "message"), [
    (OUTER.replace("inner,", "outer,"), "there is no playbook 'outer'"),
    (OUTER.replace("what: much", "which: much"), "there is no input of inner 'which'"),
    (OUTER.replace(", inputs: {what: much}", ""), "needs the input 'what'"),
    (OUTER.replace("outputs.size", "outputs.sise"), "has no result 'outputs.sise'"),
    (OUTER.replace("size > 3.0", "word > 3.0"), "no matching overload"),
])  # fmt: skip
def test_what_does_not_fit_the_other_playbook_is_found_at_load(text: str, message: str) -> None:
    with pytest.raises(PlaybookError, match=r"^p\.yaml:\d+:\d+: ") as refused:
        book(text, inner())
    assert message in refused.value.message


async def test_a_playbook_that_is_not_there_is_an_error_of_its_step() -> None:
    done = await ran("steps:\n  - {id: sub, title: S, uses: playbook, with: {name: gone}}\n")
    assert (done.steps[0].state, done.steps[0].reason) == (State.ERROR, "there is no playbook 'gone'")


async def test_a_playbook_inside_that_asks_pauses_the_one_around_it() -> None:
    asks = INNER.replace(
        "steps:\n", "steps:\n  - {id: q, title: Q, uses: ask, with: {question: Sure?, type: boolean}}\n"
    )

    async def yes(_question: Question) -> str:
        return "yes"

    paused = await ran(OUTER, inner(asks))
    assert (paused.state, paused.steps[0].question) == ("paused", Question("Sure?", (), "boolean"))
    done = await ran(OUTER, inner(asks), earlier=paused, ask=yes)
    assert [step.state for step in done.steps] == [State.DEGRADED, State.OK]


def text_using(name: str, *used: str) -> str:
    steps = "".join(
        f"  - {{id: s{n}, title: S, uses: playbook, with: {{name: {one}}}}}\n" for n, one in enumerate(used)
    )
    rest = "  - {id: a, title: A, uses: says}\n"
    return f"schema: andon/v1\nname: {name}\ntitle: T\nsteps:\n{steps}{rest}"


def test_a_library_knows_rings_and_what_is_not_there(tmp_path: Path) -> None:
    for name, used in {"a": ["b"], "b": ["a"], "c": ["d"], "e": ["f"], "f": []}.items():
        (tmp_path / f"{name}.yaml").write_text(text_using(name, *used))
    problems: list[PlaybookError] = []
    found = library([tmp_path], TYPES, on_problem=problems.append)
    assert set(found) == {"e", "f"}
    for problem, told in zip(problems, ("ring: a → b → a", "ring: b → a → b", "there is no playbook 'd'"), strict=True):
        assert told in problem.message


def test_playbooks_inside_each_other_are_bounded(tmp_path: Path) -> None:
    for depth in range(7):
        (tmp_path / f"p{depth}.yaml").write_text(text_using(f"p{depth}", *([f"p{depth + 1}"] if depth < 6 else [])))
    with pytest.raises(PlaybookError, match="more than 5 deep"):
        load(tmp_path / "p0.yaml", TYPES)
    assert load(tmp_path / "p2.yaml", TYPES).name == "p2"


async def test_a_ring_that_nobody_saw_at_load_ends_the_step() -> None:
    one, two = (load_text(text_using(*names), "x.yaml", TYPES) for names in (("one", "two"), ("two", "one")))
    done = await run(one, {}, situation(), step_types=TYPES, playbooks={"one": one, "two": two})
    assert done.steps[0].state is State.NO_DATA  # of its own steps, one was an error
    assert done.started == NOW
