"""The chart: current over baseline, told apart by shape; gaps, ends and units; and numbers that are none."""

from __future__ import annotations

import math
from typing import Any

import pytest

from console.tui.text import Line, size_of
from console.tui.widgets.chart import chart_lines, legend
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
