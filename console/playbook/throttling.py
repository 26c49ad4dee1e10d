"""How often a playbook may be run by itself: a run of a moment ago says the same as one now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.model import Run
from console.playbook.definition import InputValue, Playbook


def is_throttled(playbook: Playbook, inputs: Mapping[str, str], earlier: Iterable[Run], now: float) -> bool:
    """Whether the playbook ran for the same inputs too short a while ago to be run by itself again."""
    return standing_run(playbook, inputs, earlier, now) is not None


def standing_run(playbook: Playbook, inputs: Mapping[str, str], earlier: Iterable[Run], now: float) -> Run | None:
    """The newest earlier run that still stands for another one; None where the playbook may be run."""
    throttle = playbook.throttle
    if throttle is None:
        return None
    asked = _telling(playbook, throttle.per, inputs)
    standing = [
        run
        for run in earlier
        if run.playbook == playbook.name
        and 0 <= now - run.started < throttle.every
        and _telling(playbook, throttle.per, run.inputs) == asked
    ]
    return max(standing, key=lambda run: run.started, default=None)


def _telling(playbook: Playbook, per: tuple[str, ...], inputs: Mapping[str, str]) -> dict[str, InputValue | None]:
    """The inputs that tell runs apart, in their own types; one that is not given has its default."""
    return {
        name: playbook.inputs[name].value(inputs[name]) if name in inputs else playbook.inputs[name].default
        for name in per or playbook.inputs
    }
