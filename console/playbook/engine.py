"""Runs a playbook: what can run at once does, what fails is a result, and the evidence is weighed at the end."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from console.errors import UsageError
from console.model import Question, Run, State, StepResult, Window
from console.playbook.concluding import numbered, verdict_of
from console.playbook.definition import InputValue, Playbook
from console.playbook.expressions import Unknown
from console.playbook.going_on import kept, runs_inside, waiting_since
from console.playbook.run_windows import RunWindows
from console.playbook.running import AT_ONCE, Running
from console.playbook.step import Ask
from console.playbook.weigh import weigh
from console.plugins import StepType
from console.sources.estate import Situation
from console.words import nearest

DEEPEST = 5  # playbooks inside playbooks


async def run(
    playbook: Playbook,
    inputs: Mapping[str, str],
    situation: Situation,
    *,
    step_types: Mapping[str, StepType],
    current: str | Window | None = None,
    baseline: Mapping[str, Any] | Window | None = None,
    ask: Ask | None = None,
    on_step: Callable[[StepResult], None] | None = None,
    run_id: str | None = None,
    earlier: Run | None = None,
    from_step: str | None = None,
    playbooks: Mapping[str, Playbook] = MappingProxyType({}),
) -> Run:
    """Every step's result, every cause's odds, and one verdict.

    `current` and `baseline` replace the playbook's own windows (a step that names its own keeps them). `on_step` hears
    of each step as it ends; findings get their ids (F1 … in the order of the file) when the run ends.
    A run in which a step waits for a person ends paused. With `earlier` it goes on: that run keeps its id, its inputs,
    its windows and the results that still count (`going_on.kept`). `playbooks` are those that steps may use.
    Raises UsageError for an input that is missing or does not fit, for a window that cannot be resolved, and where
    `earlier` cannot go on.
    """
    began = time.perf_counter()
    around = _Around(
        situation, step_types, ask or _nobody, playbooks, waiting_since(earlier), asyncio.Semaphore(AT_ONCE)
    )
    results: dict[str, StepResult] = {}
    inside: Mapping[str, Run] = {}
    started = situation.now
    if earlier is not None:
        results, inside = kept(playbook, earlier, from_step), runs_inside(earlier, from_step)
        inputs, current, baseline = earlier.inputs, earlier.current, earlier.baseline or baseline
        run_id, started = earlier.id, earlier.started
    windows = RunWindows(playbook, replace(situation, now=started), current, baseline)
    done = await _played(playbook, inputs, around, windows, results, inside, on_step or _unheard)
    is_paused = any(step.state is State.WAITING for step in done.steps)
    seconds = time.perf_counter() - began
    return replace(
        done,
        id=run_id or done.id,
        started=started,
        finished=None if is_paused else situation.now + seconds,
        seconds=seconds + (earlier.seconds if earlier is not None else 0.0),
    )


def resolve_inputs(playbook: Playbook, given: Mapping[str, str]) -> dict[str, InputValue]:
    """Every input with its value; UsageError for one that is unknown, missing or of the wrong type."""
    for name in given:
        if name not in playbook.inputs:
            raise UsageError(f"playbook {playbook.name} has no input {name!r}", nearest(name, playbook.inputs))
    values: dict[str, InputValue] = {}
    for name, each in playbook.inputs.items():
        if name in given:
            values[name] = each.value(given[name])
        elif each.default is not None:
            values[name] = float(each.default) if each.type == "number" else each.default
        else:
            raise UsageError(f"playbook {playbook.name} needs the input {name!r}", f"give it with -i {name}=VALUE")
    return values


# ── a run, and runs inside it ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Around:
    """What a run shares with those inside it."""

    situation: Situation
    step_types: Mapping[str, StepType]
    ask: Ask
    playbooks: Mapping[str, Playbook]
    expires: Mapping[str, float]
    at_once: asyncio.Semaphore
    inside: tuple[str, ...] = ()  # the playbooks around this one, the outermost first

    async def play(self, name: str, inputs: Mapping[str, str], earlier: Run | None) -> Run:
        """Another playbook, with its own windows; one that waited goes on, if it is still the same.

        Raises UsageError for one that is not there, too deep or its own part.
        """
        if name not in self.playbooks:
            raise UsageError(f"there is no playbook {name!r}", nearest(name, self.playbooks))
        if name in self.inside:
            raise UsageError(f"playbooks use each other in a ring: {' → '.join((*self.inside, name))}", "")
        if len(self.inside) >= DEEPEST:
            raise UsageError(f"playbooks use each other more than {DEEPEST} deep: {' → '.join(self.inside)}", "")
        playbook = self.playbooks[name]
        if earlier is None or earlier.playbook_hash != playbook.hash:
            windows = RunWindows(playbook, self.situation, None, None)
            return await _played(playbook, inputs, self, windows, {}, {}, _unheard)
        before = replace(self.situation, now=earlier.started)
        windows = RunWindows(playbook, before, earlier.current, earlier.baseline)
        known, inside = kept(playbook, earlier, None), runs_inside(earlier, None)
        done = await _played(playbook, earlier.inputs, self, windows, known, inside, _unheard)
        return replace(done, started=earlier.started)


async def _played(
    playbook: Playbook,
    inputs: Mapping[str, str],
    around: _Around,
    windows: RunWindows,
    results: Mapping[str, StepResult],
    inside: Mapping[str, Run],
    on_step: Callable[[StepResult], None],
) -> Run:
    given = resolve_inputs(playbook, inputs)
    situation = around.situation
    running = Running(
        playbook=playbook,
        situation=situation,
        step_types=around.step_types,
        windows=windows,
        inputs={name: inputs[name] if name in inputs else str(value) for name, value in given.items()},
        values={f"inputs.{name}": value for name, value in given.items()}
        | {f"vars.{name}": value for name, value in playbook.constants.items()},
        ask=around.ask,
        play=replace(around, inside=(*around.inside, playbook.name)).play,
        on_step=on_step,
        expires=around.expires,
        at_once=around.at_once,
        inside=inside,
    )
    await running.all_steps(results)
    in_order = numbered(playbook, running.results)
    is_paused = any(result.state is State.WAITING for result in in_order.values())
    told = {name: expression.evaluate(running.values) for name, expression in playbook.outputs.items()}
    return Run(
        id=uuid.uuid4().hex[:12],
        playbook=playbook.name,
        title=playbook.title,
        started=situation.now,
        finished=situation.now,
        verdict=verdict_of(playbook, in_order, around.step_types),
        steps=tuple(in_order.values()),
        causes=weigh(playbook, in_order, running.values),
        inputs=running.inputs,
        current=windows.current,
        baseline=windows.baseline if windows.baseline.spans else None,
        outputs={name: value for name, value in told.items() if not isinstance(value, Unknown)},
        state="paused" if is_paused else "finished",
        playbook_hash=playbook.hash,
    )


async def _nobody(_question: Question) -> str | None:
    return None


def _unheard(_result: StepResult) -> None:
    return None
