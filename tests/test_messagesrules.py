"""The stand-in for the Messages API refuses what the real one refuses, and takes what that takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from messagesblocks import BLOCKS
from messagesrules import COUNTED, CREATED, KEY, MOST_BYTES, TOOL, refused
from messagesserver import text, thinks, use

HEADERS = {"Authorization": f"Bearer {KEY}", "anthropic-version": "2026-10-21"}
TOOLS = [{"name": "compare", "input_schema": {"type": "object"}}]
CACHED = {"cache_control": {"type": "ephemeral"}}
THOUGHT = thinks("hm", "sig")
SAID = [[THOUGHT, {"type": "redacted_thinking", "data": "xx"}, use("compare", 7)], [{"type": "hologram", "of": 1}]]


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": [*blocks]}


def model(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": [*blocks]}


def result(at: int = 1, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": f"toolu_{at}", "content": [text("it fell")], **more}


def said(path: str = "/v1/messages", headers: Any = HEADERS, method: str = "POST", **changes: Any) -> str:
    body = {"model": "m", "max_tokens": 9, "messages": [user(text("hi"))], **changes}
    kept = {name: value for name, value in body.items() if value is not ...}
    wrong = refused(method, path, headers, json.dumps(kept).encode(), SAID)
    return f"{wrong[0]} {wrong[1]}: {wrong[2]}" if wrong else ""


LOOK = [user(text("hi")), model(use("compare"))]


@pytest.mark.parametrize(
    "changes",
    [
        {"stream": True, "system": "be brief", "tools": TOOLS, "tool_choice": {"type": "tool", "name": "compare"}},
        {"messages": [{"role": "user", "content": "hi"}], **CACHED},
        {"messages": [user(text("hi")), user(text("again"))]},  # one turn
        {"messages": [*LOOK, user(result()), user(text("go on"))]},
        {"messages": [*LOOK, user(result(is_error=True), text("go on"))], "tools": TOOLS},
        {"messages": [user(text("hi")), model(text("Well"))]},
        {"messages": [user(text("hi")), model(*SAID[0]), user(result(7))]},
        {"messages": [user(text("hi")), model(*SAID[1]), user(text("and?"))]},  # its own, whatever it is
        {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
        {"path": "/v1/messages/count_tokens", "max_tokens": ...},
        {"path": "/v1/models", "method": "GET"},
        {"headers": {"x-api-key": KEY, "anthropic-version": "2023-06-01"}},
    ],
)
def test_what_the_real_one_takes_is_taken(changes: Any) -> None:
    assert said(**changes) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"path": "/v1/message"}, "404 not_found_error"),
        ({"path": "/v1/messages", "method": "GET"}, "404 not_found_error"),
        ({"headers": {"anthropic-version": "1"}}, "401 authentication_error"),
        ({"headers": {"Authorization": "Bearer no", "anthropic-version": "1"}}, "401 authentication_error"),
        ({"headers": {"x-api-key": KEY}}, "400 invalid_request_error: anthropic-version"),
        ({"system": "x" * MOST_BYTES}, "413 request_too_large"),
        ({"temperature": 0.5}, "temperature: Extra inputs are not permitted"),
        ({"path": "/v1/messages/count_tokens"}, "max_tokens: Extra inputs are not permitted"),
        ({"model": ...}, "model: Field required"),
        ({"max_tokens": ...}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater"),
        ({"messages": []}, "at least one message"),
        ({"messages": [model(text("I"))]}, "first message must use"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [user()]}, "must have non-empty content"),
        ({"messages": [user(text(""))]}, "must be non-empty"),
        ({"messages": [user(text("\n"))]}, "non-whitespace"),
        ({"messages": [user({**text("x"), "colour": 1})]}, "text.colour: Extra inputs"),
        ({"messages": [user(use("compare"))]}, "messages.0.content.0: Input tag 'tool_use'"),
        ({"messages": [user({"type": "hologram", "of": 2})]}, "Input tag 'hologram'"),
        ({"messages": [user(text("hi")), model(text("Well "))]}, "trailing whitespace"),
        ({"messages": LOOK}, "without `tool_result` blocks immediately after: toolu_1"),
        ({"messages": [*LOOK, user(text("go on"))]}, "without `tool_result` blocks"),
        ({"messages": [*LOOK, user(text("well"), result())]}, "without `tool_result` blocks"),
        ({"messages": [*LOOK, model(text("hm")), user(text("x"))]}, "without `tool_result` blocks"),
        ({"messages": [*LOOK, user(result(2))]}, "unexpected `tool_use_id`"),
        ({"messages": [user(result())]}, "unexpected `tool_use_id`"),
        ({"messages": [*LOOK, user(result(), result())]}, "a single result"),
        ({"messages": [*LOOK, user(result(content=[text("")]))]}, "must be non-empty"),
        ({"messages": [*LOOK, user(result(content=[result()]))]}, "is none of the expected"),
        ({"messages": [*LOOK, user(result()), LOOK[1], user(result())]}, "ids must be unique"),
        ({"messages": [user(text("x")), model({**use("a"), "input": "x"})]}, "tool_use.input: Input should be"),
        ({"messages": [user(text("hi")), model(THOUGHT, *SAID[0][2:]), user(result(7))]}, "cannot be modified"),
        ({"messages": [user(text("hi")), model(SAID[0][2]), user(result(7))]}, "cannot be modified"),
        ({"messages": [user(text("hi")), model(thinks("ha", "sig")), user(text("x"))]}, "Invalid `signature`"),
        ({"tools": [*TOOLS, *TOOLS]}, "Tool names must be unique"),
        ({"tools": [{**TOOLS[0], "name": "plan.approve"}]}, "tools.0.custom.name"),
        ({"tools": [{"name": "x"}]}, "input_schema: Field required"),
        ({"tools": [{"name": "x", "input_schema": {"type": "array"}}]}, "input_schema.type"),
        ({"tools": [{"name": "x", "input_schema": {"type": "object", "anyOf": []}}]}, "at the top level"),
        ({"tools": [{**TOOLS[0], "colour": 1}]}, "colour: Extra inputs"),
        ({"tools": TOOLS, "tool_choice": {"type": "tool", "name": "no"}}, "Tool 'no' not found"),
        ({"tool_choice": {"type": "auto"}}, "while providing tools"),
        ({"messages": [user(*[{**text("x"), **CACHED}] * 4)], **CACHED}, "A maximum of 4 blocks"),
        ({"messages": [user({**text("x"), "cache_control": {"type": "forever"}})]}, "cache_control"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "must be greater than"),
    ],
)
def test_what_the_real_one_refuses_is_refused(changes: Any, words: str) -> None:
    assert words in said(**changes)


def test_the_fields_are_those_that_the_sdk_knows() -> None:
    from anthropic import types

    def fields(shape: Any) -> set[str]:
        return set(shape.__annotations__) - {"user_profile_id", "workspace_id"}  # which are headers

    assert fields(types.ToolParam) == TOOL
    assert fields(types.message_create_params.MessageCreateParamsBase) | {"stream"} == CREATED
    assert fields(types.MessageCountTokensParams) == COUNTED
    for kind, shape in BLOCKS.items():
        name = f"{kind.title().replace('_', '')}BlockParam"
        assert fields(getattr(types, name)) == {"type", *shape.must, *shape.may}, kind
