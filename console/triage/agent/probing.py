"""What an endpoint can do, learned by one probe: they speak one API, and each leaves out something else of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from console.errors import SourceMalformed
from console.triage.agent.speaker import Reply

CACHED: Mapping[str, Any] = {"type": "ephemeral"}
MOST_TOKENS = 1_000  # a model that thinks first needs some
READY: Mapping[str, Any] = {
    "name": "ready",
    "description": "Says that you are ready.",
    "input_schema": {"type": "object", "properties": {}},
}


@dataclass(frozen=True, slots=True)
class Able:
    """What may be asked of an endpoint."""

    tools: bool = True  # it calls them; otherwise it only concludes, in words that are JSON
    caches: bool = True  # it takes `cache_control`


SHAPES = (Able(), Able(caches=False), Able(tools=False, caches=False))


async def probed(model: str, say: Callable[[Mapping[str, Any]], Any]) -> Able:
    """What the endpoint takes, and whether its model calls a tool that it is asked to call.

    `say` asks it and gives a Reply. Raises SourceError's family where it does not answer at all.
    """
    for able in SHAPES:
        try:
            reply: Reply = await say(_request(model, able))
        except SourceMalformed:
            if able is SHAPES[-1]:
                raise
            continue
        called = any(block.get("type") == "tool_use" for block in reply.content)
        return Able(able.tools and (called or reply.stop_reason != "end_turn"), able.caches)
    raise AssertionError("the last shape answers or raises")


def _request(model: str, able: Able) -> dict[str, Any]:
    said = "Call the tool `ready`." if able.tools else "Say: ready."
    return {
        "model": model,
        "max_tokens": MOST_TOKENS,
        **({"cache_control": CACHED} if able.caches else {}),
        **({"tools": [READY]} if able.tools else {}),
        "messages": [{"role": "user", "content": [{"type": "text", "text": said}]}],
    }
