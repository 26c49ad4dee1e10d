"""The daemon's socket: many peers at once, none of which can hurt the others or the daemon."""

from __future__ import annotations

import asyncio
import socket

from console.errors import SourceError
from console.service.connection import Connection, Desk, PeerGone
from console.service.peer import peer_of
from console.service.protocol import failure


class Server:
    """Answers at a desk on a Unix socket until it is closed."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._connections)

    async def listen(self, listener: socket.socket) -> None:
        """Start to answer."""
        self._server = await asyncio.start_unix_server(self._accept, sock=listener, limit=64 * 1024)

    async def close(self) -> None:
        """Stop to answer; requests under way are cancelled."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(list(self._connections), timeout=self.desk.limits.send_seconds)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = Connection(self.desk, reader, writer)
        self._connections.add(task)
        try:
            if len(self._connections) > self.desk.limits.clients:
                busy = SourceError(
                    f"the daemon has {self.desk.limits.clients} clients already", "try again in a moment"
                )
                await connection.send(failure(None, busy))
            else:
                await connection.serve(peer_of(writer.get_extra_info("socket")))
        except (PeerGone, OSError, asyncio.CancelledError):
            pass  # it left, or was let go; the socket tells us no more than that
        finally:
            self._connections.discard(task)
            connection.drop()
