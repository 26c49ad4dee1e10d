"""andon's own step types, on the hook that plugins use."""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import StepType, hookimpl


@hookimpl
def andon_step_types() -> Iterable[StepType]:
    """What looks at data, what asks and tells a person, and what puts other steps together."""
    from console.playbook.steps import (
        ask,
        asserting,
        compare,
        drift,
        events,
        inside,
        logs,
        now,
        probe,
        show,
        traces,
        wait_for,
    )

    looks = (compare.STEP, now.STEP, drift.STEP, events.STEP, logs.STEP, traces.STEP, probe.STEP)
    return (*looks, ask.STEP, show.STEP, asserting.STEP, wait_for.STEP, inside.STEP)
