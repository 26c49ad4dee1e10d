"""A slow and distant line on loopback: so many bytes a second and so many seconds, each way, with small buffers.

What does not fit waits at the sender, as before a real modem or a crowded radio cell.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator

PIECE = 512  # bytes that travel together
WAITING = 4096  # bytes that may wait to be sent: the modem's own buffer
SOCKET = 4096  # bytes of each socket's buffers, which the kernel doubles


class _Way:
    """One direction of one connection."""

    def __init__(self, source: socket.socket, sink: socket.socket, rate: float, delay: float) -> None:
        self._source, self._sink = source, sink
        self._rate, self._delay = rate, delay
        self._travelling: deque[tuple[float, bytes]] = deque()
        self._changed = threading.Condition()
        for work in (self._take, self._give):
            threading.Thread(target=work, daemon=True).start()

    def _take(self) -> None:
        sent = 0.0  # when the line will have sent all that was taken
        while True:
            sent = max(sent, time.monotonic())
            time.sleep(max(0.0, sent - time.monotonic() - WAITING / self._rate))
            try:
                piece = self._source.recv(PIECE)
            except OSError:
                piece = b""
            sent = max(sent, time.monotonic()) + len(piece) / self._rate
            with self._changed:
                self._travelling.append((sent + self._delay, piece))
                self._changed.notify()
            if not piece:
                return

    def _give(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._travelling))
                arrives, piece = self._travelling.popleft()
            time.sleep(max(0.0, arrives - time.monotonic()))
            with contextlib.suppress(OSError):
                if not piece:
                    self._sink.shutdown(socket.SHUT_WR)
                else:
                    self._sink.sendall(piece)
                    continue
            with contextlib.suppress(OSError):
                self._source.shutdown(socket.SHUT_RD)
            return


@contextlib.contextmanager
def slow_line(to: int, *, rate: float = 10_000.0, delay: float = 0.2) -> Iterator[int]:
    """A port of loopback behind which lies the port `to`, so many bytes a second and seconds away, each way."""
    opened: list[socket.socket] = []
    listener = socket.socket()
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        listener.setsockopt(socket.SOL_SOCKET, option, SOCKET)
    listener.bind(("127.0.0.1", 0))
    listener.listen()

    def accept() -> None:
        while True:
            try:
                near, _address = listener.accept()
            except OSError:
                return
            far = socket.socket()
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                far.setsockopt(socket.SOL_SOCKET, option, SOCKET)
            far.connect(("127.0.0.1", to))
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.extend((near, far))
            _Way(near, far, rate, delay)
            _Way(far, near, rate, delay)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for each in opened:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
