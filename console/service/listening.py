"""The receiver of alert webhooks: a door to the daemon that strangers may knock at and cannot push in.

It takes webhooks of the shape that calls itself version 4. Who sends one proves who he is by a shared secret or by a
certificate; the answer is 200 only once the daemon has the alerts on disk, and 503 where it has not, so that the sender
tries again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from console.errors import AndonError, SourceBusy, UsageError
from console.service.door import Door
from console.sources.alerts import delivery
from console.wire import dump

if TYPE_CHECKING:
    from aiohttp import web

log = logging.getLogger("andon.listen")

HEALTHY = "/-/healthy"
AT_A_TIME = 1000  # alerts that the daemon is handed: it has others to answer; what is sent again is known by its id
SENDER = "webhook"  # what alerts that came this way are said to come from


Take = Callable[[list[Any], int], Any]
"""Hands alerts, and how many are missing, to the daemon; blocks, and raises andon's own family."""


Answer = tuple[int, str, dict[str, str]]
"""Status, a word, and headers."""


class Receiver:
    """`start` listens until `close`; `take` is called in threads, never more than `Limits.at_once`."""

    def __init__(self, door: Door, take: Take) -> None:
        self.url = ""
        self._door = door
        self._limits = door.limits
        self._take = take
        self._rates: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._at_work = 0
        self._server: Any = None
        self._runner: Any = None

    async def start(self) -> None:
        """Listen. UsageError where that address cannot be had."""
        from aiohttp import web

        from console.service.listening_server import BoundedServer

        self._server = BoundedServer(
            self._answer,
            most=self._limits.connections,
            head_seconds=self._limits.head_seconds,
            access_log=None,
            keepalive_timeout=self._limits.idle_seconds,
            lingering_time=1.0,
            auto_decompress=False,  # nobody packs webhooks, but for one that bursts
            logger=log,
        )
        self._runner = web.ServerRunner(self._server, shutdown_timeout=2.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._door.host, self._door.port, ssl_context=self._door.tls)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            where = f"{self._door.host}:{self._door.port}"
            raise UsageError(f"{where} cannot be listened on: {error.strerror}", "name another --address") from None
        host, port = self._runner.addresses[0][:2]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if self._door.tls else 'http'}://{shown}:{port}/"

    async def close(self) -> None:
        """Answer what was begun, and listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    # ── one request ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        from aiohttp import web

        self._server.has_asked(request.protocol)
        status, said, headers = await self._judged(request)
        response = web.json_response({"ok": status == 200, "said": said}, status=status, headers=headers)
        if status != 200:
            response.force_close()  # what is left of its body is not read
        return response

    async def _judged(self, request: web.BaseRequest) -> Answer:
        if request.path == HEALTHY and request.method in ("GET", "HEAD"):
            return 200, "listening", {}
        if not self._is_slow_enough(request.remote or ""):
            return 429, "too many requests", {"Retry-After": "5"}
        if self._door.secret is not None and not self._door.secret.is_in(request.headers.get("Authorization", "")):
            scheme = "Basic" if self._door.secret.username else "Bearer"
            return 401, "not without the secret", {"WWW-Authenticate": f'{scheme} realm="andon"'}
        if request.method not in ("POST", "PUT"):
            return 405, "send alerts by POST", {"Allow": "POST"}
        if self._at_work >= self._limits.at_once:
            return 503, "busy", {"Retry-After": "1"}
        self._at_work += 1
        try:
            return await self._taken(request)
        finally:
            self._at_work -= 1

    async def _taken(self, request: web.BaseRequest) -> Answer:
        body = bytearray()
        too_large: Answer = 413, f"more than {self._limits.body_bytes} bytes; lower max_alerts", {}
        if (request.content_length or 0) > self._limits.body_bytes:
            return too_large
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                async for chunk in request.content.iter_any():
                    body += chunk
                    if len(body) > self._limits.body_bytes:
                        return too_large
        except TimeoutError:
            return 408, "half a body came, and no more", {}
        except Exception as error:  # noqa: BLE001 - however a stranger breaks off or packs his body wrongly
            return 400, f"the body cannot be read: {type(error).__name__}", {}
        return await asyncio.to_thread(self._handed_on, bytes(body))

    def _handed_on(self, body: bytes) -> Answer:
        """In a thread: parsing megabytes and waiting for the daemon's disk hold up nobody."""
        try:
            found = delivery(orjson.loads(body), SENDER, most=self._limits.alerts)
        except (ValueError, RecursionError) as error:
            return 400, f"this is no alert webhook: {str(error)[:100]}", {}
        try:
            alerts = [dump(each) for each in found.alerts]
            for first in range(0, len(alerts), AT_A_TIME):
                self._take(alerts[first : first + AT_A_TIME], 0)
            if found.truncated:
                self._take([], found.truncated)
        except UsageError as error:  # it will not be taken however often it is sent
            log.error("refused by the daemon: %s", error.message)
            return 422, error.message, {}
        except AndonError as error:
            log.error("not taken: %s", error.message)
            wait = error.seconds if isinstance(error, SourceBusy) else 5.0
            return 503, "the daemon did not take it; send it again", {"Retry-After": f"{max(wait, 1.0):.0f}"}
        return 200, f"{len(found.alerts)} alerts", {}

    def _is_slow_enough(self, sender: str) -> bool:
        """Whether a sender's bucket has a drop left: `burst` of them, `rate` more each second."""
        now = asyncio.get_running_loop().time()
        left, when = self._rates.pop(sender, (self._limits.burst, now))
        left = min(left + (now - when) * self._limits.rate, self._limits.burst)
        self._rates[sender] = (max(left - 1.0, 0.0), now)
        if len(self._rates) > self._limits.senders:
            self._rates.popitem(last=False)
        return left >= 1.0
