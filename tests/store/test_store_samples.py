from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import console.store.samples as samples
from console.errors import StoreFull
from console.model import Kind, Labels, Reading, SeriesKey
from console.store.sketch import unpack
from console.store.store import Store

NOW = 1_800_000_000.0  # a whole minute
REQUESTS = SeriesKey("model.requests", Labels.of(model="glove"), Kind.COUNTER)
DEPTH = SeriesKey("model.queue.depth", Labels.of(model="glove"), Kind.GAUGE)
LATENCY = SeriesKey("model.latency", Labels.of(model="glove"), Kind.HISTOGRAM, (0.1, 1.0, float("inf")))


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    store.commit()
    return store.samples._database.rows(sql)


def minutes(store: Store) -> dict[int, tuple[float, float]]:
    """(count, sum) by minute, counted from NOW."""
    found = rows(store, "SELECT minute - 30000000, count, sum FROM minutes ORDER BY minute")
    return {minute: (count, total) for minute, count, total in found}


def live(store: Store, key: SeriesKey, *points: tuple[float, float]) -> None:
    """Readings at NOW + seconds, each when it comes."""
    for seconds, value in points:
        store.add([Reading(key, NOW + seconds, value)], NOW + seconds)


def backfill(store: Store, key: SeriesKey, *points: tuple[float, float], now: float = NOW) -> None:
    """Readings at NOW + seconds (negative ones), all told at `now`."""
    store.add([Reading(key, NOW + seconds, value) for seconds, value in points], now)


# ── increases ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_increase_belongs_to_the_minute_that_its_interval_ends_in(store: Store) -> None:
    live(store, REQUESTS, (0, 100), (60, 110), (61, 111))
    assert minutes(store) == {1: (1, 10), 2: (1, 1)}


def test_a_commit_in_the_middle_of_a_minute_changes_nothing(store: Store) -> None:
    for seconds, value in ((0, 100), (15, 101), (30, 103), (45, 106), (60, 110)):
        live(store, REQUESTS, (seconds, value))
        store.commit()
    assert rows(store, "SELECT count, sum, low, high, sketch FROM minutes") == [(4, 10, 1, 4, None)]


def test_a_restart_of_the_daemon_loses_no_increase(path: Path) -> None:
    with Store.open(path) as store:
        live(store, REQUESTS, (0, 100))
        store.add([Reading(LATENCY, NOW, 1.0, (1, 2, 3))], NOW)
    with Store.open(path) as store:
        live(store, REQUESTS, (30, 112))
        store.add([Reading(LATENCY, NOW + 30, 3.0, (2, 4, 6))], NOW + 30)
        assert sorted(rows(store, "SELECT count, sum FROM minutes")) == [(1, 12), (3, 2)]


def test_missed_scrapes_leave_empty_minutes_and_one_larger_increase(store: Store) -> None:
    live(store, REQUESTS, (0, 0), (60, 10), (240, 40))
    assert minutes(store) == {1: (1, 10), 4: (1, 30)}


def test_after_a_gap_of_more_than_five_minutes_counting_begins_anew(store: Store) -> None:
    live(store, REQUESTS, (0, 0), (360, 1000), (420, 1010))
    assert minutes(store) == {7: (1, 10)}


def test_a_histogram_keeps_its_shape_by_minute(store: Store) -> None:
    for seconds, value, counts in ((0, 0.0, (0, 0, 0)), (30, 2.0, (1, 2, 3)), (60, 9.0, (1, 5, 9))):
        store.add([Reading(LATENCY, NOW + seconds, value, counts)], NOW + seconds)
        store.commit()
    ((count, total, sketch),) = rows(store, "SELECT count, sum, sketch FROM minutes")
    assert (count, total) == (9, 9)
    assert unpack(sketch).tolist() == [1, 4, 4]


def test_a_gauges_minute_has_mean_extremes_and_values(store: Store) -> None:
    live(store, DEPTH, (15, 3), (30, 9), (45, 1), (60, 3))
    ((count, total, low, high, sketch),) = rows(store, "SELECT count, sum, low, high, sketch FROM minutes")
    assert (count, total, low, high) == (4, 16, 1, 9)
    assert unpack(sketch).tolist() == [1, 3, 3, 9]


def test_a_reading_told_twice_counts_once(store: Store) -> None:
    live(store, DEPTH, (15, 3), (15, 3), (30, 5), (15, 3))
    assert minutes(store) == {1: (2, 8)}


def test_a_clock_set_back_begins_anew_instead_of_falling_silent(store: Store) -> None:
    live(store, REQUESTS, (0, 100), (-3600, 100), (-3540, 105))
    assert minutes(store) == {-59: (1, 5)}


# ── back-fill ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_clock_that_ran_a_year_ahead_and_was_set_back_keeps_raw_samples_again(store: Store) -> None:
    live(store, DEPTH, (366 * 86400, 1), (0, 2), (15, 3))
    assert (NOW + 15, 3.0) in rows(store, "SELECT time, value FROM raw")


def test_history_goes_to_minutes_and_not_to_raw(store: Store) -> None:
    backfill(store, REQUESTS, (-86400, 0), (-86340, 10), (-86280, 30))
    assert minutes(store) == {-1439: (1, 10), -1438: (1, 20)}
    assert rows(store, "SELECT * FROM raw") == []


def test_history_of_a_series_leaves_its_live_increases_alone(store: Store) -> None:
    live(store, REQUESTS, (0, 1000))
    backfill(store, REQUESTS, (-7200, 5), (-7140, 25), now=NOW)
    live(store, REQUESTS, (15, 1003))
    assert minutes(store) == {-119: (1, 20), 1: (1, 3)}


def test_history_that_ends_where_live_begins_counts_over_the_seam(store: Store) -> None:
    backfill(store, REQUESTS, (-420, 0), (-360, 10), (-300, 20), (0, 90))
    assert minutes(store) == {-6: (1, 10), -5: (1, 10), 0: (1, 70)}


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("commits", [False, True])
def test_history_told_twice_counts_once(path: Path, restarts: bool, commits: bool) -> None:
    history = [(-7200.0 + 20 * tick, 1.0 * tick) for tick in range(12)]
    store = Store.open(path)
    backfill(store, REQUESTS, *history)
    backfill(store, DEPTH, *history)
    if commits:
        store.commit()
    if restarts:
        store.close()
        store = Store.open(path)
    backfill(store, REQUESTS, *history)
    backfill(store, DEPTH, *history)
    assert rows(store, "SELECT sum(sum) FROM minutes JOIN series ON series = id WHERE kind = 'counter'") == [(11,)]
    assert rows(store, "SELECT sum(count) FROM minutes JOIN series ON series = id WHERE kind = 'gauge'") == [(12,)]
    store.close()


def test_history_never_adds_to_a_minute_that_was_seen_live(store: Store) -> None:
    live(store, DEPTH, (15, 3), (75, 5))
    backfill(store, DEPTH, (-30, 9), (10, 9), (70, 9), (130, 9), now=NOW + 7200)
    assert minutes(store) == {0: (1, 9), 1: (1, 3), 2: (1, 5), 3: (1, 9)}


def test_a_live_minute_is_taken_as_soon_as_it_is_written(store: Store) -> None:
    backfill(store, DEPTH, (-3600, 1))
    live(store, DEPTH, (15, 3))
    store.commit()
    backfill(store, DEPTH, (-3540, 1), (15, 9), now=NOW + 3600)
    assert minutes(store) == {-60: (1, 1), -59: (1, 1), 1: (1, 3)}


# ── what is refused, and what is bounded ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "reading",
    [
        Reading(DEPTH, NOW, float("nan")),
        Reading(DEPTH, NOW, float("inf")),
        Reading(DEPTH, NOW, 1e39),
        Reading(DEPTH, NOW + 301, 1.0),
        Reading(DEPTH, float("nan"), 1.0),
        Reading(DEPTH, -5.0, 1.0),
        Reading(DEPTH, NOW, 1.0, (1.0,)),
        Reading(LATENCY, NOW, 1.0, (1.0, 2.0)),
        Reading(LATENCY, NOW, 1.0, (1.0, float("nan"), 2.0)),
        Reading(SeriesKey("model.latency", Labels.of(), Kind.HISTOGRAM), NOW, 1.0),
        Reading(SeriesKey("model.queue.depth", Labels((("model", "\ud800"),)), Kind.GAUGE), NOW, 1.0),
    ],
)
def test_what_is_no_reading_is_counted_and_left_out(store: Store, reading: Reading) -> None:
    store.add([reading, Reading(DEPTH, NOW, 7.0)], NOW)
    assert minutes(store) == {0: (1, 7)}
    assert store.samples.refused == 1


def test_new_series_beyond_the_bound_are_refused_and_known_ones_go_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "MOST_SERIES", 2)
    keys = [SeriesKey("model.queue.depth", Labels.of(replica=str(n)), Kind.GAUGE) for n in range(5)]
    for tick in (15, 30):
        store.add([Reading(key, NOW + tick, 1.0) for key in keys], NOW + tick)
    assert rows(store, "SELECT count(*) FROM series") == [(2,)]
    assert minutes(store)[1] == (2, 2)
    assert store.samples.refused == 6


def test_a_long_buffer_commits_by_itself(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "COMMIT_AT", 100)
    backfill(store, DEPTH, *((-90000.0 + 60 * tick, 1.0) for tick in range(1000)))
    assert store.samples.waiting < 100
    assert rows(store, "SELECT count(*) FROM minutes") == [(1000,)]


def test_a_buffer_that_cannot_be_written_keeps_the_newest(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "COMMIT_AT", 100)
    monkeypatch.setattr(samples, "MOST_WAITING", 200)
    store.samples._database.connection.execute("PRAGMA max_page_count = 1")
    readings = [(-90000.0 + 60 * tick, 1.0) for tick in range(1000)]
    with pytest.raises(StoreFull):
        backfill(store, DEPTH, *readings)
    assert store.samples.waiting == 200
    store.samples._database.connection.execute("PRAGMA max_page_count = 1000000")
    kept = minutes(store)
    assert len(kept) + store.samples.dropped == 1000
    assert sorted(kept)[-200:] == list(range(-700, -500))


def test_raw_goes_before_minutes_when_the_buffer_is_full(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "COMMIT_AT", 50)
    monkeypatch.setattr(samples, "MOST_WAITING", 50)
    with monkeypatch.context() as full:
        full.setattr(store.samples, "commit", lambda: (_ for _ in ()).throw(StoreFull("no room")))
        for tick in range(60):
            with suppress(StoreFull):
                live(store, DEPTH, (10.0 * tick, 1.0))
    assert sum(count for count, _ in minutes(store).values()) == 60
    assert rows(store, "SELECT count(*) FROM raw") == [(50 - 11,)]
