"""A diagnosis for a person at a terminal: the answer first, then what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import wrap

from console import words
from console.model import (
    AgentSays,
    Cause,
    Diagnosis,
    Exemplar,
    Finding,
    Incident,
    Move,
    Question,
    Run,
    Shown,
    State,
    StepResult,
    Verdict,
)
from console.playbook.answers import offered
from console.report import phrases
from console.report.clean import clean
from console.report.picture import half_blocks, ramp, side_by_side
from console.report.said import lines_of
from console.triage.questions import open_questions

INDENT = "  "
MOST_CITED = 2  # findings of one line of evidence that are spelled out
STYLES = {
    "degraded": "31;1",
    "error": "31",
    "improved": "36",
    "inconclusive": "33",
    "no_data": "33",
    "ok": "32",
    "skipped": "2",
    "waiting": "33",
    "heading": "1",
    "quiet": "2",
}

Paint = Callable[[str, str], str]
"""(text, style) -> the text in that style."""


def plain(text: str, _style: str) -> str:
    """No colour at all."""
    return text


def colour(text: str, style: str) -> str:
    """The terminal's own sixteen colours."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m"


def text_report(diagnosis: Diagnosis, *, width: int = 80, colours: bool = False, shades: bool = False) -> str:
    """The diagnosis in lines of at most `width` cells; pictures keep their size, in greys with `shades`."""
    paint = colour if colours else plain
    sections = [
        _headline(diagnosis, width, paint),
        *(_cause(rank, cause, diagnosis, width, paint) for rank, cause in enumerate(diagnosis.causes, 1)),
        _agent(diagnosis.agent, width, paint),
        *(_steps(run, width, paint) for run in diagnosis.runs),
        _questions(diagnosis, width, paint),
        _exemplars(diagnosis.findings, width, shades, paint),
        _footing(diagnosis, width, paint),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def said_text(says: AgentSays, *, width: int = 80, colours: bool = False) -> str:
    """What a model says, alone."""
    return "\n".join(_agent(says, width, colour if colours else plain)) + "\n"


def _headline(diagnosis: Diagnosis, width: int, paint: Paint) -> list[str]:
    verdict = str(diagnosis.verdict)
    incident = diagnosis.incident
    said = f"{words.mark(verdict)} {verdict}"
    head = paint(said, verdict)
    if incident is None:
        first, *more = _hang(f"{said}  ", "; ".join(clean(run.title) for run in diagnosis.runs), width)
        lines = [head + first.removeprefix(said), *more]
    else:
        owner = f" by {clean(incident.owner)}" if incident.state == "acknowledged" else ""
        lines = [f"{head}  {incident.id}, opened {words.instant(incident.opened)}, {incident.state}{owner}"]
        lines += _hang(INDENT, clean(incident.title), width)
        lines += _notes(incident, width)
    if not diagnosis.causes:
        below = "; what was looked at is below" if diagnosis.runs else ""
        lines.append(f"{INDENT}{phrases.without_cause(diagnosis)}{below}")
    return lines


def _notes(incident: Incident, width: int) -> list[str]:
    lines = []
    for note in incident.notes:
        lines += _hang(f"{INDENT}{words.instant(note.time)} {clean(note.operator)}: ", clean(note.text), width)
    return lines


def _cause(rank: int, cause: Cause, diagnosis: Diagnosis, width: int, paint: Paint) -> list[str]:
    by_id = {finding.id: finding for finding in diagnosis.findings}
    lines = [paint(f"{rank}. {clean(cause.title)}", "heading") + f"  ({phrases.odds(cause)})"]
    about = f"{INDENT} about {clean(cause.subject) or 'nothing in particular'}, {cause.playbook}/{cause.id}"
    lines.append(paint(about, "quiet"))
    for move in cause.moves:
        if move.counted:
            lines += _move(move, by_id, width)
    return [*lines, *_remedies(cause, diagnosis, width)]


def _remedies(cause: Cause, diagnosis: Diagnosis, width: int) -> list[str]:
    """What the cause points to, and what was planned of it."""
    if not cause.remedies:
        return []
    lines = _hang(f"{INDENT} remedy  ", ", ".join(cause.remedies), width)
    for offer in diagnosis.remedies:
        if offer.cause == cause.id and offer.plan is not None:
            plan = offer.plan
            why = f": {clean(plan.reason)}" if plan.reason else ""
            told = f"{plan.id} {clean(plan.plan.title)} is {plan.state.replace('_', ' ')}{why}"
            lines += _hang(f"{INDENT} plan    ", told, width)
    return lines


def _agent(says: AgentSays | None, width: int, paint: Paint) -> list[str]:
    """What a model says, apart from what the numbers say, and what that cost."""
    if says is None:
        return []
    lines = [paint(f"What {clean(says.model)} says", "heading") + f"  ({phrases.cost(says.usage)})"]
    for line in lines_of(says):
        head = "! " if line.is_doubt else f"{clean(line.name)}  " if line.name else ""
        cited = f"  [{line.cites}]" if line.cites else ""
        lines += _hang(f"{INDENT * (1 + line.is_below)} {head}", clean(f"{line.text}{cited}"), width)
    return lines


def _move(move: Move, by_id: dict[str, Finding], width: int) -> list[str]:
    """What moved a cause; of many findings, the first few speak for the rest."""
    side = "against" if move.against else "for"
    cited = [f"{id_} {clean(by_id[id_].text)}" for id_ in move.findings[:MOST_CITED] if id_ in by_id]
    rest = ", ".join(move.findings[MOST_CITED:])
    text = "; ".join([*cited, *([f"and {rest}"] if rest else [])])
    return _hang(f"{INDENT} {side:7} {move.weight:8} ", text or clean(move.text), width)


def _steps(run: Run, width: int, paint: Paint) -> list[str]:
    lines = [paint(line, "heading") for line in _hang("", clean(run.title), width)]
    label = f"playbook {run.playbook}"
    if len(clean(run.title)) + len(INDENT + label) <= width:
        lines[0] += INDENT + paint(label, "quiet")
    else:
        lines.append(INDENT + paint(label, "quiet"))
    for step in run.steps:
        lines.extend(_step(step, width, paint))
    return lines


def _step(step: StepResult, width: int, paint: Paint) -> list[str]:
    mark = paint(words.mark(step.state), str(step.state))
    aside = phrases.aside(step)
    lines = [f"{INDENT}{mark} {clean(step.title)}" + (f" ({aside})" if aside else "")]
    if step.state in (State.SKIPPED, State.ERROR, State.NO_DATA, State.WAITING) or not (step.findings or step.shown):
        lines += _hang(INDENT * 3, clean(_why(step)), width)
    if step.shown is not None:
        lines += _shown(step.shown, width)
    for finding in step.findings:
        if finding.kind != "exemplar" and not (step.state is State.NO_DATA and finding.verdict is Verdict.NO_DATA):
            sure = phrases.certainty(finding)
            lines += _hang(f"{INDENT * 3}{finding.id} ", clean(finding.text) + f" [{sure}]" * bool(sure), width)
        if finding.kind == "log" and finding.exemplars:
            example = finding.exemplars[0]
            lines += _hang(f"{INDENT * 5}{words.instant(example.time)} ", clean(example.caption), width)
    return lines


def _shown(shown: Shown, width: int) -> list[str]:
    """Its words as they were written, and the command, which nothing runs."""
    lines = [line for raw in shown.markdown.strip().splitlines() for line in _hang(INDENT * 3, clean(raw), width)]
    return lines + [f"{INDENT * 3}{'$' if place == 0 else ' '} {clean(each)}" for place, each in
                    enumerate(shown.command.splitlines())]  # fmt: skip


def _why(step: StepResult) -> str:
    """How a step without a finding ended."""
    if step.state is State.WAITING and step.question is not None:
        return f"waits for an answer: {step.question.text} ({_offered(step.question)})"
    return step.reason or str(step.state)


def _questions(diagnosis: Diagnosis, width: int, paint: Paint) -> list[str]:
    """What only a person knows, and the command that tells it."""
    incident = diagnosis.incident
    asked = open_questions(diagnosis.runs, incident.answers) if incident and incident.state != "closed" else ()
    if not incident or not asked:
        return []
    lines = [paint("What no number says", "heading")]
    for number, question in enumerate(asked, 1):
        lines += _hang(f"{INDENT}{number}. ", clean(f"{question.text} ({_offered(question)})"), width)
        lines.append(paint(f"{INDENT * 2} andon incident answer {incident.id} {number} ANSWER", "quiet"))
    return lines


def _offered(question: Question) -> str:
    """What may be answered, and by whom."""
    return offered(question) + (f"; by {' or '.join(question.roles)}" if question.roles else "")


def _exemplars(findings: Sequence[Finding], width: int, shades: bool, paint: Paint) -> list[str]:
    lines: list[str] = []
    for finding in findings:
        sides: dict[str, Exemplar] = {exemplar.side: exemplar for exemplar in finding.exemplars}
        if "baseline" in sides and "current" in sides:
            lines += [paint(line, "heading") for line in _hang(f"{finding.id} ", clean(finding.text), width)]
            lines += _pair(sides["baseline"], sides["current"], shades)
    return lines


def _pair(baseline: Exemplar, current: Exemplar, shades: bool) -> list[str]:
    width = max(len(baseline.pixels[0]) if baseline.pixels else 0, 34)
    captions = [(f"baseline  {words.instant(baseline.time)}", f"current  {words.instant(current.time)}")]
    captions.append((clean(baseline.caption)[:width], clean(current.caption)[:width]))
    lines = [f"{INDENT}{left:{width}}    {right}" for left, right in captions]
    if baseline.pixels and current.pixels:
        pad = " " * (width - len(baseline.pixels[0]))
        if shades:
            before, after = half_blocks(baseline.pixels), half_blocks(current.pixels)
        else:  # ten characters must do, so they span what the two pictures have, the same for both
            greys = [grey for row in (*baseline.pixels, *current.pixels) for grey in row]
            before, after = (ramp(each.pixels, dark=min(greys), bright=max(greys)) for each in (baseline, current))
        rows = side_by_side([row + pad for row in before], after, width=width)
        return lines + [INDENT + row for row in rows]
    for name, value in baseline.fields:
        now = current.fields.value(name)
        changed = "" if now == value else "  ≠"
        lines.append(f"{INDENT}{clean(f'{name} {value}')[:width]:{width}}    {clean(f'{name} {now}')}{changed}")
    return lines


def _footing(diagnosis: Diagnosis, width: int, paint: Paint) -> list[str]:
    lines = []
    if diagnosis.unexplained:
        lines += _hang("Unexplained  ", ", ".join(diagnosis.unexplained), width)
    lines += _hang("Current      ", phrases.window(diagnosis.windows.current), width)
    lines += _hang("Baseline     ", clean(phrases.window(diagnosis.windows.baseline)), width)
    took = f"Took {diagnosis.seconds:.1f} s; verdicts" if diagnosis.seconds else "Verdicts"  # an old one does not say
    lines.append(paint(f"{took} are computed from data, exit {diagnosis.exit}", "quiet"))
    return lines


def _hang(head: str, text: str, width: int) -> list[str]:
    return wrap(text, width, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False) or [head]
