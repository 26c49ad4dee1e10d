"""One way to be let in by any HTTP server: who we say we are, whom we trust, and that no secret is ever shown."""

from __future__ import annotations

import json
import logging
import shutil
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError
from tlsserver import Authority, authority, tls_server

from console.errors import AndonError, ConfigError, SourceDenied, SourceError
from console.sources.site import Site, SiteOptions

SECRET = "s3cret-0f-0urs"
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made by openssl")


class Door:
    """A server that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.told.append(request.headers.copy())
        return web.Response(body=await request.read() or request.path_qs.encode())


@asynccontextmanager
async def site(door: Door, **options: Any) -> AsyncIterator[Site]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", door.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.0, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/prefix/"
    there = Site("prom", SiteOptions(url=url, **options))
    try:
        yield there
    finally:
        await there.close()
        await runner.cleanup()


def private(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


# ── who we are ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_questions_go_below_the_prefix_with_what_was_asked() -> None:
    async with site(Door()) as there:
        assert await there.get("api/v1/query", {"query": "a b"}) == b"/prefix/api/v1/query?query=a+b"
        assert await there.ask("POST", "/x", body=b"whole") == b"whole"
        assert await there.get("") == b"/prefix"


async def test_a_token_from_the_environment_is_borne(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROM_TOKEN", f"{SECRET}\n")
    door = Door()
    async with site(door, token_env="PROM_TOKEN") as there:
        await there.get("x")
    assert door.told[0]["Authorization"] == f"Bearer {SECRET}"


async def test_a_token_in_a_file_is_read_anew_for_every_question(tmp_path: Path) -> None:
    door, path = Door(), tmp_path / "token"
    private(path, f"{SECRET}\n")
    async with site(door, token_file=str(path)) as there:
        await there.get("x")
        private(path, "renewed")
        await there.get("x")
        path.chmod(0o644)
        with pytest.raises(ConfigError, match="others may read") as opened:
            await there.get("x")
    assert [told["Authorization"] for told in door.told] == [f"Bearer {SECRET}", "Bearer renewed"]
    assert opened.value.hint == f"chmod 600 {path}"


async def test_a_name_and_a_password_are_basic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROM_PASSWORD", SECRET)
    door = Door()
    async with site(door, username="jo:é", password_env="PROM_PASSWORD") as there:
        await there.get("x")
    assert door.told[0]["Authorization"] == f"Basic {b64encode(f'jo:é:{SECRET}'.encode()).decode()}"


async def test_a_tenant_is_a_header_like_any_other() -> None:
    door = Door()
    async with site(door, headers={"X-Scope-OrgID": "team-a|team-b"}) as there:
        await there.get("x")
    assert door.told[0]["X-Scope-OrgID"] == "team-a|team-b"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"token_env": "A", "token_file": "b"}, "give one of token_env"),
        ({"token_env": "A", "username": "b", "password_env": "C"}, "give one of token_env"),
        ({"username": "b"}, "go together"),
        ({"password_env": "B"}, "go together"),
        ({"key": "k"}, "a key needs its cert"),
        ({"token_env": "A B"}, "token_env"),
        ({"headers": {"X-A": "b\r\nX-C: d"}}, "headers"),
        ({"headers": {"X A": "b"}}, "headers"),
        ({"timeout": 0}, "timeout"),
        ({"tokn_env": "A"}, "tokn_env"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SiteOptions(url="http://127.0.0.1:9090", **options)


def test_a_secret_that_is_not_there_is_said_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PROM_TOKEN", raising=False)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "binary").chmod(0o600)
    for options, words in (
        ({"token_env": "PROM_TOKEN"}, "source prom: the environment has no PROM_TOKEN"),
        ({"token_file": str(tmp_path / "none")}, "cannot be read: .*No such file"),
        ({"token_file": str(tmp_path / "binary")}, "cannot be read"),
        ({"token_file": private(tmp_path / "empty", " \n")}, "is empty"),
        ({"ca": str(tmp_path / "none.pem")}, "certificates cannot be used"),
        ({"cert": private(tmp_path / "cert.pem", "none")}, "certificates cannot be used"),
    ):
        with pytest.raises(ConfigError, match=words):
            Site("prom", SiteOptions(url="http://127.0.0.1:9090", **options))


# ── whom we trust ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls"), "ours")


async def asked(url: str, **options: Any) -> bytes:
    there = Site("prom", SiteOptions(url=url, timeout=20, **options))
    try:
        return await there.get("x")
    finally:
        await there.close()


@needs_openssl
async def test_a_server_that_our_authority_vouches_for_is_trusted(ours: Authority) -> None:
    with tls_server(ours.sign("good")) as server:
        assert await asked(server.url, ca=str(ours.certificate)) == b"/x"


@needs_openssl
async def test_a_server_that_nobody_vouches_for_is_not_asked(ours: Authority, tmp_path: Path) -> None:
    other = authority(tmp_path, "other")
    for pair, words in (
        ((other.certificate, tmp_path / "other.key"), "self-signed certificate"),
        (other.sign("stranger"), "unable to get local issuer certificate"),
        (ours.sign("elsewhere", alternative="DNS:prom.example"), "IP address mismatch"),
        (ours.sign("old", days=-1), "certificate has expired"),
    ):
        with tls_server(pair) as server:
            with pytest.raises(SourceError, match=f"/x cannot be trusted: .*{words}") as error:
                await asked(server.url, ca=str(ours.certificate))
            assert error.value.hint == "check its certificate, or name its `ca`"
        assert server.asked == []


@needs_openssl
async def test_both_sides_show_who_they_are(ours: Authority, tmp_path: Path) -> None:
    cert, key = map(str, ours.sign("client"))
    stranger, its_key = map(str, authority(tmp_path, "other").sign("stranger"))
    ca = str(ours.certificate)
    with tls_server(ours.sign("server"), asks=ours) as server:
        assert await asked(server.url, ca=ca, cert=cert, key=key) == b"/x"
        for options in ({}, {"cert": stranger, "key": its_key}):
            with pytest.raises(SourceError) as refused:
                await asked(server.url, ca=ca, **options)
            assert "`cert`" in refused.value.hint
    assert server.asked == ["/x"]


@needs_openssl
async def test_what_speaks_no_tls_is_told_from_what_is_not_trusted(ours: Authority) -> None:
    async with site(Door()) as plain:
        with pytest.raises(SourceError, match="does not speak TLS as we do"):
            await asked(plain.url.replace("http://", "https://"), ca=str(ours.certificate))
    with tls_server(ours.sign("tls")) as server, pytest.raises(SourceError):
        await asked(server.url.replace("https://", "http://"))


# ── nothing is shown ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_no_secret_is_in_a_message_a_repr_or_a_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("PROM_SECRET", SECRET)
    token = private(tmp_path / "token", SECRET)
    shown: list[str] = []
    for options in (
        {"token_env": "PROM_SECRET"},
        {"token_file": token},
        {"username": "jo", "password_env": "PROM_SECRET"},
        {"headers": {"X-Api-Key": SECRET}},
    ):
        for url in ("http://127.0.0.1:1/", f"http://jo:{SECRET}@127.0.0.1:1/?key={SECRET}"):
            settings = SiteOptions(url=url, **options)  # type: ignore[arg-type]
            there = Site("prom", settings)
            with pytest.raises(AndonError) as error:
                await there.get("x", {"key": SECRET})
            await there.close()
            shown += [repr(settings), str(settings), repr(there), f"{error.value!r} {error.value.hint}"]

    async def refuses(_request: web.Request) -> web.Response:
        return web.Response(status=401)

    door = Door()
    door.answer = refuses  # type: ignore[method-assign]
    async with site(door, headers={"X-Api-Key": SECRET}) as there:
        with pytest.raises(SourceDenied) as denied:
            await there.get("x")
    shown += [str(denied.value), *(record.getMessage() for record in caplog.records)]
    assert SECRET not in "\n".join(shown)


@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
async def test_a_server_that_says_our_secret_again_does_not_have_us_show_it(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROM_SECRET", SECRET)

    async def repeats(request: web.Request) -> web.Response:
        said = (
            f"no: {request.path_qs} {request.headers['Authorization']}, \x1b[2J{SECRET} {request.headers['X-Key']} "
            + "x" * 3000
        )
        text = said if kind == "text/plain" else json.dumps({"error": said})
        return web.Response(status=400, reason=f"bad {SECRET} " + "x" * 3000, text=text, content_type=kind)

    door = Door()
    door.answer = repeats  # type: ignore[method-assign]
    for options in ({"token_env": "PROM_SECRET"}, {"username": "jo", "password_env": "PROM_SECRET"}):
        async with site(door, headers={"X-Key": "key-of-ours"}, **options) as there:
            there.url += f"?sdk={SECRET}"
            with pytest.raises(SourceError, match="answered 400 bad") as refused:
                await there.get("")
        said = refused.value.message
        assert "key-of-ours" not in said
        assert b64encode(f"jo:{SECRET}".encode()).decode() not in said
        assert "\x1b" not in said
        assert len(said) < 600
        assert SECRET not in said


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"error": "no"}, ": no"),
        ({"error_code": "GONE", "message": "no such version"}, ": no such version"),
        ({"error": {"message": "no key", "code": 500}}, ": no key"),
        ({"detail": {"error": "no database"}}, ": no database"),
        ({"detail": [{"loc": ["body"], "msg": "too short"}]}, ": too short"),
        ({"errors": [{"code": 400, "msg": "no service"}]}, ": no service"),
        ({"errors": ["no", "none"]}, ": no"),
        ({"status": "no"}, ""),
        (["no"], ""),
        ({"errors": []}, ""),
    ],
)
async def test_a_refusal_is_told_in_the_servers_words_whatever_it_calls_them(said: Any, shown: str) -> None:
    async def refuses(_request: web.Request) -> web.Response:
        return web.json_response(said, status=400)

    door = Door()
    door.answer = refuses  # type: ignore[method-assign]
    async with site(door) as there:
        with pytest.raises(SourceError) as refused:
            await there.get("x")
    assert refused.value.message.partition("answered 400 Bad Request")[2] == shown
