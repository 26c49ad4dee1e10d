"""What logs and traces said, as tables: kinds of line before and now with examples, services and calls with times."""

from __future__ import annotations

from collections.abc import Sequence

from console.tui.screens.triage_words import Json, brief, moment
from console.tui.text import Line, fit, wrap
from console.words import MARKS, number, quantity

COUNT = 8  # cells of a count, or of a time
TIME = 10  # of an instant within the day
CHANGES = {"new": "new", "surged": "more often", "vanished": "gone quiet"}
WHAT = {"own": "own work", "gap": "gap", "calls": "calls", "often": "calls a request", "errors": "fail"}


def log_lines(findings: Sequence[Json], chosen: Json, width: int, today: str) -> list[Line]:
    """One kind of line in full with examples around its onset, then all that changed."""
    told = [each for each in findings if each.get("labels")]
    lines: list[Line] = []
    if chosen in told:
        lines += _kind(chosen, width, today)
        if len(told) > 1:
            lines.append([])
    if told and (len(told) > 1 or chosen not in told):
        lines.append([(fit(f"{'now':>{COUNT}} {'before':>{COUNT}}   what was said", width), "dim")])
        lines += [_row(each, width, is_chosen=each is chosen) for each in told]
    return lines + _notes(findings, width, today)


def trace_lines(findings: Sequence[Json], width: int, today: str) -> list[Line]:
    """Every service and call that was compared, the gravest first."""
    told = [each for each in findings if each.get("labels")]
    room = max(width - 2 - 3 * (COUNT + 1), 8)
    head = f"  {fit('', room)} {'now':>{COUNT}} {'before':>{COUNT}} {'times':>{COUNT}}"
    lines: list[Line] = [[(fit(head, width), "dim")]] if told else []
    for each in told:
        verdict = str(each.get("verdict") or "")
        what = str(each.get("signal") or "").rpartition(".")[2]
        labels = each.get("labels") or {}
        name = labels.get("service") or f"{labels.get('caller')} → {labels.get('callee')}"
        sides = [_value((each.get(side) or {}).get("value"), what) for side in ("current", "baseline")]
        ratio = f"×{number(each['ratio'])}" if each.get("ratio") is not None else ""
        cells = "".join(f" {fit(cell, COUNT, right=True)}" for cell in (*sides, ratio))
        lines.append([(f"{MARKS.get(verdict, ' ')} ", verdict), (fit(f"{name} {WHAT.get(what, what)}", room), ""),
                      (cells, verdict if verdict == "degraded" else "")])  # fmt: skip
    onset = next((each["onset"] for each in told if each.get("onset") is not None), None)
    if onset is not None:
        lines.append([(f"since {moment(onset, today)}", "dim")])
    return lines + _notes(findings, width, today)


def _kind(finding: Json, width: int, today: str) -> list[Line]:
    labels, verdict = finding.get("labels") or {}, str(finding.get("verdict") or "")
    change = CHANGES.get(str(labels.get("change")), "")
    who = f"{labels.get('service', '')} {labels.get('severity', '')}"
    head = f"{finding.get('id')} {MARKS.get(verdict, '')} {change}: {who}"
    lines: list[Line] = [[(fit(head, width), verdict if verdict == "degraded" else "bold")]]
    lines += [[(each, "")] for each in wrap(finding.get("reason") or "", width)]
    now, before = (finding.get(side) or {} for side in ("current", "baseline"))
    said = f"now {number(now.get('n'))}, before {number(before.get('n'))}"
    if before.get("value"):
        said += f", to be expected {number(before['value'])}"
    if finding.get("onset") is not None:
        said += f", since {moment(finding['onset'], today)}"
    lines += [[(each, "dim")] for each in wrap(said, width)]
    for example in finding.get("exemplars") or ():
        when = brief(moment(example.get("time"), today), today)
        told = wrap(example.get("caption") or "", max(width - TIME - 1, 8))
        for at, text in enumerate(told):
            lines.append([(fit(when if not at else "", TIME + 1), "dim"), (text, "")])
        if trace := (example.get("fields") or {}).get("trace"):
            lines.append([(" " * (TIME + 1), ""), (fit(f"trace {trace}", max(width - TIME - 1, 8)), "dim")])
    return lines


def _row(finding: Json, width: int, *, is_chosen: bool) -> Line:
    verdict = str(finding.get("verdict") or "")
    counts = "".join(f"{number((finding.get(side) or {}).get('n')):>{COUNT}} " for side in ("current", "baseline"))
    service = (finding.get("labels") or {}).get("service") or ""
    text = f"{service}: {finding.get('reason') or ''}" if service else str(finding.get("reason") or "")
    mark = MARKS.get(verdict, " ") if verdict == "degraded" else " "
    room = max(width - 2 * COUNT - 4, 8)
    return [(counts, "dim"), (f"{mark} ", verdict), (fit(text, room), "bold" if is_chosen else "")]


def _notes(findings: Sequence[Json], width: int, today: str) -> list[Line]:
    """How much was read, of how much."""
    return [
        [(text, "dim")]
        for each in findings
        if not each.get("labels")
        for text in wrap(brief(str(each.get("text") or ""), today), width)
    ]


def _value(value: float | None, what: str) -> str:
    if value is None:
        return "–"
    if what == "often":
        return number(value)
    return f"{100 * value:.3g} %" if what == "errors" else quantity(value, "s")
