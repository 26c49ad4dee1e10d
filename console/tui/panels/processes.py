"""The processes on one GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.tui.panels.figures import figure, percent, text
from console.tui.widgets.table import Column, Row

FACTS = ("pid", "user", "container", "pod", "kind", "command")


def columns() -> Sequence[Column]:
    """Whose they are, what they take, and what they are."""
    return (
        Column("pid", 8, lambda row: text(row, "pid"), right=True),
        Column("user", 9, lambda row: text(row, "user") or "–", keep=6),
        Column("memory", 9, lambda row: figure(row.get("memory"), "By"), right=True, keep=8),
        Column("use", 4, lambda row: percent(row.get("utilization")), right=True, keep=7),
        Column("container", 12, lambda row: text(row, "container") or "–", keep=4),
        Column("pod", 12, lambda row: text(row, "pod") or "–", keep=3),
        Column("kind", 8, lambda row: text(row, "kind"), keep=1),
        Column("command", 20, lambda row: text(row, "command"), grows=True),
    )


def facts(row: Row) -> Mapping[str, str]:
    """What the filter, links and copying may name."""
    return {name: text(row, name) for name in FACTS}


def key(row: Row) -> str:
    """What tells one from another."""
    return text(row, "pid")
