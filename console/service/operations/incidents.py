"""Operations on incidents. Who acts is the socket's peer, whatever the request says."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from console.model import Incident
from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.peer import Peer
from console.triage import diagnose
from console.wire import dump

MOST_NOTE = 4000  # characters


class Which(Arguments):
    """Whether closed incidents are wanted too."""

    all: bool = False


class One(Arguments):
    """An incident by id."""

    incident: str


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

    async def note(arguments: Noted, peer: Peer) -> Any:
        return changed(await records.note(arguments.incident, arguments.text, house.clock(), peer.name))

    async def acknowledge(arguments: One, peer: Peer) -> Any:
        return changed(await records.acknowledge(arguments.incident, house.clock(), peer.name))

    async def close(arguments: Closed, peer: Peer) -> Any:
        return changed(await records.close(arguments.incident, house.clock(), peer.name, arguments.text))

    async def diagnosis(arguments: One, _peer: Peer) -> Any:
        incident = await records.incident(arguments.incident)
        return dump(diagnose(await records.runs(incident.runs), incident))

    return (
        Operation("incident.list", Which, list_them),
        Operation("incident.show", One, show),
        Operation("incident.note", Noted, note),
        Operation("incident.ack", One, acknowledge),
        Operation("incident.close", Closed, close),
        Operation("diagnosis", One, diagnosis),
    )
