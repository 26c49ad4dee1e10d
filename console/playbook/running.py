"""One run while it runs: what can go at once does, what is needed is waited for."""

from __future__ import annotations

import asyncio
import time
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from console.model import Run, State, StepResult
from console.playbook.attempt import attempt, ended
from console.playbook.definition import Playbook, Step
from console.playbook.each import items_of, together
from console.playbook.expressions import Unknown
from console.playbook.run_windows import RunWindows
from console.playbook.step import Ask, StepContext
from console.plugins import StepType
from console.sources.estate import Situation

AT_ONCE = 8  # steps that may look at the sources at the same time


class PlayOn(Protocol):
    """Runs another playbook inside, or goes on with an `earlier` run of it that waits."""

    async def __call__(self, name: str, inputs: Mapping[str, str], earlier: Run | None) -> Run: ...


@dataclass(slots=True)
class Running:
    """The steps of one run, and what they said so far."""

    playbook: Playbook
    situation: Situation
    step_types: Mapping[str, StepType]
    windows: RunWindows
    inputs: Mapping[str, str]
    values: dict[str, Any]  # what expressions see: inputs.NAME, vars.NAME and steps.ID.RESULT
    ask: Ask
    play: PlayOn
    on_step: Callable[[StepResult], None]
    expires: Mapping[str, float]
    at_once: asyncio.Semaphore
    inside: Mapping[str, Run]  # that waited in an earlier part of this run, by step
    results: dict[str, StepResult] = field(default_factory=dict)
    ended: dict[str, asyncio.Event] = field(default_factory=dict)

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
        began = time.perf_counter()
        result = self._held_back(step) or await self._all_items(step)
        self._end(replace(result, title=self._title(step), seconds=time.perf_counter() - began))

    def _end(self, result: StepResult) -> None:
        self.results[result.id] = result
        self.values |= {f"steps.{result.id}.{name}": value for name, value in result.values.items()}
        self.ended[result.id].set()
        self.on_step(result)

    def _held_back(self, step: Step) -> StepResult | None:
        """The result of a step that cannot run because of what it needs."""
        for need in step.needs:
            match self.results[need]:
                case StepResult(state=State.WAITING):
                    return ended(step, State.WAITING, f"it needs {need}, which waits for an answer")
                case StepResult(state=State.ERROR, is_optional=False):
                    return ended(step, State.SKIPPED, f"it needs {need}, which failed")
        return None

    async def _all_items(self, step: Step) -> StepResult:
        if step.foreach is None:
            return await self._attempt(step, self.values)
        items = items_of(step.foreach, self.values)
        if isinstance(items, Unknown):
            return ended(step, State.SKIPPED, items.why)
        if isinstance(items, str):
            return ended(step, State.ERROR, items)
        each = (self._attempt(step, ChainMap({"each": item}, self.values)) for item in items)
        return together(step, items, await asyncio.gather(*each))

    async def _attempt(self, step: Step, values: Mapping[str, Any]) -> StepResult:
        return await attempt(step, self.step_types[step.uses], values, lambda: self._context(step), self.at_once)

    def _title(self, step: Step) -> str:
        """The title with its holes filled, `each` as such; as it is written where nobody can tell."""
        if step.heading is None:
            return step.title
        title = step.heading.fill(ChainMap({"each": "each"}, self.values) if step.foreach is not None else self.values)
        return step.title if isinstance(title, Unknown) else str(title)

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
            play=partial(self.play, earlier=self.inside.get(step.id)),
            is_replay=self.situation.is_replay,
        )
