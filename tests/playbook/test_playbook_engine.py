"""Running a playbook: order, what fails, what is unknown, and what the run concludes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playbook_world import NOW, Readings, SaysOptions, counter, nothing, says, situation

from console.errors import NoData, SourceError, StoreError, UsageError
from console.model import Finding, Labels, Run, Span, State, StepResult, Verdict, Window
from console.playbook.definition import Playbook
from console.playbook.engine import run
from console.playbook.loader import built_in_step_types, load_text
from console.playbook.step import StepContext, StepOutcome
from console.plugins import StepType
from console.sources.estate import Estate, Situation

HEAD = "schema: andon/v1\nname: p\ntitle: P\ninputs: {model: {type: string, default: glove}}\nsteps:\n"


async def speak(context: StepContext, options: SaysOptions) -> StepOutcome:
    """Gives back its options, after a while, as a step would."""
    await asyncio.sleep(options.seconds)
    match options.fails:
        case "source":
            raise SourceError("metrics: connection refused", "is it up?")
        case "store":
            raise StoreError("the store is away", "")
        case "data":
            raise NoData("absent: nobody has it", "")
        case "usage":
            raise UsageError("there is no table 'x'", "")
        case "bug":
            raise ZeroDivisionError
    finding = Finding(id="", kind="comparison", step="", text=options.text, verdict=Verdict(options.verdict))
    values = {
        "verdict": options.verdict,
        "n": options.n,
        "text": options.text,
        "labels": {"az": "b"},
        "onset": NOW - 60,
    }
    return StepOutcome(State(options.verdict), "", (finding,), values)


TYPES = {"says": says(speak), "nothing": says(nothing, "nothing")}
speak.__module__ = "console.playbook.steps.speak"  # one of andon's own, not a plugin's


def playbook(steps: str, causes: str = "", head: str = HEAD, types: dict[str, StepType] | None = None) -> Playbook:
    return load_text(head + steps + causes, "p.yaml", types or TYPES)


async def ran(steps: str, causes: str = "", *, inputs: dict[str, str] | None = None, **more: Any) -> Run:
    types = more.pop("types", TYPES)
    book = playbook(steps, causes, more.pop("head", HEAD), types)
    return await run(book, inputs or {}, more.pop("here", situation()), step_types=types, **more)


def step(name: str, options: str = "", more: str = "") -> str:
    return f"  - {{id: {name}, title: {name}, uses: says, with: {{{options}}}{', ' + more if more else ''}}}\n"


async def test_independent_steps_run_at_once_and_a_reference_waits() -> None:
    order: list[str] = []
    found = await ran(
        step("after", 'text: "${{ steps.slow.text }}!"') + step("slow", "text: done, seconds: 0.05") + step("quick"),
        on_step=lambda result: order.append(result.id),
    )
    assert order == ["quick", "slow", "after"]
    assert [each.id for each in found.steps] == ["after", "slow", "quick"]
    assert found.steps[0].values["text"] == "done!"


async def test_findings_are_numbered_in_the_order_of_the_file_whoever_ends_first() -> None:
    found = await ran(step("a", "seconds: 0.03, text: one") + step("b", "text: two"))
    assert [(each.id, each.step, each.text) for each in found.findings] == [("F1", "a", "one"), ("F2", "b", "two")]


@pytest.mark.parametrize(
    ("condition", "state", "reason"),
    [
        ("steps.a.n > 1.0", State.OK, ""),
        ("steps.a.n > 3.0", State.SKIPPED, "it is not so that steps.a.n > 3.0"),
        ("steps.b.n > 1.0", State.SKIPPED, "nobody can tell whether steps.b.n > 1.0: steps.b.n has no value"),
        ("steps.b.n > 1.0 || steps.a.n > 1.0", State.OK, ""),
        ("steps.b.n > 1.0 && steps.a.n > 3.0", State.SKIPPED, "it is not so"),
        ('steps.a.labels.az == "b"', State.OK, ""),
        ('steps.a.labels.rack == "7"', State.SKIPPED, "Key not found"),
        ('inputs.model == "glove"', State.OK, ""),
    ],
)
async def test_only_what_is_true_runs_a_step(condition: str, state: State, reason: str) -> None:
    found = await ran(step("a", "n: 2.0") + step("b") + step("c", "", f"if: '{condition}'"))
    assert found.steps[2].state is state
    assert reason in found.steps[2].reason


async def test_a_step_that_would_be_told_something_nobody_knows_is_skipped() -> None:
    found = await ran(step("a") + step("b", 'n: "${{ steps.a.n }}"') + step("c", 'text: "${{ inputs.model }}"'))
    assert [each.state for each in found.steps] == [State.OK, State.SKIPPED, State.OK]
    assert found.steps[1].reason == "steps.a.n has no value"


@pytest.mark.parametrize(
    ("fails", "state", "reason", "unreachable"),
    [
        ("source", State.ERROR, "metrics: connection refused", True),
        ("store", State.ERROR, "the store is away", True),
        ("data", State.NO_DATA, "absent: nobody has it", False),
        ("usage", State.ERROR, "there is no table 'x'", False),
    ],
)
async def test_what_fails_is_a_result_and_the_run_goes_on(
    fails: str, state: State, reason: str, unreachable: bool
) -> None:
    found = await ran(step("a", f"fails: {fails}") + step("b", "", "needs: [a]") + step("c"))
    first, second, third = found.steps
    assert (first.state, first.reason, first.unreachable) == (state, reason, unreachable)
    assert second.state is (State.SKIPPED if state is State.ERROR else State.OK)
    assert third.state is State.OK
    assert found.verdict is Verdict.NO_DATA


async def test_a_step_that_takes_too_long_is_cut_off() -> None:
    found = await ran(step("a", "seconds: 5.0", "timeout: 50ms") + step("b"))
    assert (found.steps[0].state, found.steps[0].reason) == (State.ERROR, "took more than 0.05 s")
    assert found.steps[0].unreachable
    assert found.steps[0].seconds < 1


async def test_a_step_types_own_patience_counts_where_the_playbook_says_nothing() -> None:
    types = TYPES | {"hasty": says(speak, "hasty", timeout=0.03)}
    found = await ran("  - {id: a, title: a, uses: hasty, with: {seconds: 5.0}}\n", types=types)
    assert found.steps[0].reason == "took more than 0.03 s"


async def test_a_bug_of_our_own_is_not_a_result() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await ran(step("a", "fails: bug"))
    assert isinstance(raised.value.exceptions[0], ZeroDivisionError)


async def test_an_option_that_only_the_run_could_fill_is_checked_then() -> None:
    found = await ran(step("a", "text: words") + step("b", 'n: "${{ steps.a.text }}"'))
    assert found.steps[1].state is State.ERROR
    assert found.steps[1].reason == "n: Input should be a valid number"


async def test_values_nobody_declared_or_of_another_type_are_the_step_types_fault() -> None:
    async def odd(_context: StepContext, options: SaysOptions) -> StepOutcome:
        return StepOutcome(State.OK, values={"n": "many"} if options.text else {"surprise": 1})

    odd.__module__ = "console.playbook.steps.odd"
    types = {"says": says(odd)}
    found = await ran(step("a") + step("b", "text: x"), types=types)
    assert found.steps[0].reason == "step type says gave 'surprise', which it never declared"
    assert found.steps[1].reason == "step type says gave 'many' for 'n', which is a double"


async def test_values_take_their_declared_types_and_what_is_not_finite_is_no_value() -> None:
    result = {"d": "double", "nan": "double", "i": "int", "b": "bool", "s": "string", "l": "list(string)",
              "m": "map(string, string)", "none": "string"}  # fmt: skip

    async def typed(_context: StepContext, _options: SaysOptions) -> StepOutcome:
        return StepOutcome(State.OK, values={"d": 1, "nan": float("nan"), "i": 2, "b": True, "s": Verdict.OK,
                                             "l": ("a", 1), "m": {"k": 1}, "none": None})  # fmt: skip

    typed.__module__ = "console.playbook.steps.typed"
    found = await ran(step("a"), types={"says": says(typed, result=result)})
    assert found.steps[0].values == {"d": 1.0, "i": 2, "b": True, "s": "ok", "l": ["a", "1"], "m": {"k": "1"}}


async def test_no_data_is_no_verdict_that_an_expression_could_read() -> None:
    async def stale(_context: StepContext, _options: SaysOptions) -> StepOutcome:
        return StepOutcome(State.NO_DATA, "stale", values={"verdict": Verdict.NO_DATA, "reason": "stale"})

    stale.__module__ = "console.playbook.steps.stale"
    types = {"says": says(stale, result={"verdict": "string", "reason": "string"})}
    found = await ran(step("a") + step("b", more="if: 'steps.a.verdict != \"degraded\"'"), types=types)
    assert found.steps[0].values == {"reason": "stale"}
    assert found.steps[1].state is State.SKIPPED


@pytest.mark.parametrize(
    ("kind", "value"),
    [("double", True), ("int", 1.5), ("int", True), ("bool", 1), ("string", 1), ("list(string)", "a")],
)
async def test_a_value_is_never_bent_into_another_type(kind: str, value: object) -> None:
    async def bent(_context: StepContext, _options: SaysOptions) -> StepOutcome:
        return StepOutcome(State.OK, values={"x": value})

    bent.__module__ = "console.playbook.steps.bent"
    found = await ran(step("a"), types={"says": says(bent, result={"x": kind})})
    assert found.steps[0].state is State.ERROR


TRIGGERED = HEAD.replace("title: P\n", "title: P\ntriggers: [{signal: model.latency}]\n")
QUESTION = "  - {id: q, title: q, uses: compare, with: {signal: model.latency}}\n"


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        (["ok", "degraded", "no_data"], Verdict.DEGRADED),
        (["ok", "inconclusive", "no_data"], Verdict.INCONCLUSIVE),
        (["ok", "no_data"], Verdict.NO_DATA),
        (["ok", "improved"], Verdict.OK),
    ],
)
async def test_no_data_is_not_good_news(states: list[str], verdict: Verdict) -> None:
    found = await ran("".join(step(f"s{n}", f"verdict: {state}") for n, state in enumerate(states)))
    assert found.verdict is verdict


async def test_a_run_in_which_nothing_was_checked_has_no_verdict() -> None:
    found = await ran(step("a", "", 'if: inputs.model == "shoe"'))
    assert found.verdict is Verdict.NO_DATA


async def test_where_a_trigger_asks_a_question_the_other_steps_only_tell_causes_apart() -> None:
    from console.playbook.loader import built_in_step_types

    here = situation(readers=[Readings({"model.latency": {Labels.of(): lambda times, _step: histogram(times)}})])
    types = TYPES | built_in_step_types()
    for other, state in (("fails: data", State.NO_DATA), ("verdict: degraded", State.DEGRADED)):
        found = await ran(QUESTION + step("other", other), head=TRIGGERED, here=here, types=types)
        assert [each.state for each in found.steps] == [State.OK, state]
        assert found.verdict is Verdict.OK


async def test_where_the_question_has_no_answer_what_else_is_degraded_counts() -> None:
    from console.playbook.loader import built_in_step_types

    types = TYPES | built_in_step_types()
    found = await ran(QUESTION + step("other", "verdict: degraded"), head=TRIGGERED, here=situation(), types=types)
    assert [each.state for each in found.steps] == [State.NO_DATA, State.DEGRADED]
    assert found.verdict is Verdict.DEGRADED


def histogram(times: Any) -> Any:
    import numpy as np

    row = np.array([0, 20, 200, 100, 10, 0, 0, 0, 0], dtype=float)
    return np.random.default_rng(len(times)).poisson(np.tile(row, (len(times), 1))).astype(float)


async def test_inputs_are_checked_before_anything_runs() -> None:
    head = HEAD.replace(
        "{model: {type: string, default: glove}}", "{model: {type: string}, n: {type: number, default: 2}}"
    )
    with pytest.raises(UsageError, match="playbook p needs the input 'model'"):
        await ran(step("a"), head=head)
    with pytest.raises(UsageError) as raised:
        await ran(step("a"), head=head, inputs={"modle": "x"})
    assert "did you mean 'model'" in raised.value.hint
    with pytest.raises(UsageError, match="input n must be a number, not 'two'"):
        await ran(step("a"), head=head, inputs={"model": "x", "n": "two"})
    found = await ran(step("a", 'n: "${{ inputs.n }}"'), head=head, inputs={"model": "x", "n": "3"})
    assert found.steps[0].values["n"] == 3
    assert found.inputs == {"model": "x", "n": "3"}


async def test_a_truth_is_true_or_false() -> None:
    head = HEAD.replace("type: string, default: glove", "type: boolean")
    with pytest.raises(UsageError, match="input model must be true or false, not 'maybe'"):
        await ran(step("a"), head=head, inputs={"model": "maybe"})
    found = await ran(step("a", "", "if: inputs.model"), head=head, inputs={"model": "true"})
    assert found.steps[0].state is State.OK


# ── windows ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Seen:
    """Keeps the context of each step."""

    def __init__(self) -> None:
        self.contexts: dict[str, StepContext] = {}

    def types(self) -> dict[str, StepType]:
        async def look(context: StepContext, options: SaysOptions) -> StepOutcome:
            self.contexts[context.step] = context
            return await speak(context, options)

        look.__module__ = "console.playbook.steps.look"
        return {"says": says(look)}


async def test_the_playbooks_windows_hold_unless_the_operator_or_a_step_says_otherwise() -> None:
    seen = Seen()
    elsewhere = "windows: {current: 1h, baseline: {before: onset, of: a}}"
    found = await ran(step("a") + step("b", "", elsewhere), types=seen.types())
    assert found.current is not None and found.baseline is not None
    assert found.current.spans == (Span(NOW - 900, NOW),)
    assert seen.contexts["a"].baseline.spans == (Span(NOW - 86400 - 900, NOW - 86400),)
    assert seen.contexts["b"].current.spans == (Span(NOW - 3600, NOW),)
    assert seen.contexts["b"].baseline.spans == (Span(NOW - 60 - 3600, NOW - 60),)

    await ran(step("a"), types=seen.types(), current="1h", baseline={"offset": "7d"})
    assert seen.contexts["a"].baseline.start == NOW - 7 * 86400 - 3600
    mine = Window((Span(0.0, 9.0),), "pinned")
    await ran(step("a"), types=seen.types(), current=mine, baseline=mine)
    assert seen.contexts["a"].current is mine and seen.contexts["a"].baseline is mine


async def test_windows_that_cannot_be_are_the_operators_to_mend() -> None:
    with pytest.raises(UsageError, match="no baseline is pinned as 'good'"):
        await ran(step("a"), baseline={"pinned": "good"})
    with pytest.raises(UsageError, match="must stand in the playbook"):
        await ran(step("a"), baseline={"before": "onset", "of": "a"})


async def test_an_empty_baseline_leaves_the_steps_that_need_none_alone() -> None:
    seen = Seen()
    found = await ran(step("a"), types=seen.types(), baseline={"offset": "-1d"})
    assert found.steps[0].state is State.OK
    assert found.baseline is None
    assert "still to come" in seen.contexts["a"].baseline.note


async def test_a_step_sees_only_what_it_needs_and_the_run_says_what_it_was() -> None:
    seen = Seen()
    found = await ran(step("a") + step("b", "", "needs: [a]"), types=seen.types(), run_id="R-7")
    assert set(seen.contexts["b"].results) == {"a"}
    assert isinstance(seen.contexts["b"].results["a"], StepResult)
    assert seen.contexts["b"].inputs == {"model": "glove"}
    assert (found.id, found.playbook, found.started) == ("R-7", "p", NOW)
    assert found.finished is not None and found.finished >= NOW


async def test_evidence_is_weighed_at_the_end() -> None:
    causes = (
        "causes:\n"
        "  - id: c\n    title: C\n    evidence:\n"
        "      - {if: steps.a.n > 1.0, weight: strong}\n"
        "      - {if: steps.b.n > 1.0, weight: decisive}\n"
    )
    found = await ran(step("a", "n: 2.0") + step("b"), causes)
    (cause,) = found.causes
    assert cause.odds == pytest.approx(1.0)
    assert cause.evidence == ("F1",)
    assert cause.subject == "glove"


async def test_a_cancelled_run_leaves_nothing_running() -> None:
    task = asyncio.create_task(ran(step("a", "seconds: 5.0")))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(asyncio.all_tasks()) == 1


async def test_a_counter_of_one_reader_is_asked_of_that_reader() -> None:
    first, second = Readings({}), Readings({"model.requests": {Labels.of(): counter(5.0)}})
    from console.playbook.loader import built_in_step_types

    types = built_in_step_types()
    text = "  - {id: a, title: a, uses: compare, with: {signal: model.requests}}\n"
    found = await ran(text, types=types, here=situation(readers=[first, second]))
    assert found.steps[0].state is State.OK
    assert not first.queries and len(second.queries) == 2


# ── every window there is ────────────────────────────────────────────────────────────────────────────────────────────

AGO = "2026-11-22T09:00:00Z..2026-11-22T09:15:00Z"  # three hours before now
LATER = "2026-11-22T10:00:00Z..2026-11-22T11:00:00Z"


@pytest.mark.parametrize(("windows", "start", "end"), [
    ("baseline: {offset: 1d}", 86400 + 900, 86400),
    ("baseline: {seasonal: {period: 1w, count: 2}}", 2 * 604800 + 900, 604800),
    ("baseline: {before: onset, of: up}", 60 + 900, 60),
    ("baseline: {pinned: good}", 5000, 4000),
    ("baseline: {where: {track: stable}}", 900, 0),
    ("baseline: {peers: true}", 900, 0),
    (f'baseline: {{span: "{LATER}"}}', 7200, 3600),
    (f'current: "{AGO}", baseline: {{offset: -1h}}', 7200, 7200 - 900),
    (f'current: "{AGO}", baseline: {{span: "{LATER}"}}', 7200, 3600),
])  # fmt: skip
async def test_a_step_is_given_the_windows_that_it_names(windows: str, start: float, end: float) -> None:
    given: list[StepContext] = []

    async def look(context: StepContext, _options: Any) -> StepOutcome:
        given.append(context)
        return StepOutcome(State.OK)

    look.__module__ = speak.__module__
    types = TYPES | {"look": says(look, "look")}
    here = Situation(Estate(), NOW, pins={"good": (Span(NOW - 5000, NOW - 4000),)})
    text = step("up") + f"  - {{id: a, title: A, uses: look, windows: {{{windows}}}}}\n"
    await ran(text, types=types, here=here)
    assert (given[0].baseline.start, given[0].baseline.end) == (NOW - start, NOW - end)


async def test_what_is_looked_at_may_lie_before_what_it_is_compared_with() -> None:
    reader = Readings({"model.requests": {Labels.of(model="glove"): counter(2.0, since=NOW - 8000, then=8.0)}})
    text = (
        HEAD.replace("steps:", f'windows: {{current: "{AGO}", baseline: {{span: "{LATER}"}}}}\nsteps:')
        + "  - {id: a, title: A, uses: compare, with: {signal: model.requests, tolerance: 25%}}\n"
    )
    book = load_text(text, "p.yaml")
    done = await run(book, {}, situation(readers=[reader]), step_types=built_in_step_types())
    assert done.steps[0].values["ratio"] == pytest.approx(0.25, rel=0.1)
