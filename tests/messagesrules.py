"""What the Messages API (anthropic-version 2026-10-21) refuses of a request, and in which words.

By its reference, by the types of its SDK 2.12, and, where these say nothing, by refusals that people have reported. It
is stricter in two places, where nothing of ours may go: `max_tokens` of 0 would only warm the cache, and thinking has
to come back with each of its messages, whatever came after.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from messagesblocks import TOOL_NAME, Block, blocks_of, extra, field, wrong_block, wrong_messages

KEY = "k-test"
PATHS = {"/v1/messages": "POST", "/v1/messages/count_tokens": "POST", "/v1/models": "GET"}
MOST_BYTES = 32 << 20
MOST_BREAKPOINTS = 4

COUNTED = {"model", "messages", "cache_control", "output_config", "speed", "system", "thinking", "tool_choice", "tools"}
CREATED = COUNTED | {"max_tokens", "container", "diagnostics", "inference_geo", "metadata", "service_tier",
                     "stop_sequences", "stream"}  # fmt: skip
TOOL = {"name", "input_schema", "description", "cache_control", "type", "strict", "allowed_callers", "defer_loading",
        "eager_input_streaming", "input_examples"}  # fmt: skip
CHOICES = {"auto": {"type", "disable_parallel_tool_use"}, "any": {"type", "disable_parallel_tool_use"},
           "tool": {"type", "name", "disable_parallel_tool_use"}, "none": {"type"}}  # fmt: skip
Refused = tuple[int, str, str]


def refused(
    method: str, path: str, headers: Mapping[str, str], body: bytes, said: Sequence[Sequence[Block]]
) -> Refused | None:
    """(status, kind, words) of what the real server would not take. `said`: the messages that it has said itself."""
    if PATHS.get(path) != method:
        return 404, "not_found_error", "Not Found"
    if headers.get("Authorization") != f"Bearer {KEY}" and headers.get("x-api-key") != KEY:
        return 401, "authentication_error", "invalid x-api-key"
    if not headers.get("anthropic-version"):
        return 400, "invalid_request_error", "anthropic-version: header is required"
    if len(body) > MOST_BYTES:
        return 413, "request_too_large", "Request exceeds the maximum size"
    if method == "GET":
        return None
    try:
        asked = json.loads(body)
    except ValueError:
        return 400, "invalid_request_error", "The request body is not valid JSON"
    wrong = next(_wrong(asked, CREATED if path == "/v1/messages" else COUNTED, said), None)
    return (400, "invalid_request_error", wrong) if wrong else None


def _wrong(asked: Any, fields: set[str], said: Sequence[Sequence[Block]]) -> Iterator[str]:
    if not isinstance(asked, dict):
        yield "Input should be a valid dictionary"
        return
    yield from extra("", asked, fields)
    yield from field("model", asked, str)
    yield from field("messages", asked, list)
    if "max_tokens" in fields:
        yield from field("max_tokens", asked, int)
    if asked.get("max_tokens", 1) < 1:
        yield "max_tokens: Input should be greater than or equal to 1"
    if not isinstance(asked.get("stream", False), bool):
        yield "stream: Input should be a valid boolean"
    yield from _wrong_tools(asked)
    yield from _wrong_thinking(asked)
    if isinstance(system := asked.get("system", ""), list):
        yield from chain.from_iterable(wrong_block(f"system.{at}", each, "system") for at, each in enumerate(system))
    elif not isinstance(system, str):
        yield "system: Input should be a valid string"
    yield from wrong_messages(asked["messages"], said)
    if (count := _breakpoints(asked)) > MOST_BREAKPOINTS:
        yield f"A maximum of {MOST_BREAKPOINTS} blocks with cache_control may be provided. Found {count}."


def _wrong_tools(asked: Mapping[str, Any]) -> Iterator[str]:
    tools, choice = asked.get("tools", []), asked.get("tool_choice")
    for at, tool in enumerate(tools):
        where = f"tools.{at}.custom"
        yield from extra(where, tool, TOOL)
        yield from field(f"{where}.name", tool, str)
        yield from field(f"{where}.input_schema", tool, dict)
        if not TOOL_NAME.fullmatch(tool["name"]):
            yield f"{where}.name: String should match pattern '^{TOOL_NAME.pattern}$'"
        if (schema := tool["input_schema"]).get("type") != "object":
            yield f"{where}.input_schema.type: " + (
                "Input should be 'object'" if "type" in schema else "Field required"
            )
        if schema.keys() & {"oneOf", "allOf", "anyOf"}:
            yield f"{where}.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
    names = [tool["name"] for tool in tools]
    if len(set(names)) < len(names):
        yield "tools: Tool names must be unique."
    if choice is None:
        return
    if choice.get("type") not in CHOICES:
        yield f"tool_choice: Input tag {choice.get('type')!r} does not match any of the expected tags"
        return
    yield from extra("tool_choice", choice, CHOICES[choice["type"]])
    if not tools:
        yield "tool_choice may only be specified while providing tools"
    if choice["type"] == "tool" and choice.get("name") not in names:
        yield f"Tool '{choice.get('name')}' not found in provided tools"


def _wrong_thinking(asked: Mapping[str, Any]) -> Iterator[str]:
    thinking = asked.get("thinking") or {"type": "disabled"}
    budget = thinking.get("budget_tokens")
    match thinking.get("type"):
        case "disabled":
            return
        case "enabled" if not isinstance(budget, int) or budget < 1024:
            yield "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        case "enabled" if budget >= asked.get("max_tokens", budget + 1):
            yield "`max_tokens` must be greater than `thinking.budget_tokens`"
        case "enabled" | "adaptive":
            pass
        case other:
            yield f"thinking: Input tag {other!r} does not match any of the expected tags"
    if (asked.get("tool_choice") or {}).get("type") in ("any", "tool"):
        yield "Thinking may not be enabled when tool_choice forces tool use."


def _breakpoints(asked: Any) -> int:
    """Marks wherever they may stand; what a model passed to a tool, or a schema names so, is none."""
    holders = [asked, *asked.get("tools", []), *(asked.get("system") or [])]
    blocks = [block for message in asked["messages"] for block in blocks_of(message)]
    inside = [each for block in blocks if block.get("type") == "tool_result" for each in blocks_of(block)]
    return sum(bool(each.get("cache_control")) for each in (*holders, *blocks, *inside) if isinstance(each, dict))
