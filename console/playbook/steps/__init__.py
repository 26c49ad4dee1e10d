"""andon's own step types, on the hook that plugins use."""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import StepType, hookimpl


@hookimpl
def andon_step_types() -> Iterable[StepType]:
    """compare, now, drift, events, logs, traces, probe and ask."""
    from console.playbook.steps import ask, compare, drift, events, logs, now, probe, traces

    return (compare.STEP, now.STEP, drift.STEP, events.STEP, logs.STEP, traces.STEP, probe.STEP, ask.STEP)
