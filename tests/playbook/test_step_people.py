"""`show`, `assert` and `wait_for`: what a person sees, what must be so, and time that passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playbook_world import NOW, Readings, SaysOptions, says, situation
from pydantic import ValidationError

from console.errors import PlaybookError
from console.model import Finding, Labels, Run, Shown, State, Verdict
from console.playbook.engine import run
from console.playbook.loader import load_text
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps import asserting, show, wait_for
from console.sources.estate import Estate, Situation

HEAD = 'schema: andon/v1\nname: p\ntitle: P\ninputs: {model: {type: string, default: ""}}\nsteps:\n'
SAYS = "  - {id: a, title: A, uses: says, with: {n: 2.0}}\n  - {id: b, title: B, uses: says}\n"


async def speak(_context: StepContext, options: SaysOptions) -> StepOutcome:
    return StepOutcome(State.OK, "", (Finding("", "comparison", "", "", Verdict.OK),), {"n": options.n})


speak.__module__ = "console.playbook.steps.speak"
TYPES = {"says": says(speak), "show": show.STEP, "assert": asserting.STEP, "wait_for": wait_for.STEP}


async def ran(text: str, here: Situation | None = None, **inputs: str) -> Run:
    book = load_text(HEAD + text, "p.yaml", TYPES)
    return await run(book, inputs, here or situation(), step_types=TYPES)


# ── show ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

SHOW = (
    '  - {id: s, title: S, uses: show, with: {markdown: "**${{ inputs.model }}**",\n'
    '     command: "kubectl get pods -l app=${{ inputs.model }}"}}\n'
)


async def test_words_and_a_command_are_shown_as_they_are_filled() -> None:
    done = await ran(SHOW, model="glove")
    assert done.steps[0].shown == Shown("**glove**", "kubectl get pods -l app=glove")


@pytest.mark.parametrize("model", ["glove; rm -rf /", "$(id)", "a'b", "a\nb", "-rf"])
async def test_nothing_but_plain_words_gets_into_a_command(model: str) -> None:
    done = await ran(SHOW, model=model)
    assert (done.steps[0].state, done.steps[0].shown) == (State.SKIPPED, None)
    assert "is no plain word for a command" in done.steps[0].reason


def test_showing_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="shows nothing"):
        show.ShowOptions.model_validate({})


# ── assert ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("that", "state", "reason"), [
    ("steps.a.n > 1.0", State.OK, ""),
    ("[steps.a.n > 1.0, steps.a.n < 9.0]", State.OK, ""),
    ("[steps.a.n > 1.0, steps.a.n < 1.0]", State.DEGRADED, "it is not so that steps.a.n < 1.0"),
    ("[steps.b.n > 1.0, steps.a.n < 1.0]", State.DEGRADED, "it is not so that steps.a.n < 1.0"),
    ("steps.b.n > 1.0", State.NO_DATA, "nobody can tell whether steps.b.n > 1.0: steps.b.n has no value"),
])  # fmt: skip
async def test_what_must_be_so(that: str, state: State, reason: str) -> None:
    done = await ran(SAYS + f"  - {{id: c, title: C, uses: assert, with: {{that: {that}}}}}\n")
    assert (done.steps[2].state, done.steps[2].reason) == (state, reason)
    assert len(done.steps[2].findings) == (state is not State.NO_DATA)


async def test_it_says_what_it_means_and_is_waited_for() -> None:
    step = "  - {id: c, title: C, uses: assert, with: {that: steps.a.n > 5.0, message: A is too small}}\n"
    done = await ran(step + SAYS)
    assert done.steps[0].reason == "A is too small"
    assert done.findings[0].text == "A is too small (it is not so that steps.a.n > 5.0)"


@pytest.mark.parametrize("that", ["steps.a.m > 1.0", "steps.a.n", "[steps.a.n > 1.0, 'steps.']", "3", "[]"])
def test_what_cannot_be_claimed_is_found_at_load(that: str) -> None:
    with pytest.raises(PlaybookError, match=r"^p\.yaml:8:\d+: "):
        load_text(HEAD + SAYS + f"  - {{id: c, title: C, uses: assert, with: {{that: {that}}}}}\n", "p.yaml", TYPES)


# ── wait_for ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def queue(*levels: float) -> tuple[Readings, list[float]]:
    """A queue that is as long as the next of these levels, each time that it is looked at."""
    looks = list(levels)

    def values(times: Any, _step: float) -> Any:
        return np.full(times.shape, looks.pop(0) if len(looks) > 1 else looks[0])

    return Readings({"model.queue.depth": {Labels.of(model="glove"): values}}), looks


async def test_time_passes_unless_it_is_a_replay() -> None:
    for here, waited in ((situation(), 0.01), (Situation(Estate(), NOW, is_replay=True), 3600.0)):
        text = f"  - {{id: w, title: W, uses: wait_for, with: {{seconds: {waited}}}}}\n"
        done = await ran(text, here)
        assert (done.steps[0].state, done.steps[0].values["waited"]) == (State.OK, waited)


UNTIL = (
    "  - {id: w, title: W, uses: wait_for,\n"
    "     with: {until: {signal: model.queue.depth, below: 5}, within: 10s, every: 1ms}}\n"
)


async def test_it_waits_until_the_gauge_is_beyond_its_limit() -> None:
    reader, looks = queue(9.0, 9.0, 2.0)
    done = await ran(UNTIL, situation(readers=[reader]))
    assert (done.steps[0].state, done.steps[0].values["met"], done.steps[0].values["value"]) == (State.OK, True, 2.0)
    assert looks == [2.0]


async def test_in_a_replay_the_time_is_over_at_once() -> None:
    reader, _looks = queue(9.0)
    done = await ran(UNTIL.replace("10s", "1h"), Situation(Estate(readers=[reader]), NOW, is_replay=True))
    assert (done.steps[0].state, done.steps[0].reason) == (State.INCONCLUSIVE, "not within 1 h")
    assert done.steps[0].values["met"] is False
    assert len(reader.queries) == 1


async def test_nobody_waits_longer_than_allowed() -> None:
    reader, _looks = queue(9.0)
    done = await ran(UNTIL.replace("10s", "20ms"), situation(readers=[reader]))
    assert done.steps[0].state is State.INCONCLUSIVE


@pytest.mark.parametrize("options", [
    {}, {"seconds": 1.0, "for": "1m"}, {"for": "2h"}, {"until": {"signal": "model.queue.depth", "below": 5.0}},
    {"until": {"signal": "model.queue.depth"}, "within": "1m"}, {"seconds": 1.0, "within": "1m"},
])  # fmt: skip
def test_waits_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        wait_for.WaitOptions.model_validate(options)
