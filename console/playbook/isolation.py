"""Runs a step type: andon's own in place, a plugin's in a thread of its own, where a hang or a crash costs one step.

A plugin's step sees the estate through bridges: its calls are made on the run's own event loop, where the sources live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

from console.errors import PluginError
from console.playbook.step import StepContext, StepOutcome
from console.plugins import StepType, guard, take
from console.sources.estate import Estate

MOST_FINDINGS = 200


async def perform(step_type: StepType, context: StepContext, options: Any, seconds: float) -> StepOutcome:
    """What the step found. TimeoutError when andon's own step overstays; PluginError for anything a plugin's does."""
    plugin = plugin_of(step_type)
    if plugin is None:
        async with asyncio.timeout(seconds):
            outcome: StepOutcome = await step_type.run(context, options)
            return outcome
    bridged = _bridged(context, asyncio.get_running_loop())

    def call() -> Any:
        return asyncio.run(_whole(step_type.run(bridged, options)))

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


def _bridged(context: StepContext, loop: asyncio.AbstractEventLoop) -> StepContext:
    estate = context.estate

    def table(items: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _Bridge(item, loop) for name, item in items.items()}

    return replace(
        context,
        ask=_bridge(context.ask, loop),
        estate=Estate(
            readers=[_Bridge(reader, loop) for reader in estate.readers],
            tables=table(estate.tables),
            events=table(estate.events),
            probers=table(estate.probers),
            sources=table(estate.sources),
        ),
    )


class _Bridge:
    """A source whose coroutines run on the loop that owns it."""

    def __init__(self, source: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._source, self._loop = source, loop

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._source, name)
        return _bridge(attribute, self._loop) if callable(attribute) else attribute


def _bridge(call: Callable[..., Any], loop: asyncio.AbstractEventLoop) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def bridged(*arguments: Any, **named: Any) -> Any:
        future = asyncio.run_coroutine_threadsafe(_whole(call(*arguments, **named)), loop)
        return await asyncio.wrap_future(future)

    return bridged
