"""Runs a playbook: what can run at once does, what fails is a result, and the evidence is weighed at the end."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from console.errors import AndonError, Exit, NoData, UsageError
from console.model import Question, Run, State, StepResult, Window
from console.playbook.concluding import numbered, verdict_of
from console.playbook.definition import InputValue, Playbook, Step
from console.playbook.expressions import Unknown
from console.playbook.going_on import kept, waiting_since
from console.playbook.isolation import perform
from console.playbook.run_windows import RunWindows
from console.playbook.step import Ask, StepContext
from console.playbook.template import fill
from console.playbook.values import typed
from console.playbook.weigh import weigh
from console.plugins import StepType
from console.sources.estate import Situation
from console.words import nearest

AT_ONCE = 8  # steps that may look at the sources at the same time


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
    results: dict[str, StepResult] = {}
    started = situation.now
    if earlier is not None:
        results = kept(playbook, earlier, from_step)
        inputs, current, baseline = earlier.inputs, earlier.current, earlier.baseline or baseline
        run_id, started = earlier.id, earlier.started
    given = resolve_inputs(playbook, inputs)
    windows = RunWindows(playbook, replace(situation, now=started), current, baseline)
    running = _Running(
        playbook=playbook,
        situation=situation,
        step_types=step_types,
        windows=windows,
        inputs={name: inputs[name] if name in inputs else str(value) for name, value in given.items()},
        values={f"inputs.{name}": value for name, value in given.items()},
        ask=ask or _nobody,
        on_step=on_step or _unheard,
        expires=waiting_since(earlier),
    )
    await running.all_steps(results)
    in_order = numbered(playbook, running.results)
    is_paused = any(result.state is State.WAITING for result in in_order.values())
    return Run(
        id=run_id or uuid.uuid4().hex[:12],
        playbook=playbook.name,
        title=playbook.title,
        started=started,
        finished=None if is_paused else situation.now + time.perf_counter() - began,
        verdict=verdict_of(playbook, in_order),
        steps=tuple(in_order.values()),
        causes=weigh(playbook, in_order, running.values),
        inputs=running.inputs,
        current=windows.current,
        baseline=windows.baseline if windows.baseline.spans else None,
        state="paused" if is_paused else "finished",
        playbook_hash=playbook.hash,
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


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Running:
    """One run while it runs."""

    playbook: Playbook
    situation: Situation
    step_types: Mapping[str, StepType]
    windows: RunWindows
    inputs: Mapping[str, str]
    values: dict[str, Any]  # what expressions see: inputs.NAME and steps.ID.RESULT
    ask: Ask
    on_step: Callable[[StepResult], None]
    expires: Mapping[str, float]
    results: dict[str, StepResult] = field(default_factory=dict)
    ended: dict[str, asyncio.Event] = field(default_factory=dict)
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def all_steps(self, kept: Mapping[str, StepResult]) -> None:
        """Runs every step but those whose result is kept."""
        self.ended = {step.id: asyncio.Event() for step in self.playbook.steps}
        async with asyncio.TaskGroup() as group:
            for step in self.playbook.steps:
                if step.id in kept:
                    self._end(kept[step.id])
                else:
                    group.create_task(self._one(step))

    async def _one(self, step: Step) -> None:
        for need in step.needs:
            await self.ended[need].wait()
        waiting = next((need for need in step.needs if self.results[need].state is State.WAITING), None)
        if waiting is not None:
            reason = f"it needs {waiting}, which waits for an answer"
            self._end(StepResult(step.id, step.title, step.uses, State.WAITING, reason))
            return
        async with self.at_once:
            began = time.perf_counter()
            result = replace(await self._attempt(step), seconds=time.perf_counter() - began)
        self._end(result)

    def _end(self, result: StepResult) -> None:
        self.results[result.id] = result
        self.values |= {f"steps.{result.id}.{name}": value for name, value in result.values.items()}
        self.ended[result.id].set()
        self.on_step(result)

    async def _attempt(self, step: Step) -> StepResult:
        """The step's result; whatever a source or a plugin does to it is one too."""

        def ended(state: State, reason: str, *, unreachable: bool = False) -> StepResult:
            return StepResult(step.id, step.title, step.uses, state, reason, unreachable=unreachable)

        if step.condition is not None:
            condition = step.condition.evaluate(self.values)
            if isinstance(condition, Unknown):
                return ended(State.SKIPPED, f"nobody can tell whether {step.condition.source}: {condition.why}")
            if condition is not True:
                return ended(State.SKIPPED, f"it is not so that {step.condition.source}")
        filled = fill(step.options, step.templates, self.values)
        if isinstance(filled, Unknown):
            return ended(State.SKIPPED, filled.why)
        step_type = self.step_types[step.uses]
        try:
            options = step_type.options.model_validate(filled)
            outcome = await perform(step_type, self._context(step), options, step.timeout or step_type.timeout)
            values = typed(step_type, outcome)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            return ended(State.ERROR, f"{'.'.join(map(str, first['loc'])) or 'with'}: {first['msg']}")
        except TimeoutError:
            return ended(State.ERROR, f"took more than {step.timeout or step_type.timeout:g} s", unreachable=True)
        except NoData as error:
            return ended(State.NO_DATA, error.message)
        except AndonError as error:
            return ended(State.ERROR, error.message, unreachable=error.exit is Exit.UNREACHABLE)
        return StepResult(
            step.id, step.title, step.uses, outcome.state, outcome.reason,
            tuple(replace(finding, step=step.id) for finding in outcome.findings), values, question=outcome.question,
        )  # fmt: skip

    def _context(self, step: Step) -> StepContext:
        current, baseline = self.windows.of(step, self.results)
        return StepContext(
            step=step.id,
            estate=self.situation.estate,
            current=current,
            baseline=baseline,
            inputs=self.inputs,
            results={need: self.results[need] for need in step.needs},
            now=self.situation.now,
            ask=self.ask,
            excluded=self.situation.excluded,
            interval=self.situation.interval,
            expires=self.expires,
        )


async def _nobody(_question: Question) -> str | None:
    return None


def _unheard(_result: StepResult) -> None:
    return None
