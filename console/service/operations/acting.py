"""Operations that make the daemon work: collect, take a page of the past, find a root cause, stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from console.errors import SourceError, UsageError
from console.model import Symptom
from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.operations.reading import Nothing
from console.service.peer import Peer
from console.wire import dump

RUN_SECONDS = 300.0
ANSWER_SECONDS = 0.05  # for the answer to `stop` to leave before the socket does
T = TypeVar("T")


class Collected(Arguments):
    """Whether to wait until every incident that this opens is examined."""

    wait: bool = False


class Ingested(Arguments):
    """A metrics page of a source whose lines say when they were true."""

    source: str
    page: str


class TriageAsked(Arguments):
    """An incident's id, or a symptom."""

    incident: str | None = None
    symptom: Symptom | None = None
    llm: bool = True  # whether the configured model is asked too


def operations(house: House) -> tuple[Operation, ...]:
    """What can be set going."""

    async def collect(arguments: Collected, _peer: Peer) -> Any:
        opened = await house.collect()
        if arguments.wait:
            await house.watch.settled()
        return {"now": house.clock(), "incidents": [incident.id for incident in opened]}

    async def ingest(arguments: Ingested, _peer: Peer) -> Any:
        return {"readings": await house.pages.take(arguments.source, arguments.page)}

    async def triage(arguments: TriageAsked, peer: Peer) -> Any:
        incident = None if arguments.incident is None else await house.records.incident(arguments.incident)
        symptom = arguments.symptom if incident is None else incident.symptom
        if symptom is None:
            raise UsageError("triage needs one thing to start from", "give an incident or a symptom")
        diagnosis = await _in_time(house.examine(incident, [symptom]))
        await house.records.keep_runs(diagnosis.runs, incident.id if incident else None)
        return dump(await house.explaining.explain(diagnosis, peer.name) if arguments.llm else diagnosis)

    async def stop(_arguments: Nothing, _peer: Peer) -> Any:
        asyncio.get_running_loop().call_later(ANSWER_SECONDS, house.stopping.set)
        return {}

    return (
        Operation("collect", Collected, collect),
        Operation("ingest", Ingested, ingest),
        Operation("triage", TriageAsked, triage),
        Operation("stop", Nothing, stop),
    )


async def _in_time(work: Awaitable[T]) -> T:
    try:
        return await asyncio.wait_for(work, RUN_SECONDS)
    except TimeoutError:
        raise SourceError(
            f"the run took more than {RUN_SECONDS:g} s and was stopped", "see `andon source check`"
        ) from None
