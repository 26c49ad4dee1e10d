"""A model that says what it was told to, and looks that find one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import nouns

from console.errors import UsageError
from console.model import Offer
from console.sources.estate import Estate, Situation
from console.triage.agent.looks import Looks
from console.triage.agent.speaker import Reply
from console.triage.agent.tool import Scene

DIAGNOSIS = replace(
    nouns.diagnosis(findings=(nouns.finding("F1"),), causes=(nouns.cause(remedies=("scale",)),)),
    remedies=(Offer("scale", "input_changed"),),
)
CLAIM = {"text": "the inputs moved", "evidence": ["F1"], "cause": "input_changed"}
USAGE = {"input_tokens": 1000, "output_tokens": 100}


def uses(name: str, at: int = 1, **arguments: Any) -> Mapping[str, Any]:
    return {"type": "tool_use", "id": f"t{at}", "name": name, "input": arguments}


def reply(*blocks: Mapping[str, Any], stop: str = "tool_use") -> Reply:
    return Reply(blocks or ({"type": "text", "text": "hm"},), stop, USAGE)


CONCLUDES = reply(uses("conclude", claims=[CLAIM], remedies=["scale"]))


class Scripted:
    """A model that says what it was told to, and what it was asked."""

    def __init__(self, *turns: Reply | Exception) -> None:
        self.turns, self.asked = [*turns], list[dict[str, Any]]()
        self.called: list[tuple[str, bool]] = []

    async def say(self, request: Mapping[str, Any], _on_text: Any, _seconds: float) -> Reply:
        self.asked.append(dict(request))
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        if isinstance(turn, Exception):
            raise turn
        return turn

    def looked(self, name: str, began: float, ended: float, *, is_refused: bool) -> None:
        self.called.append((name, is_refused))


class Eyes(Looks):
    """Looks that find one thing, or refuse it."""

    def tools(self) -> list[dict[str, Any]]:
        return [{"name": "compare", "description": "…", "input_schema": {"type": "object"}}]

    async def look(self, name: str, arguments: Mapping[str, Any], room: int = 0) -> str:
        if name != "compare":
            raise UsageError(f"there is no tool {name!r}", "there is compare")
        self.findings.append(nouns.finding(f"F{len(self.findings) + 1}"))
        return f"F{len(self.findings)} [degraded] it fell"


def eyes(**changes: Any) -> Eyes:
    return Eyes(Scene(Situation(Estate(), nouns.NOON), {}, DIAGNOSIS), **changes)
