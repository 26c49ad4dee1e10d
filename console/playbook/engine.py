"""Runs a playbook: what can run at once does, what fails is a result, and the evidence is weighed at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from console.model import Run, StepResult, Window
from console.playbook.definition import Playbook
from console.playbook.step import Ask
from console.plugins import StepType
from console.sources.estate import Situation


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

    `on_step` hears of each step as it ends; findings get their ids (F1 … in the order of the file) when the run ends.
    Raises UsageError for an input that is missing or does not fit and for a window that cannot be resolved.
    """
    raise NotImplementedError
