"""The same questions in the same words to a real VictoriaMetrics and a real Prometheus that hold the same samples."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import promserver
import pytest
from pages import plugin
from twopaths import STEP, TOY, Frames, apart, change, read_asked, shared_steps, simulate
from vmserver import is_installed, tell, tell_openmetrics, victoria

from console.errors import SourceError, UsageError
from console.model import Labels, Query, Span, Window
from console.signals.dialect import Dialect, counter, gauge

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (is_installed() and promserver.is_installed()),
        reason="needs Debian's victoria-metrics and prometheus: `make test-real` installs them",
    ),
]

MODELS = 16
FLOOD = 300_000  # series; a million take a minute here
SIMULATION = simulate(MODELS, end=time.time() - 3600, seed=11)
HALF_HOUR = SIMULATION.current


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with victoria(tmp_path_factory.mktemp("victoria")) as url:
        tell_openmetrics(url, SIMULATION.openmetrics())
        yield url


@pytest.fixture(scope="module")
def both(url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Frames, Frames]:
    with promserver.prometheus(tmp_path_factory.mktemp("prometheus"), history=SIMULATION.openmetrics()) as other:
        return asyncio.run(read_asked(SIMULATION, url)), asyncio.run(read_asked(SIMULATION, other))


async def test_one_question_has_one_answer_whoever_is_asked(both: tuple[Frames, Frames]) -> None:
    mine, its = both
    for key, frame in mine.items():
        assert np.array_equal(frame.times, its[key].times)
        assert {series.key for series in frame.series} == {series.key for series in its[key].series}
        assert len(frame.series) == MODELS
        assert shared_steps(frame, its[key]) == 1.0, key
        assert apart(frame, its[key]) < 1e-9, key  # restarts and gaps too


async def test_a_restart_is_no_spike_and_a_gap_is_no_zero(url: str) -> None:
    source = _source(url)
    for what, is_gap in (("gaps", True), ("restart", False)):
        model = next(name for name in _models() if change(name) == what)
        query = Query("model.requests", HALF_HOUR, STEP, where=Labels.of(model=model))
        [series] = (await source.read(query)).series
        assert np.isnan(series.values).any() == is_gap
        assert np.nanmax(series.values) < 400
    await source.close()


async def test_more_than_fifty_steps_are_not_moved_to_suit_its_cache(url: str) -> None:
    source = _source(url)
    end = HALF_HOUR.end - 7.0  # no multiple of the step
    for seconds in (20 * STEP, 55 * STEP):
        times = end - STEP * np.arange(seconds / STEP - 1.0, -1.0, -1.0)
        answer = await source._api.range("vector(1)", times, STEP, 10)
        assert answer.values.shape == (1, times.size) and (answer.values == 1).all()
        answer = await source._api.range("sum(last_over_time(toy_requests_total[59999ms]))", times, STEP, 10)
        alone = await source._api.range("sum(last_over_time(toy_requests_total[59999ms]))", times[-1:], STEP, 10)
        assert answer.values[0, -1] == alone.values[0, 0]
    await source.close()


async def test_the_newest_seconds_that_it_only_repeats_are_not_read(tmp_path: Path) -> None:
    toy = Dialect("toy", "toy_total", signals={"model.requests": counter("toy_total")})
    with victoria(tmp_path, "-search.latencyOffset=30s") as url:  # as it is where nobody says otherwise
        now = time.time()
        tell_openmetrics(
            url, "\n".join(f"toy_total {(40 - age) ** 2} {now - 15 * age - 1}" for age in range(40, -1, -1))
        )
        source = _source(url, toy)
        window = Window((Span(now - 300, now),))
        frame = await source.read(Query("model.requests", window, 15.0))
        status = await source.check()
        await source.close()
    assert now - 45 < frame.times[-1] < now - 15 and frame.times.size == 20
    grown = frame.series[0].values
    assert (np.diff(grown) == 2).all()  # squares: each step grows by two more than the one before it
    assert status.state == "ok" and "it holds back the newest 30 s" in status.reason


async def test_any_expression_can_be_asked(url: str) -> None:
    source = _source(url)
    frame = await source.select("sum by (toy_model) (rate(toy_requests_total[5m]))", HALF_HOUR.spans[0], STEP)
    assert len(frame.series) == MODELS
    with pytest.raises(UsageError, match=r"answered 422 .*pars"):
        await source.select("sum((", HALF_HOUR.spans[0], STEP)
    await source.close()


@pytest.mark.parametrize("value", ['"} or toy_queue{a="', "\\", '\\"', "{}", "a\nb", "a\r\tb", "é\x00", "$(x)`y`"])
async def test_no_value_breaks_out_of_its_quotes(url: str, value: str) -> None:
    source = _source(url)
    query = Query("model.queue.depth", HALF_HOUR, STEP, Labels.of(model=value), by=("model",))
    assert (await source.read(query)).series == ()
    await source.close()


async def test_old_data_alone_is_stale_and_what_is_there_is_told(url: str) -> None:
    source = _source(url)
    status = await source.check()
    assert (status.state, status.dialects, status.missing) == ("stale", ("toy",), ())
    assert set(await source.signals()) == set(TOY.signals)
    await source.close()


async def test_a_flood_of_series_is_counted_and_not_read(tmp_path: Path) -> None:
    toy = Dialect("toy", "toy_queue", signals={"model.queue.depth": gauge("toy_queue")})
    with victoria(tmp_path) as url:
        now = time.time() - 60
        pods = (f'toy_queue{{pod="p{pod}",shard="s{pod % 400}"}} 1 {now * 1000:.0f}' for pod in range(FLOOD))
        tell(url, pods)
        source = _source(url, toy)
        window = Window((Span(now - 600, now),))
        began = time.monotonic()
        with pytest.raises(SourceError, match=r"model\.queue\.depth is 300,000 series on prom, more than"):
            await source.read(Query("model.queue.depth", window, STEP))
        print(f"{FLOOD:,} series were counted and refused in {time.monotonic() - began:.1f} s")
        frame = await source.read(Query("model.queue.depth", window, STEP, Labels.of(shard="s7"), by=("shard",)))
        assert frame.series[0].values[-1] == FLOOD / 400
        await source.close()


def _source(url: str, dialect: Dialect = TOY) -> Any:
    module = plugin("prometheus")
    source = module.Prometheus("prom", module.PrometheusOptions(url=url, timeout=120))
    source.speak({dialect.name: dialect})
    return source


def _models() -> list[str]:
    return sorted({line.split('toy_model="')[1].split('"')[0] for line in SIMULATION.series})
