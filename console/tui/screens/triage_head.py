"""The first lines of the triage: what is wrong, since when, whose it is, and the answer, so that it is read first."""

from __future__ import annotations

from console.tui.screens.triage_causes import help_wanted
from console.tui.screens.triage_words import LIKELY, Json, ago, brief, moment, odds, reasons, windows, without_cause
from console.tui.text import Line, Span, cut, fit, wrap
from console.words import MARKS


def head_lines(incident: Json, diagnosis: Json | None, examining: Json | None, now: float | None, *,
               width: int, height: int, today: str, trouble: str = "") -> list[Line]:  # fmt: skip
    """As few lines as say it; the symptom and the reasons take more where the terminal is high."""
    room = width - 2
    long = 3 if height >= 30 else 2
    lines: list[Line] = [_state(incident, now, width, today)]
    symptom = str(incident.get("title") or "").replace(f" of model={incident.get('subject')}", "")
    lines += _block(brief(symptom, today), room, 2, "")
    if trouble:
        return lines + _block(f"✖ {trouble}", room, long, "error")
    if diagnosis is None:
        lines += _block("asking for the diagnosis …", room, 1, "dim")
    else:
        lines += _answer(diagnosis, room, long, today)
        lines += _asked(diagnosis, room)
    if examining:
        lines += _block(f"… {_progress(examining)}", room, 1, "warn")
    elif diagnosis and diagnosis.get("windows") and height >= 30:
        lines += _block(windows(diagnosis["windows"], today), room, 1, "dim")
    return lines


def _state(incident: Json, now: float | None, width: int, today: str) -> Line:
    """`▲ I-3 open  glove  since 08:03Z, 9 min  nobody has it: a takes it`."""
    state = str(incident.get("state") or "")
    opened = incident.get("opened")
    age = ago(opened, now)
    owner = str(incident.get("owner") or "")
    mark, look = {"open": ("▲", "degraded"), "acknowledged": ("▲", "warn")}.get(state, ("·", "dim"))
    whose = f"{owner} looks after it" if owner else "no owner yet: a takes it" if state == "open" else ""
    spans: list[Span] = [(f" {mark} {incident.get('id')} {state} ", look)]
    said = [str(incident.get("subject") or ""), f"opened {moment(opened, today)}{f', {age} ago' if age else ''}"]
    rest = "   ".join(each for each in (*said, whose) if each)
    used = len(spans[0][0])
    return [*spans, (fit(" " + rest, max(width - used, 0)), "")]


def _answer(diagnosis: Json, room: int, long: int, today: str) -> list[Line]:
    causes = diagnosis.get("causes") or ()
    if not causes:
        said = without_cause(diagnosis)
        if not diagnosis.get("runs"):
            said = "not examined yet"
        wanted = help_wanted(diagnosis)
        more = f"; what would help: {wanted[0]}" if wanted else ""
        return _block(said + more, room, long, "bold")
    first = causes[0]
    look = "degraded" if float(first.get("odds") or 0.0) >= LIKELY else "warn"
    besides = [f"{len(causes) - 1} more below"] if len(causes) > 1 else []
    if left := diagnosis.get("unexplained"):
        besides.append(f"{len(left)} finding{'s' if len(left) > 1 else ''} unexplained")
    rest = f" ({', '.join(besides)})" if besides else ""
    lines = _block(f"{odds(first)}: {first.get('title')}{_about(first, diagnosis)}{rest}", room, 2, look)
    findings = {str(each.get("id")): each for each in diagnosis.get("findings") or ()}
    if told := reasons(first, findings, today):
        lines += _block("because " + "; ".join(told), room, long, "")
    return lines


def _asked(diagnosis: Json, room: int) -> list[Line]:
    """A question that nobody answered may be far below: it is said here."""
    asked = [step for run in diagnosis.get("runs") or () for step in run.get("steps") or () if step.get("question")]
    if not asked:
        return []
    first = next((step for step in asked if step.get("state") == "waiting"), asked[0])
    mark = MARKS["waiting"] if first.get("state") == "waiting" else "?"
    waits = "a run waits: " if first.get("state") == "waiting" else ""
    more = f"; {len(asked) - 1} more" if len(asked) > 1 else ""
    said = f"{mark} {waits}{first['question'].get('text')} (Enter on the step with {mark} answers{more})"
    return _block(said, room, 1, "warn")


def _about(cause: Json, diagnosis: Json) -> str:
    """What the cause is about, where that is not the incident's own subject."""
    subject = str(cause.get("subject") or "")
    return f" ({subject})" if subject and subject != ((diagnosis.get("incident") or {}).get("subject")) else ""


def _progress(examining: Json) -> str:
    steps = examining.get("steps") or ()
    ended = sum(1 for step in steps if step.get("state"))
    far = f", {ended}/{len(steps)}" if steps else ""
    return f"examining{far}: {examining.get('title') or examining.get('playbook') or ''}"


def _block(text: str, room: int, most: int, look: str) -> list[Line]:
    """A text over at most so many lines."""
    lines = wrap(text, room)
    if len(lines) > most:
        lines = [*lines[: most - 1], cut(" ".join(lines[most - 1 :]), room)]
    return [[(" " + each, look)] for each in lines]
