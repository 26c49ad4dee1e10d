"""The receiver of alert webhooks: what it takes, what it turns away, and what nobody can do to it."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors import ConfigError, DaemonUnreachable, SourceBusy, StoreFull, UsageError
from console.service.door import Door, Limits, Secret, parse_address, tls_context
from console.service.listening import Receiver

TOKEN = "correct horse"
ME = {"Authorization": f"Bearer {TOKEN}"}
HOOK = {"version": "4", "alerts": [{"status": "firing", "labels": {"alertname": "Slow", "model": "glove"}}]}


class Daemon:
    """Keeps what it is handed, or raises."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[Any], int]] = []
        self.fails: Exception | None = None
        self.waits: Callable[[], object] = lambda: None

    def take(self, alerts: list[Any], truncated: int) -> None:
        self.waits()
        if self.fails:
            raise self.fails
        self.taken.append((alerts, truncated))


@asynccontextmanager
async def listening(daemon: Daemon, **options: Any) -> AsyncIterator[str]:
    limits = Limits(**{"rate": 1e6, "burst": 1e6} | options.pop("limits", {}))
    receiver = Receiver(Door("127.0.0.1", 0, **{"secret": Secret(TOKEN)} | options, limits=limits), daemon.take)
    await receiver.start()
    try:
        yield receiver.url
    finally:
        await receiver.close()


@asynccontextmanager
async def client(**options: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20, **options) as found:
        yield found


async def send(url: str, body: Any = HOOK, headers: dict[str, str] = ME, **options: Any) -> httpx.Response:
    async with client(**options) as http:
        return await http.post(
            url, content=body if isinstance(body, bytes) else json.dumps(body).encode(), headers=headers
        )


async def test_what_is_taken_reaches_the_daemon_before_it_is_acknowledged() -> None:
    daemon = Daemon()
    async with listening(daemon) as url:
        assert (await send(url, HOOK | {"truncatedAlerts": 3})).status_code == 200
        ((alerts, _none), (_nothing, truncated)) = daemon.taken
        assert (alerts[0]["labels"], truncated) == ({"alertname": "Slow", "model": "glove"}, 3)
        assert (await send(url, {"alerts": []})).status_code == 200
        assert len(daemon.taken) == 2
        daemon.taken.clear()
        assert (await send(url, {"alerts": [{}] * 2500})).status_code == 200
        assert [len(alerts) for alerts, _none in daemon.taken] == [1000, 1000, 500]


@pytest.mark.parametrize("error", [DaemonUnreachable("none"), StoreFull("full"), SourceBusy("busy", "", 7.0)])
async def test_what_the_daemon_has_not_on_disk_is_to_be_sent_again(error: Exception) -> None:
    daemon = Daemon()
    daemon.fails = error
    async with listening(daemon) as url:
        told = await send(url)
        assert (told.status_code, "Retry-After" in told.headers) == (503, True)
        daemon.fails = None
        assert (await send(url)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": ""}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"},
     {"Authorization": TOKEN}, {"Authorization": "Bearer " + "x" * 4000}, {"Authorization": "Bearer \u00e9"}],
)  # fmt: skip
async def test_without_the_secret_nothing_is_read(headers: dict[str, str]) -> None:
    daemon = Daemon()
    async with listening(daemon) as url:
        async with client() as http:
            told = await http.post(url, content=b"{}", headers=[(k, v.encode("latin-1")) for k, v in headers.items()])  # type: ignore[misc]
        assert told.status_code == 401
        assert "Bearer" in told.headers["WWW-Authenticate"]
    assert daemon.taken == []


async def test_a_user_and_a_password_let_in_as_well() -> None:
    daemon = Daemon()
    async with listening(daemon, secret=Secret("p:w", "am")) as url:
        for pair, status in (("am:p:w", 200), ("am:p", 401), ("root:p:w", 401)):
            headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
            assert (await send(url, headers=headers)).status_code == status
        for odd in ("Basic !!!", "Basic /w==", f"Bearer {TOKEN}"):
            assert (await send(url, headers={"Authorization": odd})).status_code == 401


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"alerts": 3}', b'{"alerts": [3]}', b"[" * 9999, b"\xff"]
)
async def test_garbage_is_turned_away(body: bytes) -> None:
    daemon = Daemon()
    async with listening(daemon) as url:
        assert (await send(url, body)).status_code == 400
        assert (await send(url)).status_code == 200
    assert len(daemon.taken) == 1


async def test_whatever_a_body_is_it_is_answered() -> None:
    bodies: list[bytes] = []

    @given(st.binary(max_size=300) | st.text(max_size=99).map(lambda text: json.dumps(hook(text)).encode()))
    @settings(max_examples=40, deadline=None)
    def gather(body: bytes) -> None:
        bodies.append(body)

    gather()
    async with listening(Daemon()) as url, client() as http:
        for body in bodies:
            assert (await http.post(url, content=body, headers=ME)).status_code in (200, 400)


def hook(text: str) -> dict[str, Any]:
    return {"alerts": [{"labels": {"alertname": text}, "startsAt": text}]}


async def test_half_a_character_is_taken_as_a_question_mark() -> None:
    daemon = Daemon()
    async with listening(daemon) as url:
        told = await send(url, b'{"alerts": [{"labels": {"alertname": "a\\ud800b"}}]}')
        assert told.status_code == 400  # no parser of JSON that is strict takes it
        assert (await send(url, {"alerts": [{"labels": {"alertname": "\u0000\u202e"}}]})).status_code == 200


async def test_a_body_without_end_is_cut_off() -> None:
    daemon = Daemon()
    async with listening(daemon, limits={"body_bytes": 1000}) as url:
        assert (await send(url, b"x" * 1001)).status_code == 413

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(100_000):
                yield b"x" * 1000

        async with client() as http:
            try:
                told = await http.post(url, content=endless(), headers=ME)
                assert told.status_code == 413
            except httpx.HTTPError:
                pass  # it was hung up on before it had ended
        assert (await send(url)).status_code == 200


async def test_more_alerts_than_may_be_are_cut_and_counted() -> None:
    daemon = Daemon()
    async with listening(daemon, limits={"alerts": 2}) as url:
        assert (await send(url, {"alerts": [{}] * 5})).status_code == 200
    assert [(len(alerts), truncated) for alerts, truncated in daemon.taken] == [(2, 0), (0, 3)]


async def test_who_sends_too_often_is_told_so_and_others_are_not_hurt() -> None:
    daemon = Daemon()
    async with listening(daemon, limits={"rate": 0.001, "burst": 3.0}) as url:
        codes = [(await send(url)).status_code for _ in range(5)]
        assert codes == [200, 200, 200, 429, 429]
        async with client(transport=httpx.AsyncHTTPTransport(local_address="127.0.0.2")) as http:
            assert (await http.post(url, json=HOOK, headers=ME)).status_code == 200


async def test_more_at_once_than_can_be_read_are_told_to_come_again() -> None:
    import threading

    daemon, goes_on = Daemon(), threading.Event()
    daemon.waits = lambda: goes_on.wait(20)
    async with listening(daemon, limits={"at_once": 2}) as url:
        sending = [asyncio.create_task(send(url)) for _ in range(6)]
        done, _waiting = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
        assert {each.result().status_code for each in done} == {503}
        goes_on.set()
        assert sorted(each.status_code for each in await asyncio.gather(*sending)) == [200, 200, 503, 503, 503, 503]
        assert (await send(url)).status_code == 200


async def test_who_sends_a_body_drop_by_drop_is_cut_off() -> None:
    async with listening(Daemon(), limits={"body_seconds": 0.2}) as url:
        reader, writer = await _connected(url)
        head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n\r\n{{"
        writer.write(head.encode())
        assert b" 408 " in await asyncio.wait_for(reader.read(200), 10)
        writer.close()
        assert (await send(url)).status_code == 200


async def test_who_never_ends_his_head_is_cut_off() -> None:
    async with listening(Daemon(), limits={"head_seconds": 0.2}) as url:
        reader, writer = await _connected(url)
        writer.write(b"POST / HTTP/1.1\r\nX: ")
        with pytest.raises(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(10), 10) == b""
            raise ConnectionResetError
        writer.close()


async def test_connections_beyond_the_most_are_cut_off_and_room_is_made_again() -> None:
    async with listening(Daemon(), limits={"connections": 3}) as url:
        held = [await _connected(url) for _ in range(3)]
        await asyncio.sleep(0.05)
        with pytest.raises(httpx.HTTPError):
            await send(url)
        for _reader, writer in held:
            writer.close()
        async with asyncio.timeout(10):
            while True:
                try:
                    assert (await send(url)).status_code == 200
                    break
                except httpx.HTTPError:
                    await asyncio.sleep(0.05)


async def test_a_flood_of_connections_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(Daemon(), limits={"connections": 1}) as url:
        held = [await _connected(url)]
        await asyncio.sleep(0.05)
        for _ in range(20):
            reader, writer = await _connected(url)
            with suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()
        gc.collect()
        for _reader, writer in held:
            writer.close()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.parametrize(
    "raw", [b"\x16\x03\x01 hello", b"GET / HTTP/9\r\n\r\n", b"A" * 20_000 + b"\r\n\r\n", b"\r\n" * 50]
)
async def test_what_is_no_http_is_turned_away(raw: bytes) -> None:
    async with listening(Daemon(), limits={"head_seconds": 0.5}) as url:
        reader, writer = await _connected(url)
        writer.write(raw)
        try:
            told = await asyncio.wait_for(reader.read(200), 10)
        except ConnectionResetError:
            told = b""
        assert told == b"" or b" 400 " in told or b" 505 " in told
        writer.close()
        assert (await send(url)).status_code == 200


async def test_it_says_that_it_lives_and_takes_nothing_but_posts() -> None:
    async with listening(Daemon()) as url, client() as http:
        assert (await http.get(url + "-/healthy")).status_code == 200
        assert (await http.get(url)).status_code == 401
        assert (await http.get(url, headers=ME)).status_code == 405


async def test_an_address_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        receiver = Receiver(Door("127.0.0.1", taken.getsockname()[1], Secret(TOKEN)), Daemon().take)
        with pytest.raises(UsageError, match="cannot be listened on"):
            await receiver.start()


def test_it_does_not_stand_open() -> None:
    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(ConfigError, match="needs a secret"):
            Door(host, 0)
    assert Door("0.0.0.0", 0, Secret("x")).is_open_to_listeners
    assert not Door("127.0.0.1", 0, Secret("x")).is_open_to_listeners


@pytest.mark.parametrize(
    ("text", "found"), [("127.0.0.1:80", ("127.0.0.1", 80)), (":80", ("127.0.0.1", 80)), ("[::1]:0", ("::1", 0))]
)
def test_addresses_are_read(text: str, found: tuple[str, int]) -> None:
    assert parse_address(text) == found


@pytest.mark.parametrize("text", ["", "80", "host:", "host:x", "host:70000"])
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(UsageError):
        parse_address(text)


async def test_a_certificate_of_ours_lets_in_and_no_other(tmp_path: Path) -> None:
    _certificates(tmp_path)
    tls = tls_context(str(tmp_path / "here.crt"), str(tmp_path / "here.key"), str(tmp_path / "ca.crt"))
    daemon = Daemon()
    async with listening(daemon, secret=None, tls=tls) as url:
        trust = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
        trust.check_hostname = False
        with pytest.raises(httpx.HTTPError):
            await send(url, headers={}, verify=trust)
        trust.load_cert_chain(tmp_path / "here.crt", tmp_path / "here.key")
        assert (await send(url, headers={}, verify=trust)).status_code == 200
    assert len(daemon.taken) == 1
    with pytest.raises(ConfigError, match="certificates cannot be used"):
        tls_context(str(tmp_path / "here.key"), None, None)


async def _connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    return await asyncio.open_connection(host, int(port))


def _certificates(folder: Path) -> None:
    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder, timeout=60)

    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    openssl("req", "-x509", *kind, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=ca")
    openssl("req", "-x509", *kind, "-keyout", "here.key", "-out", "here.crt", "-subj", "/CN=127.0.0.1",
            "-CA", "ca.crt", "-CAkey", "ca.key")  # fmt: skip
