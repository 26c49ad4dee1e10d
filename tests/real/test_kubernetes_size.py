"""A hundred thousand pods: what the child of the kubernetes source takes for them, of a stand-in that pages them."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from kubestand import Query, encoded, listed, pod, stand_in

from console.config import SourceConfig
from console.plugins import load_plugins
from console.sources.one_look import patiently
from console.sources.opening import open_source

pytestmark = pytest.mark.real

PODS, EACH = 100_000, 10
MOST_MEGABYTES = 150.0
LISTED_SECONDS = 120.0  # on a busy machine; 5 s on a quiet one


def serve(folder: Path, ready: Any) -> None:
    """In a process of its own, so that it takes nothing of what is measured."""
    pages: dict[str, bytes] = {}
    with stand_in() as here:

        def answer(query: Query) -> tuple[int, bytes]:
            start, limit = int(query.get("continue", "0")), int(query["limit"])
            end = min(PODS, start + limit)
            return 200, pages.get(f"{start}+{limit}") or page(start, end)

        def page(start: int, end: int) -> bytes:
            items = [pod(f"web{n // EACH}-5c9745674b-{n:06d}", app=f"web{n // EACH}") for n in range(start, end)]
            return encoded(listed(items, following=str(end) if end < PODS else "", remaining=PODS - end))

        for start in range(0, PODS, 250):
            pages[f"{start}+250"] = page(start, start + 250)
        here.says["/api/v1/pods"] = answer
        ready.put((here.kubeconfig(folder), sum(map(len, pages.values())) / PODS))
        time.sleep(600)


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[tuple[str, float]]:
    context = multiprocessing.get_context("spawn")
    ready: Any = context.Queue()
    process = context.Process(target=serve, args=(tmp_path, ready), daemon=True)
    process.start()
    yield ready.get(timeout=180)
    process.kill()
    process.join(10)


async def test_100_000_pods_are_held_in_150_megabytes(kubeconfig: tuple[str, float]) -> None:
    path, size = kubeconfig
    source = await open_source(SourceConfig("k8s", "kubernetes", {"kubeconfig": path}), load_plugins())
    try:
        began = time.monotonic()
        readings = await patiently(lambda: source.collect(time.time()), LISTED_SECONDS)
        listed_in = time.monotonic() - began
        child = psutil.Process(source.worker._process.pid)
        held = child.memory_info().rss / 2**20
        again = time.monotonic()
        assert await source.collect(time.time())
        again = time.monotonic() - again
        print(
            f"\n{PODS:,} pods of {size:,.0f} bytes: known after {listed_in:.1f} s "
            f"({sum(child.cpu_times()[:2]):.1f} s of CPU), "
            f"{held:.0f} MB, {len(readings):,} samples of {PODS // EACH:,} workloads, asked again in {again:.2f} s"
        )
        assert len(readings) < 50_000  # of the largest workloads: what the collector takes at once
        assert held <= MOST_MEGABYTES
        assert "100,000 pods" in (await source.check()).reason
    finally:
        await source.close()
