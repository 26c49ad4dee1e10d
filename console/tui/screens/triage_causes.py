"""The causes with what moved each, what nothing explains, and what would help where no cause is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from console.tui.screens.triage_words import LIKELY, Json, brief, gist, odds, without_cause
from console.tui.text import Line, fit, wrap
from console.words import instant

MOST_CITED = 2  # findings of one line of evidence that are spelled out
MOST_UNEXPLAINED = 8
MOST_CONSIDERED = 5
MOST_CHANGES = 20  # around an incident, the nearest


def cause_lines(diagnosis: Json, width: int, today: str) -> list[Line]:
    """Best first; then what was considered and is not likely."""
    findings = {str(each.get("id")): each for each in diagnosis.get("findings") or ()}
    lines: list[Line] = []
    named = diagnosis.get("causes") or ()
    for rank, cause in enumerate(named, 1):
        lines += [*_cause(rank, cause, findings, width, today), []]
    if not named:
        lines += [*_unnamed(diagnosis, width), []]
    lines += _unexplained(diagnosis.get("unexplained") or (), findings, width, today)
    lines += _considered(diagnosis, width)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def timeline_lines(incident: Json, width: int, today: str, events: Sequence[Json] = ()) -> list[Line]:
    """What happened with the incident, and what changed around it, oldest first."""
    opened = float(incident.get("opened") or 0.0)
    told: list[tuple[float, str, str]] = [(opened, "andon: opened", "")]
    told += [(note["time"], f"{note.get('operator')}: {note.get('text')}", "") for note in incident.get("notes") or ()]
    near = sorted(events, key=lambda each: abs(float(each["time"]) - opened))[:MOST_CHANGES]
    told += [(float(each["time"]), _change(each), "warn") for each in near]
    lines: list[Line] = []
    for time, text, look in sorted(told, key=lambda each: each[0]):
        lines += _said(f"{brief(instant(time), today)} {text}", width, look, indent=2)
    return lines


def _change(event: Json) -> str:
    about = f" of {event['target']}" if event.get("target") else ""
    return f"{event.get('kind')}{about}: {event.get('title')}"


def help_wanted(diagnosis: Json) -> list[str]:
    """What would let andon say more: questions, data that was missing, sources that did not answer."""
    wanted = []
    for run in diagnosis.get("runs") or ():
        for step in run.get("steps") or ():
            title = str(step.get("title") or step.get("id") or "").rstrip("?")
            if step.get("question"):
                wanted.append(f"an answer: {step['question'].get('text')}")
            elif step.get("state") in ("no_data", "error") and not step.get("is_dry"):
                wanted.append(f"{title}: {step.get('reason') or step.get('state')}")
    return wanted


def _cause(rank: int, cause: Json, findings: Mapping[str, Json], width: int, today: str) -> list[Line]:
    look = "degraded" if float(cause.get("odds") or 0.0) >= LIKELY else "warn"
    lines: list[Line] = [[(each, "bold")] for each in wrap(f"{rank}. {cause.get('title')}", width, indent=3)]
    likely = f"   {odds(cause)}"
    about = f", about {cause['subject']}" if cause.get("subject") else ""
    lines.append([(likely, look), (fit(about, max(width - len(likely), 0)), "dim")])
    moves = [move for move in cause.get("moves") or () if move.get("counted")]
    for move in sorted(moves, key=lambda each: bool(each.get("against"))):
        lines += _move(move, findings, str(cause.get("subject") or ""), width, today)
    if cause.get("remedies"):
        lines += _said(
            f"remedy: {', '.join(str(each) for each in cause['remedies'])}", width - 3, "improved", before="   "
        )
    return lines


def _move(move: Json, findings: Mapping[str, Json], subject: str, width: int, today: str) -> list[Line]:
    """One line of evidence with its weight, and the findings that it rests on; events about the subject first."""
    against = bool(move.get("against"))
    sign, look = ("−", "improved") if against else ("+", "warn")
    ids = sorted(map(str, move.get("findings") or ()), key=lambda each: not _is_about(findings.get(each), subject))
    word = "against, " if against else ""
    text = f"{sign} {move.get('text')} ({word}{move.get('weight')})"
    first, *more = wrap(text, width - 3, indent=2)
    lines: list[Line] = [[("   ", ""), (first[:1], look), (first[1:], "")], *([("   " + each, "")] for each in more)]
    for each in ids[:MOST_CITED]:
        if each in findings:
            lines += _said(f"{each} {gist(findings[each], today)}", width - 5, "dim", indent=3, before="     ")
    if len(ids) > MOST_CITED:
        lines += _said(f"and {', '.join(ids[MOST_CITED:])}", width - 5, "dim", before="     ")
    return lines


def _is_about(finding: Json | None, subject: str) -> bool:
    """Whether a finding is an event that happened to the subject itself."""
    return bool(subject) and ((finding or {}).get("event") or {}).get("target") == subject


def _unnamed(diagnosis: Json, width: int) -> Iterator[Line]:
    if not diagnosis.get("runs"):
        yield from _said("Nothing was examined yet; r begins.", width, "bold")
        return
    yield from _said(without_cause(diagnosis).capitalize(), width, "bold")
    wanted = help_wanted(diagnosis)
    if wanted:
        yield from _said("What would help:", width, "")
        for each in wanted:
            yield from _said(each, width - 2, "warn", indent=2, before="  ")


def _unexplained(ids: Sequence[str], findings: Mapping[str, Json], width: int, today: str) -> list[Line]:
    if not ids:
        return []
    lines = _said("No named cause explains:", width, "bold")
    for each in ids[:MOST_UNEXPLAINED]:
        finding = findings.get(each) or {}
        lines += _said(
            f"{each} {brief(str(finding.get('text') or ''), today)}", width - 3, "degraded", indent=3, before="   "
        )
    if len(ids) > MOST_UNEXPLAINED:
        lines += _said(f"and {len(ids) - MOST_UNEXPLAINED} more", width - 3, "dim", before="   ")
    return [*lines, []]


def _considered(diagnosis: Json, width: int) -> list[Line]:
    named = {(each.get("id"), each.get("playbook")) for each in diagnosis.get("causes") or ()}
    causes = [
        each
        for run in diagnosis.get("runs") or ()
        for each in run.get("causes") or ()
        if (each.get("id"), each.get("playbook")) not in named
    ]
    causes.sort(key=lambda each: -float(each.get("odds") or 0.0))
    lines = _said("Considered, and not named:" if causes else "", width, "dim")
    for each in causes[:MOST_CONSIDERED]:
        lines += _said(
            f"{odds(each).rpartition(', ')[2]} {each.get('title')}", width - 3, "dim", indent=5, before="   "
        )
    return lines


def _said(text: object, width: int, look: str, *, indent: int = 0, before: str = "") -> list[Line]:
    return [[(before + each, look)] for each in wrap(text, max(width, 8), indent=indent) if each]
