"""The plans that wait for somebody or are at work, a line each above the board's tables: a second operator sees them
wherever they look.
"""

from __future__ import annotations

from collections.abc import Sequence

from console.tui.panels.figures import text
from console.tui.text import Line, fit
from console.tui.widgets.table import Row

MOST_LINES = 2
AT_WORK = ("applying", "verifying")
WHERE = "8 shows it"


def lines(rows: Sequence[Row], width: int) -> list[Line]:
    """What each waits for; those that there is no room for are counted."""
    told = [_line(row, width) for row in rows[:MOST_LINES]]
    if len(rows) > MOST_LINES:
        told[-1] = [(fit(f" ◐ and {len(rows) - MOST_LINES + 1} more plans; 8 shows them", width), "warn")]
    return told


def _line(row: Row, width: int) -> Line:
    is_at_work = text(row, "state") in AT_WORK
    mark, look = ("◔", "dim") if is_at_work else ("◐", "warn")
    risk = ", high risk" if text(row, "risk") == "high" else ""
    said = f" {mark} {text(row, 'id')} {text(row, 'text')}{risk}: {text(row, 'title')}"
    return [(f"{fit(said, width - len(WHERE) - 2)}  {WHERE}", look)]
