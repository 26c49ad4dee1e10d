"""The operation `drift`: the rows of one model now against their baseline, column by column."""

from __future__ import annotations

from typing import Any

from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.peer import Peer


class OneModel(Arguments):
    """A model by name."""

    model: str


def operations(house: House) -> tuple[Operation, ...]:
    """What can be asked of rows."""

    async def drift(arguments: OneModel, _peer: Peer) -> Any:
        return await house.drifts.of(arguments.model)

    return (Operation("drift", OneModel, drift),)
