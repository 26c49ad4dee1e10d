"""Which missing evidence would change the answer, and what it would cost."""

from __future__ import annotations

from typing import Any

from playbook_world import SaysOptions, says, situation

from console.errors import NoData, SourceError
from console.model import Finding, Run, State, StepResult, Verdict
from console.playbook.definition import Playbook
from console.playbook.engine import run
from console.playbook.explaining import Explanation, explain
from console.playbook.loader import built_in_step_types, load_text
from console.playbook.step import StepContext, StepOutcome
from console.signals.dialect import Dialect, histogram

LACKS = {
    "few": "too few: 3 in the current window, p95 needs 100",
    "nobody": "absent: no source has model.ttft",
    "denied": "denied: the source does not let us",
}


async def _speak(context: StepContext, options: SaysOptions) -> StepOutcome:
    if options.fails == "source":
        raise SourceError("metrics: connection refused", "")
    if options.fails:
        raise NoData(LACKS[options.fails], "")
    finding = Finding(id="", kind="comparison", step="", text="seen", verdict=Verdict(options.verdict))
    return StepOutcome(State(options.verdict), "", (finding,), {"verdict": options.verdict, "n": options.n})


_speak.__module__ = "console.playbook.steps.speak"  # one of andon's own, not a plugin's
TYPES = {**built_in_step_types(), "says": says(_speak)}

HEAD = "schema: andon/v1\nname: p\ntitle: P\nsteps:\n"
HARM = "  - {id: harm, title: Harm?, uses: says, with: {verdict: degraded}}\n"
ASKED = (
    "  - {id: told, title: Told?, uses: ask, with: {question: Was it told?, answers: ['yes', 'no'],"
    " unattended: unknown}}\n"
)


def lacking(name: str, fails: str, more: str = "") -> str:
    return f"  - {{id: {name}, title: {name}?, uses: says, with: {{fails: {fails}}}{more}}}\n"


def cause(name: str, *lines: str) -> str:
    harm = "      - {if: 'steps.harm.verdict == \"degraded\"', weight: weak}\n"
    return f"  - id: {name}\n    title: {name}\n    evidence:\n{harm}" + "".join(
        f"      - {{{line}}}\n" for line in lines
    )


async def ran(text: str) -> tuple[Playbook, Run]:
    book = load_text(HEAD + HARM + text, "p.yaml", TYPES)
    return book, await run(book, {}, situation(), step_types=TYPES)


async def explained(text: str, **more: Any) -> Explanation:
    return explain(*await ran(text), **more)


async def test_what_would_name_a_cause_comes_before_what_would_not() -> None:
    told = await explained(
        lacking("kv", "few")
        + lacking("queue", "few")
        + "causes:\n"
        + cause("kv_full", "if: 'steps.kv.verdict == \"degraded\"', weight: strong")
        + cause("queueing", "if: 'steps.queue.verdict == \"degraded\"', weight: weak")
    )
    assert told.cause is None
    assert [each.step for each in told.missing] == ["kv", "queue"]
    best = told.missing[0].what_if[0]
    assert (best.supposed, best.cause, round(best.odds), best.changes) == ("it is degraded", "kv_full", 3, True)
    assert not told.missing[1].what_if[0].changes


async def test_of_two_that_change_the_answer_alike_the_cheaper_comes_first() -> None:
    told = await explained(
        lacking("kv", "nobody")
        + ASKED
        + "causes:\n"
        + cause("kv_full", "if: 'steps.kv.verdict == \"degraded\"', weight: strong")
        + cause("campaign", "if: 'steps.told.answer == \"yes\"', weight: strong")
    )
    assert [(each.step, each.lack) for each in told.missing] == [("told", "person"), ("kv", "no_source")]
    assert {each.supposed: each.cause for each in told.missing[0].what_if} == {
        "the answer is yes": "campaign",
        "the answer is no": None,
    }
    assert told.missing[0].because and told.missing[0].cost < told.missing[1].cost


async def test_evidence_against_the_named_cause_would_change_the_answer_too() -> None:
    told = await explained(
        lacking("kv", "few")
        + "causes:\n"
        + cause(
            "load",
            "if: 'steps.harm.verdict != \"ok\"', weight: strong",
            "if: 'steps.kv.verdict == \"ok\"', weight: strong, against: true",
        )
    )
    assert told.cause == "load"
    assert {each.supposed: each.cause for each in told.missing[0].what_if} == {"it is ok": None}
    assert told.missing[0].what_if[0].changes


async def test_a_step_that_was_skipped_for_want_of_another_is_charged_to_that_one() -> None:
    told = await explained(
        lacking("kv", "few")
        + "  - {id: deep, title: deep, uses: says, if: 'steps.kv.verdict == \"degraded\"'}\n"
        + "  - {id: other, title: other, uses: says, if: 'steps.harm.verdict == \"ok\"'}\n"
        + "causes:\n"
        + cause("deeper", "if: 'steps.deep.n > 1.0', weight: strong", "if: 'steps.other.n > 1.0', weight: strong")
    )
    assert [each.step for each in told.missing] == ["kv"]  # what its own condition left out lacks nothing
    assert told.missing[0].what_if[0].cause == "deeper"


async def test_a_line_that_asks_for_more_than_a_verdict_is_supposed_whole() -> None:
    told = await explained(
        lacking("kv", "few")
        + "causes:\n"
        + cause(
            "kv_full", "if: 'steps.kv.verdict == \"degraded\" && steps.kv.n > 0.9', weight: strong, title: it is full"
        )
    )
    assert [(each.supposed, each.cause) for each in told.missing[0].what_if] == [("it is full", "kv_full")]


async def test_every_lack_says_what_to_do() -> None:
    press = Dialect("press", detect="press_x", title="Press", signals={"model.ttft": histogram("press_ttft")})
    text = (
        HEAD
        + "  - {id: ttft, title: T, uses: compare, with: {signal: model.ttft}}\n"
        + ASKED
        + lacking("few", "few")
        + lacking("denied", "denied")
        + lacking("gone", "source")
    )
    book = load_text(text, "p.yaml", TYPES)
    made = await run(book, {}, situation(), step_types=TYPES)
    told = {each.step: each for each in explain(book, made, dialects=[press], incident="I-3").missing}
    assert "Press has it" in told["ttft"].todo and told["ttft"].lack == "no_source"
    assert told["told"].todo == "andon incident answer I-3 'Was it told?' yes"
    assert "too few: 3" in told["few"].todo
    assert (told["few"].lack, told["denied"].lack, told["gone"].lack) == ("samples", "denied", "unreachable")
    assert "connection refused" in told["gone"].todo


async def test_an_answer_of_a_type_is_supposed_too() -> None:
    told = await explained(
        "  - {id: sure, title: Sure?, uses: ask, with: {question: Is it?, type: boolean}}\n"
        + "  - {id: many, title: Many?, uses: ask, with: {question: How many?, type: number}}\n"
        + "causes:\n"
        + cause("it_is", "if: steps.sure.boolean, weight: strong")
        + cause("many", "if: steps.many.number > 3.0, weight: strong, title: there are many")
    )
    supposed = {each.step: {one.supposed: one.cause for one in each.what_if} for each in told.missing}
    assert supposed == {
        "sure": {"the answer is true": "it_is", "the answer is false": None},
        "many": {"there are many": "many"},
    }
    assert all("andon run --resume" in each.todo for each in told.missing)


async def test_a_run_that_lacks_nothing_says_so() -> None:
    assert (await explained("causes:\n" + cause("load"))).missing == ()


async def test_a_step_that_could_not_decide_is_missing_too() -> None:
    told = await explained(
        "  - {id: kv, title: kv, uses: says, with: {verdict: inconclusive}}\n"
        + "causes:\n"
        + cause("kv_full", "if: 'steps.kv.verdict == \"degraded\"', weight: strong")
    )
    assert [(each.step, each.lack) for each in told.missing] == [("kv", "samples")]
    assert told.missing[0].what_if[0].cause == "kv_full"


def test_a_step_of_another_playbook_is_no_reason_to_fail() -> None:
    book = load_text(HEAD + HARM, "p.yaml", TYPES)
    run_ = Run("r", "p", "P", 0.0, 1.0, Verdict.NO_DATA, (StepResult("gone", "g", "says", State.NO_DATA),), ())
    assert explain(book, run_).missing == ()
