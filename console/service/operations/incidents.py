"""Operations on incidents: the cord, questions and answers, notes and owners.

Who acts is the socket's peer, whatever the request says. An examination that this begins goes on whoever leaves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field

from console.errors import UsageError
from console.model import Answer, Incident
from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.peer import Peer
from console.service.watching import MOST_OPEN
from console.triage import diagnose, with_plans
from console.triage.cord import pulled
from console.triage.questions import check_answer, check_role, waiting_for
from console.wire import dump

MOST_NOTE = 4000  # characters
MOST_WORDS = 400  # of a title, a question or an answer


class Which(Arguments):
    """Whether closed incidents are wanted too."""

    all: bool = False


class One(Arguments):
    """An incident by id."""

    incident: str


class Pulled(Arguments):
    """What the cord is pulled about (a model, `HOST/GPU`, anything with a name), and what was noticed."""

    subject: str = Field(min_length=1, max_length=MOST_WORDS)
    text: str = Field("", max_length=MOST_WORDS)


class Answered(One):
    """A question of its playbooks, word for word, and one of the answers offered."""

    question: str = Field(max_length=MOST_NOTE)
    answer: str = Field(max_length=MOST_WORDS)


class Noted(One):
    """What to write into its timeline."""

    text: str = Field(min_length=1, max_length=MOST_NOTE)


class Closed(One):
    """Why it is over."""

    text: str = Field("", max_length=MOST_NOTE)


def operations(house: House) -> tuple[Operation, ...]:
    """What can be done with incidents."""
    records = house.records

    def changed(incident: Incident) -> Any:
        house.board.touch()
        return dump(incident)

    async def list_them(arguments: Which, _peer: Peer) -> Any:
        found = await records.incidents() if arguments.all else reversed(await records.standing())
        return [dump(each) for each in found]

    async def show(arguments: One, _peer: Peer) -> Any:
        return dump(await records.incident(arguments.incident))

    async def open_one(arguments: Pulled, peer: Peer) -> Any:
        if not arguments.subject.strip():
            raise UsageError("an incident is about something", "name a model, or HOST/GPU")
        standing = await records.standing()
        if len(standing) >= MOST_OPEN and all(each.subject != arguments.subject for each in standing):
            raise UsageError(f"{MOST_OPEN} incidents are open already", "close those that are over")
        models = {*house.sightings.newest, *house.estate.models.values()}
        symptom = pulled(arguments.subject, arguments.text.strip(), models)
        incident = await records.open(symptom, arguments.subject, house.clock(), peer.name)
        if not incident.notes:
            incident = await records.note(incident.id, "pulled the cord", house.clock(), peer.name)
        house.watch.examine_anew(incident, house.clock(), symptom)
        return changed(incident)

    async def examine(arguments: One, _peer: Peer) -> Any:
        house.watch.examine(_open(await records.incident(arguments.incident)), house.clock())
        house.board.touch()
        return {}

    async def answer(arguments: Answered, peer: Peer) -> Any:
        incident = _open(await records.incident(arguments.incident))
        runs = await records.runs(incident.runs)
        check_role(check_answer(arguments.question, arguments.answer, runs), peer.name, house.config.roles)
        said = Answer(house.clock(), peer.name, arguments.question, arguments.answer)
        incident = await records.answer(incident.id, said)
        if waiting := waiting_for(arguments.question, runs):
            house.running.go_on_aside([run.id for run in waiting], peer.name)
        else:
            house.watch.examine_anew(incident, house.clock())
        return changed(incident)

    async def note(arguments: Noted, peer: Peer) -> Any:
        return changed(await records.note(arguments.incident, arguments.text, house.clock(), peer.name))

    async def acknowledge(arguments: One, peer: Peer) -> Any:
        return changed(await records.acknowledge(arguments.incident, house.clock(), peer.name))

    async def close(arguments: Closed, peer: Peer) -> Any:
        incident = await records.close(arguments.incident, house.clock(), peer.name, arguments.text)
        await house.notifying.tell("closed", incident.id)
        return changed(incident)

    async def diagnosis(arguments: One, _peer: Peer) -> Any:
        incident = await records.incident(arguments.incident)
        plans = await house.remedying.list(everything=True, incident=incident.id)
        found = diagnose(await records.runs(incident.runs), incident)
        told = replace(found, agent=await house.explaining.latest(found))
        return dump(with_plans(told, plans))

    return (
        Operation("incident.list", Which, list_them),
        Operation("incident.show", One, show),
        Operation("incident.open", Pulled, open_one),
        Operation("incident.note", Noted, note),
        Operation("incident.ack", One, acknowledge),
        Operation("incident.close", Closed, close),
        Operation("diagnosis", One, diagnosis),
        Operation("examine", One, examine),
        Operation("answer", Answered, answer),
    )


def _open(incident: Incident) -> Incident:
    if incident.state == "closed":
        raise UsageError(f"{incident.id} is closed", "a new symptom opens a new incident")
    return incident
