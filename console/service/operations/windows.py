"""Operations on pinned baselines: spans of time worth comparing with, kept under a name."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.operations.reading import Nothing
from console.service.peer import Peer
from console.sources.windows import parse_span
from console.store.pins import Pin
from console.wire import dump

MOST_NOTE = 4000  # characters


class Pinned(Arguments):
    """A span, such as `15m` or `START..END`, and the name to keep it under."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")
    span: str
    note: str = Field("", max_length=MOST_NOTE)


class Dropped(Arguments):
    """A pinned baseline by name."""

    name: str


def operations(house: House) -> tuple[Operation, ...]:
    """What can be done with pinned baselines."""

    async def list_them(_arguments: Nothing, _peer: Peer) -> Any:
        return [dump(each) for each in await house.records.pins()]

    async def pin(arguments: Pinned, peer: Peer) -> Any:
        now = house.clock()
        made = Pin(arguments.name, (parse_span(arguments.span, now),), now, peer.name, arguments.note)
        await house.records.pin(made)
        return dump(made)

    async def drop(arguments: Dropped, _peer: Peer) -> Any:
        await house.records.drop_pin(arguments.name)
        return {"dropped": arguments.name}

    return (
        Operation("baseline.list", Nothing, list_them),
        Operation("baseline.pin", Pinned, pin),
        Operation("baseline.drop", Dropped, drop),
    )
