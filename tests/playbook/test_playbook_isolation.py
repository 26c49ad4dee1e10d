"""Step types of plugins: they see the estate, and what goes wrong in them costs one step and names them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from playbook_world import NOW, Diary, SaysOptions, says, situation

from console.model import Event, Finding, Question, Run, Span, State, Verdict
from console.playbook.engine import run
from console.playbook.loader import load_text
from console.playbook.step import StepContext, StepOutcome
from console.plugins import StepType

TEXT = "schema: andon/v1\nname: p\ntitle: P\nsteps:\n  - {id: a, title: a, uses: strange, timeout: 150ms, with: {}}\n"


def strange(body: Any) -> StepType:
    body.__module__ = "andon_plugins.strange"
    return says(body, "strange")


async def ran(body: Any, **estate: Any) -> Run:
    types = {"strange": strange(body)}
    return await run(load_text(TEXT, "p.yaml", types), {}, situation(**estate), step_types=types)


async def test_a_plugins_step_asks_sources_that_live_on_the_runs_own_loop() -> None:
    diary = Diary(Event(NOW - 60, "deploy", "glove", "v2"))
    home = asyncio.get_running_loop()
    loops: list[Any] = []

    class AtHome:
        name = "diary"

        async def events(self, span: Span, kinds: Any) -> Any:
            loops.append(asyncio.get_running_loop())
            return await diary.events(span, kinds)

    async def body(context: StepContext, _options: SaysOptions) -> StepOutcome:
        reader: Any = context.estate.events["diary"]
        loops.append(asyncio.get_running_loop())
        events = await reader.events(context.current.spans[0], ())
        answer = await context.ask(Question("Sure?", ("yes", "no")))
        text = f"{reader.name}: {events[0].title}, {answer}"
        return StepOutcome(State.OK, "", (Finding("", "event", "", text, Verdict.OK),), {"text": text})

    found = await ran(body, events={"diary": AtHome()})
    assert found.steps[0].values == {"text": "diary: v2, None"}
    assert found.findings[0].id == "F1"
    assert loops[0] is not home and loops[1] is home


async def test_an_exception_is_named_after_its_plugin() -> None:
    async def body(_context: StepContext, _options: SaysOptions) -> StepOutcome:
        raise KeyError("glove")

    (step,) = (await ran(body)).steps
    assert (step.state, step.unreachable) == (State.ERROR, True)
    assert step.reason == "plugin strange failed: step type strange: KeyError: 'glove'"


async def test_a_hang_that_no_timeout_reaches_is_cut_off() -> None:
    async def body(_context: StepContext, _options: SaysOptions) -> StepOutcome:
        while True:
            time.sleep(0.005)  # never gives the loop back

    began = time.perf_counter()
    (step,) = (await ran(body)).steps
    assert time.perf_counter() - began < 2
    assert step.reason == "plugin strange was cut off: step type strange took more than 0.15 s"


async def test_a_flood_is_cut_off() -> None:
    async def body(_context: StepContext, _options: SaysOptions) -> StepOutcome:
        return StepOutcome(State.OK, "", tuple(Finding("", "event", "", str(n), Verdict.OK) for n in range(1000)))

    (step,) = (await ran(body)).steps
    assert step.reason == "plugin strange was cut off: step type strange gave more than 200 items"


async def test_anything_but_an_outcome_is_named() -> None:
    async def body(_context: StepContext, _options: SaysOptions) -> Any:
        return {"state": "ok"}

    (step,) = (await ran(body)).steps
    assert step.reason == "plugin strange failed: step type strange gave no StepOutcome"
