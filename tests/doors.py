"""A door before an HTTP server: it counts who goes through, and behind it the server can be dead for all time."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Door:
    """Its URL, and what was asked, by the last part of the path."""

    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    dies_at: int | None = None  # the range query that nobody answers any more, nor anything after it
    is_dead: bool = False


@contextmanager
def door(url: str, dies_at: int | None = None) -> Iterator[Door]:
    there = Door(dies_at=dies_at)

    class Porter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.asked[self.path.partition("?")[0].rpartition("/")[2]] += 1
            there.is_dead |= there.dies_at is not None and there.asked["query_range"] >= there.dies_at
            if there.is_dead:
                self.close_connection = True
                return
            try:
                with urllib.request.urlopen(url + self.path, timeout=30) as answer:
                    status, body = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                status, body = error.code, error.read()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Porter)
    there.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)
