"""Which symptoms stand right now: every trigger of every playbook, looked at as its playbook would look at it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.errors import AndonError
from console.model import Finding, Question, Symptom
from console.playbook.definition import Playbook, TriggerCheck
from console.playbook.step import StepContext
from console.plugins import StepType
from console.sources.estate import Situation
from console.sources.windows import baseline_window, current_window

CHECK_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What one look at the triggers gave: what stands, and everything that was compared for it."""

    symptoms: Sequence[Symptom]  # one per signal and label set whose verdict is the one a trigger waits for
    findings: tuple[Finding, ...]


async def standing(playbooks: Iterable[Playbook], situation: Situation, step_types: Mapping[str, StepType]) -> Standing:
    """Look at every trigger of every playbook.

    A check that cannot be made (a source that is down, no data) raises nothing here: the source's own state says so.
    """
    looks: dict[str, tuple[Playbook, TriggerCheck]] = {}
    waiting: dict[str, list[TriggerCheck]] = {}  # what several triggers would ask alike is looked at once
    for playbook in playbooks:
        for check in playbook.trigger_checks:
            key = _alike(playbook, check)
            looks.setdefault(key, (playbook, check))
            waiting.setdefault(key, []).append(check)
    found = await asyncio.gather(
        *(_compared(playbook, check, situation, step_types) for playbook, check in looks.values())
    )
    symptoms = {
        (check.signal, finding.labels, finding.verdict): Symptom(
            finding.text, check.signal, finding.labels, finding.verdict
        )
        for key, findings in zip(looks, found, strict=True)
        for check in waiting[key]
        for finding in findings
        if finding.verdict == check.verdict
    }
    return Standing(tuple(symptoms.values()), tuple(finding for findings in found for finding in findings))


def _alike(playbook: Playbook, check: TriggerCheck) -> str:
    """The same for checks that ask the same of the same windows."""
    asked = [check.uses, check.options, *_windows(playbook, check)]
    return json.dumps(asked, sort_keys=True, default=str)


def _windows(playbook: Playbook, check: TriggerCheck) -> tuple[str, Mapping[str, Any]]:
    return check.current or playbook.current, playbook.baseline if check.baseline is None else check.baseline


async def look(
    playbook: Playbook, check: TriggerCheck, situation: Situation, step_types: Mapping[str, StepType]
) -> tuple[Finding, ...]:
    """What one trigger is judged by, for every label set at once. Raises what its step raises."""
    judge = step_types[check.uses]
    span, spec = _windows(playbook, check)
    current = current_window(span, situation.now)
    context = StepContext(
        step=check.step or check.uses,
        estate=situation.estate,
        current=current,
        baseline=baseline_window(spec, current, situation),
        inputs={},
        results={},
        now=situation.now,
        ask=_nobody,
        excluded=situation.excluded,
        interval=situation.interval,
        is_glance=True,
    )
    options = judge.options.model_validate(check.options)
    outcome = await asyncio.wait_for(judge.run(context, options), CHECK_SECONDS)
    findings: tuple[Finding, ...] = outcome.findings
    return findings


async def _compared(
    playbook: Playbook, check: TriggerCheck, situation: Situation, step_types: Mapping[str, StepType]
) -> tuple[Finding, ...]:
    try:
        return await look(playbook, check, situation, step_types)
    except (AndonError, TimeoutError):
        return ()


async def _nobody(_question: Question) -> str | None:
    return None
