import numpy as np

from console.analysis.frames import aggregate, beside, coarsen, concatenate
from console.model import Frame, Kind, Labels, Series, SeriesKey

NAN = float("nan")


def gauge(values, **labels):
    return Series(SeriesKey("g", Labels.of(labels), Kind.GAUGE), np.array(values, float))


def counter(values, **labels):
    return Series(SeriesKey("c", Labels.of(labels), Kind.COUNTER), np.array(values, float))


def histogram(values, edges, **labels):
    return Series(
        SeriesKey("h", Labels.of(labels), Kind.HISTOGRAM, edges),
        np.array(values, float),
        np.array(values, float).sum(axis=1),
    )


def frame(*series, start=0.0, step=15.0):
    steps = series[0].values.shape[0]
    return Frame(start + step * np.arange(1, steps + 1), step, series)


def test_gauges_fold_by_their_own_rule_and_a_blank_is_not_a_zero():
    both = frame(gauge([1, NAN, NAN], replica="a"), gauge([3, 5, NAN], replica="b"))
    for how, expected in {"sum": [4, 5, NAN], "mean": [2, 5, NAN], "max": [3, 5, NAN]}.items():
        np.testing.assert_array_equal(aggregate(both, (), how).series[0].values, expected)
        np.testing.assert_array_equal(aggregate(both, (), {"g": how}).series[0].values, expected)


def test_counters_add_whatever_the_rule_for_gauges_says():
    both = frame(counter([1, 2], replica="a"), counter([3, NAN], replica="b"))
    np.testing.assert_array_equal(aggregate(both, (), "max").series[0].values, [4, 2])


def test_labels_not_asked_for_are_folded_away_and_the_others_kept_apart():
    three = frame(counter([1], model="m", pod="a"), counter([2], model="m", pod="b"), counter([4], model="n", pod="a"))
    totals = {one.key.labels.value("model"): one.values[0] for one in aggregate(three, ("model",), "sum").series}
    assert totals == {"m": 3, "n": 4}


def test_histograms_with_different_edges_meet_on_the_common_ones():
    inf = float("inf")
    both = frame(histogram([[1, 2, 3]], (1.0, 2.0, inf), r="a"), histogram([[10, 20, 30]], (1.0, 5.0, inf), r="b"))
    (one,) = aggregate(both, (), "sum").series
    assert one.key.edges == (1.0, inf)
    np.testing.assert_array_equal(one.values, [[11, 55]])
    np.testing.assert_array_equal(one.sums, [66])


def test_coarsening_averages_gauges_adds_counters_and_drops_a_part_step():
    fine = Frame(15.0 * np.arange(1, 6), 15.0, (gauge([9, 1, NAN, 3, 5]), counter([9, 1, 2, 3, NAN])))
    wide = coarsen(fine, 30)
    np.testing.assert_array_equal(wide.times, [45, 75])
    np.testing.assert_array_equal(wide.series[0].values, [1, 4])
    np.testing.assert_array_equal(wide.series[1].values, [3, 3])
    assert wide.step == 30


def test_coarsening_never_mixes_two_spans():
    times = np.array([15.0, 30, 45, 1000, 1015])
    wide = coarsen(Frame(times, 15.0, (counter([1, 2, 4, 8, 16]),)), 30)
    np.testing.assert_array_equal(wide.times, [45, 1015])
    np.testing.assert_array_equal(wide.series[0].values, [6, 24])


def test_pooled_spans_lie_in_time_order_with_blanks_where_a_series_was_absent():
    later = frame(gauge([5, 6], r="a"), gauge([7, 8], r="b"), start=1000)
    earlier = frame(gauge([1, 2], r="a"))
    pooled = concatenate([later, earlier])
    np.testing.assert_array_equal(pooled.times, [15, 30, 1015, 1030])
    a, b = sorted(pooled.series, key=lambda one: one.key.labels)
    np.testing.assert_array_equal(a.values, [1, 2, 5, 6])
    np.testing.assert_array_equal(b.values, [NAN, NAN, 7, 8])


def test_pooling_brings_all_spans_to_the_coarsest_resolution():
    fine = Frame(15.0 * np.arange(1, 5), 15.0, (counter([1, 1, 1, 1]),))
    wide = Frame(np.array([630.0, 660.0]), 30.0, (counter([5, 5]),))
    pooled = concatenate([fine, wide])
    assert pooled.step == 30
    np.testing.assert_array_equal(pooled.series[0].values, [2, 2, 5, 5])


def test_pooling_nothing_is_an_empty_frame():
    assert concatenate([]).times.size == 0
    assert concatenate([Frame(np.empty(0), 15.0)]).step == 15.0


def test_beside_keeps_what_each_tells_and_the_first_word_on_what_both_do():
    first = frame(counter([1, 2, 3, 4], model="a"))
    second = frame(counter([9, 9], model="a"), counter([5, NAN], model="b"), start=0.0, step=30.0)
    both = beside([first, second])
    assert both.step == 30.0
    told = {one.key.labels.value("model"): one.values for one in both.series}
    np.testing.assert_array_equal(told["a"], [3, 7])
    np.testing.assert_array_equal(told["b"], [5, NAN])


def test_beside_a_step_that_one_does_not_know_is_nan():
    long = frame(histogram([[1, 0], [2, 0], [3, 0]], (1.0, float("inf")), model="a"))
    late = frame(histogram([[7, 1]], (1.0, float("inf")), model="b"), start=30.0)
    b = next(one for one in beside([long, late]).series if one.key.labels.value("model") == "b")
    np.testing.assert_array_equal(b.values, [[NAN, NAN], [NAN, NAN], [7, 1]])
    np.testing.assert_array_equal(b.sums, [NAN, NAN, 8])


def test_beside_nothing_is_nothing():
    empty = Frame(np.empty(0), 15.0)
    assert beside([empty]) is empty
    only = frame(counter([1]))
    assert beside([empty, only]) is only
