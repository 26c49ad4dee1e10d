"""The operations on GPUs: some of the many, filtered and sorted; and one of them, with what it is, what runs on it,
what it is linked to, and its last minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import Field

from console.errors import AndonError, UsageError
from console.filter import Filter
from console.model import Gpu
from console.service.board import late
from console.service.gpus import Late, SeenGpu, row
from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.peer import Peer
from console.sources.types import GpuReader
from console.wire import dump
from console.words import nearest

LOOK_SECONDS = 5.0
MOST_ROWS = 200  # of one page
ORDERS: Mapping[str, Callable[[SeenGpu], float] | None] = {  # None: by host and number
    "host and number": None,
    "trouble": None,
    "use": lambda gpu: -gpu.values.get("gpu.utilization", -1.0),
    "memory": lambda gpu: -gpu.values.get("gpu.memory.utilization", -1.0),
    "temperature": lambda gpu: -gpu.values.get("gpu.temperature", -1.0),
}


class Page(Arguments):
    """Some GPUs: those that fit a filter as screens have it, in an order, from one of them on."""

    filter: str = Field("", max_length=200)
    order: str = "trouble"
    first: int = Field(0, ge=0)
    count: int = Field(100, ge=1, le=MOST_ROWS)


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
            "gpu": row(seen, house.clock(), late(house, seen.source), house.live.gpus.books),
            "facts": shape.get("facts", {}),
            "processes": shape.get("processes", []),
            "links": shape.get("links", []),
            "history": {name: list(values) for name, values in seen.history.items()},
            "note": note,
        }

    async def page(arguments: Page, _peer: Peer) -> Any:
        if arguments.order not in ORDERS:
            raise UsageError(f"there is no order {arguments.order[:60]!r}", nearest(arguments.order[:60], ORDERS))
        now, books = house.clock(), house.live.gpus.books

        def is_late(source: str) -> float:
            return late(house, source)

        found = _ordered(house, arguments.order, now, is_late)
        if wanted := Filter.of(arguments.filter):
            found = [gpu for gpu in found if wanted.fits(_facts(gpu, now, is_late))]
        shown = found[arguments.first : arguments.first + arguments.count]
        return {
            "of": len(house.live.gpus),
            "total": len(found),
            "first": arguments.first,
            "rows": [row(gpu, now, is_late(gpu.source), books) for gpu in shown],
        }

    return (Operation("gpu", OneGpu, look), Operation("gpu.page", Page, page))


def _ordered(house: House, order: str, now: float, late: Late) -> Sequence[SeenGpu]:
    if order == "trouble":
        return house.live.gpus.worst_first(now, late)
    found, key = house.live.gpus.all(now), ORDERS[order]
    return found if key is None else sorted(found, key=key)


def _facts(gpu: SeenGpu, now: float, late: Late) -> dict[str, str]:
    """What a filter may name: as of the rows of a screen."""
    told = {
        "host": gpu.host, "gpu": gpu.gpu, "name": gpu.name, "uuid": gpu.uuid, "job": gpu.job, "source": gpu.source,
        "state": gpu.state(now, late(gpu.source)),
    }  # fmt: skip
    return told | ({"reason": "; ".join(fault.text for fault in gpu.faults)} if gpu.faults else {})


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
