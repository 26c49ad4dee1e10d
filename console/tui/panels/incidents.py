"""The open incidents, as a strip of the board: what each is about, and how far one is with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from console.tui.panels.figures import NOTHING, age, dicts, known, model_name, text
from console.tui.text import Span
from console.tui.widgets.table import Column, Row

LIKELY = 20 / 21  # odds of 20:1
EMPTY = ("none is open",)


def columns(now: Callable[[], float | None]) -> Sequence[Column]:
    """Id, subject, cause, age, owner."""

    def since(row: Row) -> str:
        opened, clock = known(row.get("opened")), now()
        return NOTHING if opened is None or clock is None else age(clock - opened)

    return (
        Column("incident", 10, lambda row: (f"▲ {text(row, 'id')}", "degraded")),
        Column(
            "about", 10, lambda row, width: model_name({"model": row.get("subject")}, width), keep=8, is_measured=True
        ),
        Column("cause", 52, outlook, grows=True),
        Column("owner", 8, _owner, keep=5),
        Column("open", 6, since, right=True, keep=4),
    )


def facts(row: Row) -> Mapping[str, str]:
    """What the filter and links may name."""
    return {
        "incident": text(row, "id"),
        "model": text(row, "subject"),
        "owner": text(row, "owner"),
        "title": text(row, "title"),
        "cause": outlook(row)[0],
    }


def outlook(row: Row) -> Span:
    """Why it is so, as far as that is known.

    >>> outlook({"cause": {"title": "The world changed", "probability": 0.99}, "questions": 1})[0]
    '1 question for you; likely 99 %: The world changed'
    """
    questions = int(known(row.get("questions")) or 0)
    asks = f"{questions} question{'s' if questions > 1 else ''} for you; " if questions else ""
    said, look = _examining(row) or _cause(row)
    return (asks + said, "warn" if asks else look)


def _examining(row: Row) -> Span | None:
    examining = row.get("examining")
    if not isinstance(examining, Mapping):
        return None
    steps = dicts(examining.get("steps"))
    name = text(examining, "playbook")
    if not name:
        return (f"examining: {text(examining, 'title') or 'it begins'}", "baseline")
    done = sum(step.get("state") is not None for step in steps)
    return (f"examining: {name} {done}/{len(steps)}", "baseline")


def _cause(row: Row) -> Span:
    cause = row.get("cause")
    if not isinstance(cause, Mapping):
        return (f"cause unknown: {text(row, 'title')}", "")
    probability = known(cause.get("probability"))
    word = "likely" if (probability or 0.0) >= LIKELY else "possible"
    more = int(known(cause.get("more")) or 0)
    others = f" (and {more} more)" if more else ""
    return (f"{word} {min(100 * (probability or 0.0), 99):.0f} %: {text(cause, 'title')}{others}", "")


def _owner(row: Row) -> Span:
    return (text(row, "owner"), "") if row.get("owner") else ("nobody", "dim")
