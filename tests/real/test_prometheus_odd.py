"""What a real Prometheus may hold beside the usual: native histograms, stale markers, targets scraped twice, floods."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import plugin
from promserver import is_installed, prometheus
from remotewrite import RECEIVER, SCHEMA, STALE, Native, bucket_of, push

from console.analysis.compare import compare
from console.errors import SourceError
from console.model import Direction, Kind, Labels, Query, Span, Verdict, Window
from console.signals.dialect import Dialect, counter, gauge, histogram

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not is_installed(), reason="needs Debian's prometheus: `make test-real` installs it"),
]

STEP, SCRAPE = 60.0, 15.0
TOY = Dialect(
    "toy",
    detect="toy_requests_total",
    model_label="m",
    signals={
        "model.requests": counter("toy_requests_total"),
        "model.latency": histogram("toy_latency_seconds"),
        "model.queue.depth": gauge("toy_queue"),
    },
)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with prometheus(tmp_path, RECEIVER, "--enable-feature=native-histograms", "--query.max-samples=20000") as url:
        yield url


async def test_a_time_in_which_it_did_not_scrape_is_known(url: str) -> None:
    now = time.time()
    up = {"__name__": "up", "job": "toy", "instance": "n:1"}
    source = _source(url)
    assert await source.coverage(Span(now - 600, now), STEP) == 1.0  # it never had an `up`: it cannot tell
    moments = [*np.arange(now - 3600, now - 900, SCRAPE), *np.arange(now - 120, now - 5, SCRAPE)]
    push(url, [(up, [(float(moment), 0.0) for moment in moments])])
    assert 0.1 <= await source.coverage(Span(now - 600, now), STEP) <= 0.3
    assert await source.coverage(Span(now - 850, now - 200), STEP) == 0.0
    assert await source.coverage(Span(now - 2400, now - 1200), STEP) == 1.0
    await source.close()


async def test_a_histogram_that_is_there_natively_alone_is_read_and_judged(url: str) -> None:
    now, rng = time.time(), np.random.default_rng(3)
    moments = np.arange(now - 2400, now, SCRAPE)
    counts: dict[int, int] = {}
    total, points, observed = 0.0, [], []
    for moment in moments:
        values = rng.lognormal(np.log(0.06), 0.4, 40) * (2.0 if moment > now - 900 else 1.0)
        for value in values:
            counts[bucket_of(value)] = counts.get(bucket_of(value), 0) + 1
        total += float(values.sum())
        points.append((moment, Native(dict(counts), total)))
        observed.append((moment, values))
    base = {"m": "a", "instance": "n:1"}
    push(url, [({"__name__": "toy_latency_seconds", **base}, points)])
    push(url, [({"__name__": "toy_requests_total", **base}, [(moment, 1.0) for moment in moments])])
    source = _source(url)
    assert "model.latency" in await source.signals()
    spans = Span(now - 2100, now - 1200), Span(now - 840, now)
    baseline, current = [
        await source.read(Query("model.latency", Window((span,)), STEP, Labels.of(m="a"), ("model",))) for span in spans
    ]
    await source.close()
    [series] = current.series
    assert series.key.kind is Kind.HISTOGRAM and series.key.labels == Labels.of(model="a")
    powers = np.log2(series.key.edges[:-1]) * 2**SCHEMA
    np.testing.assert_allclose(powers, np.round(powers), atol=1e-6)
    true = np.concatenate([values for moment, values in observed if spans[1].start < moment <= spans[1].end])
    assert np.nansum(series.values) == pytest.approx(true.size, rel=0.1)
    assert np.nansum(series.sums) / np.nansum(series.values) == pytest.approx(true.mean(), rel=0.05)
    [judged] = compare(current, baseline, stat="p95", tolerance=0.2, bad=Direction.UP, floor=0.0)
    assert judged.verdict is Verdict.DEGRADED
    assert judged.ratio == pytest.approx(2.0, rel=0.15)
    assert judged.current.value == pytest.approx(np.quantile(true, 0.95), rel=0.1)


async def test_a_target_that_two_jobs_scrape_is_not_added_up_twice_and_two_targets_are(url: str) -> None:
    now = time.time()
    moments = np.arange(now - 1500, now, SCRAPE)
    rising = [(moment, 10.0 * place) for place, moment in enumerate(moments)]
    level = [(moment, 4.0) for moment in moments]
    for job, instance in (("one", "n1:9"), ("two", "n1:9"), ("one", "n2:9")):
        labels = {"m": "a", "job": job, "instance": instance}
        push(
            url, [({"__name__": "toy_requests_total", **labels}, rising), ({"__name__": "toy_queue", **labels}, level)]
        )
    source = _source(url)
    window = Window((Span(now - 660, now - 60),))
    requests = await source.read(Query("model.requests", window, STEP, by=("model",)))
    queue = await source.read(Query("model.queue.depth", window, STEP, by=("model",)))
    apart = await source.read(Query("model.queue.depth", window, STEP, by=("job",)))
    await source.close()
    assert set(requests.series[0].values) == {80.0} and set(queue.series[0].values) == {8.0}
    assert {series.key.labels.value("job"): series.values[0] for series in apart.series} == {"one": 8.0, "two": 4.0}


async def test_two_processes_of_one_host_name_are_two_though_only_their_job_tells(url: str) -> None:
    now = time.time()
    level = [(moment, 4.0) for moment in np.arange(now - 900, now, SCRAPE)]
    for job in ("one", "two"):
        for name in ("toy_requests_total", "toy_queue"):
            push(url, [({"__name__": name, "m": "a", "job": job, "instance": "node-7"}, level)])
    source = _source(url)
    frame = await source.read(Query("model.queue.depth", Window((Span(now - 600, now),)), STEP))
    await source.close()
    assert set(frame.series[0].values) == {8.0}


async def test_a_pair_of_servers_that_both_sent_all_counts_once(url: str) -> None:
    now = time.time()
    moments = np.arange(now - 1500, now, SCRAPE)
    for place, replica in enumerate(("prom-0", "prom-1")):
        rising = [(moment + place, 10.0 * number) for number, moment in enumerate(moments)]
        labels = {"m": "a", "job": "x", "instance": "n:9", "prometheus_replica": replica}
        push(url, [({"__name__": "toy_requests_total", **labels}, rising)])
    source = _source(url)
    frame = await source.read(Query("model.requests", Window((Span(now - 600, now - 60),)), STEP))
    await source.close()
    assert set(frame.series[0].values) == {40.0}


async def test_a_series_that_went_stale_is_gone_from_that_step_on(url: str) -> None:
    now = time.time()
    moments = np.arange(now - 1200, now, SCRAPE)
    half = now - 330.0
    ending = [(moment, 4.0 if moment < half else STALE) for moment in moments if moment < half + SCRAPE]
    for name in ("toy_requests_total", "toy_queue"):
        push(url, [({"__name__": name, "m": "a", "instance": "n:9"}, ending)])
    source = _source(url)
    frame = await source.read(Query("model.queue.depth", Window((Span(now - 600, now),)), STEP))
    await source.close()
    np.testing.assert_array_equal(frame.series[0].values, [4.0] * 5 + [np.nan] * 5)


async def test_what_it_refuses_to_load_is_its_own_state_and_tells_what_to_do(url: str) -> None:
    now = time.time()
    for shard in range(20):
        push(
            url,
            [
                ({"__name__": "toy_queue", "pod": f"p{pod}"}, [(now - 60, 1.0), (now - 30, 1.0), (now, 1.0)])
                for pod in range(shard * 500, shard * 500 + 500)
            ],
        )
    push(url, [({"__name__": "toy_requests_total"}, [(now, 1.0)])])
    source = _source(url)
    with pytest.raises(SourceError, match=r"answered 422 .*too many samples") as refused:
        await source.read(Query("model.queue.depth", Window((Span(now - 600, now),)), STEP))
    await source.close()
    assert "`where`" in refused.value.hint


def _source(url: str) -> Any:
    module = plugin("prometheus")
    source = module.Prometheus("prom", module.PrometheusOptions(url=url, timeout=20))
    source.speak({"toy": TOY})
    return source
