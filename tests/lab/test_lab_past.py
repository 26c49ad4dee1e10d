"""The metrics pages, the prediction log and the weeks before the lab opens."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import orjson
import pytest

from console.lab import history
from console.lab.builtin import andon_lab_faults, station
from console.lab.clock import LabClock
from console.lab.metrics import StationMetrics
from console.lab.network import Network
from console.lab.predictions import EVERY, PredictionLog
from console.lab.registry import CURRENT, trained
from console.lab.sending import Tick, Timing
from console.lab.traffic import DAY, WEEK, Feed
from console.model import Kind, Reading, Span
from console.signals.page import PageReader

OPENING = 1_790_000_010.0 // 15 * 15
REHEARSAL = [Tick(0.0, (Timing(0.03, 0.001, 0.025), Timing(0.04, 0.001, 0.03)), 0.02, 0.001, "")]


@pytest.fixture(scope="module")
def network() -> Network:
    return trained()[CURRENT]


def readings(page: str) -> list[Reading]:
    return PageReader([station]).read(page.encode(), now=0.0)


def of(found: list[Reading], signal: str) -> list[Reading]:
    return [reading for reading in found if reading.series.signal == signal]


def test_a_live_page_speaks_every_signal_of_the_dialect_in_lab_time() -> None:
    found = readings(StationMetrics("3").page(OPENING))
    assert {reading.series.signal for reading in found} == set(station.signals)
    assert {reading.time for reading in found} == {OPENING}


def test_whoever_asks_at_one_instant_is_told_the_same_share_of_missing_values() -> None:
    metrics = StationMetrics("3")
    metrics.row({"distance_mm": 300.0, "exposure_ms": None})
    shares = [
        {reading.series.labels.value("column"): reading.value for reading in of(readings(page), "data.missing")}
        for page in (metrics.page(OPENING), metrics.page(OPENING), metrics.page(OPENING + 15))
    ]
    assert shares[0] == shares[1] == {"distance_mm": 0.0, "exposure_ms": 1.0}
    assert shares[2]["exposure_ms"] == 0.0


def test_a_histogram_counts_what_was_observed() -> None:
    metrics = StationMetrics("3")
    metrics.latency.observe(np.array([0.03, 0.03, 9.0]))
    (latency,) = of(readings(metrics.page(OPENING)), "model.latency")
    assert latency.series.kind is Kind.HISTOGRAM
    assert latency.counts[-1] == 3
    assert latency.counts[-2] == 2
    assert latency.value == pytest.approx(9.06)


def test_the_past_covers_this_hour_of_four_weeks_and_of_yesterday() -> None:
    covered = history.spans(OPENING)
    for back in (WEEK, 2 * WEEK, 3 * WEEK, 4 * WEEK, DAY, 60.0):
        assert any(span.start <= OPENING - back - 30 and OPENING - back < span.end for span in covered), back
    assert all(earlier.end <= later.start for earlier, later in pairwise(covered))


def test_pages_of_the_past_count_what_the_log_holds(network: Network, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    span = Span(OPENING - 600, OPENING)
    past = history.live_through(Feed(2), network, span, rng)
    history.write_log(past, PredictionLog(tmp_path))
    (file,) = tmp_path.glob("*.jsonl")
    rows = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    found = readings("".join(history.pages([past], REHEARSAL, StationMetrics("3"), rng)))
    last = {reading.series.signal: reading for reading in found if reading.time == OPENING}
    assert last["model.requests"].value == len(rows) == len(past.batch.times)
    served = [row for row in rows if row["prediction"] is not None]
    assert last["model.latency"].counts[-1] == len(served)
    right = last["model.feedback.correct"].value / last["model.feedback"].value
    assert right > 0.9
    assert all(span.start <= row["time"] <= span.end for row in rows)


def test_counters_of_the_past_never_fall(network: Network) -> None:
    rng = np.random.default_rng(1)
    spans = (Span(OPENING - WEEK, OPENING - WEEK + 300), Span(OPENING - 300, OPENING))
    pasts = [history.live_through(Feed(2), network, span, rng) for span in spans]
    totals = [
        r.value
        for r in of(readings("".join(history.pages(pasts, REHEARSAL, StationMetrics("3"), rng))), "model.requests")
    ]
    assert totals == sorted(totals)
    assert len(totals) > 20


def test_the_log_keeps_a_few_pictures_of_each_line_and_quarter(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    picture = np.zeros((24, 24), np.uint8)
    names = [log.keep(OPENING + second, "line-1", picture) for second in range(900)]
    assert sum(name is not None for name in names) - 900 / EVERY in (0, 1)  # the first may come late in its place
    assert log.keep(OPENING, "line-2", picture) is not None
    assert log.keep(OPENING + 1000, "line-1", picture) is not None
    assert names[0] is not None and (tmp_path / names[0]).exists()


def test_the_clock_moves_whole(tmp_path: Path) -> None:
    clock = LabClock(tmp_path / "clock")
    clock.set(OPENING + 0.25)
    assert clock.now() == OPENING + 0.25
    assert [path.name for path in tmp_path.iterdir()] == ["clock"]


def test_parameters_are_drawn_from_the_documented_ranges_and_again_from_the_same_seed() -> None:
    for fault in andon_lab_faults():
        draws = [fault.draw(np.random.default_rng(seed)) for seed in range(20)]
        assert fault.draw(np.random.default_rng(0)) == draws[0]
        varied = any("low" in span for span in fault.ranges.values())
        assert len({str(drawn) for drawn in draws}) >= (4 if varied else 1)
        for drawn in draws:
            assert all(text.format_map(drawn) for text in fault.expect.values())
