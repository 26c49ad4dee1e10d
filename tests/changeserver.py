"""An HTTP server on loopback that can be changed, and that fails before or after it did what it was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Answering = Callable[[str, str, dict[str, str], Any], tuple[int, Any]]
"""(method, path, query, body) -> (status, answer)."""

REFUSED = ("400", "401", "403", "404", "409", "422", "429", "down")
"""Troubles after which for sure nothing was done; `down` is for the caller to make."""
UNSURE = ("500", "hang", "garbage", "500 after", "hang after", "drop after", "garbage after")
"""Troubles after which nobody knows: `after` it was done."""


class Changeable:
    """Where it is, what it was told to change, and how it fails: `fails["POST /fallback"] = "drop after"`."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.url = ""
        self.fails: dict[str, str] = {}
        self.told: list[tuple[str, str, Any]] = []  # (method, path, body) of all that is no GET
        self.heard: list[dict[str, str]] = []  # the headers of everything
        self.ending = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.heard.append(dict(request.headers))
        path = request.raw_path.partition("?")[0]
        how, _blank, when = self.fails.get(f"{request.method} {path}", "").partition(" ")
        if how and when != "after":
            return await self._failed(how, request)
        body = None
        if request.method != "GET":
            body = await request.json() if request.can_read_body else None
            assert body is None or request.content_type == "application/json"
            self.told.append((request.method, path, body))
        status, answer = self.answering(request.method, path, dict(request.query), body)
        return await self._failed(how, request) if how else web.json_response(answer, status=status)

    async def _failed(self, how: str, request: web.Request) -> web.StreamResponse:
        match how:
            case "hang":
                await self.ending.wait()
            case "drop":
                assert request.transport is not None
                request.transport.close()
            case "garbage":
                return web.Response(body=b"\x00<html>\x1b[2J")
            case _:
                return web.json_response({"detail": {"error": "not today"}}, status=int(how))
        return web.Response(status=500)


@asynccontextmanager
async def changeable(answering: Answering) -> AsyncIterator[Changeable]:
    """The server, with its address in `url`."""
    here = Changeable(answering)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", here.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.0, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    here.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield here
    finally:
        here.ending.set()
        await runner.cleanup()
