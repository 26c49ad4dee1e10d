"""The cloud behind station two: a provider of its own, with a key, a quota a minute and credit, that really answers.

    POST /v1/messages   {"prompt": [tokens], "max_tokens": n}     Authorization: Bearer KEY
    401 with another key   402 with no credit left   429 beyond the quota, with Retry-After
    POST /account       {"pace": 2, "quota": 10, "credit": 0, "key": "…"}   what a fault sets

How long an answer takes is charged, as everywhere in station two, and told in Server-Timing.
"""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from console.lab.clock import LabClock
from console.lab.generation.model import made
from console.lab.leash import ready

KEY = "lab-key-1"
FIRST_SECONDS, TOKEN_SECONDS, SPREAD = 0.55, 0.016, 0.25
QUOTA = 400  # requests a minute of lab time
CREDIT = 1e12  # tokens
MINUTE = 60.0


@dataclass(slots=True)
class Provider:
    """The account's state."""

    clock: Callable[[], float]
    seed: int
    pace: float = 1.0  # times as long as usual
    quota: int = QUOTA
    credit: float = CREDIT
    key: str = KEY
    _recent: deque[float] = field(default_factory=deque)
    _chances: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self._chances = np.random.default_rng([self.seed, 35])

    def answer(self, key: str, prompt: list[int], count: int) -> tuple[int, dict[str, Any], dict[str, str]]:
        """(status, body, headers) of one request."""
        now = self.clock()
        if key != self.key:
            return 401, {"error": "this key is not known"}, {}
        if self.credit < count:
            return 402, {"error": "the credit is used up"}, {}
        while self._recent and self._recent[0] <= now - MINUTE:
            self._recent.popleft()
        if len(self._recent) >= self.quota:
            wait = self._recent[0] + MINUTE - now
            return 429, {"error": "too many requests"}, {"Retry-After": str(max(round(wait), 1))}
        self._recent.append(now)
        self.credit -= count
        said = made()[1].guesses(np.array(prompt[-1:]), count)[0].tolist()
        seconds = self.pace * (FIRST_SECONDS + TOKEN_SECONDS * count) * self._chances.lognormal(0, SPREAD)
        return 200, {"tokens": said}, {"Server-Timing": f"answer;dur={1000 * seconds:.3f}"}


def handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    """What answers a connection."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = orjson.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            status: int
            answer: dict[str, Any]
            headers: dict[str, str]
            if self.path == "/account":
                for name in ("pace", "quota", "credit", "key"):
                    setattr(provider, name, body.get(name, getattr(provider, name)))
                status, answer, headers = 200, {}, {}
            else:
                key = self.headers.get("Authorization", "").removeprefix("Bearer ")
                status, answer, headers = provider.answer(key, body["prompt"], body["max_tokens"])
            content = orjson.dumps(answer)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """The lab's log is for what goes wrong."""

    return Handler


def main() -> None:
    """Run the provider until the lab ends."""
    parser = argparse.ArgumentParser(description="the practice line's cloud provider")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    folder: Path = options.folder
    provider = Provider(LabClock(folder / "clock").now, options.seed)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(provider))
    ready(folder / "provider.port", str(server.server_address[1]))
    server.serve_forever()


if __name__ == "__main__":
    main()
