"""Real servers under load, read by andon's own source: their signals move as the load did."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from modelservers import (
    ROOT,
    bentoml,
    has_environment,
    has_namespaces,
    has_node_exporter,
    increase,
    litellm,
    mlserver,
    node_exporter,
    ray_serve,
    triton,
    within,
)
from pages import every_dialect, plugin
from promserver import is_installed, prometheus

from console.model import Query, Span, Window
from console.signals.page import PageReader

needs_triton = pytest.mark.skipif(not has_environment("triton"), reason="no Triton here: make .venv-triton/.ready")
needs_mlserver = pytest.mark.skipif(not has_environment("mlserver"), reason="no MLServer: make .venv-mlserver/.ready")
pytestmark = pytest.mark.real

SCRAPES = 2.5  # seconds until a Prometheus that scrapes every second has seen the last change


@pytest.mark.skipif(not has_node_exporter(), reason="no node exporter here: sh .ci/real-servers")
async def test_a_node_exporter_tells_of_this_host() -> None:
    with node_exporter() as server:
        before, status = await server.read(), await server.check()
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            sum(range(1000))
        after = await server.read()
    assert status.state == "ok" and status.dialects == ("node_exporter",)
    assert increase(before, after, "host.cpu.time", mode="user") > 0.1
    [share] = [reading.value for reading in after if reading.series.signal == "host.memory.utilization"]
    assert 0 < share < 1
    [uptime] = [reading.value for reading in after if reading.series.signal == "host.uptime"]
    assert uptime == pytest.approx(float(Path("/proc/uptime").read_text().split()[0]), abs=60)


@needs_triton
async def test_a_triton_under_load(tmp_path: Path) -> None:
    with triton(tmp_path) as server:
        await server.infer("double", [[1.0]])
        before = await server.read()
        good = await server.infer("double", [[float(number)] for number in range(40)])
        bad = await server.infer("moody", [[-1.0]] * 5) + await server.infer("moody", [[1.0]] * 10)
        after, status = await server.read(), await server.check()
    assert (good, bad) == (40, 10)
    assert status.state == "ok" and status.dialects == ("triton",)
    assert increase(before, after, "model.requests", model="double") == 40
    assert increase(before, after, "model.requests", model="moody") == 10
    assert increase(before, after, "model.errors", model="moody", reason="BACKEND") == 5
    assert 0 < increase(before, after, "model.inference.batches", model="double") <= 40
    spent = increase(before, after, "model.latency.total", model="moody")
    assert 0.04 <= spent / 10 < 10  # seconds, not microseconds
    assert "gpu.power" in dict(status.missing) and "model.ttft" in dict(status.missing)


@needs_mlserver
@pytest.mark.skipif(not is_installed(), reason="prometheus and promtool are not installed")
async def test_an_mlserver_under_load_scraped_by_us_and_by_a_prometheus(tmp_path: Path) -> None:
    (tmp_path / "mlserver").mkdir()
    module = plugin("prometheus")
    with mlserver(tmp_path / "mlserver") as server:
        await server.infer("moody", [[1.0], [-1.0]])  # so that each of its counters is there
        with prometheus(tmp_path / "prom", scrapes=[urlsplit(server.page).netloc]) as url:
            source = module.Prometheus("prom", module.PrometheusOptions(url=url))
            source.speak({"mlserver": plugin("mlserver").MLSERVER})
            try:
                await _scraped(url)
                before, began = await server.read(), time.time()
                good = await server.infer("iris", [[5.1, 3.5, 1.4, 0.2]] * 30)
                bad = await server.infer("moody", [[-1.0]] * 4) + await server.infer("moody", [[1.0]] * 12)
                await asyncio.sleep(SCRAPES)
                after, ended = await server.read(), time.time()
                window = Window((Span(began, ended),))
                asked = {
                    signal: {
                        series.key.labels.value("model"): float(series.values[-1].sum())
                        for series in (await source.read(Query(signal, window, ended - began, by=("model",)))).series
                    }
                    for signal in ("model.requests", "model.errors", "model.latency.total")
                }
                status = await server.check()
            finally:
                await source.close()
    assert (good, bad) == (30, 12)
    assert status.state == "ok" and status.dialects == ("mlserver",)
    assert increase(before, after, "model.requests", model="iris") == 30
    assert increase(before, after, "model.errors", model="moody") == 4
    assert increase(before, after, "model.latency", code="200") == 42
    mean = increase(before, after, "model.latency.total", model="moody") / 16
    assert 0.04 <= mean < 10
    assert asked["model.requests"]["moody"] == 16 and asked["model.errors"]["moody"] == 4
    assert asked["model.latency.total"]["moody"] / 16 == pytest.approx(mean, rel=0.01)


@pytest.mark.skipif(not has_environment("bentoml"), reason="no BentoML here: make .venv-bentoml/.ready")
async def test_a_bentoml_service_under_load(tmp_path: Path) -> None:
    async def predict(client: httpx.AsyncClient, value: float) -> int:
        return (await client.post("/predict", json={"value": value})).status_code

    with bentoml(tmp_path) as server:
        async with httpx.AsyncClient(base_url=server.api, timeout=30) as client:
            await predict(client, 1.0)
            before = await server.read()
            codes = [await predict(client, value) for value in [1.0] * 20 + [-1.0] * 5]
        after, status = await server.read(), await server.check()
    assert (codes.count(200), codes.count(500)) == (20, 5)
    assert status.state == "ok" and status.dialects == ("bentoml",)
    assert increase(before, after, "model.requests", model="Glove") == 25
    assert increase(before, after, "model.errors", code="500") == 5
    assert increase(before, after, "model.latency", code="200") == 20


@pytest.mark.skipif(not has_environment("litellm"), reason="no LiteLLM here: make .venv-litellm/.ready")
async def test_a_litellm_proxy_under_load_tells_nothing_of_who_asked(tmp_path: Path) -> None:
    async def ask(client: httpx.AsyncClient, model: str) -> int:
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "user": "ada@example.org"}
        return (await client.post("/v1/chat/completions", json=body)).status_code

    with litellm(tmp_path) as server:
        async with httpx.AsyncClient(base_url=server.api, headers=dict(server.headers), timeout=60) as client:
            assert (await client.get("/metrics", headers={"Authorization": "Bearer wrong"})).status_code in (307, 401)
            codes = [await ask(client, model) for model in ["fine"] * 10 + ["gone"] * 3]
        for _turn in range(100):  # it counts after it has answered
            readings = await server.read()
            if increase([], readings, "model.requests") >= 13:
                break
            await asyncio.sleep(0.1)
        status = await server.check()
    assert (codes.count(200), codes.count(500)) == (10, 3)
    assert status.state == "ok" and status.dialects == ("litellm",)
    assert increase([], readings, "model.requests", model="fine", code="200") == 10
    assert increase([], readings, "model.errors", model="gone") == 3
    assert increase([], readings, "model.latency", model="fine") == 10
    assert increase([], readings, "model.tokens.generation", model="fine") > 0
    assert "ada@example.org" not in str(readings) and "127.0.0.1'" not in str(readings)


@pytest.mark.skipif(not has_environment("ray"), reason="no Ray here: make .venv-ray/.ready")
def test_a_ray_serve_in_a_network_of_its_own(tmp_path: Path) -> None:
    if not has_namespaces():  # asked here, for asking makes one
        pytest.skip("Ray binds every interface, and no network namespace can be made here")
    with ray_serve(tmp_path, f"andon-{os.getpid()}") as page_url:
        readings = PageReader(every_dialect()).read((tmp_path / "page").read_bytes(), time.time())
        asked = subprocess.run(
            within(f"andon-{os.getpid()}", sys.executable, "-m", "console.cli", "--data", str(tmp_path / "data"),
                   "source", "check", "--format", "json", "--source", f"ray={page_url}"),
            check=False, capture_output=True, timeout=60, cwd=ROOT,
        )  # fmt: skip
    assert increase([], readings, "model.requests", model="glove") == 35
    assert increase([], readings, "model.errors", model="glove", code="500") == 5
    assert increase([], readings, "model.latency", code="200") == 30
    [status] = json.loads(asked.stdout)
    assert (asked.returncode, status["state"], status["dialects"]) == (0, "ok", ["ray_serve"])
    assert {"model.inference.duration", "workload.replicas.ready"} <= set(status["signals"])


async def _scraped(url: str) -> None:
    """Wait until it has samples of the page: the first scrape takes a few seconds to come."""
    async with httpx.AsyncClient() as client:
        for _turn in range(300):
            answer = await client.get(f"{url}/api/v1/query", params={"query": "count_over_time(up[1m]) >= 2"})
            if answer.json()["data"]["result"]:
                return
            await asyncio.sleep(0.1)
    raise AssertionError("it scraped nothing")
