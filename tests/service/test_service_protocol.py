"""What goes over the wire, and what a client makes of it."""

import math
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from console.errors import AndonError, DaemonUnreachable, PluginError, StoreFull, UsageError
from console.service import client as client_module
from console.service.client import Client
from console.service.protocol import Request, encode, failure, parse_request, revive


def test_a_request_is_an_op_with_its_arguments() -> None:
    assert parse_request(b'{"id": 1, "op": "status"}') == Request(1, "status", {})
    assert parse_request(b'{"id": "a", "op": "run", "args": {"playbook": "x"}}').args == {"playbook": "x"}


@pytest.mark.parametrize(
    "line", [b"", b"GET / HTTP/1.1", b"[]", b"{}", b'{"op": 3}', b'{"op": "x", "args": []}', b"\xff"]
)
def test_what_is_no_request_is_a_usage_error(line: bytes) -> None:
    with pytest.raises(UsageError):
        parse_request(line)


def test_an_error_comes_back_as_itself_and_a_stranger_as_the_familys_head() -> None:
    error = revive(orjson.loads(failure(1, StoreFull("no room", "free some")))["error"])
    assert (type(error), error.message, error.hint) == (StoreFull, "no room", "free some")

    class Own(PluginError):
        pass

    assert type(revive(orjson.loads(failure(1, Own("x")))["error"])) is AndonError


def test_nan_is_null_on_the_wire() -> None:
    assert encode({"value": math.nan}) == b'{"value":null}\n'


Serve = Callable[[socket.socket], None]


@contextmanager
def a_daemon_that(data: Path, serve: Serve) -> Iterator[Client]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(data / "andon.sock"))
        listener.listen()

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield Client(data)
        thread.join(5)


def test_without_a_daemon_the_hint_says_how_to_start_one(data: Path) -> None:
    with pytest.raises(DaemonUnreachable) as caught:
        Client(data).request("status")
    assert "andon daemon" in caught.value.hint
    with socket.socket(socket.AF_UNIX) as dead:  # a socket that a killed daemon left behind
        dead.bind(str(data / "andon.sock"))
    with pytest.raises(DaemonUnreachable, match="no daemon runs"):
        Client(data).request("status")


@pytest.mark.parametrize(
    ("answer", "words"),
    [(b"", "hung up"), (b"<html>\n", "not JSON"), (b"[1]\n", "no object"), (b"x" * 100, "has no end")],
)
def test_a_daemon_that_is_none_is_one_sentence(
    data: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, words: str
) -> None:
    monkeypatch.setattr(client_module, "MOST_ANSWER_BYTES", 50)
    with (
        a_daemon_that(data, lambda connection: connection.sendall(answer)) as client,
        pytest.raises(DaemonUnreachable, match=words),
    ):
        client.request("status", timeout=2)


def test_a_silent_daemon_is_given_up_in_time(data: Path) -> None:
    leave = threading.Event()
    with a_daemon_that(data, lambda _connection: leave.wait(5) and None) as client:
        with pytest.raises(DaemonUnreachable, match=r"did not answer status within 0\.1 s"):
            client.request("status", timeout=0.1)
        leave.set()


def test_a_subscription_is_the_whole_state_each_time(data: Path) -> None:
    lines = [{"snapshot": {"a": 1, "b": 2}}, {"change": {}}, {"change": {"a": 3, "b": None}}]
    with a_daemon_that(data, lambda connection: connection.sendall(b"".join(map(encode, lines)))) as client:
        states = client.subscribe("board")
        assert [next(states), next(states)] == [{"a": 1, "b": 2}, {"a": 3}]
        with pytest.raises(DaemonUnreachable):
            next(states)
    with pytest.raises(UsageError, match="no topic"):
        (data / "andon.sock").unlink()
        refusal = failure(1, UsageError("no topic"))
        with a_daemon_that(data, lambda connection: connection.sendall(refusal)) as client:
            next(client.subscribe("bored"))


def test_a_client_is_light() -> None:
    import subprocess
    import sys

    heavy = "{'asyncio', 'numpy', 'pydantic', 'sqlite3', 'ssl'}"
    script = f"import console.service.client, sys; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"
