"""A stand-in for a server of the Messages API: it rejects what the real one rejects, and says what a script has.

A script is a list of turns, one for each request: `Says` streams a message over SSE, in as many pieces as it is told;
`Fails`, `Hangs`, `Cuts` and `Errs` are the ways in which that goes wrong. A turn may be a function of the request.
What is rejected takes no turn, nor does a count of tokens.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from messagesrules import KEY, MOST_BYTES, refused

__all__ = ["KEY", "Cuts", "Errs", "Fails", "Hangs", "Messages", "Says", "messages", "text", "thinks", "use"]

DELTAS = {"text": ("text", "text_delta"), "thinking": ("thinking", "thinking_delta")}


@dataclass(frozen=True, slots=True)
class Says:
    """A message: blocks of `text(…)`, `use(…)`, `thinks(…)` and others, which come as they are, in one piece."""

    blocks: Sequence[Mapping[str, Any]]
    stop: str = ""  # tool_use where there is one, else end_turn
    pieces: int = 7  # characters that come at once
    usage: Mapping[str, int] = field(default_factory=dict)
    strange: Sequence[Mapping[str, Any]] = ()  # events that come after the first
    bytes: int = 0  # that are written at once, wherever that cuts; 0: an event
    halves: bool = False  # pieces are of 16 bits, as in servers whose language counts so: a character may be cut
    streams: bool = True  # else one JSON comes, whatever was asked for


@dataclass(frozen=True, slots=True)
class Fails:
    """An error, as the API words it, or a page of something that stands before it."""

    status: int
    kind: str = "api_error"
    retry_after: str = ""
    page: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Hangs:
    """Begins to answer, and never ends; or does not even begin."""

    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class Cuts:
    """Begins to answer, and the line goes dead, or ends as if that were all; or what comes is no JSON."""

    is_malformed: bool = False
    is_clean: bool = False
    said: Says = Says([{"type": "text", "text": "hm"}])
    events: int = 1  # that come before


@dataclass(frozen=True, slots=True)
class Errs:
    """Begins to answer, and says in mid stream that it cannot."""

    kind: str = "overloaded_error"
    words: str = "as told"


Turn = Says | Fails | Hangs | Cuts | Errs
Script = Sequence[Turn | Callable[[Mapping[str, Any]], Turn]]


def text(words: str) -> dict[str, Any]:
    """A block of words."""
    return {"type": "text", "text": words}


def use(name: str, at: int = 1, **arguments: Any) -> dict[str, Any]:
    """A block that calls a tool."""
    return {"type": "tool_use", "id": f"toolu_{at}", "name": name, "input": arguments}


def thinks(words: str, signature: str) -> dict[str, Any]:
    """A block of thought, signed."""
    return {"type": "thinking", "thinking": words, "signature": signature}


@dataclass
class Messages:
    """What was asked, and what is answered; the last turn of the script again and again."""

    script: Script
    asked: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    probes: list[dict[str, Any]] = field(default_factory=list)
    probe: Callable[[Mapping[str, Any]], Turn] = lambda _asked: Says([use("ready")])  # what asks what it can do
    said: list[Sequence[Mapping[str, Any]]] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            body = b" " * (MOST_BYTES + 1)
        if (wrong := refused(request.method, request.path, request.headers, body, self.said)) is not None:
            return _error(*wrong)
        if request.path != "/v1/messages":
            return web.json_response(_listed() if request.method == "GET" else {"input_tokens": len(body) // 4})
        asked = json.loads(body)
        if [tool["name"] for tool in asked.get("tools", ())] == ["ready"]:
            self.probes.append(asked)
            return await self._say(request, self.probe(asked), asked)
        self.asked.append(asked)
        self.bodies.append(body)
        turn = self.script[min(len(self.asked), len(self.script)) - 1]
        return await self._say(request, turn(asked) if callable(turn) else turn, asked)

    async def _say(self, request: web.Request, told: Turn, asked: Mapping[str, Any]) -> web.StreamResponse:
        size = len(json.dumps(asked))
        if isinstance(told, Hangs) and told.is_silent:
            await asyncio.sleep(3600)
        if isinstance(told, Fails):
            return _failed(told)
        if isinstance(told, Says):
            self.said.append(told.blocks)
            if not (told.streams and asked.get("stream")):
                return web.json_response(_message(told, size, is_whole=True))
        if isinstance(told, Cuts) and not (told.events or told.is_clean):
            return _hung_up(request)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        async for part in _parts(told, size):
            await response.write(part)
        if isinstance(told, Cuts) and not (told.is_clean or told.is_malformed):
            return _hung_up(request)
        return response


@asynccontextmanager
async def messages(*script: Turn | Callable[[Mapping[str, Any]], Turn]) -> AsyncIterator[Messages]:
    """The server, on a free port of loopback."""
    server, app = Messages(script), web.Application(client_max_size=MOST_BYTES)
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


async def _parts(told: Turn, size: int) -> AsyncIterator[bytes]:
    """What goes over the line, in the pieces that are written at once."""
    match told:
        case Says():
            lines = [_line(event) for event in _events(told, size)]
            whole = b"".join(lines)
            parts = [whole[at : at + told.bytes] for at in range(0, len(whole), told.bytes)] if told.bytes else lines
            for part in parts:
                yield part
                await asyncio.sleep(0)
        case Cuts():
            for event in [*_events(told.said, size)][: told.events]:
                yield _line(event)
            if told.is_malformed:
                yield b"event: content_block_start\ndata: {not json\n\n"
        case _:
            for event in [*_events(Says([text("hm")]), size)][:4]:
                yield _line(event)
            if isinstance(told, Hangs):
                await asyncio.sleep(3600)
            elif isinstance(told, Errs):
                yield _line({"type": "error", "error": {"type": told.kind, "message": told.words}})


def _events(told: Says, size: int) -> Iterator[Mapping[str, Any]]:
    yield {"type": "message_start", "message": _message(told, size)}
    yield {"type": "ping"}
    yield from told.strange
    for at, block in enumerate(told.blocks):
        begun, deltas = _pieces(block, told)
        yield {"type": "content_block_start", "index": at, "content_block": begun}
        yield from ({"type": "content_block_delta", "index": at, "delta": delta} for delta in deltas)
        yield {"type": "content_block_stop", "index": at}
    done = {"stop_reason": _stop(told), "stop_sequence": None}
    yield {"type": "message_delta", "delta": done, "usage": {"output_tokens": 50, **told.usage}}
    yield {"type": "message_stop"}


def _pieces(block: Mapping[str, Any], told: Says) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """(a block as it begins, what comes after)."""
    if block["type"] == "tool_use":
        cut = _cut(block.get("raw") or json.dumps(block["input"], ensure_ascii=not told.halves), told)
        begun = {name: block[name] for name in ("type", "id", "name")} | {"input": {}}
        return begun, [{"type": "input_json_delta", "partial_json": part} for part in cut]
    if block["type"] not in DELTAS:
        return block, []
    name, kind = DELTAS[block["type"]]
    deltas: list[Mapping[str, Any]] = [{"type": kind, name: part} for part in _cut(block[name], told)]
    if "signature" not in block:
        return {**block, name: ""}, deltas
    signed = {"type": "signature_delta", "signature": block["signature"]}
    return {**block, name: "", "signature": ""}, [*deltas, signed]


def _cut(whole: str, told: Says) -> list[str]:
    if told.halves:
        units = whole.encode("utf-16-le")
        whole = "".join(chr(int.from_bytes(units[at : at + 2], "little")) for at in range(0, len(units), 2))
    return [whole[at : at + told.pieces] for at in range(0, len(whole), told.pieces)]


def _message(told: Says, size: int, *, is_whole: bool = False) -> dict[str, Any]:
    """As it begins, or all of it."""
    used = {"input_tokens": size // 4, "output_tokens": 50 if is_whole else 1, **told.usage}
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [*told.blocks] * is_whole,
        "stop_reason": _stop(told) if is_whole else None, "stop_sequence": None, "usage": used,
    }  # fmt: skip


def _stop(told: Says) -> str:
    return told.stop or ("tool_use" if any(each["type"] == "tool_use" for each in told.blocks) else "end_turn")


def _line(event: Mapping[str, Any]) -> bytes:
    """As an event of a stream: characters as they are, but for halves of one, which only an escape can say."""
    try:
        data = json.dumps(event, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        data = json.dumps(event).encode()
    return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), data)


def _hung_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def _listed() -> dict[str, Any]:
    model = {"type": "model", "id": "m", "display_name": "M", "created_at": "2026-01-01T00:00:00Z",
             "lifecycle": "active", "max_input_tokens": 200_000, "max_tokens": 64_000}  # fmt: skip
    return {"data": [model], "first_id": "m", "last_id": "m", "has_more": False}


def _failed(told: Fails) -> web.Response:
    headers = {"retry-after": told.retry_after, "location": told.location}
    kept = {name: value for name, value in headers.items() if value}
    if told.page:
        return web.Response(status=told.status, text=told.page, content_type="text/html", headers=kept)
    return _error(told.status, told.kind, "as told", kept)


def _error(status: int, kind: str, words: str, headers: Mapping[str, str] | None = None) -> web.Response:
    shape = {"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_1"}
    return web.json_response(shape, status=status, headers={"request-id": "req_1", **(headers or {})})
