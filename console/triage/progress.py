"""How far an examination is: the playbook at work, and which of its steps have ended how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from console.model import State, StepResult
from console.playbook.definition import Playbook


@dataclass(frozen=True, slots=True)
class StepProgress:
    """One step; without a state while it has not ended."""

    id: str
    title: str
    state: State | None


@dataclass(frozen=True, slots=True)
class Progress:
    """One playbook at work."""

    playbook: str
    title: str
    steps: tuple[StepProgress, ...]


OnProgress = Callable[[Progress], None]
"""Hears how far it is, each time that a playbook begins or one of its steps ends."""


def followed(playbook: Playbook, on_progress: OnProgress) -> Callable[[StepResult], None]:
    """What is to hear of each step as it ends; that the playbook begins is said at once."""
    ended: dict[str, State] = {}

    def say() -> None:
        steps = tuple(StepProgress(step.id, step.title, ended.get(step.id)) for step in playbook.steps)
        on_progress(Progress(playbook.name, playbook.title, steps))

    def on_step(result: StepResult) -> None:
        ended[result.id] = result.state
        say()

    say()
    return on_step
