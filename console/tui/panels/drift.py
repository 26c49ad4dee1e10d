"""What became of the data of every model, as the board shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from console.tui.panels.figures import NOTHING, age, dicts, known, marked, model_name, text
from console.tui.text import Span
from console.tui.widgets.table import Column, Row
from console.words import LEVELS, MARKS

EMPTY = ("no table of a model's inputs has been looked at yet",)
BAD = ("degraded", "inconclusive")


def columns(now: Callable[[], float | None]) -> Sequence[Column]:
    """Model, how far each column moved, the gravest in words, since when, how fresh that is."""

    def ago(time: object) -> str:
        then, clock = known(time), now()
        return NOTHING if then is None or clock is None else age(clock - then)

    return (
        Column("drift", 10, _name, grows=True, is_measured=True),
        Column("effects", 8, _effects, keep=5),
        Column("what moved", 17, what_moved, grows=True, keep=8),
        Column("since", 6, lambda row: ago(_gravest(row).get("onset")), right=True, keep=6),
        Column("looked", 6, lambda row: ago(row.get("looked")), right=True, keep=4),
    )


def facts(row: Row) -> Mapping[str, str]:
    """What the filter and links may name."""
    return {name: text(row, name) for name in ("model", "table", "verdict", "reason", "world_or_model")}


def what_moved(row: Row) -> Span:
    """The column that moved most, and by how much; else how it is as a whole.

    >>> what_moved({"verdict": "ok", "columns": [{"name": "luma", "verdict": "ok"}]})
    ('none of 1 column', 'dim')
    """
    columns = dicts(row.get("columns"))
    moved = [column for column in columns if text(column, "verdict") in BAD]
    if not moved:
        count = f"none of {len(columns)} column{'s' if len(columns) > 1 else ''}"
        return (count if columns and text(row, "verdict") == "ok" else text(row, "reason") or count, "dim")
    first = moved[0]
    shift, issues = known(first.get("shift")), first.get("issues")
    how = f" {shift:+.3g}" if shift is not None else ""
    if not how and isinstance(issues, (list, tuple)) and issues:
        how = f": {issues[0]}"
    more = f", {len(moved) - 1} more" if len(moved) > 1 else ""
    return (f"{text(first, 'name')}{how}{more}", text(first, "verdict"))


def _name(row: Row, width: int) -> Span:
    return marked(row.get("verdict"), model_name(row, width - 2))


def _effects(row: Row) -> Span:
    """One bar per column, the gravest first: how far it moved, of all that it could."""
    columns = dicts(row.get("columns"))
    effects = [known(column.get("effect")) for column in columns]
    bars = "".join(" " if effect is None else LEVELS[_level(effect)] for effect in effects)
    state = text(row, "verdict")
    return (bars, state if state in MARKS and state != "ok" else "spark")


def _level(effect: float) -> int:
    return max(0, min(int(effect * len(LEVELS)), len(LEVELS) - 1))


def _gravest(row: Row) -> Mapping[str, object]:
    return next(iter(dicts(row.get("columns"))), {})
