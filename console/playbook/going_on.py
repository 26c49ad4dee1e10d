"""Going on with an earlier run: which of its results still count, and what has to be looked at anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.errors import UsageError
from console.model import Run, State, StepResult
from console.playbook.definition import Playbook
from console.words import nearest


def kept(playbook: Playbook, earlier: Run, from_step: str | None) -> dict[str, StepResult]:
    """The results that stay: all but those anew and what needs them.

    Anew is `from_step`; without one the steps that wait for a person and, where none does, those that ended in error.
    Raises UsageError where the playbook is no longer the same, where it has no such step, and where nothing is left.
    """
    if earlier.playbook_hash != playbook.hash:
        raise UsageError(
            f"the playbook {playbook.name} changed since: its run {earlier.id} cannot go on", "start a new run"
        )
    results = {step.id: step for step in earlier.steps}
    if from_step is not None and from_step not in results:
        raise UsageError(f"playbook {playbook.name} has no step {from_step!r}", nearest(from_step, results))
    waiting = {name for name, result in results.items() if result.state is State.WAITING}
    failed = {name for name, result in results.items() if result.state is State.ERROR}
    anew = {from_step} | waiting if from_step is not None else waiting or failed
    if not anew:
        raise UsageError(f"nothing of run {earlier.id} is left to do", "name a step to run it again from there")
    anew = _with_what_needs(anew, {step.id: step.needs for step in playbook.steps})
    return {name: result for name, result in results.items() if name not in anew}


def waiting_since(earlier: Run | None) -> dict[str, float]:
    """Until when the questions of an earlier run wait: asking again gives nobody more time."""
    asked = (step.question for step in earlier.steps) if earlier else ()
    return {each.text: each.expires for each in asked if each is not None and each.expires is not None}


def runs_inside(earlier: Run, from_step: str | None) -> dict[str, Run]:
    """The runs inside an earlier one that go on with it, by step: those that wait, unless they are to be run anew."""
    return {step.id: step.inside for step in earlier.steps if step.inside is not None and step.id != from_step}


def _with_what_needs(names: Iterable[str], needs: Mapping[str, Iterable[str]]) -> set[str]:
    anew = set(names)
    while more := {step for step, after in needs.items() if step not in anew and not anew.isdisjoint(after)}:
        anew |= more
    return anew
