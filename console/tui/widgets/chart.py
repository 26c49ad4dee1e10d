"""Current over baseline: the baseline's range as a shaded band, its middle as a thin line, the current as a thick one.

Half blocks, because every font has them: a line of them is told from the band by its shape alone, without colour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from console.tui.text import Line, Span, fit, size_of, tame, wrap
from console.tui.widgets.canvas import Canvas
from console.tui.widgets.scale import Scale, ticks
from console.words import quantity

UPPER, LOWER, BOTH = "▀", "▄", "█"
BAND, MIDDLE = "░", "─"
LEAST_COLUMNS = 12  # below that labels of values cost more than they say
LEAST_LINES = 3

Curve = Mapping[str, Any]
Values = list[float | None]


def chart_lines(curve: Curve, width: int, height: int, *, bad: str = "either") -> list[Line]:
    """What the operation `curve` answered, in so many cells (3 lines at least).

    `bad` is the direction in which leaving the band is degraded; leaving it the other way looks improved.
    """
    rows = max(height, LEAST_LINES) - 1
    current, baseline, low, high = (values_of(curve.get(name)) for name in ("current", "baseline", "low", "high"))
    values = [value for side in (current, baseline, low, high) for value in side if value is not None]
    start, end = span_of(curve)
    if not values or end <= start:
        return [[(fit("  nothing was measured in this time", width), "dim")]]
    scale = Scale.of(values, str(curve.get("unit") or ""))
    labels = scale.labels(rows)
    margin = max(map(len, labels.values())) + 1
    if width - margin - 1 < LEAST_COLUMNS:
        margin, labels = 0, {}
    columns = max(width - margin - 1, 1)
    worst = min if bad == "down" else max
    paper = _Paper(rows, columns, scale)
    paper.draw_band(_spread(low, columns, min), _spread(high, columns, max))
    paper.draw_middle(_spread(baseline, columns, _mean))
    paper.draw_line(_spread(current, columns, worst), bad)
    drawn: list[Line] = [
        [
            (fit(labels.get(row, ""), max(margin - 1, 0), right=True) + " " * min(margin, 1), "dim"),
            ("┤" if row in labels else "│", "dim"),
            *paper.line(row),
        ]
        for row in range(rows)
    ]
    return [*drawn, [(" " * (margin + 1) + _axis(start, end, columns), "dim")]]


def legend(curve: Curve, width: int = 200) -> Line:
    """What the things drawn are, with the newest numbers; what does not fit is left out."""
    unit = str(curve.get("unit") or "")
    now, middle, low, high = (_newest(curve.get(name)) for name in ("current", "baseline", "low", "high"))
    parts: list[list[Span]] = [[(UPPER + LOWER, "current"), (f" now {_said(now, unit)}  ", "")]]
    if any(value is not None for value in values_of(curve.get("baseline"))):
        parts.append([(MIDDLE * 2, "baseline"), (f" baseline {_said(middle, unit)}  ", "")])
        if low is not None and high is not None:
            parts.append([(BAND * 2, "dim"), (f" {_said(low, unit)} to {_said(high, unit)}", "")])
    line: list[Span] = []
    for part in parts:
        if size_of(line) + size_of(part) <= width:
            line += part
    return line


def values_of(values: object) -> Values:
    """Numbers out of JSON, and None for what is none."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        return []
    return [
        float(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        else None
        for value in values
    ]


def span_of(curve: Curve) -> tuple[float, float]:
    """The start and the end of what a curve tells: its times are the ends of its steps."""
    times = [time for time in values_of(curve.get("times")) if time is not None]
    if len(times) < 2:
        return (times[0] - 1.0, times[0]) if times else (0.0, 0.0)
    return 2 * times[0] - times[1], times[-1]


class Chart(Canvas, can_focus=False):
    """A title with the newest numbers, and below it the chart, or why there is none."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._title, self._note, self._look, self._bad = "", "", "dim", "either"
        self._curve: Curve | None = None

    def show(self, title: str, curve: Curve | None, note: Span = ("", ""), *, bad: str = "either") -> None:
        """Another curve, and a sentence about it; None: only the sentence."""
        self._title, self._curve, self._bad = title, curve, bad
        self._note, self._look = note
        self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        title: Span = (f" {tame(self._title)}  " if self._title else "", "title")
        said: list[Line] = [[(f"  {line}", self._look)] for line in wrap(self._note, width - 2)] if self._note else []
        if self._curve is None:
            return [[title], *said]
        heading = [title, *legend(self._curve, width - size_of([title]))]
        said = said[: max(height - 1 - LEAST_LINES, 1)]
        return [heading, *said, *chart_lines(self._curve, width, height - 1 - len(said), bad=self._bad)]


class _Paper:
    """The cells of the plot; what is drawn later covers what was drawn before."""

    def __init__(self, rows: int, columns: int, scale: Scale) -> None:
        self._rows, self._scale = rows, scale
        self._cells: list[list[Span]] = [[(" ", "")] * columns for _ in range(rows)]
        self._band: list[tuple[float, float] | None] = [None] * columns

    def draw_band(self, low: Values, high: Values) -> None:
        for column, (bottom, top) in enumerate(zip(low, high, strict=True)):
            if bottom is None or top is None:
                continue
            self._band[column] = (bottom, top)
            for level in range(self._level(bottom) // 2, self._level(top) // 2 + 1):
                self._put(level, column, (BAND, "dim"))

    def draw_middle(self, values: Values) -> None:
        for column, value in enumerate(values):
            if value is not None:
                self._put(self._level(value) // 2, column, (MIDDLE, "baseline"))

    def draw_line(self, values: Values, bad: str) -> None:
        """Joined up and down between neighbours; a gap stays one."""
        before: int | None = None
        for column, value in enumerate(values):
            if value is None:
                before = None
                continue
            now = self._level(value)
            first = now if before is None or before == now else before + (1 if now > before else -1)
            look = _look(value, self._band[column], bad)
            halves = set(range(min(first, now), max(first, now) + 1))
            for row in {half // 2 for half in halves}:
                shape = BOTH if {2 * row, 2 * row + 1} <= halves else UPPER if 2 * row + 1 in halves else LOWER
                self._put(row, column, (shape, look))
            before = now

    def line(self, row: int) -> Iterable[Span]:
        """One row, 0 the upmost, as spans of one look each."""
        for look, cells in groupby(self._cells[row], key=lambda cell: cell[1]):
            yield "".join(text for text, _look in cells), look

    def _level(self, value: float) -> int:
        return self._scale.place(value, 2 * self._rows)

    def _put(self, row: int, column: int, cell: Span) -> None:
        self._cells[self._rows - 1 - row][column] = cell


def _look(value: float, band: tuple[float, float] | None, bad: str) -> str:
    if band is None or band[0] <= value <= band[1]:
        return "current"
    is_up = value > band[1]
    return "beyond" if bad == "either" or is_up == (bad == "up") else "improved"


def _axis(start: float, end: float, columns: int) -> str:
    drawn = ""
    for column, label in ticks(start, end, columns):
        drawn = drawn.ljust(column) + label
    return drawn


def _spread(values: Values, columns: int, pick: Callable[[list[float]], float]) -> Values:
    """One value per column: several steps become one, or one step several columns."""
    size, spread = len(values), Values()
    for column in range(columns):
        first = column * size // columns
        part = [value for value in values[first : max((column + 1) * size // columns, first + 1)] if value is not None]
        spread.append(pick(part) if part else None)
    return spread


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _newest(values: object) -> float | None:
    """The last value, unless that is long ago: the newest steps may not be over yet."""
    known = values_of(values)
    return next((value for value in reversed(known[-max(3, len(known) // 10) :]) if value is not None), None)


def _said(value: float | None, unit: str) -> str:
    return "–" if value is None else quantity(value, unit)
