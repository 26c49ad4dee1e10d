from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import console.store.windows as windows
from console.errors import StoreError, UsageError
from console.model import NO_LABELS, Event, Kind, Labels, Query, Reading, SeriesKey, Span, Window
from console.sources.types import EventReader, SignalReader
from console.store.reader import StoreReader
from console.store.store import Store
from console.store.windows import Axis

NOW = 1_800_000_000.0  # a whole minute
DAY = 86400.0
INF = float("inf")


@pytest.fixture
def reader(path: Path, store: Store) -> Iterator[StoreReader]:
    reader = StoreReader(path)
    yield reader
    reader.close()


def gauge(**labels: str) -> SeriesKey:
    return SeriesKey("model.queue.depth", Labels.of(labels), Kind.GAUGE)


def counter(**labels: str) -> SeriesKey:
    return SeriesKey("model.requests", Labels.of(labels), Kind.COUNTER)


def histogram(*edges: float, **labels: str) -> SeriesKey:
    return SeriesKey("model.latency", Labels.of(labels), Kind.HISTOGRAM, edges)


def window(start: float, end: float, **where: str) -> Window:
    """From NOW + start to NOW + end."""
    return Window((Span(NOW + start, NOW + end),), where=Labels.of(where))


def fill(store: Store, key: SeriesKey, points: list[tuple[float, float]], now: float = 0.0) -> None:
    store.add([Reading(key, NOW + seconds, value) for seconds, value in points], NOW + now)
    store.commit()


def test_the_store_can_be_asked_as_any_source_can(reader: StoreReader) -> None:
    assert isinstance(reader, SignalReader)
    assert isinstance(reader, EventReader)


async def test_the_last_hour_reads_at_the_step_that_was_asked_for(store: Store, reader: StoreReader) -> None:
    fill(store, counter(), [(-90, 0), (-75, 1), (-60, 3), (-45, 6), (-30, 10), (-15, 15), (0, 21)])
    frame = await reader.read(Query("model.requests", window(-60, 0), 15))
    assert frame.step == 15
    assert (frame.times - NOW).tolist() == [-45, -30, -15, 0]
    assert frame.series[0].values.tolist() == [3, 4, 5, 6]


async def test_steps_end_where_the_window_ends(store: Store, reader: StoreReader) -> None:
    fill(store, counter(), [(-15.0 * n, 100.0 - n) for n in range(12, -1, -1)])
    frame = await reader.read(Query("model.requests", window(-100, -3), 30))
    assert (frame.times - NOW).tolist() == [-63, -33, -3]
    assert frame.series[0].values.tolist() == [2, 2, 2]


async def test_an_older_window_reads_by_minutes_that_lie_wholly_within_it(store: Store, reader: StoreReader) -> None:
    fill(store, counter(), [(-DAY + 15 * n, n) for n in range(40)])
    frame = await reader.read(Query("model.requests", window(-DAY + 30, -DAY + 330), 15))
    assert frame.step == 60
    assert (frame.times - NOW + DAY).tolist() == [120, 180, 240, 300]
    assert frame.series[0].values.tolist() == [4, 4, 4, 4]


async def test_a_window_that_crosses_the_raw_hour_reads_by_minutes(store: Store, reader: StoreReader) -> None:
    fill(store, gauge(), [(-60.0 * n, 5) for n in range(90, -1, -1)])
    frame = await reader.read(Query("model.queue.depth", window(-5000, 0), 15))
    assert frame.step == 60
    assert np.isfinite(frame.series[0].values).all()


async def test_a_step_of_no_whole_minutes_is_rounded_up_where_only_minutes_are_kept(
    store: Store, reader: StoreReader
) -> None:
    fill(store, counter(), [(-DAY + 60 * n, n) for n in range(21)])
    frame = await reader.read(Query("model.requests", window(-DAY, -DAY + 1200), 90))
    assert frame.step == 120
    assert frame.series[0].values.tolist() == [2] * 10


async def test_a_step_without_data_is_nan_and_never_zero(store: Store, reader: StoreReader) -> None:
    for key in (gauge(), counter()):
        fill(store, key, [(-DAY, 0), (-DAY + 60, 0), (-DAY + 240, 0)])
    store.add([Reading(histogram(1, INF), NOW - DAY + t, 0.0, (0, 0)) for t in (0, 60, 240)], NOW)
    store.commit()
    for signal in ("model.queue.depth", "model.requests", "model.latency"):
        frame = await reader.read(Query(signal, window(-DAY, -DAY + 240), 60))
        values = frame.series[0].values.reshape(4, -1)
        assert values[0].tolist() == values[3].tolist() == [0] * values.shape[1]
        assert np.isnan(values[1:3]).all()


async def test_a_code_is_the_largest_of_a_step_and_never_a_mean(store: Store, reader: StoreReader) -> None:
    key = SeriesKey("gpu.xid", Labels.of(gpu="0"), Kind.GAUGE)
    for start in (-DAY, -600.0):  # kept as minutes, and raw
        fill(store, key, [(start + 15, 13), (start + 30, 79), (start + 60, 0), (start + 120, 48)])
    for start in (-DAY, -600.0):
        span = Span(NOW + start, NOW + start + 120)
        frame = await reader.read(Query("gpu.xid", Window((span,)), 60, by=("gpu",)))
        np.testing.assert_array_equal(frame.series[0].values, [79, 48])


async def test_a_gauges_step_is_the_mean_of_its_samples(store: Store, reader: StoreReader) -> None:
    fill(store, gauge(), [(-DAY + 15, 1), (-DAY + 30, 2), (-DAY + 60, 6), (-DAY + 120, 11)])
    frame = await reader.read(Query("model.queue.depth", window(-DAY, -DAY + 120), 120))
    assert frame.series[0].values.tolist() == [5]


async def test_a_histogram_stays_a_histogram(store: Store, reader: StoreReader) -> None:
    totals = [(-120, 0.0, (0, 0, 0)), (-60, 2.0, (1, 3, 3)), (-DAY, 0.0, (0, 0, 0)), (-DAY + 60, 90.0, (1, 1, 300))]
    for seconds, value, counts in sorted(totals):
        store.add([Reading(histogram(0.1, 1, INF, model="glove"), NOW + seconds, value, counts)], NOW)
    store.commit()
    recent = await reader.read(Query("model.latency", window(-120, 0), 60, by=("model",)))
    assert recent.series[0].key == histogram(0.1, 1, INF, model="glove")
    np.testing.assert_array_equal(recent.series[0].values, [[1, 2, 0], [np.nan] * 3])
    np.testing.assert_array_equal(recent.series[0].sums, [2, np.nan])
    old = await reader.read(Query("model.latency", window(-DAY, -DAY + 60), 60))
    assert old.series[0].values.tolist() == [[1, 0, 299]]


async def test_seasons_are_pooled_in_time_order(store: Store, reader: StoreReader) -> None:
    for day in (3, 2, 1):
        fill(store, gauge(), [(-day * DAY + 60, day), (-day * DAY + 120, day)])
    spans = tuple(Span(NOW - day * DAY, NOW - day * DAY + 120) for day in (1, 3, 2))
    frame = await reader.read(Query("model.queue.depth", Window(spans, "seasonal"), 60))
    assert frame.series[0].values.tolist() == [3, 3, 2, 2, 1, 1]
    assert (np.diff(frame.times) > 0).all()


async def test_spans_that_overlap_count_once(store: Store, reader: StoreReader) -> None:
    fill(store, gauge(), [(-DAY + 60 * n, n) for n in range(1, 5)])
    spans = (Span(NOW - DAY, NOW - DAY + 180), Span(NOW - DAY + 60, NOW - DAY + 240))
    frame = await reader.read(Query("model.queue.depth", Window(spans), 60))
    assert frame.series[0].values.tolist() == [1, 2, 3, 4]


async def test_labels_select_and_keep_apart_and_the_rest_is_folded(store: Store, reader: StoreReader) -> None:
    for model, track, rate in (("glove", "stable", 1), ("glove", "canary", 2), ("hat", "stable", 4)):
        fill(store, counter(model=model, track=track), [(-60, 0), (-30, rate), (0, 2 * rate)])

    async def values(where: Labels, by: tuple[str, ...], **selector: str) -> dict[Labels, list[float]]:
        frame = await reader.read(Query("model.requests", window(-60, 0, **selector), 30, where, by))
        return {series.key.labels: series.values.tolist() for series in frame.series}

    assert await values(NO_LABELS, ()) == {NO_LABELS: [7, 7]}
    assert await values(Labels.of(model="glove"), ("track",)) == {
        Labels.of(track="stable"): [1, 1],
        Labels.of(track="canary"): [2, 2],
    }
    assert await values(Labels.of(model="glove"), (), track="canary") == {NO_LABELS: [2, 2]}
    assert await values(Labels.of(model="glove"), (), model="hat") == {}


async def test_a_series_without_data_in_the_window_is_absent(store: Store, reader: StoreReader) -> None:
    fill(store, gauge(replica="gone"), [(-DAY, 1)])
    fill(store, gauge(replica="here"), [(-15, 1)])
    frame = await reader.read(Query("model.queue.depth", window(-60, 0), 15, by=("replica",)))
    assert [series.key.labels for series in frame.series] == [Labels.of(replica="here")]


async def test_a_window_shorter_than_its_step_has_one_step_with_nothing_from_before(
    store: Store, reader: StoreReader
) -> None:
    fill(store, counter(), [(-45, 0), (-30, 1), (-15, 3), (0, 7)])
    frame = await reader.read(Query("model.requests", window(-20, 0), 60))
    assert frame.series[0].values.tolist() == [6]


async def test_a_window_of_less_than_a_minute_long_ago_has_no_steps(store: Store, reader: StoreReader) -> None:
    fill(store, counter(), [(-DAY, 0), (-DAY + 60, 1)])
    frame = await reader.read(Query("model.requests", window(-DAY + 10, -DAY + 50), 15))
    assert (len(frame.times), frame.series) == (0, ())


async def test_steps_grow_until_the_answer_fits(
    store: Store, reader: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "MOST_CELLS", 100)
    fill(store, counter(), [(-DAY + 60 * n, n) for n in range(301)])
    frame = await reader.read(Query("model.requests", window(-DAY, -DAY + 18000), 60))
    assert frame.step == 240
    assert frame.series[0].values.tolist() == [4] * 75


@given(st.floats(0, 1e5), st.floats(1, 1e5), st.floats(1, 5000))
def test_the_steps_of_a_span_end_at_its_end_and_lie_within_it(start: float, seconds: float, step: float) -> None:
    span = Span(start, start + seconds)
    times = Axis((span,), step).times()
    assert times[-1] == span.end
    assert len(times) == 1 or times[0] - step >= span.start - 1e-3
    assert times[0] - 2 * step < span.start + 1e-3


async def test_what_is_not_committed_yet_is_not_read(store: Store, reader: StoreReader) -> None:
    store.add([Reading(gauge(), NOW, 1.0)], NOW)
    assert await reader.signals() == []
    store.commit()
    assert await reader.signals() == ["model.queue.depth"]


async def test_what_there_is_can_be_listed(store: Store, reader: StoreReader) -> None:
    fill(store, gauge(replica="b"), [(-DAY, 1), (0, 1)])
    fill(store, gauge(replica="a"), [(0, 1)])
    fill(store, counter(), [(0, 1)])
    assert await reader.signals() == ["model.queue.depth", "model.requests"]
    assert await reader.series("model.queue.depth") == [Labels.of(replica="a"), Labels.of(replica="b")]
    assert await reader.series("model.ttft") == []
    assert await reader.earliest("model.queue.depth") == NOW - DAY - 60
    assert await reader.earliest("model.requests") is None


async def test_kept_events_are_read_beside_the_samples(store: Store, reader: StoreReader) -> None:
    store.events.add([Event(NOW, "deploy", "glove", "v2"), Event(NOW + 1, "alert", "glove", "slow")])
    span = Span(NOW, NOW + 60)
    assert [event.kind for event in await reader.events(span)] == ["deploy", "alert"]
    assert [event.title for event in await reader.events(span, ["deploy"])] == ["v2"]


async def test_an_unknown_signal_is_a_usage_error(reader: StoreReader) -> None:
    with pytest.raises(UsageError, match=r"model\.latencyy"):
        await reader.read(Query("model.latencyy", window(-60, 0), 15))


async def test_a_store_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    reader = StoreReader(tmp_path / "none" / "andon.db")
    with pytest.raises(StoreError, match="cannot be opened") as error:
        await reader.signals()
    assert "start the daemon" in error.value.hint
    reader.close()


async def test_a_read_that_takes_too_long_is_stopped_and_the_next_one_answers(store: Store, path: Path) -> None:
    reader = StoreReader(path, timeout=0.1)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    began = time.monotonic()
    for _ in range(6):  # more than there are threads
        with pytest.raises(StoreError, match=r"within 0\.1 s"):
            await reader._ask(lambda database: database.rows(endless))
    assert time.monotonic() - began < 3
    assert await reader.signals() == []
    reader.close()


async def test_closing_stops_what_is_being_read(store: Store, path: Path) -> None:
    reader = StoreReader(path)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    question = asyncio.ensure_future(reader._ask(lambda database: database.rows(endless)))
    await asyncio.sleep(0.05)
    await asyncio.to_thread(reader.close)
    with pytest.raises(StoreError, match="took too long"):
        await question


async def test_four_weeks_of_a_histogram_read_in_well_under_a_second(store: Store, reader: StoreReader) -> None:
    key = histogram(*(0.005 * 1.6**n for n in range(14)), INF)
    minutes = int(28 * DAY / 60)
    rows = [(30_000_000 - n, bytes([66, *range(15)])) for n in range(minutes)]
    store.add([Reading(key, NOW, 0.0, (0.0,) * 15)], NOW)
    store.commit()
    with store.samples._database.write() as connection:
        connection.executemany("INSERT INTO minutes VALUES (1, ?, 105, 1.0, NULL, NULL, ?)", rows)
    began = time.process_time()
    frame = await reader.read(Query("model.latency", window(-28 * DAY, 0), 60))
    assert time.process_time() - began < 0.8
    assert frame.series[0].values.shape == (minutes, 15)
    assert frame.series[0].values.sum() == 105 * minutes


async def test_who_asks_for_the_names_at_once_is_told_once(store: Store, path: Path) -> None:
    fill(store, gauge(), [(0, 1)])
    reader, asked = StoreReader(path), 0
    answer = reader._answer

    def counted(*arguments: object) -> object:
        nonlocal asked
        asked += 1
        return answer(*arguments)  # type: ignore[arg-type]

    reader._answer = counted  # type: ignore[method-assign]
    names = await asyncio.gather(*(reader.signals() for _ in range(20)))
    assert (asked, names[-1]) == (1, ["model.queue.depth"])
    fill(store, counter(), [(0, 1), (15, 2)])
    assert await reader.signals() == ["model.queue.depth", "model.requests"]
    reader.close()


async def test_waiting_for_a_turn_is_not_counted_as_reading(store: Store, path: Path) -> None:
    fill(store, gauge(), [(0, 1)])
    reader = StoreReader(path, timeout=0.4)
    answer = reader._answer

    def slow(*arguments: object) -> object:
        time.sleep(0.1)
        return answer(*arguments)  # type: ignore[arg-type]

    reader._answer = slow  # type: ignore[method-assign]
    assert len(await asyncio.gather(*(reader.series("model.queue.depth") for _ in range(8)))) == 8
    reader.close()


def test_each_loop_is_answered_by_a_thread_of_its_own(store: Store, path: Path) -> None:
    fill(store, gauge(), [(0, 1)])
    reader = StoreReader(path)
    for _ in range(2):
        assert asyncio.run(reader.signals()) == ["model.queue.depth"]
    reader.close()
