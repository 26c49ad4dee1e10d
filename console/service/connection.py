"""One peer of the daemon: its lines in, the answers out.

Whatever a peer does wrong (garbage, half a line, a line without end, never reading) ends its own connection alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from console.errors import AndonError, UsageError
from console.service.operation import Operation, perform
from console.service.peer import Peer
from console.service.protocol import (
    HEARTBEAT_SECONDS,
    MOST_REQUEST_BYTES,
    SUBSCRIBE,
    Request,
    encode,
    failure,
    parse_request,
    success,
)
from console.service.reports import write_report
from console.service.topics import Topic
from console.words import nearest

log = logging.getLogger("andon.socket")

LONG_LINE = 256 * 1024  # bytes; reading a longer one would hold up the loop


@dataclass(frozen=True, slots=True)
class Limits:
    """How much peers may ask of the daemon."""

    clients: int = 64
    requests: int = 16  # of one client at once
    bad_lines: int = 3  # then it is dropped
    line_bytes: int = MOST_REQUEST_BYTES
    waiting_bytes: int = 4 * MOST_REQUEST_BYTES  # of unfinished lines, all clients together
    line_seconds: float = 30.0  # from a line's first byte to its last
    send_seconds: float = 10.0  # for a peer to take what it asked for
    heartbeat_seconds: float = HEARTBEAT_SECONDS


@dataclass(slots=True)
class Desk:
    """What every connection answers from."""

    data: Path
    operations: Mapping[str, Operation]
    topics: Mapping[str, Topic]
    limits: Limits = field(default_factory=Limits)
    waiting_bytes: int = 0  # of unfinished lines, now


class PeerGone(Exception):
    """There is nobody to send to."""


class Connection:
    """One peer."""

    def __init__(self, desk: Desk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._desk = desk
        self._limits = desk.limits
        self._reader = reader
        self._writer = writer
        self._sending = asyncio.Lock()
        self._requests: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(desk.limits.requests)
        self._rest = bytearray()

    async def serve(self, peer: Peer) -> None:
        """Answer line after line, several at once, until the peer leaves or has done wrong too often."""
        bad = 0
        try:
            while bad < self._limits.bad_lines and (line := await self._line()) is not None:
                try:
                    request = await _parsed(line)
                except UsageError as error:
                    bad += 1
                    await self.send(failure(None, error))
                    continue
                await self._room.acquire()
                task = asyncio.create_task(self._answer(request, peer))
                self._requests.add(task)
                task.add_done_callback(self._done)
        except UsageError as error:
            await self.send(failure(None, error))
        finally:
            for task in self._requests:
                task.cancel()

    async def send(self, line: bytes) -> None:
        """Hand the peer one line; it is dropped when it does not take it in time."""
        async with self._sending:
            if self._writer.transport.is_closing():
                raise PeerGone
            self._writer.write(line)
            try:
                await asyncio.wait_for(self._writer.drain(), self._limits.send_seconds)
            except TimeoutError:
                log.warning("a client does not read what it asked for; it was dropped")
                self._writer.transport.abort()  # the reading side learns of it
                raise PeerGone from None
            except OSError as error:
                raise PeerGone from error

    def drop(self) -> None:
        """End the connection; what was sent already still arrives."""
        self._desk.waiting_bytes -= len(self._rest)
        self._rest.clear()
        self._writer.close()

    async def _line(self) -> bytes | None:
        """The next line, or None when the peer has left. UsageError for one that is too long or too slow."""
        searched = 0
        deadline: float | None = None
        while (end := self._rest.find(b"\n", searched)) < 0:
            searched = len(self._rest)
            now = asyncio.get_running_loop().time()
            if self._rest:
                deadline = deadline or now + self._limits.line_seconds
            try:
                async with asyncio.timeout_at(deadline):
                    chunk = await self._reader.read(64 * 1024)
            except TimeoutError:
                raise UsageError("half a request came, and no more", "end each request with a newline") from None
            if not chunk:
                return None
            self._keep(chunk)
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        self._desk.waiting_bytes -= end + 1
        return line

    def _keep(self, chunk: bytes) -> None:
        self._rest += chunk
        self._desk.waiting_bytes += len(chunk)
        if len(self._rest) > self._limits.line_bytes:
            most = self._limits.line_bytes // 1024
            raise UsageError(f"this request is longer than {most} KiB", "ingest a long page in parts")
        if self._desk.waiting_bytes > self._limits.waiting_bytes:
            raise UsageError("the daemon is reading too many long requests", "try again in a moment")

    def _done(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        self._room.release()

    async def _answer(self, request: Request, peer: Peer) -> None:
        with suppress(PeerGone):
            try:
                if request.op == SUBSCRIBE:
                    await self._stream(request)
                result = await perform(self._desk.operations, request, peer)
                line = await asyncio.to_thread(success, request.id, result)  # an answer may be megabytes
            except PeerGone:
                raise
            except AndonError as error:
                line = failure(request.id, error)
            except Exception as error:  # noqa: BLE001 - a mistake of ours ends one request, never the daemon
                told = write_report(self._desk.data, f"answering {request.op}", error)
                log.error("%s (%s)", told.message, told.hint)
                line = failure(request.id, told)
            await self.send(line)

    async def _stream(self, request: Request) -> None:
        name = str(request.args.get("topic", ""))[:60]
        topic = self._desk.topics.get(name)
        if topic is None:
            raise UsageError(f"there is no topic {name!r}", nearest(name, self._desk.topics))
        kind = "snapshot"
        async with aclosing(topic.changes(self._limits.heartbeat_seconds)) as changes:
            async for news in changes:
                await self.send(encode({"id": request.id, kind: news}))
                kind = "change"


async def _parsed(line: bytes) -> Request:
    return parse_request(line) if len(line) < LONG_LINE else await asyncio.to_thread(parse_request, line)
