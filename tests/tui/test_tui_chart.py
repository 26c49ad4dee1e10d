"""Pictures of numbers: current over baseline told apart by shape, gaps that stay gaps, and numbers that are none."""

from __future__ import annotations

import math
from typing import Any

import pytest
from consoles import HOSTILE

from console.tui.text import Line, size_of
from console.tui.widgets.chart import chart_lines, legend
from console.tui.widgets.distribution import distribution_lines
from console.tui.widgets.exemplars import exemplar_lines
from console.tui.widgets.scale import Scale, nice, ticks

START = 1_780_002_000.0  # 21:00:00 UTC


def curve(current: list[Any], **changes: Any) -> dict[str, Any]:
    size = len(current)
    return {
        "unit": "s",
        "times": [START + 60.0 * (n + 1) for n in range(size)],
        "current": current,
        "baseline": [0.02] * size,
        "low": [0.018] * size,
        "high": [0.022] * size,
    } | changes


def drawn(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _look in line) for line in lines]


def looks_of(lines: list[Line], shapes: str = "▀▄█") -> set[str]:
    return {look for line in lines for text, look in line if set(text) & set(shapes)}


def test_what_lies_above_the_band_is_drawn_above_it_and_looks_degraded() -> None:
    lines = chart_lines(curve([0.02] * 30 + [0.06] * 30), 72, 12, bad="up")
    assert all(size_of(line) <= 72 for line in lines)
    assert len(lines) == 12
    shown = drawn(lines)
    assert "▀" in shown[0] + shown[1] + shown[2] or "▄" in shown[0] + shown[1] + shown[2]
    assert looks_of(lines) == {"current", "beyond"}
    band = next(row for row in shown if "─" in row)
    assert "▀" in band or "▄" in band


def test_below_the_band_is_better_where_up_is_bad() -> None:
    assert "improved" in looks_of(chart_lines(curve([0.01] * 20), 60, 8, bad="up"))
    assert "beyond" in looks_of(chart_lines(curve([0.01] * 20), 60, 8, bad="down"))
    assert "beyond" in looks_of(chart_lines(curve([0.01] * 20), 60, 8))


def test_a_gap_stays_a_gap() -> None:
    whole = curve([0.02] * 20 + [None] * 20 + [0.02] * 20, baseline=[], low=[], high=[])
    row = next(line for line in drawn(chart_lines(whole, 68, 6)) if "▀" in line or "▄" in line)
    plot = row[row.index("│") + 1 :] if "│" in row else row[row.index("┤") + 1 :]
    third = len(plot) // 3
    assert not set(plot[third + 1 : 2 * third - 1]) - {" "}
    assert plot[0] != " "
    assert plot.rstrip()[-1] != " "


@pytest.mark.parametrize("odd", [math.nan, math.inf, None, "many", True, [1]])
def test_a_number_that_is_none_is_a_gap(odd: Any) -> None:
    chart_lines(curve([0.02, odd, 0.03, odd], low=[odd] * 4, baseline=None, high={}), 40, 5)
    legend(curve([0.02, odd], low=[odd] * 2))


def test_nothing_at_all_is_said() -> None:
    assert "nothing was measured" in drawn(chart_lines({}, 50, 8))[0]
    assert "nothing was measured" in drawn(chart_lines(curve([None] * 9, baseline=[], low=[], high=[]), 50, 8))[0]


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (20, 3), (300, 100)])
@pytest.mark.parametrize("steps", [1, 2, 7, 300])
def test_any_size_and_any_number_of_steps_fit(size: tuple[int, int], steps: int) -> None:
    lines = chart_lines(curve([0.001 * n for n in range(steps)]), *size)
    assert len(lines) == max(size[1], 3)
    assert {len(line) for line in drawn(lines)[:-1]} == {max(size[0], 2)}


def test_values_and_times_have_labels_in_their_units() -> None:
    shown = drawn(chart_lines(curve([0.02] * 60), 72, 12))
    assert shown[0].startswith("30 ms ┤")
    assert shown[-2].strip().startswith("0 ┤")
    assert shown[-1].split()[0] == "21:00"
    assert shown[-1].split()[-1] == "22:00"


def test_noise_is_not_made_to_look_large() -> None:
    assert Scale.of((99.0, 100.0), "s").low == 0
    far = Scale.of((-20.0, -5.0), "s")
    assert far.low <= -20 and far.high > -5


def test_round_numbers() -> None:
    assert [nice(value) for value in (0.0, 0.011, 1.0, 7.3, 9.9)] == [0.0, 0.015, 1.0, 8.0, 10.0]
    assert nice(math.nan) == 0.0


@pytest.mark.parametrize("seconds", [60, 900, 3600, 21600, 86400, 30 * 86400])
@pytest.mark.parametrize("columns", [5, 12, 30, 60, 250])
def test_labels_of_times_never_overlap(seconds: float, columns: int) -> None:
    used = -1
    for column, label in ticks(START, START + seconds, columns):
        assert column > used
        used = column + len(label)
    assert used <= columns or columns < 10


def test_the_legend_says_the_newest_numbers() -> None:
    said = drawn([legend(curve([0.05, 0.062, None]))])[0]
    assert "now 62 ms" in said
    assert "baseline 20 ms" in said
    assert "18 ms to 22 ms" in said
    assert "baseline" not in drawn([legend(curve([0.05], baseline=[None]))])[0]


def bins(size: int, **changes: Any) -> dict[str, Any]:
    shares = [1.0 / size] * size
    return {"labels": [f"b{n}" for n in range(size)], "baseline": shares, "current": shares} | changes


def test_more_and_less_than_before_are_told_by_shape() -> None:
    told = {"labels": ["grey", "black"], "baseline": [0.9, 0.1], "current": [0.2, 0.8]}
    _legend, grey, black = drawn(distribution_lines(told, 60, 8))
    assert "░" in grey and "█" not in grey
    assert "█" in black and "░" not in black
    assert "90 % → 20 %" in grey
    assert "10 % → 80 %" in black


@pytest.mark.parametrize("size", [(1, 1), (12, 3), (40, 6), (78, 14), (120, 40)])
@pytest.mark.parametrize("count", [1, 5, 24, 200])
def test_bins_fit_into_any_room(size: tuple[int, int], count: int) -> None:
    lines = distribution_lines(bins(count), *size)
    assert len(lines) <= max(size[1], 2)
    if size[0] > 20:
        assert all(size_of(line) <= size[0] for line in lines)


def test_odd_bins_are_borne() -> None:
    assert "nothing" in drawn(distribution_lines({}, 40, 8))[0]
    odd = bins(3, labels=[*HOSTILE[:2], None], baseline=[None, math.nan, "x"], current=[2.0, -1.0, True])
    for size in ((60, 9), (60, 3)):
        assert all(size_of(line) <= 60 for line in distribution_lines(odd, *size))
    assert distribution_lines(bins(4, baseline=[0] * 4, current=[0] * 4), 60, 9)


def test_pictures_stand_side_by_side_and_shrink() -> None:
    image = [[(x * y) % 256 for x in range(32)] for y in range(32)]
    pair = [
        {"side": side, "time": START, "kind": "image", "caption": f"{side} glove", "pixels": image}
        for side in ("current", "baseline")
    ]
    for greys in (True, False):
        large = exemplar_lines(pair, 80, 20, greys=greys)
        assert len(large) == 18
        assert drawn(large)[0].split()[0] == "baseline"
        assert "now" in drawn(large)[0]
        small = exemplar_lines(pair, 50, 10, greys=greys)
        assert len(small) <= 10
        assert all(size_of(line) <= 50 for line in small)


def test_fields_that_differ_come_first_and_are_marked() -> None:
    pair = [
        {"side": "baseline", "time": START, "kind": "row", "caption": "a", "fields": {"same": "1", "glove": "grey"}},
        {"side": "current", "time": START, "kind": "row", "caption": "b", "fields": {"same": "1", "glove": "black"}},
    ]
    shown = drawn(exemplar_lines(pair, 70, 9, greys=True))
    assert shown[1].split() == ["glove", "grey", "≠", "glove", "black"]
    assert "≠" not in shown[2]


@pytest.mark.parametrize("pixels", [None, [], [[]], [[1], 2], [["x", None], [1]], [[300, -5, 2.5]]])
def test_what_is_no_image_breaks_nothing(pixels: Any) -> None:
    pair = [{"side": "current", "caption": HOSTILE[3], "time": "x", "fields": [1], "pixels": pixels}, {"side": "odd"}]
    exemplar_lines(pair, 40, 8, greys=True)
    exemplar_lines([], 40, 8, greys=False)
