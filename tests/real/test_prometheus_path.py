"""The PromQL path against the scraped path: the same samples, the same questions, a real Prometheus."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pages import plugin
from promserver import is_installed, prometheus
from twopaths import (
    QUESTIONS,
    STEP,
    TOY,
    Asked,
    Frames,
    apart,
    change,
    flips,
    judge,
    read_asked,
    read_scraped,
    shared_steps,
    simulate,
)

from console.errors import SourceError
from console.model import Labels, Query, Span, Verdict, Window
from console.signals.dialect import Dialect, counter, gauge, histogram

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not is_installed(), reason="needs Debian's prometheus: `make test-real` installs it"),
]

MODELS = 40
SIMULATION = simulate(MODELS, end=time.time() - 3600, seed=7)
HALF_HOUR = SIMULATION.current


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prometheus(tmp_path_factory.mktemp("history"), history=SIMULATION.openmetrics()) as url:
        yield url


@pytest.fixture(scope="module")
def paths(url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Frames, Frames]:
    folder = tmp_path_factory.mktemp("scraped")
    return asyncio.run(read_scraped(SIMULATION, folder)), asyncio.run(read_asked(SIMULATION, url))


async def test_both_paths_give_the_same_numbers_and_the_same_gaps(paths: tuple[Frames, Frames]) -> None:
    scraped, asked = paths
    for key, frame in scraped.items():
        assert np.array_equal(frame.times, asked[key].times)
        assert {series.key for series in frame.series} == {series.key for series in asked[key].series}
        assert shared_steps(frame, asked[key]) == 1.0, key
        calm = {series.key for series in frame.series if change(str(series.key.labels.value("model"))) != "restart"}
        one, other = (_only(each, calm) for each in (frame, asked[key]))
        assert apart(one, other) < 1e-6, key


async def test_no_verdict_flips_between_the_paths(paths: tuple[Frames, Frames]) -> None:
    for asked in QUESTIONS:
        one, other = (judge(frames, asked) for frames in paths)
        assert len(one) == MODELS
        assert flips(one, other) == [], asked


LATENCY: Asked = ("model.latency", "p95", None)


async def test_what_was_slowed_down_is_degraded_on_both(paths: tuple[Frames, Frames]) -> None:
    for frames in paths:
        verdicts = judge(frames, LATENCY)
        slower = {model for model in verdicts if change(model) in ("slower", "tail")}
        calm = {model for model in verdicts if change(model) in ("none", "gaps", "restart")}
        assert {verdicts[model].verdict for model in slower} == {Verdict.DEGRADED}
        assert Verdict.DEGRADED not in {verdicts[model].verdict for model in calm}


async def test_a_gap_is_no_data_and_a_restart_is_no_spike(url: str) -> None:
    source = _source(url)
    for what, is_gap in (("gaps", True), ("restart", False)):
        model = next(name for name in _models() if change(name) == what)
        query = Query("model.requests", HALF_HOUR, STEP, where=Labels.of(model=model))
        [series] = (await source.read(query)).series
        assert np.isnan(series.values).any() == is_gap
        assert np.nanmax(series.values) < 400  # 2 pods x 4 scrapes x 20 requests, and what a gap of two minutes holds
    await source.close()


async def test_where_and_by_are_asked_in_the_exporters_own_words(url: str) -> None:
    source = _source(url)
    query = Query("model.queue.depth", HALF_HOUR, STEP, Labels.of(model="m0-none"), by=("model", "replica"))
    labels = {series.key.labels for series in (await source.read(query)).series}
    assert labels == {Labels.of(model="m0-none", replica=pod) for pod in "ab"}
    await source.close()


@pytest.mark.parametrize(
    "value", ['"} or toy_queue{a="', "\\", '\\"', "{}", "a\nb", "a\r\tb", "é\x00", "$(x)`y`", "\ud800"]
)
async def test_no_value_breaks_out_of_its_quotes_or_breaks_the_query(url: str, value: str) -> None:
    source = _source(url)
    query = Query("model.queue.depth", HALF_HOUR, STEP, Labels.of(model=value), by=("model",))
    assert (await source.read(query)).series == ()
    await source.close()


async def test_a_window_longer_than_one_query_may_be_is_asked_in_pieces(url: str) -> None:
    source = _source(url)
    end = HALF_HOUR.end
    long = Window((Span(end - 25_000, end),))
    frame = await source.read(Query("model.queue.depth", long, 1.0, Labels.of(model="m0-none")))
    short = await source.read(Query("model.queue.depth", HALF_HOUR, 15.0, Labels.of(model="m0-none")))
    assert frame.times.size == 25_000
    recent = frame.times > HALF_HOUR.start
    assert np.nansum(frame.series[0].values[recent]) == pytest.approx(np.nansum(short.series[0].values))
    await source.close()


async def test_the_steps_of_a_counter_are_never_shorter_than_the_time_between_two_samples(url: str) -> None:
    source = _source(url)
    frames = [
        await source.read(Query("model.requests", HALF_HOUR, step, Labels.of(model="m0-none"))) for step in (5.0, STEP)
    ]
    assert [frame.step for frame in frames] == [15.0, STEP]
    fine, coarse = (frame.series[0].values for frame in frames)
    assert not np.isnan(fine).any() and fine.sum() == coarse.sum()
    await source.close()


async def test_spans_that_lie_apart_are_pooled(url: str) -> None:
    source = _source(url)
    pooled = Window((*SIMULATION.baseline.spans, *HALF_HOUR.spans), "seasonal")
    frame = await source.read(Query("model.requests", pooled, STEP, by=("model",)))
    assert frame.times.size == 60 and len(frame.series) == MODELS
    await source.close()


async def test_a_window_without_data_is_empty_and_not_zero(url: str) -> None:
    source = _source(url)
    past = Window((Span(HALF_HOUR.start - 90 * 86400, HALF_HOUR.end - 90 * 86400),))
    assert (await source.read(Query("model.requests", past, STEP))).series == ()
    await source.close()


async def test_a_query_it_refuses_is_told_in_its_own_words(url: str) -> None:
    source = _source(url)
    with pytest.raises(SourceError, match=r"answered 400 Bad Request: .*parse error"):
        await source._api.range("sum((", np.array([1.0]), 1.0, most=1)
    await source.close()


async def test_old_data_alone_is_stale_and_says_so(url: str) -> None:
    source = _source(url)
    status = await source.check()
    assert (status.state, status.reason) == ("stale", "it scrapes nothing")
    assert (status.dialects, status.missing) == (("toy",), ())
    assert set(await source.signals()) == set(TOY.signals)
    await source.close()


async def test_a_running_server_is_read_through_a_dialect_of_its_own(tmp_path: Path) -> None:
    itself = Dialect(
        "prometheus",
        detect="prometheus_build_info",
        signals={
            "model.info": gauge("prometheus_build_info"),
            "model.requests": counter("prometheus_http_requests_total"),
            "model.latency": histogram("prometheus_http_request_duration_seconds"),
        },
    )
    with prometheus(tmp_path, scrapes_itself=True) as url:
        source = _source(url, itself)
        observed = 0.0
        deadline = time.monotonic() + 30
        while not observed and time.monotonic() < deadline:  # it takes seconds to begin, then scrapes every second
            await asyncio.sleep(0.2)
            window = Window((Span(time.time() - 4, time.time()),))
            frame = await source.read(Query("model.latency", window, 2.0, by=("handler",)))
            observed = sum(float(np.nansum(series.values)) for series in frame.series)
        assert observed > 0
        status = await source.check()
        assert (status.state, status.dialects, status.missing) == ("ok", ("prometheus",), ())
        assert set(status.signals) == {"model.info", "model.requests", "model.latency"}
        await source.close()


def _source(url: str, dialect: Dialect = TOY):  # type: ignore[no-untyped-def]
    module = plugin("prometheus")
    source = module.Prometheus("prom", module.PrometheusOptions(url=url, timeout=20))
    source.speak({dialect.name: dialect})
    return source


def _models() -> list[str]:
    return sorted({line.split('toy_model="')[1].split('"')[0] for line in SIMULATION.series})


def _only(frame, keys):  # type: ignore[no-untyped-def]
    return type(frame)(frame.times, frame.step, tuple(series for series in frame.series if series.key in keys))
