"""The operation that looks at one GPU: what it is, what runs on it, what it is linked to, and its last minutes."""

from __future__ import annotations

import asyncio
from typing import Any

from console.errors import AndonError, UsageError
from console.model import Gpu
from console.service.board import late
from console.service.gpus import SeenGpu, row
from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.peer import Peer
from console.sources.types import GpuReader
from console.wire import dump

LOOK_SECONDS = 5.0


class OneGpu(Arguments):
    """A GPU by its host and its number or UUID, as the board names them."""

    gpu: str
    host: str = ""
    source: str = ""  # the one to ask, where several know it


def operations(house: House) -> tuple[Operation, ...]:
    """What can be looked at."""

    async def look(arguments: OneGpu, _peer: Peer) -> Any:
        seen = house.live.gpus.find(arguments.host, arguments.gpu)
        if seen is None:
            where = f" on {arguments.host[:60]}" if arguments.host else ""
            raise UsageError(f"there is no GPU {arguments.gpu[:60]}{where}", "the board lists those that were seen")
        told, note = await _ask(house, seen, arguments.source)
        shape = {} if told is None else dump(told)
        return {
            "gpu": row(seen, house.clock(), late(house, seen.source)),
            "facts": shape.get("facts", {}),
            "processes": shape.get("processes", []),
            "links": shape.get("links", []),
            "history": {name: list(values) for name, values in seen.history.items()},
            "note": note,
        }

    return (Operation("gpu", OneGpu, look),)


async def _ask(house: House, seen: SeenGpu, wanted: str) -> tuple[Gpu | None, str]:
    """What a source that can see the GPU says of it; else nothing, and why."""
    readers = {name: house.estate.sources.get(name) for name in sorted(seen.sources)}
    able = {name: reader for name, reader in readers.items() if isinstance(reader, GpuReader)}
    if not able:
        return None, f"{seen.source} tells numbers alone: no processes and no links"
    name = wanted if wanted in able else next(iter(able))
    try:
        told = await asyncio.wait_for(able[name].gpus(seen.gpu), LOOK_SECONDS)
    except TimeoutError:
        return None, f"{name} did not answer within {LOOK_SECONDS:g} s"
    except AndonError as error:
        return None, error.message
    found = next((each for each in told if seen.uuid in ("", each.uuid)), None)
    return found, "" if found else f"{name} does not see this GPU any more"
