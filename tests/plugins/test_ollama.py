"""An Ollama server's API as a source. Its answers are written as its documentation has them (docs/api.md, 2026)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from pages import of, one, plugin

from console.errors import SourceError, SourceMalformed

MODULE = plugin("ollama")
NOW = 1_795_334_300.0  # 2026-11-22T07:58:20Z
DETAILS = {"family": "llama", "parameter_size": "8.0B", "quantization_level": "Q4_0"}
LOADED = {
    "name": "llama3:latest", "model": "llama3:latest", "size": 6_654_289_920, "digest": "365c0bd3c000a25d28ddbf732fe1",
    "details": DETAILS, "expires_at": "2026-11-22T08:03:20.123456789Z", "size_vram": 5_137_025_024,
}  # fmt: skip
KEPT = {**LOADED, "name": "embed:latest", "size_vram": 6_654_289_920, "expires_at": "2318-01-01T00:00:00Z"}
ANSWERS: dict[str, Any] = {
    "/api/ps": {"models": [LOADED, KEPT]},
    "/api/tags": {"models": [LOADED, KEPT, {"name": "phi:latest", "size": 1, "digest": "e2fd6321a5fe"}]},
    "/api/version": {"version": "0.21.0"},
}


@asynccontextmanager
async def ollama(answers: dict[str, Any]) -> AsyncIterator[Any]:
    async def answer(request: web.Request) -> web.Response:
        given = answers.get(request.path)
        return web.Response(text=given) if isinstance(given, str) else web.json_response(given)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.0, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    source = MODULE.Ollama("gpu-box", MODULE.OllamaOptions(url=f"http://127.0.0.1:{runner.addresses[0][1]}"))
    try:
        yield source
    finally:
        await source.close()
        await runner.cleanup()


async def test_what_is_loaded_where_and_for_how_long() -> None:
    async with ollama(ANSWERS) as source:
        readings = list(await source.collect(NOW))
    assert one(readings, "model.loaded").value == 2
    assert one(readings, "model.up", model="llama3:latest").value == 1
    assert one(readings, "model.memory.gpu", model="llama3:latest").value == 5_137_025_024
    assert one(readings, "model.memory.used", model="llama3:latest").value == 1_517_264_896  # spilled to the host
    assert one(readings, "model.expires", model="llama3:latest").value == pytest.approx(300.12, abs=0.01)


async def test_a_model_that_is_to_stay_does_not_expire() -> None:
    async with ollama(ANSWERS) as source:
        readings = list(await source.collect(NOW))
    assert of(readings, "model.expires", model="embed:latest") == []


async def test_what_it_knows_is_told_with_what_it_was_made_of() -> None:
    async with ollama(ANSWERS) as source:
        info = one(list(await source.collect(NOW)), "model.info", model="llama3:latest").series.labels
    assert info.value("digest") == "365c0bd3c000" and info.value("quantization") == "Q4_0"
    assert info.value("server") == "0.21.0" and str(info.value("instance")).startswith("127.0.0.1:")


@pytest.mark.parametrize("none", [[], None])
async def test_a_server_that_holds_nothing_is_sound(none: Any) -> None:
    async with ollama(ANSWERS | {"/api/ps": {"models": none}}) as source:
        status = await source.check()
    assert (status.state, status.reason) == ("ok", "0 of 3 models are loaded")
    assert dict(status.missing)["model.memory.gpu"] == "/api/ps: no model is loaded; the first request loads one"


async def test_check_says_what_it_gives_and_what_nobody_can() -> None:
    async with ollama(ANSWERS) as source:
        status = await source.check()
    assert set(status.signals) == {"model.loaded", "model.info", *MODULE.OF_LOADED}
    assert status.missing == () and "model.latency" in dict(status.spoken[0].lacks)


@pytest.mark.parametrize(
    "wrong", ["<html>", "[]", '{"status": "success"}', '{"models": [{"size": -1}]}', '{"models": 3}']
)
async def test_what_is_no_ollama_is_said_so(wrong: str) -> None:
    async with ollama(ANSWERS | {"/api/ps": wrong}) as source:
        with pytest.raises(SourceMalformed, match="does not answer /api/ps like an Ollama"):
            await source.collect(NOW)


async def test_a_time_that_is_none_costs_only_itself() -> None:
    async with ollama(ANSWERS | {"/api/ps": {"models": [{**LOADED, "expires_at": "soon"}]}}) as source:
        readings = list(await source.collect(NOW))
    assert of(readings, "model.expires") == [] and one(readings, "model.up").value == 1


async def test_a_server_that_is_gone_is_a_source_error() -> None:
    source = MODULE.Ollama("gone", MODULE.OllamaOptions(url="http://127.0.0.1:9"))
    try:
        with pytest.raises(SourceError, match="cannot be reached"):
            await source.collect(NOW)
    finally:
        await source.close()


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://box:11434", "http://box:11434"),
        ("http://box:11434/", "http://box:11434/"),
        ("ollama+https://box/ai", "https://box/ai"),
        ("http://box:11434/metrics", None),
        ("http://box:9090", None),
    ],
)
def test_a_url_with_its_port_is_taken(url: str, found: str | None) -> None:
    assert MODULE._from_url(url) == (None if found is None else {"url": found})
