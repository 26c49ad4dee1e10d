"""What the step under the cursor compared: numbers and a drawing, a column's drift, pictures, events, or why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.tui.screens.triage_shown import question_lines, shown_lines
from console.tui.screens.triage_steps import Place
from console.tui.screens.triage_tables import log_lines, trace_lines
from console.tui.screens.triage_words import Json, brief, moment, share_of, sides, windows
from console.tui.text import Line, fit, wrap
from console.tui.widgets.chart import BAND, LOWER, MIDDLE, UPPER, chart_lines
from console.tui.widgets.exemplars import exemplar_lines
from console.words import MARKS, number

LEAST_CHART = 4  # lines, below which a drawing says nothing
PICTURE_LINES = 18  # of 32 rows of grey values, two a line, with their captions
LINES = {"step": "against the days before", "creep": "slowly, against the fixed baseline"}


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the daemon says of the finding's curve: the curve, or why there is none."""

    curve: Json | None = None
    said: str = "asking for the curve …"


def curve_question(place: Place) -> Json | None:
    """The arguments of the operation `curve` for what the cursor is on; None where nothing is to be drawn."""
    finding = place.finding
    spans = ((place.run.get("current") or {}).get("spans")) or ()
    if finding is None or finding.get("kind") != "comparison" or not finding.get("signal") or not spans:
        return None
    model = (place.run.get("inputs") or {}).get("model")
    where = dict(finding.get("labels") or {})
    if model and str(finding["signal"]).startswith("model."):
        where.setdefault("model", model)
    baseline = ((place.run.get("baseline") or {}).get("spans")) or ()
    return {
        "signal": finding["signal"],
        "stat": finding.get("stat"),
        "of": share_of(finding),
        "where": where,
        "start": spans[0]["start"],
        "end": spans[-1]["end"],
        "steps": 120,
        "baseline": [[span["start"], span["end"]] for span in baseline] or None,
    }


def detail_lines(
    place: Place | None, drawing: Drawing, width: int, height: int, *, greys: bool, today: str
) -> list[Line]:
    """All that is known of a row."""
    if place is None:
        return [[("nothing was looked at yet", "dim")]]
    if place.kind == "run":
        return _run(place, width, today)
    title = place.step.get("title") or place.title.strip()
    lines: list[Line] = [[(each, "bold")] for each in wrap(title, width)]
    if place.question:
        return lines + question_lines(place.question, waits=place.state == "waiting", width=width)
    if place.step.get("shown"):
        return lines + shown_lines(place.step["shown"], width)
    lines += _decides(place.step, width)
    lines += _body(place, drawing, width, height - len(lines), greys, today)
    return lines


def _body(place: Place, drawing: Drawing, width: int, room: int, greys: bool, today: str) -> list[Line]:
    state, finding, step = place.state, place.finding, place.step
    if not step.get("uses"):
        return _said(f"{place.said or 'being looked at'} …" if not state else state.replace("_", " "), width)
    if state in ("skipped", "error", "waiting") or finding is None:
        mark = MARKS.get(state, "")
        return _said(f"{mark} {state.replace('_', ' ')}: {step.get('reason') or 'it gave no reason'}", width, state)
    kind = finding.get("kind")
    if kind == "comparison":
        return _comparison(place, finding, drawing, width, room, today)
    if kind == "exemplar":
        return _exemplars(finding, width, greys)
    if kind in ("drift", "integrity") and finding.get("drift"):
        lines = _drift(finding, width, today)
        pictures = next((each for each in step.get("findings") or () if each.get("kind") == "exemplar"), None)
        return [*lines, [], *_exemplars(pictures, width, greys)] if pictures else lines
    if kind == "log":
        return log_lines(step.get("findings") or (finding,), finding, width, today)
    if kind == "trace":
        return trace_lines(step.get("findings") or (finding,), width, today)
    if kind == "event":
        return _events(step.get("findings") or (), width, today)
    lines = []
    for each in step.get("findings") or (finding,):
        lines += _cited(each, width, today)
    return lines


def _comparison(place: Place, finding: Json, drawing: Drawing, width: int, room: int, today: str) -> list[Line]:
    current, baseline = sides(finding)
    verdict = str(finding.get("verdict") or "")
    name = str(finding.get("signal"))
    if of := share_of(finding):
        name += f", share of {of}"
    elif finding.get("stat"):
        name += f" {finding['stat']}"
    labels = ", ".join(f"{key}={value}" for key, value in (finding.get("labels") or {}).items())
    lines: list[Line] = [[(each, "dim")] for each in wrap(f"{finding.get('id')} {name} {labels}".rstrip(), width)]
    value = max(len(current), len(baseline), 1)
    lines.append(
        [
            (f"{UPPER}{LOWER} current   ", "current"),
            (fit(current, value, right=True), "bold"),
            (_counted(finding, "current"), "dim"),
        ]
    )
    lines.append(
        [
            (f"{MIDDLE * 2} baseline  ", "baseline"),
            (fit(baseline, value, right=True), ""),
            (_counted(finding, "baseline"), "dim"),
        ]
    )
    lines += [[(each, verdict if verdict in MARKS else "")] for each in wrap(_change(finding, today), width)]
    reason = [] if finding.get("reason") and _change(finding, today) else _said(finding.get("reason") or "", width)
    left = room - len(lines) - len(reason)
    if drawing.curve is None:
        drawn = _said(drawing.said, width, "dim")
    else:
        drawn = chart_lines(drawing.curve, width, max(min(left, 16), LEAST_CHART), bad=_bad(finding))
        if note := drawing.curve.get("note"):
            drawn += _said(str(note), width, "dim")
    lines += [*reason, *drawn]
    span = f"{BAND} is the baseline's range; {windows(place.run, today)}"
    return lines + _said(span, width, "dim")


def _change(finding: Json, today: str) -> str:
    """How far apart both sides are, how sure that is, and since when."""
    parts = []
    interval = finding.get("interval")
    between = f" ({number(interval[0])} to {number(interval[1])})" if interval else ""
    if finding.get("ratio") is not None:
        parts.append(f"×{number(finding['ratio'])}{between}")
    elif between:
        parts.append(f"difference{between}")
    if finding.get("p") is not None:
        p = float(finding["p"])
        parts.append("p < 0.0001" if p < 1e-4 else f"p {p:.2g}")
    if finding.get("onset") is not None:
        start = (finding.get("current") or {}).get("start")
        before = "before " if start is not None and finding["onset"] <= start else ""
        parts.append(f"since {before}{moment(finding['onset'], today)}")
    verdict = str(finding.get("verdict") or "")
    return f"{MARKS.get(verdict, '')} {verdict.replace('_', ' ')}  {', '.join(parts)}".strip()


def _counted(finding: Json, side: str) -> str:
    n = (finding.get(side) or {}).get("n")
    return "" if n is None else f"  n {n:,.0f}"


def _bad(finding: Json) -> str:
    """The direction in which it got worse, as the verdict shows."""
    ratio, verdict = finding.get("ratio"), finding.get("verdict")
    if ratio is None or verdict not in ("degraded", "improved"):
        return "either"
    return "up" if (ratio > 1) == (verdict == "degraded") else "down"


def _drift(finding: Json, width: int, today: str) -> list[Line]:
    drift = finding["drift"]
    verdict = str(drift.get("verdict") or "")
    lines: list[Line] = [[(each, verdict if verdict in MARKS else "")] for each in wrap(
        f"{finding.get('id')} {brief(str(finding.get('text') or ''), today)}", width)]  # fmt: skip
    facts = [
        ("rows moved", _share(drift.get("effect"))),
        ("mean moved by", _signed(drift.get("shift"))),
        ("since", moment(drift.get("onset"), today)),
        ("how", LINES.get(str(drift.get("line")), "–")),
        ("slice", _slice(drift.get("slice"))),
        ("noise", f"p {drift['p_sampling']:.1g}" if drift.get("p_sampling") is not None else "–"),
        ("usual wobble", f"p {drift['p_usual']:.1g}" if drift.get("p_usual") is not None else "–"),
        ("PSI  JS  KS", "  ".join(number(drift.get(name)) for name in ("psi", "js", "ks"))),
    ]
    lines += [[(fit(name, 15), "dim"), (fit(said, max(width - 15, 4)), "")] for name, said in facts if said != "–"]
    for issue in drift.get("issues") or ():
        lines += _said(f"! {issue.get('text')}", width, "warn")
    return lines


def _slice(told: Json | None) -> str:
    if not told:
        return "–"
    said = f"{told.get('column')}={told.get('value')} explains {_share(told.get('share'))} of it"
    return said + (f", with {_share(told['rows'])} of the rows" if told.get("rows") else "")


def _exemplars(finding: Json, width: int, greys: bool) -> list[Line]:
    """What the data looked like, baseline beside current."""
    said = _said(finding.get("text") or "", width, "dim")
    return [*said, *exemplar_lines(finding.get("exemplars") or (), width, PICTURE_LINES, greys=greys)]


def _events(findings: Sequence[Json], width: int, today: str) -> list[Line]:
    lines: list[Line] = []
    for finding in findings:
        event: Mapping[str, object] = finding.get("event") or {}
        lines += _cited(finding, width, today)
        if event.get("detail"):
            lines += _said(event["detail"], width, "dim")
    return lines


def _cited(finding: Json, width: int, today: str) -> list[Line]:
    verdict = str(finding.get("verdict") or "")
    text = wrap(f"{finding.get('id')} {brief(str(finding.get('text') or ''), today)}", width, indent=4)
    look = verdict if verdict == "degraded" else ""
    return [[(each, look)] for each in text]


def _decides(step: Json, width: int) -> list[Line]:
    """That what it found decides nothing, where that is so."""
    if step.get("is_dry"):
        return _said("a dry run: measured and told, it decides nothing", width, "dim")
    if step.get("is_optional"):
        return _said("optional: an error here decides nothing", width, "dim")
    return []


def _run(place: Place, width: int, today: str) -> list[Line]:
    lines: list[Line] = [[(each, "bold")] for each in wrap(place.title, width)]
    lines += _said(f"playbook {place.run.get('playbook')}", width, "dim")
    return lines + _said(windows(place.run, today), width)


def _said(text: object, width: int, look: str = "") -> list[Line]:
    return [[(each, look)] for each in wrap(text, width) if each]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.3g} %"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3g}"
