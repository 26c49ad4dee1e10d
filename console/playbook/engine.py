"""Runs a playbook: what can run at once does, what fails is a result, and the evidence is weighed at the end."""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from console.errors import AndonError, Exit, NoData, PluginError, UsageError
from console.model import Run, State, StepResult, Verdict, Window
from console.playbook.definition import InputValue, Playbook, Step
from console.playbook.expressions import Unknown
from console.playbook.isolation import perform
from console.playbook.step import Ask, StepContext, StepOutcome
from console.playbook.template import fill
from console.playbook.weigh import weigh
from console.plugins import StepType
from console.sources.estate import Situation
from console.sources.windows import baseline_window, current_window
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
) -> Run:
    """Every step's result, every cause's odds, and one verdict.

    `current` and `baseline` replace the playbook's own windows (a step that names its own keeps them). `on_step` hears
    of each step as it ends; findings get their ids (F1 … in the order of the file) when the run ends.
    Raises UsageError for an input that is missing or does not fit and for a window that cannot be resolved.
    """
    began = time.perf_counter()
    given = resolve_inputs(playbook, inputs)
    windows = _Windows(playbook, situation, current, baseline)
    running = _Running(
        playbook=playbook,
        situation=situation,
        step_types=step_types,
        windows=windows,
        inputs={name: inputs[name] if name in inputs else str(value) for name, value in given.items()},
        values={f"inputs.{name}": value for name, value in given.items()},
        ask=ask or _nobody,
        on_step=on_step or _unheard,
    )
    await running.all_steps()
    results = _numbered(playbook, running.results)
    return Run(
        id=run_id or uuid.uuid4().hex[:12],
        playbook=playbook.name,
        title=playbook.title,
        started=situation.now,
        finished=situation.now + time.perf_counter() - began,
        verdict=_verdict(playbook, results),
        steps=tuple(results.values()),
        causes=weigh(playbook, results, running.values),
        inputs=running.inputs,
        current=windows.current,
        baseline=windows.baseline if windows.baseline.spans else None,
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


# ── windows ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Windows:
    """The windows of a run, and of those steps that look elsewhere. An empty baseline says in its note why it is."""

    def __init__(
        self, playbook: Playbook, situation: Situation, current: str | Window | None, baseline: Any | None
    ) -> None:
        self._situation = situation
        if isinstance(baseline, Mapping) and "before" in baseline:
            raise UsageError("a baseline before an onset must stand in the playbook", "it names one of its steps")
        self._spec = playbook.baseline if baseline is None else baseline
        self.current = (
            current if isinstance(current, Window) else current_window(current or playbook.current, situation.now)
        )
        self.baseline = self._baseline(self._spec, self.current, None)

    def of(self, step: Step, results: Mapping[str, StepResult]) -> tuple[Window, Window]:
        """(current, baseline) of one step."""
        spec = self._spec if step.baseline is None else step.baseline
        if step.current is None and spec is self._spec and "before" not in (spec if isinstance(spec, Mapping) else ()):
            return self.current, self.baseline
        current = self.current if step.current is None else current_window(step.current, self._situation.now)
        named = results.get(str(spec.get("of"))) if isinstance(spec, Mapping) else None
        return current, self._baseline(spec, current, named.values.get("onset") if named else None)

    def _baseline(self, spec: Any, current: Window, onset: float | None) -> Window:
        if isinstance(spec, Window):
            return spec
        try:
            return baseline_window(spec, current, self._situation, onset=onset)
        except NoData as error:
            return Window((), note=error.message)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Running:
    """One run while it runs."""

    playbook: Playbook
    situation: Situation
    step_types: Mapping[str, StepType]
    windows: _Windows
    inputs: Mapping[str, str]
    values: dict[str, Any]  # what expressions see: inputs.NAME and steps.ID.RESULT
    ask: Ask
    on_step: Callable[[StepResult], None]
    results: dict[str, StepResult] = field(default_factory=dict)
    ended: dict[str, asyncio.Event] = field(default_factory=dict)
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def all_steps(self) -> None:
        self.ended = {step.id: asyncio.Event() for step in self.playbook.steps}
        async with asyncio.TaskGroup() as group:
            for step in self.playbook.steps:
                group.create_task(self._one(step))

    async def _one(self, step: Step) -> None:
        for need in step.needs:
            await self.ended[need].wait()
        async with self.at_once:
            began = time.perf_counter()
            result = replace(await self._attempt(step), seconds=time.perf_counter() - began)
        self.results[step.id] = result
        self.values |= {f"steps.{step.id}.{name}": value for name, value in result.values.items()}
        self.ended[step.id].set()
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
        )


def typed(step_type: StepType, outcome: StepOutcome) -> dict[str, Any]:
    """The outcome's values as their declared types; PluginError for one that was never declared or does not fit."""
    values: dict[str, Any] = {}
    for name, value in outcome.values.items():
        if name not in step_type.result:
            raise PluginError(f"step type {step_type.name} gave {name!r}, which it never declared", "")
        if value is not None:
            values[name] = _as(step_type.result[name], value, step_type.name, name)
    return {name: value for name, value in values.items() if value is not None}


def _as(kind: str, value: Any, step_type: str, name: str) -> Any:
    match kind, value:
        case "double", bool():
            pass
        case "double", int() | float():
            return float(value) if math.isfinite(value) else None
        case "bool", bool():
            return value
        case "int", int() if not isinstance(value, bool):
            return value
        case "string", str():
            return str(value)
        case "list(string)", list() | tuple():
            return [str(item) for item in value]
        case "map(string, string)", Mapping():
            return {str(key): str(item) for key, item in value.items()}
    raise PluginError(f"step type {step_type} gave {value!r} for {name!r}, which is a {kind}", "")


# ── the end of a run ─────────────────────────────────────────────────────────────────────────────────────────────────


def _numbered(playbook: Playbook, results: Mapping[str, StepResult]) -> dict[str, StepResult]:
    """The results in the order of the file, their findings numbered through."""
    numbered: dict[str, StepResult] = {}
    count = 0
    for step in playbook.steps:
        result = results[step.id]
        findings = tuple(replace(finding, id=f"F{count + n}") for n, finding in enumerate(result.findings, start=1))
        count += len(findings)
        numbered[step.id] = replace(result, findings=findings)
    return numbered


def _verdict(playbook: Playbook, results: Mapping[str, StepResult]) -> Verdict:
    """The verdict of the playbook's questions: the steps its triggers are judged by, or all where it has none.

    The other steps tell causes apart, so more load or a moved input is no problem where the question finds no
    harm. Where a question has no answer, a step that is degraded is one all the same. No data is not good news: one
    unanswered question is `no_data`, and so is no question at all.
    """
    questions = {check.step for check in playbook.trigger_checks if check.step} or set(results)
    answers = {results[step].state for step in questions} - {State.SKIPPED}
    if State.DEGRADED in answers:
        return Verdict.DEGRADED
    if answers and answers <= {State.OK, State.IMPROVED}:
        return Verdict.OK
    if any(result.state is State.DEGRADED for result in results.values()):
        return Verdict.DEGRADED
    return Verdict.INCONCLUSIVE if State.INCONCLUSIVE in answers else Verdict.NO_DATA


async def _nobody(_question: str, _answers: tuple[str, ...]) -> str | None:
    return None


def _unheard(_result: StepResult) -> None:
    return None
