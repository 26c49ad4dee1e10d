"""Tools that plugins offer: whatever they raise, and however long they take, the investigation goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError

from console.errors import AndonError, UsageError
from console.plugins import AgentTool
from console.sources.redact import shown_line
from console.triage.agent.tool import Scene, Seen, Tool, note, schema_of

CALL_SECONDS = 20.0
MOST_LINES = 200


def tools(scene: Scene) -> Iterator[Tool]:
    """One for each that was offered."""
    for offer in scene.offered:
        described = f"{shown_line(offer.title, 300)} Gives findings."
        yield Tool(offer.name, described, schema_of(offer.arguments), partial(_call, scene, offer))


async def _call(scene: Scene, offer: AgentTool, arguments: Mapping[str, Any]) -> Seen:
    try:
        asked = offer.arguments.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", "mend it and call again") from None
    try:
        async with asyncio.timeout(CALL_SECONDS):
            said = await offer.call(scene.situation, asked)
    except TimeoutError:
        raise UsageError(f"it took more than {CALL_SECONDS:g} s", "ask for less") from None
    except AndonError:
        raise
    except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
        raise UsageError(f"it failed: {type(error).__name__}: {shown_line(str(error))}", "go on without") from None
    lines = [line for line in str(said).splitlines() if line.strip()][:MOST_LINES]
    return Seen(
        f"{len(lines)} lines" if lines else "nothing", tuple(note(shown_line(each), offer.name) for each in lines)
    )
