"""A diagnosis as Markdown, for a pull request, a ticket or a hand-over."""

from __future__ import annotations

from console import words
from console.model import AgentSays, Cause, Diagnosis, Finding, Note, Run, StepResult
from console.report import phrases
from console.report.marked import code, safe
from console.report.plan_markdown import plan_section
from console.report.said import Line, lines_of


def markdown_report(diagnosis: Diagnosis) -> str:
    """Headings, tables and lists; text from outside is escaped."""
    incident = diagnosis.incident
    title = f"{incident.id} {incident.title}" if incident else ", ".join(run.title for run in diagnosis.runs)
    lines = [f"# {words.mark(diagnosis.verdict)} {diagnosis.verdict}: {safe(title)}", ""]
    lines += [*map(_note, incident.notes), ""] if incident and incident.notes else []
    lines += (
        ["## Causes", "", *map(_cause, diagnosis.causes)]
        if diagnosis.causes
        else [f"{phrases.without_cause(diagnosis).capitalize()}."]
    )
    lines += _agent(diagnosis.agent)
    lines += _remedies(diagnosis)
    for run in diagnosis.runs:
        lines += ["", *_run(run)]
    if diagnosis.findings:
        lines += ["", "## Findings", "", "| id | verdict | what | certainty | since |", "|---|---|---|---|---|"]
        lines += map(_finding, diagnosis.findings)
    if diagnosis.unexplained:
        lines += ["", f"Unexplained: {', '.join(diagnosis.unexplained)}."]
    windows = diagnosis.windows
    lines += [
        "",
        f"Current: {phrases.window(windows.current)}  ",
        f"Baseline: {safe(phrases.window(windows.baseline))}",
    ]
    return "\n".join(lines) + "\n"


def _cause(cause: Cause) -> str:
    cited = ", ".join(cause.evidence) or "nothing"
    against = f", against: {', '.join(cause.against)}" if cause.against else ""
    return f"1. **{safe(cause.title)}** ({phrases.odds(cause)}), about `{code(cause.subject)}`; for: {cited}{against}"


def _agent(says: AgentSays | None) -> list[str]:
    """What a model says, apart from what the numbers say, and what that cost."""
    if says is None:
        return []
    cost = f"{phrases.cost(says.usage)}. Verdicts and the order of causes are those of the numbers."
    return ["", f"## What {safe(says.model)} says", "", cost, "", *map(_said, lines_of(says))]


def _said(line: Line) -> str:
    """A claim stands between quotes: it is a stranger's, and how it begins makes no list and no heading of it."""
    told = f"“{safe(line.text)}” ({safe(line.cites)})" if line.cites else safe(line.text)
    head = "**!** " if line.is_doubt else f"{safe(line.name)}: " if line.name else ""
    return f"{'  ' * line.is_below}- {head}{told}"


def _remedies(diagnosis: Diagnosis) -> list[str]:
    """What each cause points to, and whole what was planned of it."""
    lines = ["", "## Remedies", ""] if diagnosis.remedies else []
    for offer in diagnosis.remedies:
        made = f": {offer.plan.id} is {offer.plan.state.replace('_', ' ')}" if offer.plan else ""
        lines.append(f"- `{code(offer.id)}` for {safe(offer.cause)}{made}")
    for offer in diagnosis.remedies:
        lines += ["", *plan_section(offer.plan)] if offer.plan else []
    return lines


def _note(note: Note) -> str:
    return f"- {words.instant(note.time)} {safe(note.operator)}: {safe(note.text)}"


def _run(run: Run) -> list[str]:
    rows = [
        f"| {words.mark(step.state)} {step.state} | {safe(step.title)} | {safe(_why(step))} |" for step in run.steps
    ]
    return [f"## {safe(run.title)} (`{code(run.playbook)}`)", "", "| state | step | why |", "|---|---|---|", *rows]


def _why(step: StepResult) -> str:
    return "; ".join(filter(None, (phrases.aside(step), step.reason)))


def _finding(finding: Finding) -> str:
    since = words.instant(finding.onset) if finding.onset else ""
    return f"| {finding.id} | {finding.verdict} | {safe(finding.text)} | {phrases.certainty(finding)} | {since} |"
