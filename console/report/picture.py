"""An image as text: half blocks where grey can be shown, a ramp of characters where it cannot."""

from __future__ import annotations

RAMP = " .:-=+*#%@"
GREY_START, GREY_STEPS = 232, 24  # the grey ramp of the 256-colour palette

Pixels = tuple[tuple[int, ...], ...]


def half_blocks(pixels: Pixels) -> list[str]:
    """Two rows of grey values (0..255) a line, as `▀` with a foreground and a background."""
    lines = []
    for top, bottom in _row_pairs(pixels):
        cells = [f"\x1b[38;5;{_grey(a)};48;5;{_grey(b)}m▀" for a, b in zip(top, bottom, strict=True)]
        lines.append("".join(cells) + "\x1b[0m")
    return lines


def ramp(pixels: Pixels, *, dark: int = 0, bright: int = 255) -> list[str]:
    """Two rows of grey values (0..255) a line, as characters from `dark` to `bright`.

    >>> ramp(((0, 255), (0, 255)))
    [' @']
    """
    step = (len(RAMP) - 1) / max(bright - dark, 1)
    return [
        "".join(RAMP[round(((a + b) / 2 - dark) * step)] for a, b in zip(upper, lower, strict=True))
        for upper, lower in _row_pairs(pixels)
    ]


def side_by_side(left: list[str], right: list[str], *, width: int, gap: int = 4) -> list[str]:
    """Two pictures next to each other; `width` is the left one's, in cells."""
    height = max(len(left), len(right))
    blank = " " * width
    left = left + [blank] * (height - len(left))
    right = right + [""] * (height - len(right))
    return [a + " " * gap + b for a, b in zip(left, right, strict=True)]


def _row_pairs(pixels: Pixels) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    rows = list(pixels)
    if len(rows) % 2:
        rows.append(rows[-1])
    return list(zip(rows[::2], rows[1::2], strict=True))


def _grey(value: int) -> int:
    return GREY_START + min(value * GREY_STEPS // 256, GREY_STEPS - 1)
