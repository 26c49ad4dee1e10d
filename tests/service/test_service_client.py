"""What a daemon gone mad may say to a client: every answer is one or an error of the family, within its time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.errors import AndonError, DaemonUnreachable
from console.service.address import listen, socket_path
from console.service.client import Client


@contextmanager
def saying(data: Path, line: bytes) -> Iterator[None]:
    """A daemon that answers whatever is asked with this."""
    server = listen(socket_path(data))
    server.setblocking(True)
    server.listen()

    def serve() -> None:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        with peer:
            peer.recv(4096)
            peer.sendall(line)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        with server:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


@pytest.mark.parametrize(
    "line",
    [
        b"{}\n",
        b'{"change":5}\n',
        b'{"snapshot":null}\n',
        b'{"snapshot":[1]}\n',
        b'{"error":"no"}\n',
        b"[]\n",
        b"{\n",
        b"7",
    ],
)
def test_news_that_are_none_end_a_subscription_with_words(tmp_path: Path, line: bytes) -> None:
    with saying(tmp_path, line), pytest.raises(AndonError):
        next(Client(tmp_path).subscribe("board"))


@pytest.mark.parametrize("line", [b"{}\n", b'{"ok":false,"error":"no"}\n', b'{"ok":0,"error":[1]}\n'])
def test_a_refusal_of_any_shape_is_one(tmp_path: Path, line: bytes) -> None:
    with saying(tmp_path, line), pytest.raises(AndonError, match="did not say why"):
        Client(tmp_path).request("status")


def test_half_an_answer_is_waited_for_no_longer_than_was_said(tmp_path: Path) -> None:
    with saying(tmp_path, b'{"ok":tr'), pytest.raises(DaemonUnreachable, match="hung up"):
        Client(tmp_path).request("status", timeout=1.0)
