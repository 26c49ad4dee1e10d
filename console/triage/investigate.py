"""One symptom, or several of one subject, to a diagnosis: every fitting playbook is run, and its causes are weighed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from console.errors import AndonError, NoData, UsageError
from console.model import Diagnosis, Incident, Run, Symptom, Verdict
from console.playbook.definition import Playbook
from console.playbook.engine import run
from console.playbook.step import Ask
from console.playbook.throttling import standing_run
from console.plugins import StepType
from console.sources.estate import Situation
from console.triage.diagnose import diagnose
from console.triage.pick import pick
from console.triage.progress import OnProgress, followed
from console.triage.triggers import look


async def investigate(
    symptoms: Sequence[Symptom],
    playbooks: Mapping[str, Playbook],
    situation: Situation,
    step_types: Mapping[str, StepType],
    *,
    incident: Incident | None = None,
    ask: Ask | None = None,
    on_progress: OnProgress | None = None,
    earlier: Iterable[Run] = (),
) -> Diagnosis:
    """The diagnosis of what was noticed.

    Where nobody asked for it, `earlier` are the runs of late: one among them stands for a playbook whose `throttle`
    does not let it be run by itself again so soon. A person's own wish is never throttled: then give none.

    Raises NoData where no playbook fits, and UsageError where none of those that fit can be told what it must know.
    """
    fitting = pick(symptoms, playbooks)
    if not fitting:
        names = ", ".join(sorted(playbooks)) or "none is installed"
        raise NoData(f"no playbook fits {symptoms[0].text!r}", f"run one by name: {names}")
    earlier = tuple(earlier)
    runs: list[Run] = []
    refused: list[UsageError] = []
    for playbook in fitting:
        try:
            inputs = await _inputs(playbook, symptoms, situation, step_types)
            if standing := standing_run(playbook, inputs, earlier, situation.now):
                runs.append(standing)
                continue
            on_step = followed(playbook, on_progress) if on_progress else None
            done = await run(
                playbook, inputs, situation, step_types=step_types, ask=ask, on_step=on_step, playbooks=playbooks
            )
            runs.append(done)
        except UsageError as error:
            refused.append(error)
    if not runs:
        raise refused[0]
    return diagnose(runs, incident)


async def _inputs(
    playbook: Playbook, symptoms: Sequence[Symptom], situation: Situation, step_types: Mapping[str, StepType]
) -> dict[str, str]:
    """From the symptoms' labels; what they do not say, from the label set that is worst right now."""
    inputs: dict[str, str] = {}
    for symptom in symptoms:
        inputs = playbook.inputs_from(symptom.labels) | inputs
    missing = [name for name, each in playbook.inputs.items() if each.default is None and name not in inputs]
    for check in playbook.trigger_checks if missing else ():
        try:
            findings = await look(playbook, check, situation, step_types)
        except (TimeoutError, AndonError):
            continue  # the run itself will say what could not be read
        for finding in sorted(findings, key=lambda each: each.verdict != Verdict.DEGRADED):
            inputs = playbook.inputs_from(finding.labels) | inputs
    return inputs
