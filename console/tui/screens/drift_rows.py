"""The table of the drift screen: one row per column of the data, one cell per slot of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from console.tui.panels.figures import NOTHING, known, marked, percent, text
from console.tui.text import Span
from console.tui.widgets.table import Column, Row

SHADES = " ░▒▓█"
STEPS = (0.05, 0.1, 0.2, 0.4)  # shares of the rows from which a shade begins
NOBODY = "·"  # a slot without rows
LEGEND = "each cell: how many rows moved,  ░ 5% ▒ 10% ▓ 20% █ 40% or more, · too few rows"
SLOTS = 12


def columns(times: Sequence[Any], *, is_wide: bool) -> Sequence[Column]:
    """Name, how many rows moved, since when, how that went on, step or creep, where, what else is wrong."""
    cells = (2 if is_wide else 1) * max(min(len(times), 60), SLOTS)
    return (
        Column("column", 14, lambda row: marked(row.get("verdict"), text(row, "name")), grows=True),
        Column("moved", 5, lambda row: (percent(row.get("effect")), look(row)), right=True),
        Column(_span(times), cells, heat, keep=8, is_measured=True),
        Column("since", 5, lambda row: clock(row.get("onset")), right=True, keep=7),
        Column("mean by", 9, _shift, right=True, keep=6),
        Column("line", 5, lambda row: text(row, "line") if is_bad(row) else "", keep=4),
        Column("where", 16, lambda row: text(row, "slice"), grows=True, keep=5),
        Column("what else", 16, lambda row: (first_issue(row), "warn"), grows=True, keep=3),
    )


def facts(row: Row) -> Mapping[str, str]:
    """What the filter and links may name."""
    return {
        "column": text(row, "name"),
        "verdict": text(row, "verdict"),
        "reason": text(row, "reason"),
        "slice": text(row, "slice"),
        "line": text(row, "line"),
    }


def heat(row: Row, width: int = SLOTS) -> Span:
    """One cell, or several, per slot.

    >>> heat({"slots": [0.0, 0.07, 0.3, None]}, 4)
    (' ░▓·', 'spark')
    """
    slots = row.get("slots")
    told = [known(slot) for slot in slots] if isinstance(slots, (list, tuple)) else []
    each = max(width // len(told), 1) if told else 1
    return ("".join(shade(effect) * each for effect in told), look(row) or "spark")


def shade(effect: float | None) -> str:
    """How dark a slot is in which so many rows moved."""
    return NOBODY if effect is None else SHADES[sum(effect >= step for step in STEPS)]


def is_bad(row: Row) -> bool:
    """Whether there is something to explain."""
    return text(row, "verdict") in ("degraded", "inconclusive")


def look(row: Row) -> str:
    """Only what is wrong is coloured. As `beyond`, because shades must not be reversed."""
    return {"degraded": "beyond", "inconclusive": "inconclusive"}.get(text(row, "verdict"), "")


def clock(time: Any) -> str:
    """HH:MM, UTC."""
    number = known(time)
    return NOTHING if not number or number < 0 or number > 1e11 else f"{datetime.fromtimestamp(number, UTC):%H:%M}"


def first_issue(row: Row) -> str:
    """The first thing that is wrong with the data itself."""
    return next(iter(issues(row)), "")


def issues(row: Row) -> list[str]:
    """What is wrong with the data itself, before any question of distribution."""
    told = row.get("issues")
    return [str(each) for each in told] if isinstance(told, (list, tuple)) else []


def _shift(row: Row) -> str:
    shift = known(row.get("shift"))
    return NOTHING if shift is None else f"{shift:+.3g}"


def _span(times: Sequence[Any]) -> str:
    return f"{clock(times[0])} →" if times and clock(times[0]) != NOTHING else "lately"
