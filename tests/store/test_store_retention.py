from __future__ import annotations

from pathlib import Path

from console.model import Event, Kind, Labels, Reading, SeriesKey, Span
from console.store.pins import Pin
from console.store.retention import DAY, Retention, megabytes
from console.store.store import Store

NOW = 1_800_000_000.0  # a whole minute
HOUR = 3600.0


def gauge(replica: str) -> SeriesKey:
    return SeriesKey("model.queue.depth", Labels.of(replica=replica), Kind.GAUGE)


def fill(store: Store, key: SeriesKey, start: float, end: float, step: float = 60.0) -> None:
    times = [NOW + start + step * n for n in range(int((end - start) / step) + 1)]
    store.add([Reading(key, time, 1.0) for time in times], NOW)
    store.commit()


def ages(store: Store) -> list[float]:
    """Seconds before NOW of every minute kept."""
    rows = store.samples._database.rows("SELECT minute FROM minutes ORDER BY minute DESC")
    return [NOW - 60.0 * minute for (minute,) in rows]


def test_raw_goes_after_an_hour_and_the_minutes_stay(store: Store) -> None:
    fill(store, gauge("a"), -HOUR, 0)
    done = store.compact(NOW + HOUR / 2)
    assert (done.raw, done.minutes, done.is_over) == (31 - 1, 0, False)
    assert len(ages(store)) == 61


def test_minutes_go_when_they_are_old_and_pinned_ones_stay(store: Store) -> None:
    fill(store, gauge("a"), -5 * DAY, 0, step=HOUR)
    store.pins.pin(Pin("good", (Span(NOW - 4 * DAY - 60, NOW - 4 * DAY + 2 * HOUR),), NOW, "ann"))
    store.events.add([Event(NOW - age * DAY, "deploy", "glove", "v") for age in (5, 4, 1)])
    done = store.compact(NOW, Retention(days=2))
    assert done.minutes == 5 * 24 + 1 - 48 - 3
    assert ages(store)[-3:] == [4 * DAY - 2 * HOUR, 4 * DAY - HOUR, 4 * DAY]
    assert ages(store)[-4] == 2 * DAY - HOUR
    assert [NOW - event.time for event in store.events.between(Span(0, NOW))] == [4 * DAY, DAY]
    store.pins.drop("good")
    assert store.compact(NOW, Retention(days=2)).minutes == 3


def test_over_the_cap_the_oldest_minutes_go_first_and_pinned_ones_stay(store: Store, path: Path) -> None:
    for replica in "abc":
        fill(store, gauge(replica), -20 * DAY, 0)
    store.pins.pin(Pin("good", (Span(NOW - 20 * DAY, NOW - 20 * DAY + HOUR),), NOW, "ann"))
    assert megabytes(store.samples._database) > 2
    done = store.compact(NOW, Retention(megabytes=1))
    assert not done.is_over
    assert megabytes(store.samples._database) <= 1
    kept = ages(store)
    assert kept[-60 * 3 :] == [20 * DAY - 60.0 * n for n in range(60, 0, -1) for _ in "abc"]
    free = kept[: -60 * 3]
    assert free == sorted(60.0 * n for n in range(len(free) // 3) for _ in "abc")  # the newest, without a hole
    assert len(free) > 3 * 60
    store.close()
    assert path.stat().st_size < 1.1 * 2**20


def test_the_last_hour_and_what_is_pinned_may_exceed_the_cap_and_that_is_said(store: Store) -> None:
    fill(store, gauge("a"), -2 * DAY, 0)
    store.pins.pin(Pin("all", (Span(NOW - 3 * DAY, NOW),), NOW, "ann"))
    done = store.compact(NOW, Retention(megabytes=0))
    assert done.is_over
    assert done.minutes == 0
    store.pins.drop("all")
    done = store.compact(NOW, Retention(megabytes=0))
    assert done.is_over
    assert max(ages(store)) == HOUR


def test_a_series_that_has_nothing_left_is_forgotten_and_may_come_back(store: Store) -> None:
    fill(store, gauge("gone"), -3 * DAY, -3 * DAY + 600)
    fill(store, gauge("back"), -3 * DAY, -3 * DAY + 600)
    late = NOW + HOUR
    store.add([Reading(gauge("back"), late, 1.0), Reading(gauge("new"), late, 1.0)], late)  # both wait for a commit
    store.compact(late, Retention(days=2))
    store.commit()
    labels = store.samples._database.rows("SELECT labels FROM series ORDER BY labels")
    assert labels == [('{"replica":"back"}',), ('{"replica":"new"}',)]
    store.add([Reading(gauge("gone"), late + 15, 7.0)], late + 15)
    store.commit()
    assert store.samples._database.rows("SELECT count(*) FROM series") == [(3,)]


def test_a_counter_that_stands_still_is_not_forgotten_while_it_is_seen(store: Store) -> None:
    errors = SeriesKey("model.errors", Labels.of(), Kind.COUNTER)
    store.add([Reading(errors, NOW, 5.0)], NOW)
    store.commit()
    store.compact(NOW + DAY)
    store.add([Reading(errors, NOW + 15, 6.0)], NOW + 15)
    store.commit()
    assert store.samples._database.rows("SELECT sum(sum) FROM minutes") == [(1,)]
