"""How often each value came: the baseline's share and the current one over each other, bin by bin.

What both have is shaded, what only current has is solid, what only the baseline had is light: more and less than usual
are told apart by shape alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from console.tui.text import Line, Span, fit, size_of, tame
from console.words import LEVELS

MORE, SAME, LESS = "█", "▒", "░"
NUMBERS = 12  # cells of "12 % → 34 %"
LEAST_BAR = 8
FEW_ROWS = 3  # of columns: then there is none for words
MARGIN = 11  # beside columns, for "baseline"
MOST_CELLS = 6  # of one column
LEGEND: Line = [
    (SAME, "baseline"),
    (" as before  ", "dim"),
    (MORE, "current"),
    (" more than before  ", "dim"),
    (LESS, "dim"),
    (" less", "dim"),
]

Bin = tuple[str, float, float]  # label, the baseline's share, the current one


def distribution_lines(bins: Mapping[str, Any], width: int, height: int) -> list[Line]:
    """The `bins` of a column of the operation `drift`, in so many cells: a line per bin, or columns where that is too
    many.
    """
    told = _bins(bins)
    if not told:
        return [[(fit("  there is nothing to count in this column", width), "dim")]]
    if len(told) < height and width >= LEAST_BAR + NUMBERS + 8:
        return [[(fit("", 1), ""), *LEGEND], *_rows(told, width)][:height]
    return _columns(told, width, height)


def _rows(told: Sequence[Bin], width: int) -> list[Line]:
    names = min(max(size_of([(tame(label), "")]) for label, _was, _now in told), max(width // 3, 6))
    room = max(width - names - NUMBERS - 6, LEAST_BAR)
    most = max(max(was, now) for _label, was, now in told) or 1.0
    lines: list[Line] = []
    for label, was, now in told:
        before, after = (_cells(share, most, room) for share in (was, now))
        same = min(before, after)
        bar: list[Span] = [
            (SAME * same, "baseline"),
            (MORE * (after - same), "current"),
            (LESS * (before - same), "dim"),
        ]
        lines.append(
            [
                (" " + fit(label, names, right=True) + " ", ""),
                *bar,
                (" " * (room - max(before, after)), ""),
                (f"{_percent(was):>6} → {_percent(now):<6}", "" if before == after else "bold"),
            ]
        )
    return lines


def _columns(told: Sequence[Bin], width: int, height: int) -> list[Line]:
    """What changed most in words, the baseline's bars, below them those of now, and what the first and last bin are."""
    head = [[(fit(f" {_most_changed(told)}", width), "bold")]] if height > FEW_ROWS else []
    told = told[: max(width - MARGIN - 1, 1)]
    cells = max(min((width - MARGIN - 1) // len(told), MOST_CELLS), 1)
    rows = max((height - 1 - len(head)) // 2, 1)
    most = max(max(was, now) for _label, was, now in told) or 1.0
    lines: list[Line] = [*head]
    for title, look, shares in (
        ("baseline", "baseline", [was for _label, was, _now in told]),
        ("now", "current", [now for _label, _was, now in told]),
    ):
        for row in reversed(range(rows)):
            bars = "".join(_bar((share / most * rows - row) * len(LEVELS)) * cells for share in shares)
            lines.append([(fit("" if row else f" {title}", MARGIN), look), (bars, look)])
    first, last = told[0][0], told[-1][0]
    room = cells * len(told) - len(tame(last))
    ends = fit(first, room) + tame(last) if room > len(tame(first)) else f"{tame(first)} to {tame(last)}"
    return [*lines, [(fit(" " * MARGIN + ends, width), "dim")]][: max(height, 2)]


def _most_changed(told: Sequence[Bin]) -> str:
    label, was, now = max(told, key=lambda one: abs(one[2] - one[1]))
    return f"most changed: {tame(label)[:24]}  {_percent(was)} → {_percent(now)}" if was != now else "all as before"


def _bar(level: float) -> str:
    """The shape of one cell, so many eighths high."""
    return LEVELS[min(math.ceil(level), len(LEVELS)) - 1] if level > 0.05 else " "


def _cells(share: float, most: float, room: int) -> int:
    return max(round(share / most * room), 1 if share > 0 else 0)


def _percent(share: float) -> str:
    """A share in as many digits as say something.

    >>> _percent(0.5), _percent(0.004), _percent(0.00001)
    ('50 %', '0.4 %', '<0.1 %')
    """
    if share == 0 or share >= 0.1:
        return f"{share:.0%}".replace("%", " %")
    return f"{100 * share:.1f} %" if share >= 0.001 else "<0.1 %"


def _bins(bins: Mapping[str, Any]) -> list[Bin]:
    labels, was, now = (bins.get(name) or () for name in ("labels", "baseline", "current"))
    return [(str(a), _share(b), _share(c)) for a, b, c in zip(labels, was, now, strict=False)]


def _share(value: Any) -> float:
    return min(max(float(value), 0.0), 1.0) if isinstance(value, (int, float)) and value == value else 0.0
