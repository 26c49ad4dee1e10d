"""Peers that behave and peers that do not, on a real socket."""

import asyncio
import json
import os
import pwd
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from console.errors import NoData
from console.service.address import address, listen
from console.service.connection import Desk, Limits
from console.service.operation import Arguments, Operation
from console.service.peer import Peer
from console.service.server import Server
from console.service.topics import Topic

LIMITS = Limits(
    clients=3, requests=4, line_bytes=200_000, waiting_bytes=300_000, line_seconds=0.15, send_seconds=0.15,
    heartbeat_seconds=0.1,
)  # fmt: skip


class Echo(Arguments):
    text: str = ""


class Stage:
    """A server with toy operations, and what happened to it."""

    def __init__(self, data: Path) -> None:
        self.cancelled = 0
        self.state: dict[str, Any] = {"count": 0, "gone": 1}
        self.board = Topic(self._read)
        operations = [
            Operation("echo", Echo, self._echo),
            Operation("who", Echo, self._who),
            Operation("sleep", Echo, self._sleep),
            Operation("big", Echo, self._big),
            Operation("crash", Echo, self._crash),
            Operation("empty", Echo, self._empty),
        ]
        self.desk = Desk(data, {each.name: each for each in operations}, {"board": self.board}, LIMITS)
        self.server = Server(self.desk)

    async def _read(self) -> dict[str, Any]:
        return dict(self.state)

    async def _echo(self, arguments: Echo, _peer: Peer) -> Any:
        return arguments.text

    async def _who(self, _arguments: Echo, peer: Peer) -> Any:
        return [peer.uid, peer.name, peer.pid]

    async def _sleep(self, _arguments: Echo, _peer: Peer) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def _big(self, _arguments: Echo, _peer: Peer) -> Any:
        return "x" * 5_000_000

    async def _crash(self, _arguments: Echo, _peer: Peer) -> Any:
        raise ZeroDivisionError("a secret detail")

    async def _empty(self, _arguments: Echo, _peer: Peer) -> Any:
        raise NoData("nothing yet", "wait")


@pytest.fixture
async def stage(data: Path) -> AsyncIterator[Stage]:
    made = Stage(data)
    await made.server.listen(listen(data / "andon.sock"))
    yield made
    await made.server.close()


class Link:
    """A peer, by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, line: bytes) -> None:
        self.writer.write(line)
        await self.writer.drain()

    async def hear(self) -> Any:
        line = await asyncio.wait_for(self.reader.readline(), 3)
        return json.loads(line) if line else None

    async def ask(self, op: str, **args: Any) -> Any:
        await self.send(json.dumps({"id": 1, "op": op, "args": args}).encode() + b"\n")
        return await self.hear()


@pytest.fixture
async def link(data: Path) -> AsyncIterator[Callable[[], Awaitable[Link]]]:
    links: list[Link] = []

    async def connect() -> Link:
        links.append(Link(*await asyncio.open_unix_connection(str(data / "andon.sock"), limit=2**24)))
        return links[-1]

    yield connect
    for each in links:
        each.writer.close()


Connect = Callable[[], Awaitable[Link]]


async def settle(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(3):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_socket_is_its_owners_alone_and_knows_who_asks(stage: Stage, data: Path, link: Connect) -> None:
    assert (data / "andon.sock").stat().st_mode & 0o777 == 0o600
    uid, name, pid = (await (await link()).ask("who"))["result"]
    assert (uid, name) == (os.getuid(), pwd.getpwuid(os.getuid()).pw_name)
    assert pid in (os.getpid(), None)


async def test_garbage_gets_a_line_each_and_then_the_door_while_others_are_served(stage: Stage, link: Connect) -> None:
    rude, polite = await link(), await link()
    await rude.send(b"GET / HTTP/1.1\r\n\xff\xfe\x00\n[]\n" + b'{"id":1,"op":"echo"}\n')
    answers = [await rude.hear() for _ in range(4)]
    assert [answer and answer["error"]["kind"] for answer in answers] == ["UsageError"] * 3 + [None]
    assert (await polite.ask("echo", text="hello"))["result"] == "hello"


async def test_a_typo_names_the_nearest_operation_and_the_arguments_there_are(stage: Stage, link: Connect) -> None:
    peer = await link()
    assert (await peer.ask("ehco"))["error"]["hint"] == "did you mean 'echo'?"
    refused = (await peer.ask("echo", txet="x"))["error"]
    assert refused["kind"] == "UsageError"
    assert "txet" in refused["message"]
    assert "text" in refused["hint"]
    assert "no topic" in (await peer.ask("subscribe", topic="bored"))["error"]["message"]


async def test_a_mistake_of_ours_is_a_report_file_and_not_a_traceback_on_the_wire(
    stage: Stage, data: Path, link: Connect
) -> None:
    peer = await link()
    error = (await peer.ask("crash"))["error"]
    assert error["kind"] == "AndonError"
    report = next((data / "reports").iterdir())
    assert str(report) in error["hint"]
    assert "Traceback" in report.read_text()
    assert "Traceback" not in error["message"]
    assert (await peer.ask("empty"))["error"] == {"kind": "NoData", "message": "nothing yet", "hint": "wait"}


async def test_a_peer_that_asks_much_and_never_reads_fills_no_log(
    stage: Stage, link: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    deaf = await link()
    deaf.reader._transport.pause_reading()  # type: ignore[attr-defined]
    await deaf.send(b'{"id":1,"op":"big"}\n' + b'{"id":1,"op":"echo"}\n' * 200)
    await settle(lambda: "does not read" in caplog.text and not stage.server.clients)
    assert "socket.send()" not in caplog.text


async def test_a_peer_that_never_reads_is_dropped_and_nobody_waits_for_it(stage: Stage, link: Connect) -> None:
    deaf, polite = await link(), await link()
    deaf.reader._transport.pause_reading()  # type: ignore[attr-defined]
    await deaf.send(b'{"id":1,"op":"big"}\n' * 3)
    assert (await polite.ask("echo", text="still here"))["result"] == "still here"
    await settle(lambda: stage.server.clients == 1)


async def test_half_a_request_times_out_and_a_long_one_is_refused(stage: Stage, link: Connect) -> None:
    half, long, late = await link(), await link(), await link()
    await half.send(b'{"id":1,')
    assert "half a request" in (await half.hear())["error"]["message"]
    assert await half.hear() is None
    await long.send(b"x" * (LIMITS.line_bytes + 1))
    assert "longer than" in (await long.hear())["error"]["message"]
    await late.send(b'{"id":7,"op":"echo"')
    await asyncio.sleep(0.05)
    await late.send(b"}\n")
    assert (await late.hear())["id"] == 7
    await settle(lambda: stage.server.clients == 1)
    assert stage.desk.waiting_bytes == 0


async def test_many_half_requests_together_cannot_fill_the_memory(stage: Stage, link: Connect) -> None:
    first, second = await link(), await link()
    await first.send(b"x" * 190_000)
    await second.send(b"x" * 190_000)
    said = [(await each.hear())["error"]["message"] for each in (first, second)]
    assert any("too many long requests" in words for words in said)
    await settle(lambda: stage.desk.waiting_bytes == 0)


async def test_a_request_ends_with_the_client_that_asked(stage: Stage, link: Connect) -> None:
    peer = await link()
    await peer.send(b'{"id":1,"op":"sleep"}\n{"id":2,"op":"echo"}\n')
    assert (await peer.hear())["id"] == 2  # one slow request holds up no other
    peer.writer.close()
    await settle(lambda: stage.cancelled == 1)


async def test_one_client_too_many_is_told_so(stage: Stage, link: Connect) -> None:
    for peer in [await link() for _ in range(LIMITS.clients)]:
        await peer.ask("echo")
    assert "3 clients already" in (await (await link()).hear())["error"]["message"]


async def test_a_subscriber_gets_the_state_then_changes_and_a_sign_of_life(stage: Stage, link: Connect) -> None:
    peer = await link()
    assert await peer.ask("subscribe", topic="board") == {"id": 1, "snapshot": {"count": 0, "gone": 1}}
    stage.state = {"count": 1}
    stage.board.touch()
    assert (await peer.hear())["change"] == {"count": 1, "gone": None}
    assert (await peer.hear())["change"] == {}


async def test_a_slow_subscriber_gets_the_latest_state_and_not_every_one() -> None:
    reads = 0

    async def read() -> dict[str, int]:
        nonlocal reads
        reads += 1
        return {"count": reads}

    topic = Topic(read)
    changes = topic.changes(1.0)
    other = topic.changes(1.0)
    assert await anext(changes) == await anext(other) == {"count": 1}  # read once however many look
    for _ in range(1000):
        topic.touch()
    assert await anext(changes) == {"count": 2}
    assert reads == 2


async def test_a_long_path_is_reached_all_the_same(data: Path) -> None:
    folder = data / ("long" * 30)
    folder.mkdir()
    stage = Stage(folder)
    await stage.server.listen(listen(folder / "andon.sock"))
    with address(folder / "andon.sock") as name:
        reader, writer = await asyncio.open_unix_connection(name)
    assert (await Link(reader, writer).ask("echo", text="far"))["result"] == "far"
    writer.close()
    await stage.server.close()
