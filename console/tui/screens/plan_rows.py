"""One plan as a row, and as facts to read: what would change, who said yes, what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.tui.panels.figures import dicts, known, text
from console.tui.screens.triage_words import Json, percent
from console.tui.text import Span
from console.tui.widgets.table import Row
from console.words import instant

STATES: Mapping[str, tuple[str, str]] = {
    "planned": ("○", "warn"),
    "approved": ("◐", "warn"),
    "applying": ("◔", "bold"),
    "applied": ("●", "ok"),
    "verifying": ("◔", "bold"),
    "verified": ("●", "ok"),
    "not_recovered": ("✖", "degraded"),
    "rolled_back": ("↩", "warn"),
    "failed": ("✖", "degraded"),
    "unknown": ("?", "degraded"),
}
MOST_VALUE = 120  # characters of a value of an object
MOST_CHANGES = 30
SHORT_HASH = 12


def plan_of(row: Row) -> Json:
    """The plan itself, without what became of it."""
    found = row.get("plan")
    return found if isinstance(found, Mapping) else {}


def part(row: Row, name: str) -> Json:
    """A part of the plan that is a mapping."""
    found = plan_of(row).get(name)
    return found if isinstance(found, Mapping) else {}


def state(row: Row) -> Span:
    """A shape, and the word."""
    name = text(row, "state")
    mark, look = STATES.get(name, ("·", "dim"))
    return (f"{mark} {name.replace('_', ' ')}", look)


def yes(row: Row) -> str:
    """How many said yes, of how many it takes."""
    return f"{len(dicts(row.get('approvals')))}/{int(known(row.get('approvers')) or 0)}"


def changes(row: Row, most: int = MOST_CHANGES) -> list[str]:
    """Field by field: path: before → after."""
    found = dicts(plan_of(row).get("changes"))
    said = [f"{text(each, 'path')}: {_value(each.get('before'))} → {_value(each.get('after'))}" for each in found]
    return [*said[:most], *([f"and {len(said) - most} more"] if len(said) > most else [])]


def facts(row: Row) -> Mapping[str, str]:
    """What the filter may name."""
    plan = plan_of(row)
    own = {name: text(plan, name) for name in ("incident", "risk", "cause", "subject", "remedy", "operator", "title")}
    return {**own, "id": text(row, "id"), "state": text(row, "state"), "target": text(part(row, "act"), "target")}


def whole(row: Row) -> dict[str, str]:
    """All of it, to read."""
    plan, blast, check = plan_of(row), part(row, "blast"), part(row, "check")
    back = "yes" if plan.get("restore") is not None else "NO: it cannot be taken back"
    within = known(check.get("within"))
    told: dict[str, str] = {
        "what": text(plan, "title"),
        "for": f"{text(plan, 'cause')} of {text(plan, 'subject')} ({percent(plan.get('probability'))})",
        "touches": text(blast, "text"),
        "risk": text(plan, "risk"),
        "back": back,
        "mind": "; ".join(str(each) for each in plan.get("warnings") or ()),
        "verified": f"when {text(check, 'step')} is {text(check, 'want')}, within {within:g} s" if within else "",
        "planned": f"{_when(plan.get('created'))} by {text(plan, 'operator')}, until {_when(plan.get('expires'))}",
        "rule": text(row, "rule"),
        "reason": text(row, "reason"),
        "hash": text(row, "hash")[:SHORT_HASH],
    }
    told |= {f"change {at}": said for at, said in enumerate(changes(row), 1)}
    told |= {
        f"yes {at}": f"{_when(each.get('time'))} {text(each, 'operator')}{_how(each)} {text(each, 'reason')}".rstrip()
        for at, each in enumerate(dicts(row.get("approvals")), 1)
    }
    for name, word in (("receipt", "done"), ("undoing", "taken back")):
        found = row.get(name)
        if isinstance(found, Mapping):
            told[word] = (
                f"{_did(found)} {_when(found.get('ended') or found.get('began'))} {text(found, 'text')}".rstrip()
            )
    looks = dicts(row.get("looks"))[-3:]
    return told | {f"look {at}": f"{text(each, 'verdict')}: {text(each, 'text')}" for at, each in enumerate(looks, 1)}


def _how(approval: Json) -> str:
    broke = ", broke the glass" if approval.get("is_break_glass") else ""
    return broke + (", signed" if approval.get("signature") else "")


def _did(receipt: Json) -> str:
    if receipt.get("ended") is None:
        return "under way"
    return {True: "yes", False: "no"}.get(receipt.get("did"), "nobody knows")  # type: ignore[arg-type]


def _when(time: Any) -> str:
    found = known(time)
    return instant(found) if found else "–"


def _value(value: Any) -> str:
    said = "–" if value is None else str(value)
    return said if len(said) <= MOST_VALUE else f"{said[: MOST_VALUE - 1]}…"
