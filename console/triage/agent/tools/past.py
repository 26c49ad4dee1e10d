"""Earlier incidents like this one, and what fixed them. Each is held against the present before it counts: what was
the cause then is looked for now, and only where it is found again does it become a finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import Field

from console.errors import AndonError
from console.model import Cause, Diagnosis, Finding, Verdict
from console.playbook.engine import run
from console.sources.redact import shown_line
from console.triage.agent.tool import Arguments, Past, Scene, Seen, Tool, checked, note, schema_of
from console.words import instant

MOST_SIMILAR = 3
MOST_LOOKED_AT = 200
RE = "past_incidents"


class Remembered(Arguments):
    """Which earlier incidents."""

    words: str = Field("", description="all of them in its title, subject, cause or notes; none: the most similar ones")


def tools(scene: Scene) -> Iterator[Tool]:
    """`past_incidents`."""
    described = "Earlier incidents like this one, what fixed them, and whether their cause is found again now."
    yield Tool(RE, described, schema_of(Remembered), partial(_remembered, scene))


async def _remembered(scene: Scene, arguments: Mapping[str, Any]) -> Seen:
    asked: Remembered = checked(Remembered, arguments)
    here = scene.diagnosis.incident
    known = [each for each in (await scene.remember())[:MOST_LOOKED_AT] if here is None or each.incident.id != here.id]
    found = similar(known, scene.diagnosis, asked.words)
    if not found:
        return Seen("none is like this one")
    lines, findings = [], []
    for each in found:
        told = _told(each)
        again = await _again(scene, each.diagnosis.causes[0]) if each.diagnosis.causes else None
        if again is None:
            lines.append(f"{told}. Its cause is not found now: it counts for nothing")
        else:
            odds = f"{again.probability:.0%} likely"
            findings.append(_finding(f"{told}. The same cause is found again now, {odds}", each, again))
    return Seen("\n".join(lines) or "found again:", tuple(findings))


def similar(known: Sequence[Past], diagnosis: Diagnosis, words: str = "") -> list[Past]:
    """Earlier incidents with the same subject, symptom or cause, the most similar first; or those with these words."""
    wanted = words.casefold().split()
    if wanted:
        return [each for each in known if all(word in _words_of(each) for word in wanted)][:MOST_SIMILAR]
    scored = [(_likeness(each, diagnosis), each) for each in known]
    best = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: (-pair[0], -pair[1].incident.opened))
    return [each for _score, each in best[:MOST_SIMILAR]]


def _likeness(past: Past, diagnosis: Diagnosis) -> int:
    here = diagnosis.incident
    causes = {cause.id for cause in diagnosis.causes}
    same_cause = any(cause.id in causes for cause in past.diagnosis.causes)
    if here is None:
        return 2 * same_cause
    same_signal = past.incident.symptom.signal is not None and past.incident.symptom.signal == here.symptom.signal
    return 2 * same_cause + 2 * same_signal + (past.incident.subject == here.subject)


def _words_of(past: Past) -> str:
    incident = past.incident
    texts = [incident.id, incident.title, incident.subject, *(note.text for note in incident.notes)]
    texts += [f"{cause.id} {cause.title}" for cause in past.diagnosis.causes] + [*past.fixed_by]
    return " ".join(texts).casefold()


def _told(past: Past) -> str:
    incident, causes = past.incident, past.diagnosis.causes
    said = (
        f"{incident.id}, {instant(incident.opened)}, about {shown_line(incident.subject)}: {shown_line(incident.title)}"
    )
    said += f"; cause {causes[0].id} ({shown_line(causes[0].title)})" if causes else "; no cause was named"
    if past.fixed_by:
        return f"{said}; fixed by {shown_line('; '.join(past.fixed_by))}"
    last = past.incident.notes[-1].text if past.incident.notes else ""
    return said + (f"; last note: {shown_line(last, 160)}" if last else "")


async def _again(scene: Scene, cause: Cause) -> Cause | None:
    """The same cause as today's data have it, or None: its playbook is run again where this diagnosis did not."""
    ran = next((each for each in scene.diagnosis.runs if each.playbook == cause.playbook), None)
    playbook = scene.playbooks.get(cause.playbook)
    if ran is None and playbook is not None:
        try:
            ran = await run(
                playbook, _inputs(scene, cause), scene.situation, step_types=scene.step_types, playbooks=scene.playbooks
            )
        except AndonError:
            return None
    found = ran.causes if ran is not None else ()
    return next((each for each in found if each.id == cause.id and each.is_named), None)


def _inputs(scene: Scene, cause: Cause) -> dict[str, str]:
    incident, playbook = scene.diagnosis.incident, scene.playbooks[cause.playbook]
    return playbook.inputs_from(incident.symptom.labels) if incident is not None else {}


def _finding(text: str, past: Past, again: Cause) -> Finding:
    return replace(
        note(text, RE, Verdict.DEGRADED), reason=f"as in {past.incident.id}; about {shown_line(again.subject)}"
    )
