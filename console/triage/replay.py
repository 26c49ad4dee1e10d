"""A bundle diagnosed again, by today's playbooks or by those it was recorded with. No source is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from console.model import AgentSays, Diagnosis
from console.playbook.bundles.bundle import Bundle
from console.playbook.bundles.replaying import answered, replayed
from console.playbook.bundles.testing import replay_run
from console.playbook.definition import Playbook
from console.playbook.loader import load_text
from console.plugins import StepType
from console.triage.agent.explaining import about
from console.triage.agent.reciting import recited
from console.triage.agent.replaying import replayed as retold
from console.triage.diagnose import diagnose
from console.triage.investigate import investigate


async def replay(bundle: Bundle, playbooks: Mapping[str, Playbook], step_types: Mapping[str, StepType]) -> Diagnosis:
    """The playbooks that ran when it was recorded, as they are among these; where none ran, those that fit.

    What a model said of it stands in it where that is kept, gone through once more with no endpoint. Raises NoData
    where no playbook fits, and UsageError where one cannot be told what it must know.
    """
    names = [name for name in bundle.inputs if name in playbooks]
    if not names:
        diagnosis = await investigate(
            bundle.symptoms, playbooks, replayed(bundle), step_types, incident=bundle.incident, ask=answered(bundle)
        )
    else:
        runs = [await replay_run(playbooks[name], bundle, step_types, playbooks) for name in names]
        diagnosis = diagnose(runs, bundle.incident)
    return replace(diagnosis, agent=await _said(bundle, diagnosis))


async def _said(bundle: Bundle, diagnosis: Diagnosis) -> AgentSays | None:
    """What a model last said of it: of what is found now, or of what was found then, which may have been more."""
    then = {about(each): each for each in (bundle.diagnosis, diagnosis) if each is not None}
    said = next((each for each in reversed(bundle.transcripts) if each.about in then and not each.question), None)
    if said is None:
        return None
    says = await retold(said, then[said.about])
    return says if then[said.about] is diagnosis else recited(says, then[said.about], diagnosis)


def as_recorded(bundle: Bundle, step_types: Mapping[str, StepType]) -> dict[str, Playbook]:
    """The playbooks that were run, as they were; PlaybookError where this andon no longer reads one."""
    found: dict[str, Playbook] = {}
    for name, text in bundle.playbooks.items():
        found[name] = load_text(text, f"{name}, as recorded", step_types, found)
    return found


def changed(now: Diagnosis, bundle: Bundle) -> str:
    """What is said otherwise now than when it was recorded, in one line; empty where nothing is."""
    before = bundle.diagnosis
    if before is None:
        return ""
    told = [
        (each.verdict, *(f"{cause.id} of {cause.subject or '?'}" for cause in each.causes)) for each in (before, now)
    ]
    if told[0] == told[1]:
        return ""
    was, is_now = (f"{verdict}, {', '.join(causes) or 'no cause named'}" for verdict, *causes in told)
    return f"recorded: {was}; now: {is_now}"
