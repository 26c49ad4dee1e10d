"""Operations on pinned baselines: spans of time worth comparing with, kept under a name."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from console.model import Span
from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.operations.reading import Nothing
from console.service.peer import Peer
from console.sources.windows import parse_span
from console.store.pins import Pin
from console.wire import dump


class Pinned(Arguments):
    """A span, such as `15m` or `START..END`, and the name to keep it under."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")
    span: str


class Dropped(Arguments):
    """A pinned baseline by name."""

    name: str


def operations(house: House) -> tuple[Operation, ...]:
    """What can be done with pinned baselines."""

    async def list_them(_arguments: Nothing, _peer: Peer) -> Any:
        return [_shown(name, spans) for name, spans in sorted((await house.records.pins()).items())]

    async def pin(arguments: Pinned, peer: Peer) -> Any:
        now = house.clock()
        made = Pin(arguments.name, (parse_span(arguments.span, now),), now, peer.name)
        await house.records.pin(made)
        return _shown(made.name, made.spans)

    async def drop(arguments: Dropped, _peer: Peer) -> Any:
        await house.records.drop_pin(arguments.name)
        return {"dropped": arguments.name}

    return (
        Operation("baseline.list", Nothing, list_them),
        Operation("baseline.pin", Pinned, pin),
        Operation("baseline.drop", Dropped, drop),
    )


def _shown(name: str, spans: tuple[Span, ...]) -> dict[str, Any]:
    return {"name": name, "spans": [dump(span) for span in spans]}
