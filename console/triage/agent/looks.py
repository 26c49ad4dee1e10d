"""What a model may look at: tools that read, and nothing else. Whatever it asks for is checked and bounded, and comes
back as findings that it can cite; what is too long is kept aside, to be searched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pydantic import Field

from console.errors import AndonError, UsageError
from console.model import Finding
from console.sources.redact import shown_line
from console.triage.agent.mcp_tools import Mcp, heard
from console.triage.agent.tool import Arguments, Scene, Seen, Tool, checked, schema_of
from console.triage.agent.tools import all_tools

MOST_ANSWER = 6_000  # characters of one answer, however much room there is
MOST_FINDINGS = 40  # of one look
MOST_KEPT = 20
MOST_FOUND = 40  # lines
MOST_EXAMPLE = 300  # characters
WAITS, SEARCH = "ask_operator", "search"


class Searched(Arguments):
    """Lines of what was kept aside."""

    kept: str = Field(description="K1, K2 …")
    words: str = Field(min_length=1, description="all of them in a line")


@dataclass(slots=True)
class Looks:
    """The looks of one investigation. Findings go on where those of the diagnosis end."""

    scene: Scene
    redact: Callable[[str], str] = str
    others: Mcp | None = None  # tools of MCP servers
    most_kept: int = MOST_KEPT
    findings: list[Finding] = field(default_factory=list)
    waited: float = 0.0  # seconds that a person took to answer
    clock: Callable[[], float] = time.monotonic
    _tools: dict[str, Tool] = field(default_factory=dict)
    _kept: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        described = "Lines of an answer that was kept aside."
        search = Tool(SEARCH, described, schema_of(Searched), partial(_searched, self._kept))
        self._tools = {**all_tools(self.scene), search.name: search}

    def tools(self) -> list[dict[str, Any]]:
        """What the model is told that it may call, in an order that never changes: what stands first is cached."""
        told = [*(tool.told for tool in self._tools.values()), *(self.others.tools() if self.others else ())]
        return [_redacted(each, self.redact) for each in told]

    async def look(self, name: str, arguments: Mapping[str, Any], room: int = MOST_ANSWER) -> str:
        """What one call gives, as text of so many characters. UsageError for a tool that is none, and for arguments
        that do not fit.
        """
        began = self.clock()
        try:
            seen = await self._seen(name, arguments)
        except AndonError as error:
            raise UsageError(f"{shown_line(name, 60)}: {shown_line(error.message)}", shown_line(error.hint)) from None
        finally:
            self.waited += self.clock() - began if name == WAITS else 0.0
        found = [replace(each, id=f"F{len(self.findings) + at}") for at, each in enumerate(seen.findings, 1)]
        del found[MOST_FINDINGS:]
        self.findings += found
        return self._bounded("\n".join(_lines(seen, found)), min(room, MOST_ANSWER))

    async def _seen(self, name: str, arguments: Mapping[str, Any]) -> Seen:
        if self.others is not None and name in self.others:
            text = await self.others.call(name, arguments)
            return Seen("", (heard(name, text),), text)
        tool = self._tools.get(name)
        if tool is None:
            names = ", ".join(str(each["name"]) for each in self.tools())
            raise UsageError(f"there is no tool {shown_line(name, 60)!r}", f"there are {names}")
        return await tool.call(arguments)

    def _bounded(self, text: str, room: int) -> str:
        """What leaves: without secrets, and cut at the end of a line, where the rest can be searched."""
        text = self.redact(text)
        if len(text) <= room:
            return text
        end = text.rfind("\n", room // 2, room)
        shown = text[: end if end > 0 else room]
        if len(self._kept) >= self.most_kept:
            return f"{shown}\n… cut here"
        name = f"K{len(self._kept) + 1}"
        self._kept[name] = text
        return f"{shown}\n… {len(text) - len(shown)} characters more are kept as {name}: search them"


def _redacted(part: Any, redact: Callable[[str], str]) -> Any:
    """Every text in it: plugins and servers write what their tools are for."""
    match part:
        case str():
            return redact(part)
        case list() | tuple():
            return [_redacted(each, redact) for each in part]
        case Mapping():
            return {name: _redacted(each, redact) for name, each in part.items()}
    return part


def _lines(seen: Seen, found: list[Finding]) -> Iterator[str]:
    if seen.whole:
        yield f"{found[0].id} [{found[0].verdict}] {found[0].step} says:"
        yield seen.whole
        return
    if seen.said:
        yield seen.said
    yield from map(worded, found)


async def _searched(kept: Mapping[str, str], arguments: Mapping[str, Any]) -> Seen:
    asked: Searched = checked(Searched, arguments)
    if asked.kept not in kept:
        raise UsageError(f"nothing is kept as {shown_line(asked.kept, 20)!r}", ", ".join(kept))
    words = asked.words.casefold().split()
    found = [line for line in kept[asked.kept].splitlines() if all(word in line.casefold() for word in words)]
    more = [f"… and {len(found) - MOST_FOUND} more"] if len(found) > MOST_FOUND else []
    return Seen("\n".join([*found[:MOST_FOUND], *more]) or "no line has all of these words")


def worded(finding: Finding) -> str:
    """One finding on a line, as the model cites it, and examples of it below."""
    why = f" ({shown_line(finding.reason)})" if finding.reason else ""
    said = f"{finding.id} [{finding.verdict}] {shown_line(finding.text)}{why}"
    return said + "".join(
        f"\n    {shown_line(each.caption, MOST_EXAMPLE)}" for each in finding.exemplars[:3] if each.kind == "text"
    )
