"""One alert as a row of the screen of alerts: its state, its facts, and what a silence of it begins with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console.model import Matcher
from console.sources.alerts import NAMED_BY, SUBJECT_LABELS
from console.sources.matchers import shown_matcher
from console.tui.panels.figures import text
from console.tui.text import Span
from console.tui.widgets.table import Row

STATES: Mapping[str, tuple[str, str]] = {
    "firing": ("▲", "degraded"),
    "silenced": ("·", "dim"),
    "inhibited": ("·", "dim"),
    "resolved": ("●", "ok"),
}


def state(row: Row) -> Span:
    """A shape, and the word."""
    name = text(row, "state")
    mark, look = STATES.get(name, ("?", "dim"))
    return (f"{mark} {name}", look)


def dimmed(draw: Callable[[Row], str]) -> Callable[[Row], Span]:
    """A column that is dim where the alert is kept quiet."""
    return lambda row: (draw(row), "" if row.get("state") == "firing" else "dim")


def pairs(row: Row, name: str) -> dict[str, str]:
    """Its labels, or its annotations."""
    found = row.get(name)
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, Mapping) else {}


def matchers_of(row: Row) -> str:
    """What a silence of this alert begins with: its name and what it is about."""
    labels = pairs(row, "labels")
    names = [NAMED_BY, *(name for name in SUBJECT_LABELS if name in labels)][:2]
    return " ".join(shown_matcher(Matcher(name, labels[name])) for name in names if name in labels)


def facts(row: Row) -> Mapping[str, str]:
    """What the filter and links may name: every label, and what else is in the row."""
    own = {name: text(row, name) for name in ("state", "source", "incident", "text")}
    return {**pairs(row, "labels"), **own, "alert": text(row, "name")}
