"""The end of a run: findings numbered through, and one verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from console.errors import Exit, worst
from console.model import Run, State, StepResult, Verdict
from console.playbook.definition import Playbook
from console.plugins import StepType

EXITS = {
    Verdict.DEGRADED: Exit.PROBLEM,
    Verdict.INCONCLUSIVE: Exit.INCONCLUSIVE,
    Verdict.NO_DATA: Exit.INCONCLUSIVE,
    Verdict.IMPROVED: Exit.HEALTHY,
    Verdict.OK: Exit.HEALTHY,
}


def numbered(playbook: Playbook, results: Mapping[str, StepResult]) -> dict[str, StepResult]:
    """The results in the order of the file, their findings numbered through."""
    in_order: dict[str, StepResult] = {}
    count = 0
    for step in playbook.steps:
        result = results[step.id]
        findings = tuple(replace(finding, id=f"F{count + n}") for n, finding in enumerate(result.findings, start=1))
        count += len(findings)
        in_order[step.id] = replace(result, findings=findings)
    return in_order


def verdict_of(playbook: Playbook, results: Mapping[str, StepResult], step_types: Mapping[str, StepType]) -> Verdict:
    """The verdict of the playbook's questions: the steps its triggers are judged by, or all where it has none.

    The other steps tell causes apart, so more load or a moved input is no problem where the question finds no
    harm. Where a question has no answer, a step that is degraded is one all the same. No data is not good news: one
    unanswered question is `no_data`, and so is no question at all. One that waits for a person is inconclusive.
    Dry runs, errors that do not matter and steps that check nothing do not count.
    """
    counted = {
        step.id: result
        for step in playbook.steps
        if not (result := results[step.id]).is_dry
        and not (result.is_optional and result.state is State.ERROR)
        and step_types[step.uses].is_check
    }
    questions = {check.step for check in playbook.trigger_checks if check.step in counted} or set(counted)
    answers = {counted[step].state for step in questions} - {State.SKIPPED}
    if State.DEGRADED in answers:
        return Verdict.DEGRADED
    if answers and answers <= {State.OK, State.IMPROVED}:
        return Verdict.OK
    if any(result.state is State.DEGRADED for result in counted.values()):
        return Verdict.DEGRADED
    return Verdict.INCONCLUSIVE if answers & {State.INCONCLUSIVE, State.WAITING} else Verdict.NO_DATA


def exit_of(verdict: Verdict, runs: Sequence[Run]) -> Exit:
    """What a process says of these runs, whose verdict together is this one."""
    exits = [Exit.INCONCLUSIVE for run in runs if run.state == "paused"]  # what it waits for may still change it
    steps = (step for run in runs for step in run.steps)
    unreachable = any(step.unreachable and not (step.is_optional or step.is_dry) for step in steps)
    return worst([EXITS[verdict], *exits, Exit.UNREACHABLE if unreachable else Exit.HEALTHY])
