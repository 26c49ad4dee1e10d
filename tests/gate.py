"""A server on loopback that stands before what is changed: it passes questions on, and answers one write as it is told
to: refused, broken off, silent or late, before it was done or after.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

Answering = Callable[[str, str, Mapping[str, str], Any], tuple[int, Any]]
"""(method, path, query, body) -> (status, answer): what really does it."""
JUNK = b"\x00<html>\x1b[2J"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What becomes of a write: whether it is done, and what is said of it."""

    how: Literal["code", "cut", "hang", "junk"]
    code: int = 200
    is_done: bool = False
    after: float = 0.0  # seconds until it is done


@dataclass(slots=True)
class Gate:
    """The way to one server, with what was done by it."""

    answering: Answering
    port: int = 0
    trouble: Trouble | None = None
    skips: int = 0  # writes that pass before the one that meets it
    done: list[str] = field(default_factory=list)  # every write that was done: "PATCH /api/…"
    ended: threading.Event = field(default_factory=threading.Event)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def arm(self, trouble: Trouble, skips: int) -> None:
        """From here on: the write after so many meets it. What was done before is forgotten."""
        with self._turn:
            self.trouble, self.skips, self.done = trouble, skips, []

    def meets(self, method: str) -> Trouble | None:
        """The trouble of this request; it comes once."""
        with self._turn:
            if method == "GET" or self.trouble is None:
                return None
            if self.skips:
                self.skips -= 1
                return None
            met, self.trouble = self.trouble, None
            return met

    def pass_on(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        """Have it done; what was done is remembered."""
        with self._turn:
            status, answer = self.answering(method, path, query, body)
            if method != "GET" and status < 300:
                self.done.append(f"{method} {path}")
            return status, answer


@contextmanager
def gated(answering: Answering) -> Iterator[Gate]:
    """The gate, on a port of its own."""
    gate = Gate(answering)
    server = _Server(("127.0.0.1", 0), _handler(gate))
    gate.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield gate
    finally:
        gate.ended.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args: object) -> None:
        """Who asked has hung up."""


def _handler(gate: Gate) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each answer's body waits for a late acknowledgement of its head

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
            asked = (self.command, parts.path, dict(parse_qsl(parts.query)), body)
            met = gate.meets(self.command)
            if met is None:
                status, told = gate.pass_on(*asked)
                self._say(status, json.dumps(told).encode())
                return
            if met.is_done and not gate.ended.wait(met.after):
                gate.pass_on(*asked)
            match met.how:
                case "code":
                    self._say(met.code, json.dumps({"code": met.code, "message": "told to"}).encode())
                case "junk":
                    self._say(met.code, JUNK)
                case "cut":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                case "hang":
                    gate.ended.wait()

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - as http.server wants them called

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            return None

    return Handler
