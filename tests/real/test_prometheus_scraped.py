"""A real server's own page, through a small dialect written for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import one
from promserver import is_installed, prometheus

from console.signals.dialect import Dialect, counter, gauge, histogram
from console.sources.options import MetricsOptions
from console.sources.scrape import Scrape

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not is_installed(), reason="needs Debian's prometheus: `make test-real` installs it"),
]

PROMETHEUS = Dialect(
    "prometheus",
    detect="prometheus_build_info",
    signals={
        "model.info": gauge("prometheus_build_info"),
        "model.requests": counter("prometheus_http_requests_total"),
        "model.latency": histogram("prometheus_http_request_duration_seconds"),
        "model.cpu.time": counter("process_cpu_seconds_total"),
        "model.memory.used": gauge("process_resident_memory_bytes"),
    },
)


async def test_a_running_prometheus_is_scraped(tmp_path: Path) -> None:
    with prometheus(tmp_path) as url:
        source = Scrape("prom", MetricsOptions(url=f"{url}/metrics"))
        source.speak({"prometheus": PROMETHEUS})
        await source.collect(0.0)  # the page tells of itself only from the second time on
        first, second = [list(await source.collect(time)) for time in (1.0, 2.0)]
        status = await source.check()
        await source.close()
    assert one(first, "model.info").series.labels.value("version")
    before, after = (one(each, "model.requests", handler="/metrics") for each in (first, second))
    assert after.value > before.value and after.series == before.series
    latency = one(second, "model.latency", handler="/metrics")
    assert latency.counts[-1] >= 1 and latency.value > 0
    assert (status.state, status.reason, status.missing) == ("ok", "", ())
