"""Operations for agents elsewhere: the looks that andon's own model has, none of which asks anybody anything."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from pydantic import Field

from console.errors import SourceError, UsageError
from console.playbook.bundles.redaction import Masks
from console.service.house import House
from console.service.operation import Arguments, Operation
from console.service.operations.reading import Nothing
from console.service.peer import Peer
from console.triage import diagnose
from console.triage.agent.allowed import allowed
from console.triage.agent.looks import SEARCH, Looks

LOOK_SECONDS = 60.0


class LookAsked(Arguments):
    """A look by name, and what it needs to know."""

    tool: str = Field(max_length=64)
    arguments: dict[str, Any] = Field(default_factory=dict)


def operations(house: House) -> tuple[Operation, ...]:
    """What can be looked at."""

    async def looks() -> Looks:
        """About no incident, so there is nobody to ask; what is too long is cut, for nobody would come back for it."""
        scene = await house.explaining.scene(diagnose(()))
        if (llm := house.config.llm) is not None:
            scene = replace(
                scene, situation=replace(scene.situation, estate=allowed(scene.situation.estate, llm.sources))
            )
        return Looks(scene, Masks(ips=llm is None or llm.mask_ips).text, most_kept=0)

    async def list_them(_arguments: Nothing, _peer: Peer) -> Any:
        return [tool for tool in (await looks()).tools() if tool["name"] != SEARCH]

    async def look(arguments: LookAsked, _peer: Peer) -> Any:
        if arguments.tool == SEARCH:
            raise UsageError(f"there is no tool {SEARCH!r}", "what is too long is cut: ask for less")
        looking = house.bench.do((await looks()).look(arguments.tool, arguments.arguments))
        try:
            return {"text": await asyncio.wait_for(looking, LOOK_SECONDS)}
        except TimeoutError:
            hint = "ask for a shorter window, or for fewer label sets"
            raise SourceError(f"{arguments.tool} took more than {LOOK_SECONDS:g} s", hint) from None

    return (
        Operation("look.list", Nothing, list_them),
        Operation("look", LookAsked, look),
    )
