"""A stand-in for a server of the Messages API: it rejects what the real one rejects, and says what a script has.

A script is a list of turns, one for each request: `Says` streams a message over SSE, in as many pieces as it is told;
`Fails`, `Hangs` and `Cuts` are the ways in which that goes wrong. A turn may be a function of the request.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

KEY = "k-test"
FIELDS = {"model", "max_tokens", "messages", "system", "tools", "tool_choice", "stream", "thinking", "metadata",
          "stop_sequences", "cache_control", "output_config"}  # fmt: skip
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
MOST_BREAKPOINTS = 4


@dataclass(frozen=True, slots=True)
class Says:
    """A message: blocks of `text(…)` and `use(…)`."""

    blocks: Sequence[Mapping[str, Any]]
    stop: str = ""  # tool_use where there is one, else end_turn
    pieces: int = 7  # characters that come at once


@dataclass(frozen=True, slots=True)
class Fails:
    """An error, as the API words it."""

    status: int
    kind: str = "api_error"
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Hangs:
    """Begins to answer, and never ends."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Begins to answer, and the line goes dead; or what comes is no JSON."""

    is_malformed: bool = False


Turn = Says | Fails | Hangs | Cuts
Script = Sequence[Turn | Callable[[Mapping[str, Any]], Turn]]


def text(words: str) -> dict[str, Any]:
    """A block of words."""
    return {"type": "text", "text": words}


def use(name: str, at: int = 1, **arguments: Any) -> dict[str, Any]:
    """A block that calls a tool."""
    return {"type": "tool_use", "id": f"toolu_{at}", "name": name, "input": arguments}


@dataclass
class Messages:
    """What was asked, and what is answered; the last turn of the script again and again."""

    script: Script
    asked: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    probes: list[dict[str, Any]] = field(default_factory=list)
    probe: Callable[[Mapping[str, Any]], Turn] = lambda _asked: Says([use("ready")])  # what asks what it can do
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if (wrong := _refused(request.headers, body)) is not None:
            return _error(*wrong)
        asked = json.loads(body)
        if [tool["name"] for tool in asked.get("tools", ())] == ["ready"]:
            self.probes.append(asked)
            return await self._say(request, self.probe(asked), len(body))
        self.asked.append(asked)
        self.bodies.append(body)
        turn = self.script[min(len(self.asked), len(self.script)) - 1]
        return await self._say(request, turn(asked) if callable(turn) else turn, len(body))

    async def _say(self, request: web.Request, told: Turn, size: int) -> web.StreamResponse:
        if isinstance(told, Fails):
            return _error(told.status, told.kind, "as told", told.retry_after)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if isinstance(told, Says):
            for event in _events(told, size):
                await response.write(_line(event))
            return response
        await response.write(_line(next(_events(Says([text("hm")]), 0))))
        if isinstance(told, Hangs):
            await asyncio.sleep(3600)
        if told.is_malformed:  # type: ignore[union-attr]
            await response.write(b"event: content_block_start\ndata: {not json\n\n")
            return response
        assert request.transport is not None
        request.transport.abort()
        return response


@asynccontextmanager
async def messages(*script: Turn | Callable[[Mapping[str, Any]], Turn]) -> AsyncIterator[Messages]:
    """The server, on a free port of loopback."""
    server, app = Messages(script), web.Application(client_max_size=32 << 20)
    app.router.add_post("/v1/messages", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def _refused(headers: Mapping[str, str], body: bytes) -> tuple[int, str, str] | None:
    """(status, kind, words) of what the real server would not take."""
    if headers.get("Authorization") != f"Bearer {KEY}" and headers.get("x-api-key") != KEY:
        return 401, "authentication_error", "invalid x-api-key"
    if not headers.get("anthropic-version"):
        return 400, "invalid_request_error", "anthropic-version: header is required"
    asked = json.loads(body)
    for name in ("model", "max_tokens", "messages"):
        if name not in asked:
            return 400, "invalid_request_error", f"{name}: Field required"
    if extra := set(asked) - FIELDS:
        return 400, "invalid_request_error", f"{min(extra)}: Extra inputs are not permitted"
    if wrong := next(_wrong(asked), None):
        return 400, "invalid_request_error", wrong
    return None


def _wrong(asked: Mapping[str, Any]) -> Iterator[str]:
    for tool in asked.get("tools", ()):
        if not TOOL_NAME.fullmatch(tool["name"]) or tool["input_schema"].get("type") != "object":
            yield f"tools: {tool['name']} is no tool"
    if json.dumps(asked).count('"cache_control"') > MOST_BREAKPOINTS:
        yield "A maximum of 4 blocks with cache_control may be provided"
    waiting: set[str] = set()
    for at, message in enumerate(asked["messages"]):
        if message["role"] != ("user", "assistant")[at % 2]:
            yield "messages: roles must alternate, and the first is user"
        if not message["content"]:
            yield f"messages.{at}: content must not be empty"
        results = [each["tool_use_id"] for each in message["content"] if each["type"] == "tool_result"]
        if set(results) != waiting or len(results) != len(waiting):
            yield f"messages.{at}: tool_use ids were found without tool_result blocks immediately after"
        waiting = {each["id"] for each in message["content"] if each["type"] == "tool_use"}
        if any(each["type"] == "text" and not each["text"] for each in message["content"]):
            yield f"messages.{at}: text content blocks must be non-empty"


def _events(told: Says, size: int) -> Iterator[dict[str, Any]]:
    used = {"input_tokens": size // 4, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
               "stop_sequence": None, "usage": used}  # fmt: skip
    yield {"type": "message_start", "message": message}
    yield {"type": "ping"}
    for at, block in enumerate(told.blocks):
        is_use = block["type"] == "tool_use"
        whole = json.dumps(block["input"]) if is_use else block["text"]
        yield {
            "type": "content_block_start",
            "index": at,
            "content_block": {**block, **({"input": {}} if is_use else {"text": ""})},
        }
        for start in range(0, len(whole), told.pieces):
            part = whole[start : start + told.pieces]
            delta = (
                {"type": "input_json_delta", "partial_json": part} if is_use else {"type": "text_delta", "text": part}
            )
            yield {"type": "content_block_delta", "index": at, "delta": delta}
        yield {"type": "content_block_stop", "index": at}
    stop = told.stop or ("tool_use" if any(each["type"] == "tool_use" for each in told.blocks) else "end_turn")
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": stop, "stop_sequence": None},
        "usage": {"output_tokens": 50},
    }
    yield {"type": "message_stop"}


def _line(event: Mapping[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _error(status: int, kind: str, words: str, retry_after: str = "") -> web.Response:
    shape = {"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_1"}
    return web.json_response(shape, status=status, headers={"retry-after": retry_after} if retry_after else {})
