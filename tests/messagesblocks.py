"""What the Messages API refuses of messages and of the blocks that they are made of; see `messagesrules`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
USE_ID = re.compile(r"[a-zA-Z0-9_-]+")

Block = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """A block: the fields that it must have with their types, those that it may have, and who may say it."""

    must: Mapping[str, type]
    may: frozenset[str]
    roles: frozenset[str]


def _shape(roles: str, may: str = "cache_control", **must: type) -> Shape:
    return Shape(must, frozenset(may.split()), frozenset(roles.split()))


BLOCKS = {
    "text": _shape("user assistant system", "cache_control citations", text=str),
    "tool_use": _shape("assistant", "cache_control caller toolset_name", id=str, name=str, input=dict),
    "tool_result": _shape("user", "content is_error cache_control toolset_name", tool_use_id=str),
    "thinking": _shape("assistant", "", thinking=str, signature=str),
    "redacted_thinking": _shape("assistant", "", data=str),
    "image": _shape("user", "cache_control transformations", source=dict),
    "document": _shape("user", "cache_control citations context title", source=dict),
}
THOUGHTS = ("thinking", "redacted_thinking")
INSIDE = ("text", "image", "document")  # of a tool's result


def wrong_messages(messages: Sequence[Any], said: Sequence[Sequence[Block]]) -> Iterator[str]:
    """`said`: the messages of the server itself, as blocks; what it thought is its own to change."""
    if not messages:
        yield "messages: at least one message is required"
    for at, message in enumerate(messages):
        yield from extra(f"messages.{at}", message, {"role", "content"})
        if message.get("role") not in ("user", "assistant", "system"):
            yield f"messages.{at}.role: Input should be 'user', 'assistant' or 'system'"
        if not isinstance(message.get("content"), str | list):
            yield f"messages.{at}.content: Input should be a valid list"
        is_prefill = at == len(messages) - 1 and message["role"] == "assistant"
        if not message["content"] and not is_prefill:
            yield f"messages.{at}: all messages must have non-empty content except for the final assistant message"
        for place, block in enumerate(blocks_of(message)):
            yield from wrong_block(f"messages.{at}.content.{place}", block, message["role"], said)
    turns = _turns(messages)
    if turns[0][1] == "assistant":
        yield 'messages: first message must use the "user" role'
    _at, role, last = turns[-1]
    if role == "assistant" and last and last[-1]["type"] == "text" and last[-1]["text"] != last[-1]["text"].rstrip():
        yield "messages: final assistant content cannot end with trailing whitespace"
    yield from _wrong_uses(turns)
    yield from _wrong_thoughts(messages, said)


def wrong_block(where: str, block: Block, role: str, said: Sequence[Sequence[Block]] = ()) -> Iterator[str]:
    kind = block.get("type")
    if kind not in BLOCKS or role not in BLOCKS[kind].roles:
        if not any(block in blocks for blocks in said):  # a kind that we do not know yet, and that it said itself
            yield f"{where}: Input tag {kind!r} found using 'type' does not match any of the expected tags"
        return
    shape = BLOCKS[kind]
    for name, wanted in shape.must.items():
        yield from field(f"{where}.{kind}.{name}", block, wanted)
    yield from extra(f"{where}.{kind}", block, {"type", *shape.must, *shape.may})
    cached = block.get("cache_control")
    if cached and (cached.get("type") != "ephemeral" or cached.get("ttl", "5m") not in ("5m", "1h")):
        yield f"{where}.{kind}.cache_control: Input should be 'ephemeral', for '5m' or '1h'"
    if kind == "text" and not block["text"].strip():
        yield "messages: text content blocks must " + (
            "contain non-whitespace text" if block["text"] else "be non-empty"
        )
    if kind == "tool_use" and not (USE_ID.fullmatch(block["id"]) and TOOL_NAME.fullmatch(block["name"])):
        yield f"{where}.tool_use: String should match pattern '^{USE_ID.pattern}$'"
    if kind == "tool_result":
        if not isinstance(block.get("is_error", False), bool):
            yield f"{where}.tool_result.is_error: Input should be a valid boolean"
        for place, inner in enumerate(blocks_of(block)):
            if inner.get("type") not in INSIDE:
                yield f"{where}.tool_result.content.{place}: Input tag {inner.get('type')!r} is none of the expected"
            yield from wrong_block(f"{where}.tool_result.content.{place}", inner, "user")


def _wrong_uses(turns: Sequence[tuple[int, str, list[Block]]]) -> Iterator[str]:
    """Each call is answered once, in the turn right after it, before anything else is said there."""
    uses = [block["id"] for _at, _role, blocks in turns for block in blocks if block["type"] == "tool_use"]
    if len(set(uses)) < len(uses):
        yield "messages: `tool_use` ids must be unique"
    waiting: list[str] = []
    for at, _role, blocks in [*turns, (len(turns), "", [])]:
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        first = [block.get("tool_use_id") for block in blocks[: len(results)]]
        if unknown := [each for each in results if each not in waiting]:
            yield (f"messages.{at}: unexpected `tool_use_id` found in `tool_result` blocks: {unknown[0]}. Each block "
                   "must have a corresponding `tool_use` block in the previous message.")  # fmt: skip
        if missing := [each for each in waiting if each not in first]:
            yield (f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                   f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                   "next message.")  # fmt: skip
        if len(set(results)) < len(results):
            yield f"messages.{at}: each tool_use must have a single result. Found multiple `tool_result` blocks"
        waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]


def _wrong_thoughts(messages: Sequence[Mapping[str, Any]], said: Sequence[Sequence[Block]]) -> Iterator[str]:
    """What was thought comes back as it was, with the calls that it led to."""
    known = [block for blocks in said for block in blocks if block["type"] in THOUGHTS]
    led = {block["id"]: blocks for blocks in said for block in blocks if block["type"] == "tool_use"}
    for at, message in enumerate(messages):
        thoughts = [block for block in blocks_of(message) if block["type"] in THOUGHTS]
        for place, block in enumerate(thoughts):
            if block not in known:
                yield f"messages.{at}.content.{place}: Invalid `signature` in `thinking` block"
        uses = [block["id"] for block in blocks_of(message) if block["type"] == "tool_use" and block["id"] in led]
        if uses and thoughts != [block for block in led[uses[0]] if block["type"] in THOUGHTS]:
            yield (f"messages.{at}: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be "
                   "modified. These blocks must remain as they were in the original response.")  # fmt: skip


def _turns(messages: Sequence[Mapping[str, Any]]) -> list[tuple[int, str, list[Block]]]:
    """(place of the first message, role, blocks): consecutive messages of one role are one turn."""
    turns: list[tuple[int, str, list[Block]]] = []
    for at, message in enumerate(messages):
        if turns and turns[-1][1] == message["role"]:
            turns[-1][2].extend(blocks_of(message))
        else:
            turns.append((at, message["role"], [*blocks_of(message)]))
    return turns


def blocks_of(holder: Mapping[str, Any]) -> list[Block]:
    content = holder.get("content") or []
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def extra(where: str, given: Mapping[str, Any], known: Any) -> Iterator[str]:
    dot = f"{where}." if where else ""
    yield from (f"{dot}{name}: Extra inputs are not permitted" for name in sorted(given.keys() - known))


def field(where: str, given: Mapping[str, Any], kind: type) -> Iterator[str]:
    name = where.rpartition(".")[2]
    if name not in given:
        yield f"{where}: Field required"
    elif not isinstance(given[name], kind) or isinstance(given[name], bool):
        yield f"{where}: Input should be a valid {kind.__name__}"
