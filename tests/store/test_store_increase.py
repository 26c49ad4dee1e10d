from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.model import NO_LABELS, Kind, Reading, SeriesKey
from console.store.increase import Increase, Total, increase

REQUESTS = SeriesKey("model.requests", NO_LABELS, Kind.COUNTER)
LATENCY = SeriesKey("model.latency", NO_LABELS, Kind.HISTOGRAM, (0.1, 1.0, float("inf")))


def counter(time: float, value: float) -> Reading:
    return Reading(REQUESTS, time, value)


def histogram(time: float, value: float, *counts: float) -> Reading:
    return Reading(LATENCY, time, value, counts)


def test_a_first_reading_adds_nothing() -> None:
    assert increase(None, counter(0, 1000)) is None


def test_a_counter_adds_what_it_grew() -> None:
    assert increase(Total(0, 1000), counter(15, 1007)) == Increase(7)


def test_a_counter_that_went_down_was_reset_so_all_of_it_is_new() -> None:
    assert increase(Total(0, 1000), counter(15, 4)) == Increase(4)


def test_a_histogram_adds_its_observations_by_bucket() -> None:
    assert increase(Total(0, 5.0, (1, 2, 3)), histogram(15, 9.0, 2, 5, 7)) == Increase(4.0, (1, 2, 1))


def test_a_histogram_with_a_smaller_bucket_was_reset() -> None:
    assert increase(Total(0, 5.0, (4, 6, 8)), histogram(15, 2.0, 0, 3, 9)) == Increase(2.0, (0, 3, 6))


def test_a_bucket_that_dips_below_the_one_before_counts_as_empty() -> None:
    assert increase(Total(0, 0.0, (0, 0, 0)), histogram(15, 2.0, 3, 2, 4)) == Increase(2.0, (3, 0, 1))


def test_a_long_gap_is_dropped_and_a_short_one_is_not() -> None:
    assert increase(Total(0, 10), counter(300, 20)) == Increase(10)
    assert increase(Total(0, 10), counter(301, 20)) is None


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=40))
def test_increases_add_up_to_all_that_was_counted_whatever_restarts_came_between(
    history: list[tuple[int, bool]],
) -> None:
    total, before, gained, expected = 0.0, Total(0, 0), 0.0, 0.0
    for tick, (grown, restarts) in enumerate(history, start=1):
        if restarts and grown < total:  # a restart that counts past its old total within one scrape cannot be seen
            total = 0.0
        total += grown
        expected += grown
        reading = counter(15.0 * tick, total)
        gain = increase(before, reading)
        assert gain is not None
        gained += gain.value
        before = Total(reading.time, reading.value)
    assert gained == expected
