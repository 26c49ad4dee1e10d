from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import DCGM, TRITON, VLLM

from console.model import Kind, Labels, Query, Series, Span, Window
from console.signals.catalogue import find_signal
from console.signals.dialect import Dialect
from console.signals.exponential import classic
from console.signals.matrix import Row, gridded, joined, series_of
from console.signals.promql import Expression, promql

TIMES = np.array([60.0, 120.0, 180.0])
WINDOW = Window((Span(0, 180),))


def asked(dialect: Dialect, signal: str) -> tuple[Expression, ...]:
    return promql(dialect, Query(signal, WINDOW, 60))


def answered(signal: str, answers: Iterable[tuple[Expression, Sequence[Row]]]) -> tuple[Series, ...]:
    on_steps = [(expression, gridded(rows, TIMES, 60.0)) for expression, rows in answers]
    return series_of(signal, on_steps, find_signal(signal).across)


def test_a_step_without_a_point_is_no_data_and_never_zero() -> None:
    [expression] = asked(VLLM, "model.queue.depth")
    rows = [({"model_name": "a"}, [(60.0, "4"), (120.0, "+Inf"), (180.0, "NaN")])]
    [series] = answered("model.queue.depth", [(expression, rows)])
    assert series.key.labels == Labels.of(model="a")
    np.testing.assert_array_equal(series.values, [4, np.nan, np.nan])


def test_points_outside_the_steps_are_left_out() -> None:
    [expression] = asked(VLLM, "model.queue.depth")
    rows = [({}, [(0.0, "1"), (120.0, "2"), (240.0, "3")])]
    [series] = answered("model.queue.depth", [(expression, rows)])
    np.testing.assert_array_equal(series.values, [np.nan, 2, np.nan])


def test_values_edges_and_sums_come_in_the_signals_unit() -> None:
    bucket, total = asked(TRITON, "model.ttft")
    rows = [({"le": le, "model": "m"}, [(60.0, n)]) for le, n in (("+Inf", "9"), ("100", "4"), ("500", "7"))]
    answers = [(bucket, rows), (total, [({"model": "m"}, [(60.0, "1500")])])]
    [series] = answered("model.ttft", answers)
    assert series.key.edges == (0.1, 0.5, np.inf) and series.key.kind is Kind.HISTOGRAM
    np.testing.assert_array_equal(series.values[0], [4, 3, 2])
    assert np.isnan(series.values[1:]).all()
    assert series.sums is not None and series.sums[0] == pytest.approx(1.5)


def test_labels_that_the_dialect_adds_are_there_again() -> None:
    answers = [(each, [({"gpu": "0"}, [(60.0, "1000000000")])]) for each in asked(DCGM, "gpu.throttle.time")]
    found = answered("gpu.throttle.time", answers)
    assert {series.key.labels.value("cause") for series in found} >= {"power", "thermal"}
    assert all(series.values[0] == pytest.approx(1.0) for series in found)


def test_two_hosts_spelt_in_two_ways_keep_their_names() -> None:
    expression = asked(DCGM, "gpu.temperature")[0]
    rows = [({"Hostname": "a"}, [(60.0, "50")]), ({"hostname": "b"}, [(60.0, "60")])]
    found = answered("gpu.temperature", [(expression, rows)])
    assert [series.key.labels for series in found] == [Labels.of(host="a"), Labels.of(host="b")]


def test_one_edge_written_in_two_ways_is_one_edge() -> None:
    bucket, _total = asked(VLLM, "model.ttft")
    rows = [({"le": le}, [(60.0, n)]) for le, n in (("1", "2"), ("1.0", "3"), ("+Inf", "5"))]
    [series] = answered("model.ttft", [(bucket, rows)])
    np.testing.assert_array_equal(series.values[0], [5, 0])
    assert series.sums is None


def test_a_histogram_without_its_last_edge_is_none() -> None:
    bucket, _total = asked(VLLM, "model.ttft")
    assert answered("model.ttft", [(bucket, [({"le": "1"}, [(60.0, "2")])])]) == ()


@pytest.mark.parametrize("row", [({"le": "x"}, [(60.0, "1")]), ({"le": "1"}, [(60.0, "many")])])
def test_what_is_no_number_is_an_error(row: tuple[dict[str, str], list[tuple[float, str]]]) -> None:
    bucket, _total = asked(VLLM, "model.ttft")
    with pytest.raises(ValueError, match="could not convert"):
        answered("model.ttft", [(bucket, [row])])


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6))
def test_buckets_are_never_below_zero_and_add_up_to_the_highest(cumulative: list[int]) -> None:
    bucket, _total = asked(VLLM, "model.ttft")
    edges = [str(place) for place in range(len(cumulative))] + ["+Inf"]
    rows = [({"le": le}, [(60.0, str(n))]) for le, n in zip(edges, [*cumulative, 0], strict=True)]
    [series] = answered("model.ttft", [(bucket, rows)])
    assert (series.values[0] >= 0).all()
    assert series.values[0].sum() == max(cumulative)


def test_answers_that_follow_each_other_are_one_and_a_series_may_come_late() -> None:
    times = np.array([240.0, 300.0])
    early = gridded([({"pod": "a"}, [(60.0, "1")])], TIMES, 60.0)
    late = gridded([({"pod": "b"}, [(240.0, "2")]), ({"pod": "a"}, [(300.0, "3")])], times, 60.0)
    both = joined([early, late])
    assert [*both.metrics] == [{"pod": "a"}, {"pod": "b"}]
    np.testing.assert_array_equal(both.values, [[1, np.nan, np.nan, np.nan, 3], [np.nan] * 3 + [2, np.nan]])


def test_gauges_of_two_metrics_with_the_same_labels_are_folded_as_the_catalogue_says() -> None:
    [expression] = asked(VLLM, "model.queue.depth")
    answers = [(expression, gridded([({}, [(60.0, number)])], TIMES, 60.0)) for number in ("2", "6", "10")]
    for across, value in (("sum", 18), ("mean", 6), ("max", 10)):
        [series] = series_of("model.queue.depth", answers, across)
        np.testing.assert_array_equal(series.values, [value, np.nan, np.nan])


NATIVE = {"count": "12", "sum": "3.5", "buckets": [[0, "0.25", "0.5", "4"], [0, "0.5", "1", "6"], [3, "-1", "1", "1"]]}
COARSER = {"count": "7", "sum": "2", "buckets": [[0, "0.25", "1", "7"]]}


def test_native_histograms_become_edges_and_counts() -> None:
    [expression] = promql(VLLM, Query("model.ttft", WINDOW, 60), {"vllm:time_to_first_token_seconds"})
    rows = [({"model_name": "a"}, [(60.0, NATIVE), (180.0, COARSER)])]
    [series] = answered("model.ttft", [(expression, classic(rows))])
    assert series.key.edges == (0.5, 1.0, np.inf)
    np.testing.assert_array_equal(series.values, [[4, 7, 1], [np.nan] * 3, [0, 7, 0]])
    np.testing.assert_array_equal(series.sums, [3.5, np.nan, 2])


@pytest.mark.parametrize("point", ["4", {}, {"count": "1"}, {"count": "1", "sum": "1", "buckets": [["1"]]}])
def test_a_native_histogram_that_is_none_is_an_error(point: object) -> None:
    with pytest.raises(ValueError):
        classic([({}, [(60.0, point)])])
