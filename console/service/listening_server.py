"""aiohttp's server with two bounds that it lacks: how many connections there are, and how long one may say nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler


class BoundedServer(web.Server):
    """One connection too many is cut off at once, and one whose first request does not come in time is, too.

    Between two requests aiohttp's own `keepalive_timeout` does the same.
    """

    def __init__(
        self,
        answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        most: int,
        head_seconds: float,
        **options: Any,
    ) -> None:
        super().__init__(answer, **options)
        self._most = most
        self._head_seconds = head_seconds
        self._silent: dict[RequestHandler, asyncio.TimerHandle] = {}

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Somebody has come."""
        super().connection_made(handler, transport)
        loop = asyncio.get_running_loop()
        if len(self.connections) > self._most:
            loop.call_soon(transport.abort)  # not before its task has begun, which would fail and fill the log
            return
        self._silent[handler] = loop.call_later(self._head_seconds, transport.abort)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """And is gone."""
        self.has_asked(handler)
        super().connection_lost(handler, exc)

    def has_asked(self, handler: RequestHandler) -> None:
        """The head of a request has come."""
        if timer := self._silent.pop(handler, None):
            timer.cancel()
