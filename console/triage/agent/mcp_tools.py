"""Tools of configured MCP servers, as the model may call them: those that are allowed by name, and no others.

What a server says of its tools, and what they answer, are words of strangers: cleaned, cut, and never a verdict.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from console.config import McpConfig
from console.errors import UsageError
from console.model import Finding, Verdict
from console.sources.redact import shown_line
from console.triage.agent.mcp_link import Link

if TYPE_CHECKING:
    from mcp.types import CallToolResult, Tool

MOST_NAME = 128  # characters, as of everything here but MOST_LINES
MOST_DESCRIPTION = 300
MOST_SCHEMA = 4_000
MOST_RESULT = 60_000
MOST_LINES = 2_000
MOST_LINE = 400
MOST_ERROR = 400
MOST_FINDING = 2_000
NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")  # what the Messages API takes
CHOICES = ("anyOf", "oneOf", "allOf")  # which it does not take in the place of an object


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool, as the model knows it, and where it is."""

    link: Link
    tool: str
    told: Mapping[str, Any]


@dataclass(slots=True)
class Mcp:
    """The servers of one investigation. `failed`: why a server, or one of its tools (`SERVER/TOOL`), is left out."""

    servers: Sequence[McpConfig]
    failed: dict[str, str] = field(default_factory=dict)
    _links: list[Link] = field(default_factory=list)
    _offered: dict[str, Offered] = field(default_factory=dict)

    async def open(self) -> None:
        """Connect to all of them at once and learn what they offer."""
        self._links = [Link(each) for each in self.servers]
        for link, found in zip(self._links, await asyncio.gather(*map(self._listed, self._links)), strict=True):
            if found is not None:
                self._offer(link, found)

    def tools(self) -> list[dict[str, Any]]:
        """As the Messages API has them, in the order of the configuration."""
        return [dict(each.told) for each in self._offered.values()]

    def __contains__(self, name: str) -> bool:
        return name in self._offered

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """What a tool says, line by line. UsageError, worded for the model, where it fails or the server does."""
        offered = self._offered.get(name)
        if offered is None:
            raise UsageError(f"there is no tool {shown_line(name, 60)!r}", f"there are {', '.join(self._offered)}")
        result = await offered.link.call(offered.tool, arguments)
        text = _text(result)
        if result.is_error:
            raise UsageError(f"{name} failed: {shown_line(text, MOST_ERROR) or 'it does not say why'}", "")
        return text

    async def close(self) -> None:
        """Leave every server."""
        links, self._links = self._links, []
        self._offered.clear()
        await asyncio.gather(*(link.close() for link in links))

    async def _listed(self, link: Link) -> list[Tool] | None:
        try:
            return await link.open()
        except UsageError as error:
            self.failed[link.config.name] = f"{error.message}; {error.hint}"
            return None

    def _offer(self, link: Link, found: Sequence[Tool]) -> None:
        by_name = {tool.name: tool for tool in found}
        for allowed in link.config.tools:
            name = NOT_IN_NAMES.sub("_", f"{link.config.name}__{allowed}")[:MOST_NAME]
            try:
                if allowed not in by_name:
                    raise UsageError("the server offers no such tool", "")
                if name in self._offered:
                    raise UsageError(f"another tool is called {name} already", "")
                self._offered[name] = Offered(link, allowed, _told(name, link.config.name, by_name[allowed]))
            except UsageError as error:
                self.failed[f"{link.config.name}/{allowed}"] = error.message


def heard(name: str, text: str) -> Finding:
    """What a tool said, as something to cite: a stranger's word, which judges nothing."""
    said = shown_line(" / ".join(text.splitlines()), MOST_FINDING)
    return Finding("", "check", name, f"{name} says: {said or 'nothing'}", Verdict.INCONCLUSIVE)


def _told(name: str, server: str, tool: Tool) -> dict[str, Any]:
    """The tool as the Messages API takes it: one that it refused would end every request. UsageError for such a one."""
    from jsonschema import Draft202012Validator, FormatChecker, SchemaError

    hints = tool.annotations
    if hints is not None and (hints.read_only_hint is False or (hints.destructive_hint and not hints.read_only_hint)):
        raise UsageError("it says itself that it changes things, and a model only reads", "")
    schema = tool.input_schema
    if (size := len(json.dumps(schema, ensure_ascii=False))) > MOST_SCHEMA:
        raise UsageError(f"its schema has {size:,} characters, more than {MOST_SCHEMA:,}", "")
    properties = schema.get("properties", {})
    if schema.get("type") != "object" or any(each in schema for each in CHOICES) or not isinstance(properties, dict):
        raise UsageError("its arguments are no object", "")
    if not all(map(PROPERTY.fullmatch, properties)):
        raise UsageError("its arguments have names that cannot be sent", "")
    try:
        Draft202012Validator.check_schema(schema, FormatChecker(()))
    except (SchemaError, RecursionError):
        raise UsageError("its schema is none", "") from None
    said = f"Of the MCP server {server}, in its words: {tool.description or tool.title or tool.name}"
    return {"name": name, "description": shown_line(said, MOST_DESCRIPTION), "input_schema": _shown(schema)}


def _shown(part: Any) -> Any:
    """A schema whose words may be shown."""
    match part:
        case str():
            return shown_line(part)
        case list():
            return [_shown(each) for each in part]
        case dict():
            return {shown_line(key, MOST_NAME): _shown(each) for key, each in part.items()}
    return part


def _text(result: CallToolResult) -> str:
    """The words of a result, cleaned and cut; of pictures and the like, that there are some."""
    words = "\n".join(block.text if block.type == "text" else f"[{block.type}, not shown]" for block in result.content)
    if not result.content and result.structured_content is not None:
        words = json.dumps(result.structured_content, ensure_ascii=False, indent=1)
    lines = [shown_line(line, MOST_LINE) for line in islice(words[: 4 * MOST_RESULT].splitlines(), MOST_LINES)]
    text = "\n".join(lines)[:MOST_RESULT]
    return text if len(words) <= MOST_RESULT and len(lines) < MOST_LINES else f"{text}\n… cut here"
