"""A small HTTP server on loopback that answers as told: JSON, or one of the ways in which servers fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from console.errors import SourceDenied, SourceError, SourceMalformed, SourceUnreached


class Site:
    """What it answers by path, how it fails meanwhile, and what it was asked."""

    def __init__(self, answers: dict[str, Any | Callable[[web.Request], Any]]) -> None:
        self.answers = answers
        self.fault = ""
        self.asked: list[web.Request] = []
        self.url = ""
        self.ending = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        match self.fault:
            case "slow":
                await self.ending.wait()
            case "401" | "403" | "500" | "503":
                return web.Response(status=int(self.fault), text="<html>no</html>")
            case "garbage":
                return web.Response(body=b"\x00\xff<html>\x1b[2J")
            case "half":
                return web.Response(text='{"registered_models": [{"name": "fra')
            case "other":
                return web.json_response({"hello": ["world"], "items": 7})
            case "huge":
                return web.Response(body=b"[" + b" " * (1 << 20) + b"]")
        found = self.answers.get(request.path)
        if found is None:
            return web.Response(status=404)
        return web.json_response(found(request) if callable(found) else found)


@asynccontextmanager
async def site(answers: dict[str, Any]) -> AsyncIterator[Site]:
    """The server, with its address in `url`."""
    told = Site(answers)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", told.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.0, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    told.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield told
    finally:
        told.ending.set()
        await runner.cleanup()


FAULTS: dict[str, type[Exception]] = {
    "down": SourceUnreached, "slow": SourceError, "401": SourceDenied, "403": SourceDenied, "500": SourceError,
    "garbage": SourceMalformed, "half": SourceMalformed, "other": SourceMalformed, "huge": SourceMalformed,
}  # fmt: skip
"""Ways to fail, and what each is; `down` is for the caller to make, by an address where nothing listens."""
NOWHERE = "http://127.0.0.1:9"
