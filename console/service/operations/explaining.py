"""Operations on what a language model says: begin, follow, interrupt, ask on, and read what was sent and answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field

from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.operations.incidents import MOST_NOTE, MOST_WORDS, One
from console.service.peer import Peer
from console.wire import dump


class Asked(One):
    """A question about it in words; none: it is explained."""

    question: str = Field("", max_length=MOST_NOTE)


class Answered(One):
    """What the operator answers the model."""

    answer: str = Field(min_length=1, max_length=MOST_WORDS)


class Of(Arguments):
    """Of which incident; none: of all."""

    incident: str | None = None


class Which(Arguments):
    """A transcript by id."""

    transcript: str


def operations(house: House) -> tuple[Operation, ...]:
    """What can be asked of the model, and of what it said."""
    explaining, records = house.explaining, house.records

    async def explain(arguments: Asked, peer: Peer) -> Any:
        await explaining.begin(arguments.incident, peer.name, arguments.question.strip())
        return {}

    async def seen(arguments: One, _peer: Peer) -> Any:
        return await explaining.seen(arguments.incident)

    async def interrupt(arguments: One, _peer: Peer) -> Any:
        explaining.interrupt(arguments.incident)
        return {}

    async def answer(arguments: Answered, _peer: Peer) -> Any:
        explaining.answer(arguments.incident, arguments.answer)
        return {}

    async def prompt(arguments: One, _peer: Peer) -> Any:
        return await explaining.prompt(arguments.incident)

    async def list_them(arguments: Of, _peer: Peer) -> Any:
        return [dump(replace(each, head={}, messages=())) for each in await records.transcripts(arguments.incident)]

    async def show(arguments: Which, _peer: Peer) -> Any:
        return dump(await records.transcript(arguments.transcript))

    return (
        Operation("explain", Asked, explain),
        Operation("explain.seen", One, seen),
        Operation("explain.interrupt", One, interrupt),
        Operation("explain.answer", Answered, answer),
        Operation("explain.prompt", One, prompt),
        Operation("transcript.list", Of, list_them),
        Operation("transcript.show", Which, show),
    )
