"""Runs a step type: andon's own in place, a plugin's in a thread of its own, where a hang or a crash costs one step.

A plugin's step sees the estate through bridges: its calls are made on the run's own event loop, where the sources live.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from console.errors import PluginError
from console.playbook.step import StepContext, StepOutcome
from console.plugins import StepType, guard, take
from console.sources.bridge import bridge, bridged

MOST_FINDINGS = 200


async def perform(step_type: StepType, context: StepContext, options: Any, seconds: float) -> StepOutcome:
    """What the step found. TimeoutError when andon's own step overstays; PluginError for anything a plugin's does."""
    plugin = plugin_of(step_type)
    if plugin is None:
        async with asyncio.timeout(seconds):
            outcome: StepOutcome = await step_type.run(context, options)
            return outcome
    loop = asyncio.get_running_loop()
    over_there = replace(context, ask=bridge(context.ask, loop), estate=bridged(context.estate, loop))

    def call() -> Any:
        return asyncio.run(_whole(step_type.run(over_there, options)))

    given = await asyncio.to_thread(guard, plugin, f"step type {step_type.name}", call, seconds=seconds)
    if not isinstance(given, StepOutcome):
        raise PluginError(f"plugin {plugin} failed: step type {step_type.name} gave no StepOutcome", "")
    findings = take(plugin, f"step type {step_type.name}", given.findings, most=MOST_FINDINGS)
    return replace(given, findings=tuple(findings))


def plugin_of(step_type: StepType) -> str | None:
    """The plugin a step type comes from, or None for andon's own."""
    module = getattr(step_type.run, "__module__", None) or "?"
    return None if module.startswith("console.") else module.removeprefix("andon_plugins.").partition(".")[0]


async def _whole(found: Any) -> Any:
    return await found
