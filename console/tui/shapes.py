"""What the daemon says, held to the shapes that screens rely on: one of another version may say anything.

A shape is a function of a value (the value, or None for one of another kind), `[shape]` for a list of such, or a dict
of shapes by name; `...` names all others. What has another shape is as if it had not been said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.errors import SourceMalformed

MOST = 1e18  # larger numbers are mistakes, and overflow where they are drawn
LATEST = 1e11  # seconds since 1970 that are still a date
MOST_PARTS = 20_000  # of one list


@dataclass(frozen=True, slots=True)
class Needed:
    """A part without which the whole is not one."""

    shape: Any


def number(told: Any) -> Any:
    """A number that can be counted with.

    >>> number(3), number("3"), number(float("inf"))
    (3, None, None)
    """
    return told if isinstance(told, (int, float)) and not isinstance(told, bool) and -MOST <= told <= MOST else None


def time(told: Any) -> Any:
    """Seconds since 1970."""
    return told if number(told) is not None and 0 <= told <= LATEST else None


def text(told: Any) -> Any:
    """Words."""
    return told if isinstance(told, str) else None


def anything(told: Any) -> Any:
    """Whatever it is; only its text is shown."""
    return told


def series(told: Any) -> Any:
    """Numbers in their order; a gap is None."""
    return [number(value) for value in told[:MOST_PARTS]] if isinstance(told, list) else None


def times(told: Any) -> Any:
    """As a series, of instants."""
    return [time(value) for value in told[:MOST_PARTS]] if isinstance(told, list) else None


def pair(told: Any) -> Any:
    """Two numbers."""
    found = series(told)
    return found if found is not None and len(found) == 2 and None not in found else None


ROW: Mapping[str, Any] = {}  # its parts are looked at where they are drawn
INCIDENT = {
    "id": Needed(text), "title": text, "state": text, "opened": time, "subject": text, "owner": text, "runs": [text],
    "cause": {"title": text, "probability": number, "more": number}, "questions": number,
    "examining": {"playbook": text, "title": text, "steps": [{"id": text, "title": text, "state": text}]},
    "explaining": anything,
    "notes": [{"time": Needed(time), "operator": text, "text": text}],
    "answers": [{"time": Needed(time), "operator": text, "question": text, "answer": text}],
}  # fmt: skip
BOARD = {
    "now": time, "interval": number, "version": text, "config": text, "models": [ROW], "gpus": [ROW], "latency": [ROW],
    "drift": [ROW], "incidents": [INCIDENT], "sources": [ROW], "troubles": [text], "hints": [text],
    "plans": [{"id": Needed(text), "title": text, "text": text, "risk": text, "state": text}],
    "links": {...: text}, "fleet": ROW,
}  # fmt: skip
WINDOW = {
    "spans": [{"start": Needed(time), "end": Needed(time)}],
    "kind": text, "name": text, "note": text,
}  # fmt: skip
WINDOWS = {"current": WINDOW, "baseline": WINDOW}
EXEMPLAR = {"side": text, "time": time, "kind": text, "caption": text, "fields": ROW}
SIDE = {"value": number, "n": number}
MOVED = {
    "verdict": text, "line": text, "effect": number, "shift": number, "onset": time, "p_sampling": number,
    "p_usual": number, "psi": number, "js": number, "ks": number, "issues": [{"text": text}],
    "slice": {"column": text, "value": text, "share": number, "rows": number},
}  # fmt: skip
FINDING = {
    "id": text, "kind": text, "text": text, "verdict": text, "signal": text, "labels": {...: text}, "reason": text,
    "stat": text, "current": SIDE, "baseline": SIDE, "ratio": number, "interval": pair, "p": number, "onset": time,
    "drift": MOVED, "exemplars": [EXEMPLAR], "event": {"target": text, "detail": text},
}  # fmt: skip
CAUSE = {
    "id": text, "playbook": text, "title": text, "subject": text, "odds": number, "probability": number,
    "moves": [{"text": text, "findings": [text]}], "remedies": [anything],
}  # fmt: skip
STEP = {
    "id": text, "title": text, "uses": text, "state": text, "reason": text, "findings": [FINDING], "values": ROW,
    "question": {"text": text, "answers": [text], "kind": text, "roles": [text], "expires": time},
    "shown": {"markdown": text, "command": text},
}  # fmt: skip
RUN = {
    "id": text, "playbook": text, "title": text, "verdict": text, "state": text, "steps": [STEP], "causes": [CAUSE],
    "inputs": ROW, **WINDOWS,
}  # fmt: skip
USED = {...: number}
SAYS = {
    "claims": [{"text": text, "evidence": [text], "against": [text], "unfounded": [text]}], "unexplained": [text],
    "settles": [text], "remedies": [text], "findings": [FINDING], "dropped": number, "stopped": text, "usage": USED,
}  # fmt: skip
COLUMN = {
    "name": text, "verdict": text, "slots": series, "issues": [text],
    "bins": {"labels": [text], "baseline": series, "current": series},
}  # fmt: skip
ALERT = {
    "id": Needed(text), "name": text, "text": text, "subject": text, "state": text, "started": time, "url": text,
    "labels": {...: text}, "annotations": {...: text}, "source": text, "silences": [text], "incident": text,
}  # fmt: skip
SILENCE = {"id": Needed(text), "author": text, "comment": text, "source": text, "end": time, "matchers": [text]}
RECEIPT = {"began": time, "ended": time, "did": anything, "text": text}
YES = {"time": time, "operator": text, "reason": text, "is_break_glass": anything, "signature": text}
PLAN = {
    "id": Needed(text), "hash": text, "state": text, "reason": text, "rule": text, "approvers": number,
    "changed": time, "approvals": [YES], "receipt": RECEIPT, "undoing": RECEIPT,
    "looks": [{"time": time, "verdict": text, "text": text}],
    "plan": {
        "title": text, "incident": text, "remedy": text, "cause": text, "subject": text, "risk": text,
        "operator": text, "created": time, "expires": time, "probability": number, "restore": anything,
        "act": {"target": text, "actuator": text, "action": text}, "blast": {"text": text},
        "check": {"step": text, "want": text, "within": number}, "warnings": [text],
        "changes": [{"path": text, "before": anything, "after": anything}],
    },
}  # fmt: skip
# What each operation answers.
ANSWERS: Mapping[str, Any] = {
    "diagnosis": {"verdict": text, "incident": INCIDENT, "causes": [CAUSE], "findings": [FINDING],
                  "unexplained": [text], "windows": WINDOWS, "runs": [RUN]},
    "drift": {"looked": time, "times": times, "columns": [COLUMN], "exemplars": [EXEMPLAR], "issues": [text],
              "read": {"rows": number, "newest": time, "left": number}},
    "curve": {"unit": text, "note": text, "times": times, "current": series, "baseline": series, "low": series,
              "high": series},
    "gpu": {"gpu": ROW, "facts": ROW, "processes": [ROW], "links": [ROW], "history": {...: series}, "note": text},
    "explain.seen": {
        "model": text, "spent": {"incident": USED, "day": USED},
        "view": {"question": text, "text": text, "looks": [text], "used": USED, "ended": anything,
                 "asks": {"text": text, "answers": [text], "kind": text}},
        "said": [{"id": text, "time": time, "question": text, "operator": text, "is_old": anything, "says": SAYS}],
    },
    "explain": ROW,
    "explain.interrupt": ROW,
    "explain.answer": ROW,
    "source.check": [{"missing": [anything], "signals": [anything], "dialects": [anything]}],
    "gpu.page": {"of": number, "total": number, "first": number, "rows": [ROW]},
    "incident.list": [INCIDENT],
    "examine": ROW,
    "alert.list": {"now": time, "alerts": [ALERT], "counts": {...: number}, "total": number, "sources": [ROW]},
    "silence.list": {"silences": [SILENCE]},
    "silence.create": {"id": text, "source": text, "end": time, "alerts": number},
    "silence.end": ROW,
    "plan.list": [PLAN],
    "plan.explain": {"decision": {"is_allowed": anything, "rule": text, "why": text, "is_signed": anything}},
    **dict.fromkeys(("plan.make", "plan.approve", "plan.reject", "plan.apply", "plan.rollback"), PLAN),
} | dict.fromkeys(("incident.open", "incident.ack", "incident.note", "incident.close", "answer"), INCIDENT)  # fmt: skip


def shaped(told: Any, shape: Any) -> Any:
    """What of it has this shape; None where it is of another kind altogether.

    >>> shaped({"name": 7, "rows": [1, {"id": "a"}]}, {"name": text, "rows": [{"id": text}]})
    {'name': None, 'rows': [{'id': 'a'}]}
    """
    if isinstance(shape, Needed):
        return shaped(told, shape.shape)
    if isinstance(shape, Mapping):
        if not isinstance(told, dict) or not shape:
            return told if isinstance(told, dict) else None
        other = shape.get(..., anything)
        kept = {name: shaped(value, shape.get(name, other)) for name, value in told.items()}
        needed = (name for name, part in shape.items() if isinstance(part, Needed))
        return None if any(kept.get(name) is None for name in needed) else kept
    if isinstance(shape, list):
        if not isinstance(told, list):
            return None
        if shape[0] is ROW:  # thousands of them, each second
            return [part for part in told[:MOST_PARTS] if isinstance(part, dict)]
        parts = (shaped(part, shape[0]) for part in told[:MOST_PARTS])
        return [part for part in parts if part is not None]
    return shape(told)


def board_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """A board that every screen can show; what of it could not be read is said among its troubles."""
    board = {name: shaped(value, BOARD.get(name, anything)) for name, value in told.items()}
    unread = [name for name, value in told.items() if value is not None and not _is_whole(board[name], value)]
    if unread:
        said = f"this console cannot read what the daemon says of {', '.join(unread)}: is one of them older?"
        board["troubles"] = [said, *(board.get("troubles") or ())]
    return board


def answer_of(op: str, told: Any) -> Any:
    """An operation's answer that every screen can show; SourceMalformed for one that is nothing of the kind."""
    found = shaped(told, ANSWERS.get(op, anything))
    if found is None and op in ANSWERS:
        raise SourceMalformed(f"this console cannot read the daemon's answer to {op}", "start the daemon again")
    return found


def _is_whole(kept: Any, told: Any) -> bool:
    """Whether nothing was left out of what the board says under one name."""
    return kept is not None and (not isinstance(told, (list, dict)) or len(kept) == len(told))
