"""One step, tried once or again: whatever a source or a plugin does to it is a result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from console.errors import AndonError, Exit, NoData
from console.model import Finding, State, StepResult
from console.playbook.definition import Step
from console.playbook.expressions import Expression, Unknown
from console.playbook.isolation import perform
from console.playbook.step import Claim, StepContext
from console.playbook.template import fill
from console.playbook.values import typed
from console.plugins import StepType


async def attempt(
    step: Step,
    step_type: StepType,
    values: Mapping[str, Any],
    context: Callable[[], StepContext],
    at_once: asyncio.Semaphore,
) -> StepResult:
    """The step's result, after as many tries as it allows: only a source that did not answer is asked again."""
    if step.condition is not None:
        condition = step.condition.evaluate(values)
        if isinstance(condition, Unknown):
            return ended(step, State.SKIPPED, f"nobody can tell whether {step.condition.source}: {condition.why}")
        if condition is not True:
            return ended(step, State.SKIPPED, f"it is not so that {step.condition.source}")
    filled = fill(step.options, step.templates, values, commands=step_type.commands)
    if isinstance(filled, Unknown):
        return ended(step, State.SKIPPED, filled.why)
    claims = {name: tuple(_claim(each, values) for each in found) for name, found in step.expressions.items()}
    tries = 0
    while True:
        tries += 1
        if step_type.is_patient:
            result = await _once(step, step_type, filled, claims, context)
        else:
            async with at_once:
                result = await _once(step, step_type, filled, claims, context)
        if not result.unreachable or step.retry is None or tries > step.retry.times:
            return replace(result, attempts=tries) if tries > 1 else result
        if not context().is_replay:
            await asyncio.sleep(step.retry.wait)


def ended(step: Step, state: State, reason: str, *, unreachable: bool = False) -> StepResult:
    """The result of a step that found nothing."""
    return StepResult(
        step.id, step.title, step.uses, state, reason, unreachable=unreachable,
        is_optional=step.is_optional, is_dry=step.is_dry,
    )  # fmt: skip


async def _once(
    step: Step,
    step_type: StepType,
    filled: Any,
    claims: Mapping[str, tuple[Claim, ...]],
    context: Callable[[], StepContext],
) -> StepResult:
    try:
        options = step_type.options.model_validate(filled)
        here = replace(context(), claims=claims) if claims else context()
        outcome = await perform(step_type, here, options, step.timeout or step_type.timeout)
        values = typed(step_type, outcome, step.outputs)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return ended(step, State.ERROR, f"{'.'.join(map(str, first['loc'])) or 'with'}: {first['msg']}")
    except TimeoutError:
        patience = step.timeout or step_type.timeout
        return ended(step, State.ERROR, f"took more than {patience:g} s", unreachable=True)
    except NoData as error:
        return ended(step, State.NO_DATA, error.message)
    except AndonError as error:
        return ended(step, State.ERROR, error.message, unreachable=error.exit is Exit.UNREACHABLE)
    return StepResult(
        step.id, step.title, step.uses, outcome.state, outcome.reason,
        tuple(_signed(finding, step.id) for finding in outcome.findings), values, unreachable=outcome.unreachable,
        question=outcome.question, shown=outcome.shown, is_optional=step.is_optional, is_dry=step.is_dry,
        inside=outcome.inside,
    )  # fmt: skip


def _signed(finding: Finding, step: str) -> Finding:
    """With the step that found it; one of a playbook inside keeps the step there behind it."""
    return finding if finding.step.startswith(f"{step}.") else replace(finding, step=step)


def _claim(expression: Expression, values: Mapping[str, Any]) -> Claim:
    value = expression.evaluate(values)
    if isinstance(value, Unknown):
        return Claim(expression.source, None, value.why)
    return Claim(expression.source, value is True)
