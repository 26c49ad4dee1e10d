"""Which symptoms stand right now: every trigger of every playbook, looked at as its playbook would look at it.

A tail is made by few, so a crowd of a minute makes one for as long as it lies in the window: a quantile that is back
within its tolerance in the last part of the window is no symptom any more (as the short windows of the Google SRE
Workbook, chapter 5, end an alert). And it takes more to raise an alarm than to answer a question: see MOST_CHANCE.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from console.errors import AndonError
from console.model import Finding, Labels, Question, Span, Symptom, Verdict, Window
from console.playbook.definition import Playbook, TriggerCheck
from console.playbook.step import StepContext
from console.plugins import StepType
from console.sources.estate import Situation
from console.sources.windows import baseline_window, current_window

CHECK_SECONDS = 20.0
LAST_PART = 1 / 2  # of the current window: five minutes of ten are the fewest whose steps show how they wander
QUANTILES = ("p50", "p90", "p95", "p99")
MOST_CHANCE = 0.005  # a trigger is looked at thousands of times a day, a step of a playbook once


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
        *(_looked(playbook, check, situation, step_types) for playbook, check in looks.values())
    )
    symptoms = {
        (check.signal, finding.labels, finding.verdict): Symptom(
            finding.text, check.signal, finding.labels, finding.verdict
        )
        for key, (findings, over) in zip(looks, found, strict=True)
        for check in waiting[key]
        for finding in findings
        if finding.verdict == check.verdict and finding.labels not in over and (finding.p or 0.0) <= MOST_CHANCE
    }
    return Standing(tuple(symptoms.values()), tuple(finding for findings, _over in found for finding in findings))


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
    current = current_window(_windows(playbook, check)[0], situation.now)
    return await _judged(playbook, check, situation, step_types, current, current)


async def _looked(
    playbook: Playbook, check: TriggerCheck, situation: Situation, step_types: Mapping[str, StepType]
) -> tuple[tuple[Finding, ...], frozenset[Labels]]:
    """What one trigger is judged by, and those of its label sets where it is over already."""
    try:
        found = await look(playbook, check, situation, step_types)
        if not any(each.verdict is Verdict.DEGRADED and each.stat in QUANTILES for each in found):
            return found, frozenset()
        whole = current_window(_windows(playbook, check)[0], situation.now)
        last = replace(whole, spans=(Span(whole.end - (whole.end - whole.start) * LAST_PART, whole.end),))
        lately = await _judged(playbook, check, situation, step_types, last, whole)
    except (AndonError, TimeoutError):
        return (), frozenset()
    well = (Verdict.OK, Verdict.IMPROVED)
    return found, frozenset(each.labels for each in lately if each.verdict in well)


async def _judged(
    playbook: Playbook,
    check: TriggerCheck,
    situation: Situation,
    step_types: Mapping[str, StepType],
    current: Window,
    whole: Window,
) -> tuple[Finding, ...]:
    """The findings of a check about `current`, against the baseline of the whole window."""
    judge = step_types[check.uses]
    context = StepContext(
        step=check.step or check.uses,
        estate=situation.estate,
        current=current,
        baseline=baseline_window(_windows(playbook, check)[1], whole, situation),
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


async def _nobody(_question: Question) -> str | None:
    return None
