"""A statistic over time, and spans laid over each other."""

from __future__ import annotations

import numpy as np
import pytest

from console.analysis.overlay import Axis, Lay, overlay
from console.model import Frame, Kind, Labels, Series, SeriesKey, Span

NAN = float("nan")


def gauge(times: list[float], values: list[float], step: float = 1.0) -> Frame:
    key = SeriesKey("model.queue.depth", Labels(), Kind.GAUGE)
    return Frame(np.array(times), step, (Series(key, np.array(values)),))


def test_each_lay_goes_where_its_shift_puts_it_and_the_band_is_their_smallest_and_largest() -> None:
    frame = gauge([1, 2, 3, 11, 12, 13], [1, 2, 3, 5, 6, NAN])
    lays = [Lay(Span(0, 3), 20), Lay(Span(10, 13), 10)]
    pooled, low, high = overlay(frame, "mean", Axis(20, 1, 4), lays)
    assert pooled.tolist()[:3] == [3, 4, 3]
    assert low.tolist()[:3] == [1, 2, 3]
    assert high.tolist()[:3] == [5, 6, 3]
    assert np.isnan([pooled[3], low[3], high[3]]).all()


def test_a_step_holds_all_samples_that_end_in_it() -> None:
    frame = gauge([10, 20, 30, 40], [1, 3, 5, 9], step=10)
    drawn, _low, _high = overlay(frame, "mean", Axis(0, 20, 2), [Lay(Span(0, 40))])
    assert drawn.tolist() == [2, 7]


def test_a_rate_is_a_rate_and_a_quantile_is_of_observations_not_of_steps() -> None:
    counter = Series(SeriesKey("model.requests", Labels(), Kind.COUNTER), np.array([10.0, 30.0]))
    frame = Frame(np.array([10.0, 20.0]), 10, (counter,))
    assert overlay(frame, "rate", Axis(0, 20, 1), [Lay(Span(0, 20))])[0].tolist() == [2.0]
    edges = (1.0, 2.0, float("inf"))
    waits = Series(SeriesKey("model.latency", Labels(), Kind.HISTOGRAM, edges), np.array([[99.0, 0, 0], [0, 1.0, 0]]))
    frame = Frame(np.array([10.0, 20.0]), 10, (waits,))
    assert overlay(frame, "p50", Axis(0, 20, 1), [Lay(Span(0, 20))])[0][0] < 1
    assert overlay(frame, "p50", Axis(0, 10, 2), [Lay(Span(0, 20))])[0].tolist() == [pytest.approx(0.505, 0.02), 1.5]


def test_a_share_is_drawn_where_both_are_known() -> None:
    frame, of = gauge([1, 2, 3], [1, 2, NAN]), gauge([1, 2, 3], [4, NAN, 4])
    drawn, _low, _high = overlay(frame, "ratio", Axis(0, 1, 3), [Lay(Span(0, 3))], of)
    assert drawn[0] == 0.25
    assert np.isnan(drawn[1:]).all()


def test_nothing_to_lay_is_nothing_to_draw() -> None:
    for frame, lays in ((gauge([1], [1]), []), (Frame(np.empty(0), 1.0), [Lay(Span(0, 1))])):
        assert all(np.isnan(one).all() and one.shape == (2,) for one in overlay(frame, "mean", Axis(0, 1, 2), lays))
