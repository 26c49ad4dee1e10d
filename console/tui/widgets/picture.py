"""An image as half blocks, two rows of grey values a line; characters of a ramp where there are no greys."""

from __future__ import annotations

from console.report.picture import ramp
from console.tui.text import Line

GREYS = 24
Pixels = list[list[int]]


def picture(pixels: Pixels, *, greys: bool) -> list[Line]:
    """The lines of an image of 0..255 grey values; looks `grey.A.B` are the upper and lower half of each cell."""
    if not pixels:
        return []
    if not greys:
        return [[(text, "")] for text in ramp(tuple(tuple(row) for row in pixels))]
    rows = [*pixels, pixels[-1]] if len(pixels) % 2 else pixels
    return [
        [("▀", f"grey.{_level(a)}.{_level(b)}") for a, b in zip(upper, lower, strict=False)]
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]


def _level(value: int) -> int:
    return max(0, min(value * GREYS // 256, GREYS - 1))
