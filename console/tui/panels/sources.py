"""The sources: how each is, how fresh, and what to do about one that is not well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.tui.panels.figures import NOTHING, age, figure, known, text, whole
from console.tui.text import Span
from console.tui.widgets.table import Column, Row
from console.words import MARKS

LOOKS = {"ok": "ok", "stale": "stale", "new": "no_data"}  # any other state is an error
ADVICE = {
    "stale": "it answers, but what it gives is old: look at what feeds it; Enter asks it now",
    "new": "it was asked for the first time a moment ago",
    "partial": "parts of what it is made of do not answer, so nothing is judged by it: look at its own page of stores",
    "denied": "it refuses: look at the token or the password of its section, and at what that may read",
    "malformed": "it answers what andon cannot read: is it the right address, and the right kind?",
    "misconfigured": "its section says something it cannot use: mend it and start the daemon again",
    "unreachable": "is its address right, does it run, can this host reach it? Enter asks it now",
}
FACTS = ("name", "kind", "state", "reason")


def columns() -> Sequence[Column]:
    """Name, kind, state, freshness, and why."""
    return (
        Column("source", 14, lambda row: text(row, "name")),
        Column("kind", 14, lambda row: text(row, "kind"), keep=5),
        Column("state", 15, state),
        Column(
            "age", 6, lambda row: (age(row.get("age")), "stale" if text(row, "state") == "stale" else ""), right=True
        ),
        Column("samples", 7, lambda row: whole(row.get("readings")), right=True, keep=4),
        Column("round", 8, lambda row: figure(row.get("seconds"), "s"), right=True, keep=4),
        Column("failed", 6, _failures, right=True, keep=6),
        Column("why", 12, lambda row: text(row, "reason"), grows=True, keep=7),
    )


def look_of(row: Row) -> str:
    """The look of a source's state."""
    return LOOKS.get(text(row, "state"), "error")


def state(row: Row) -> Span:
    """Its state behind its shape."""
    look = look_of(row)
    return (f"{MARKS[look]} {text(row, 'state')}", look)


def advice(row: Row) -> str:
    """What to do about it; nothing where it is well."""
    return ADVICE.get(text(row, "state"), "")


def facts(row: Row) -> Mapping[str, str]:
    """What the filter and links may name."""
    return {name: text(row, name) for name in FACTS}


def key(row: Row) -> str:
    """What tells one from another."""
    return text(row, "name")


def _failures(row: Row) -> Span:
    failures = known(row.get("failures"))
    return (NOTHING if failures is None else f"{failures:.0f}", "warn" if failures else "dim")
