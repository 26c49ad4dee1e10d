"""Operations on bundles: an incident leaves as one, redacted, and one from elsewhere comes in, closed."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import replace
from typing import Any

from console.errors import BundleError, UsageError
from console.model import AgentSays, Incident, Note, Symptom, Usage
from console.playbook.bundles.bundle import Bundle
from console.playbook.bundles.file import from_bytes, to_bytes
from console.playbook.bundles.redaction import redacted
from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.operations.incidents import One
from console.service.peer import Peer
from console.triage import diagnose
from console.wire import dump

MOST_TRANSCRIPTS = 10


class Given(Arguments):
    """A bundle's file in base64."""

    bundle: str


def operations(house: House) -> tuple[Operation, ...]:
    """How incidents leave and come."""
    records = house.records

    async def export(arguments: One, _peer: Peer) -> Any:
        incident = await records.incident(arguments.incident)
        body = await records.recording(incident.id)
        if body is None:
            hint = f"`andon incident examine {incident.id}` looks again and keeps it"
            raise UsageError(f"what was asked when {incident.id} was examined is not kept", hint)
        diagnosis = diagnose(await records.runs(incident.runs), incident)
        transcripts = tuple(reversed(await records.transcripts(incident.id)))[-MOST_TRANSCRIPTS:]

        def work() -> tuple[Bundle, bytes]:
            told = replace(from_bytes(body), incident=incident, diagnosis=diagnosis)
            answers = {each.question: each.answer for each in incident.answers}
            bundle = redacted(replace(told, answers={**told.answers, **answers}, transcripts=transcripts))
            return bundle, to_bytes(bundle)

        bundle, data = await asyncio.to_thread(work)
        return {"bundle": base64.b64encode(data).decode(), "left_out": list(bundle.left_out)}

    async def take_in(arguments: Given, peer: Peer) -> Any:
        try:
            data = base64.b64decode(arguments.bundle, validate=True)
        except binascii.Error as error:
            raise BundleError("this is no bundle: it is not in base64", "") from error
        bundle = await asyncio.to_thread(from_bytes, data)
        runs = bundle.diagnosis.runs if bundle.diagnosis else ()
        note = Note(house.clock(), peer.name, f"imported; {bundle.origin} elsewhere")
        taken = await records.take_in(_incident(bundle), runs, note, bundle.now, data)
        if not await records.transcripts(taken.id):  # it may have been taken in before
            for each in bundle.transcripts:
                await records.keep_transcript(replace(each, incident=taken.id, says=_free(each.says)))
        house.board.touch()
        return dump(taken)

    return (Operation("incident.export", One, export), Operation("incident.import", Given, take_in))


def _free(says: AgentSays | None) -> AgentSays | None:
    """What it cost was paid elsewhere."""
    return says and replace(says, usage=Usage())


def _incident(bundle: Bundle) -> Incident:
    """The bundle's own, or one made of its symptoms."""
    if bundle.incident is not None:
        return bundle.incident
    symptom = bundle.symptoms[0] if bundle.symptoms else Symptom("a run that was recorded")
    subject = symptom.labels.value("model") or ""
    return Incident("", symptom.text, "closed", bundle.now, symptom, subject, closed=bundle.now)
