"""Asking the daemon, from a command, a screen or the lab. Light: no asyncio, numpy or pydantic is imported here."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from console.errors import AndonError, DaemonUnreachable
from console.service.address import address, socket_path
from console.service.protocol import HEARTBEAT_SECONDS, MOST_ANSWER_BYTES, SUBSCRIBE, encode, revive

REQUEST_SECONDS = 30.0
CONNECT_SECONDS = 2.0
CHUNK = 256 * 1024


class Client:
    """The daemon of one data folder; each request is a connection of its own, so threads may share a client.

    >>> Client(Path("/var/lib/andon")).request("status")  # doctest: +SKIP
    {'version': '0.1.0', …}
    """

    def __init__(self, data: Path) -> None:
        self.data = data

    def request(self, op: str, *, timeout: float = REQUEST_SECONDS, **args: Any) -> Any:
        """The daemon's answer. Its errors are raised here under their own names; DaemonUnreachable without a daemon."""
        with self._call(op, args, timeout) as lines:
            answer = lines.next(timeout)
        if answer.get("ok") is True:
            return answer.get("result")
        raise _told(answer)

    def subscribe(self, topic: str) -> Iterator[dict[str, Any]]:
        """The topic's state, whole, now and after each change. DaemonUnreachable when the daemon falls silent."""
        state: dict[str, Any] = {}
        with self._call(SUBSCRIBE, {"topic": topic}, CONNECT_SECONDS) as lines:
            while True:
                message = lines.next(HEARTBEAT_SECONDS * 2)
                if "error" in message:
                    raise _told(message)
                news = message.get("snapshot", message.get("change"))
                if not isinstance(news, dict):
                    raise DaemonUnreachable("the daemon says what is no news of its topic", "see its log")
                state = {key: value for key, value in (state | news).items() if value is not None}
                if news:
                    yield dict(state)

    @contextmanager
    def _call(self, op: str, args: dict[str, Any], timeout: float) -> Iterator[_Lines]:
        path = socket_path(self.data)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(CONNECT_SECONDS)
        try:
            with connection, address(path) as name:
                connection.connect(name)
                connection.settimeout(timeout)
                connection.sendall(encode({"id": 1, "op": op, "args": args}))
                yield _Lines(connection, op)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
            raise DaemonUnreachable(f"no daemon runs on {self.data}", "start it with `andon daemon`") from error
        except PermissionError as error:
            hint = "ask its owner to set [daemon] socket_group to a group of yours"
            raise DaemonUnreachable(f"the daemon on {self.data} does not let you in", hint) from error
        except TimeoutError as error:
            hint = "see `andon status`, or restart it with `andon daemon`"
            raise DaemonUnreachable(f"the daemon did not answer {op} within {timeout:g} s", hint) from error
        except OSError as error:
            raise DaemonUnreachable(f"the daemon hung up: {error.strerror or error}", "see its log") from error


def _told(answer: dict[str, Any]) -> AndonError:
    """The error that an answer is, whatever that looks like."""
    error = answer.get("error")
    return revive(error if isinstance(error, dict) else {"message": "the daemon refused, and did not say why"})


class _Lines:
    """The messages of one connection, each within its deadline."""

    def __init__(self, connection: socket.socket, op: str) -> None:
        self._connection = connection
        self._op = op
        self._rest = bytearray()

    def next(self, timeout: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        searched = 0
        while (end := self._rest.find(b"\n", searched)) < 0:
            searched = len(self._rest)
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)
            chunk = self._connection.recv(CHUNK)
            if not chunk:
                raise DaemonUnreachable(f"the daemon hung up before it answered {self._op}", "see its log")
            self._rest += chunk
            if len(self._rest) > MOST_ANSWER_BYTES:
                raise DaemonUnreachable(f"the daemon's answer to {self._op} has no end", "ask for a shorter span")
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise DaemonUnreachable(f"the daemon's answer to {self._op} is not JSON", "see its log") from error
        if not isinstance(message, dict):
            raise DaemonUnreachable(f"the daemon's answer to {self._op} is no object", "see its log")
        return message
