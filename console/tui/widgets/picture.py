"""An image as half blocks, two rows of grey values a line; characters of a ramp where there are no greys."""

from __future__ import annotations

from typing import Any

from console.report.picture import ramp
from console.tui.text import Line

GREYS = 24
MOST = 64  # pixels of an edge that are looked at
Pixels = list[list[int]]


def picture(pixels: Pixels, *, greys: bool, dark: int = 0, bright: int = 255) -> list[Line]:
    """The lines of an image of 0..255 grey values; looks `grey.A.B` are the upper and lower half of each cell.

    `dark` and `bright` are what the ramp spans: for two images side by side, what both have.
    """
    if not pixels:
        return []
    if not greys:
        return [[(text, "")] for text in ramp(tuple(tuple(row) for row in pixels), dark=dark, bright=bright)]
    rows = [*pixels, pixels[-1]] if len(pixels) % 2 else pixels
    return [
        [("▀", f"grey.{_level(a)}.{_level(b)}") for a, b in zip(upper, lower, strict=False)]
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]


def shrunk(pixels: Pixels, columns: int, lines: int) -> Pixels:
    """An image that fits into so many cells, in its proportions; a smaller one is left as it is.

    >>> shrunk([[0, 100], [100, 200]], 1, 1)
    [[100]]
    """
    if not pixels or not pixels[0] or columns < 1 or lines < 1:
        return []
    height, width = len(pixels), len(pixels[0])
    by = max(width / columns, height / (2 * lines), 1.0)
    if by == 1.0:
        return pixels
    return [
        [_mean(pixels, x * by, y * by, by) for x in range(max(int(width / by), 1))]
        for y in range(max(int(height / by), 1))
    ]


def pixels_of(told: Any) -> Pixels:
    """Grey values out of JSON as an image whose rows are of one length; none where that is not what they are."""
    if not isinstance(told, list) or not all(isinstance(row, list) for row in told):
        return []
    rows = [[_grey(value) for value in row[:MOST]] for row in told[:MOST]]
    width = min(map(len, rows), default=0)
    return [row[:width] for row in rows] if width else []


def _grey(value: Any) -> int:
    is_number = isinstance(value, (int, float)) and value == value
    return int(min(max(value, 0), 255)) if is_number else 0


def _mean(pixels: Pixels, x: float, y: float, by: float) -> int:
    rows = pixels[int(y) : max(int(y + by), int(y) + 1)]
    values = [value for row in rows for value in row[int(x) : max(int(x + by), int(x) + 1)]]
    return sum(values) // len(values)


def _level(value: int) -> int:
    return max(0, min(value * GREYS // 256, GREYS - 1))
