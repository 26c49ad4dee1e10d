"""The scrape source against real servers on loopback, sound and rotten."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from pages import DCGM, TRITON, VLLM, one, page

from console.config import SourceConfig
from console.errors import (
    AndonError,
    ConfigError,
    SourceDenied,
    SourceError,
    SourceMalformed,
    SourceMissing,
    SourceRefused,
)
from console.plugins import load_plugins
from console.sources.checking import check_all
from console.sources.opening import close, open_estate
from console.sources.options import MetricsOptions
from console.sources.scrape import Scrape
from console.sources.types import Checkable, Collectable

DIALECTS = {dialect.name: dialect for dialect in (VLLM, TRITON, DCGM)}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def exporter(handler: Handler, **options: Any) -> AsyncIterator[Scrape]:
    """A server that answers /metrics with `handler`, and the source that scrapes it."""
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.0, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    source = Scrape("line", MetricsOptions(url=f"http://127.0.0.1:{port}/metrics", **options))
    source.speak(DIALECTS)
    try:
        yield source
    finally:
        await source.close()
        await runner.cleanup()


def answering(body: bytes, **headers: str) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers=headers)

    return answer


async def failure(source: Scrape) -> AndonError:
    with pytest.raises(AndonError) as caught:
        await source.collect(1.0)
    assert caught.value.hint and "\n" not in caught.value.message
    return caught.value


# ── sound ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_page_is_scraped_into_readings() -> None:
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response(body=gzip.compress(page("vllm")), headers={"Content-Encoding": "gzip"})

    async with exporter(answer, headers={"Authorization": "Bearer s3cret"}) as source:
        assert isinstance(source, Collectable) and isinstance(source, Checkable)
        depth = one(list(await source.collect(42.0)), "model.queue.depth", model="tiny")
    assert (depth.value, depth.time) == (32, 42.0)
    assert asked[0].headers["Accept"].startswith("text/plain;version=0.0.4")
    assert asked[0].headers["Accept-Encoding"] == "gzip"
    assert asked[0].headers["Authorization"] == "Bearer s3cret"


async def test_two_replicas_with_the_same_labels_stay_apart() -> None:
    async with exporter(answering(page("vllm"))) as source, exporter(answering(page("vllm"))) as other:
        series = {r.series for r in await source.collect(1.0)} | {r.series for r in await other.collect(1.0)}
        assert len(series) == 2 * len(await source.collect(2.0))


async def test_labels_of_the_options_are_on_every_series() -> None:
    async with exporter(answering(page("triton")), labels={"replica": "a", "instance": "one"}) as source:
        for reading in await source.collect(1.0):
            assert (reading.series.labels.value("replica"), reading.series.labels.value("instance")) == ("a", "one")


async def test_a_page_that_came_another_way_is_labelled_as_if_scraped() -> None:
    async with exporter(answering(page("triton"))) as source:
        scraped = await source.collect(5.0)
        assert await source.ingest(page("triton"), 5.0) == scraped


async def test_check_says_which_dialects_and_signals_are_there_and_what_is_missing() -> None:
    async with exporter(answering(page("triton"))) as source:
        status = await source.check()
    assert (status.state, status.dialects) == ("ok", ("triton",))
    assert "model.requests" in status.signals
    assert "nv_gpu_utilization" in dict(status.missing)["gpu.utilization"]
    assert status.newest == pytest.approx(time.time(), abs=5)


async def test_check_tells_of_lines_that_could_not_be_read() -> None:
    async with exporter(answering(page("triton") + b"half a li")) as source:
        assert (await source.check()).reason == "1 lines could not be read: the page breaks off within its last line"


async def test_a_sound_page_that_nobody_understands_is_not_ok() -> None:
    async with exporter(answering(b"go_goroutines 7\nshop_orders_total 3\n")) as source:
        status = await source.check()
    assert status.state == "malformed"
    assert status.reason.startswith("no dialect that andon knows: shop_orders_total; ")
    assert "docs/plugins.md" in status.reason


async def test_a_dialect_that_does_not_exist_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="there is no dialect vlm") as caught:
        Scrape("line", MetricsOptions(url="http://127.0.0.1:1/metrics", dialects=["vlm"])).speak(DIALECTS)
    assert "vllm" in caught.value.hint


async def test_configured_by_name_a_source_opens_and_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.plugins.BUILT_IN", ("console.sources.builtin",))
    async with exporter(answering(page("vllm"))) as server:
        config = SourceConfig("line", "metrics", {"url": server._options.url})
        plugins = load_plugins()
        estate = await open_estate([config], plugins)
        try:
            assert estate.failed == {}
            assert await estate.sources["line"].collect(1.0)
        finally:
            await close(estate)
        [status] = await check_all([config], plugins)
    assert (status.state, status.dialects) == ("ok", ("vllm",))


# ── rotten ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_html_is_malformed() -> None:
    async with exporter(answering(b"<html>log in</html>", **{"Content-Type": "text/html"})) as source:
        error = await failure(source)
    assert isinstance(error, SourceMalformed) and error.message == "the page is HTML, not metrics"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_closed_door_is_denied(status: int) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with exporter(answer) as source:
        assert isinstance(await failure(source), SourceDenied)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, SourceMissing), (409, SourceRefused), (408, SourceError), (500, SourceError), (204, SourceError)],
)
async def test_any_other_answer_is_an_error_that_names_it(status: int, kind: type[SourceError]) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=b"[" * 4000)  # deeper than a parser goes

    async with exporter(answer) as source:
        error = await failure(source)
    assert type(error) is kind and f"answered {status}" in error.message


@pytest.mark.parametrize("announced", [True, False])
async def test_two_hundred_megabytes_are_cut_off_at_the_cap(announced: bool) -> None:
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Length": str(200 << 20)} if announced else None)
        await response.prepare(request)
        piece = b"a_metric 1\n" * 6000
        while sent < 200 << 20:
            await response.write(piece)
            sent += len(piece)
        return response

    async with exporter(answer, max_bytes=1 << 20) as source:
        began = time.perf_counter()
        error = await failure(source)
        assert time.perf_counter() - began < 2.0
    assert isinstance(error, SourceMalformed) and "more than 1,048,576 bytes" in error.message
    assert sent < 20 << 20


async def test_a_gzip_bomb_is_cut_off_before_it_goes_off() -> None:
    bomb = gzip.compress(b"\0" * (100 << 20), 9)
    async with exporter(answering(bomb, **{"Content-Encoding": "gzip"}), max_bytes=1 << 20) as source:
        tracemalloc.start()
        assert "more than 1,048,576 bytes" in (await failure(source)).message
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 10 << 20


@pytest.mark.parametrize("body", [b"not gzip at all", gzip.compress(page("vllm"))[:-200]])
async def test_broken_gzip_is_malformed(body: bytes) -> None:
    async with exporter(answering(body, **{"Content-Encoding": "gzip"})) as source:
        assert isinstance(await failure(source), SourceMalformed)


async def test_a_packing_nobody_asked_for_is_malformed() -> None:
    body = zlib.compress(page("vllm"))
    async with exporter(answering(body, **{"Content-Encoding": "deflate"})) as source:
        assert "as 'deflate'" in (await failure(source)).message


async def test_an_endless_drip_ends_at_the_timeout() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"a")
            await asyncio.sleep(0.02)

    async with exporter(answer, timeout=0.15) as source:
        began = time.perf_counter()
        assert "took more than 0.15 s" in (await failure(source)).message
        assert time.perf_counter() - began < 2.0


async def test_a_server_that_never_answers_ends_at_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/metrics"
        source = Scrape("line", MetricsOptions(url=url, timeout=0.1))
        assert type(await failure(source)) is SourceError
        await source.close()


async def test_a_broken_off_answer_is_malformed() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"a_metric 1\n")
        assert request.transport is not None
        request.transport.close()
        return response

    async with exporter(answer) as source:
        error = await failure(source)
    assert isinstance(error, SourceMalformed) and "broke off" in error.message


async def test_nobody_there_is_an_error_that_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    source = Scrape("line", MetricsOptions(url=f"http://127.0.0.1:{port}/metrics"))
    assert f"http://127.0.0.1:{port}/metrics cannot be reached" in (await failure(source)).message
    await source.close()


@pytest.mark.parametrize("url", ["http://me:hunter2@[::1/?token=hunter2", "ftp://me:hunter2@h", "http://h:hunter2/@h"])
def test_a_url_that_is_none_is_named_without_what_may_be_secret(url: str) -> None:
    with pytest.raises(SourceError) as raised:
        Scrape("line", MetricsOptions(url=url))
    assert "hunter2" not in raised.value.message


@pytest.mark.parametrize("url", ["ftp://host/metrics", "http://", "nonsense", "http://[::1/metrics"])
def test_what_is_no_url_is_said_to_be_none(url: str) -> None:
    with pytest.raises(SourceError, match=r"is not an? "):
        Scrape("line", MetricsOptions(url=url))


async def test_a_redirect_on_the_same_host_is_followed_to_another_it_is_not() -> None:
    async def answer(request: web.Request) -> web.Response:
        match request.path:
            case "/metrics":
                raise web.HTTPFound("/real")
            case "/real":
                return web.Response(body=page("vllm"))
            case "/away":
                raise web.HTTPFound("http://127.0.0.2:9/metrics")
        raise web.HTTPFound("/circle")

    async with exporter(answer, headers={"Authorization": "Bearer s3cret"}) as source:
        assert await source.collect(1.0)
        source._options.url = source._options.url.replace("/metrics", "/away")
        assert "redirects to another host, 127.0.0.2" in (await failure(source)).message
        source._options.url = source._options.url.replace("/away", "/circle")
        assert "redirects in circles" in (await failure(source)).message


async def test_secrets_reach_neither_messages_nor_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=500)

    async with exporter(answer, headers={"X-Api-Key": "s3cret"}) as source:
        source._options.url = source._options.url.replace("http://", "http://me:s3cret@") + "?token=s3cret"
        error = await failure(source)
    assert "s3cret" not in error.message + error.hint
    assert not [
        record for record in caplog.records if not record.name.startswith("aiohttp") and "s3cret" in record.getMessage()
    ]
