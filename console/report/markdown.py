"""A diagnosis as Markdown, for a pull request, a ticket or a hand-over."""

from __future__ import annotations

import re

from console import words
from console.model import Cause, Diagnosis, Finding, Note, Run, StepResult
from console.report import phrases
from console.report.clean import clean

SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def markdown_report(diagnosis: Diagnosis) -> str:
    """Headings, tables and lists; text from outside is escaped."""
    incident = diagnosis.incident
    title = f"{incident.id} {incident.title}" if incident else ", ".join(run.title for run in diagnosis.runs)
    lines = [f"# {words.mark(diagnosis.verdict)} {diagnosis.verdict}: {_safe(title)}", ""]
    lines += [*map(_note, incident.notes), ""] if incident and incident.notes else []
    lines += (
        ["## Causes", "", *map(_cause, diagnosis.causes)]
        if diagnosis.causes
        else [f"{phrases.without_cause(diagnosis).capitalize()}."]
    )
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
        f"Baseline: {_safe(phrases.window(windows.baseline))}",
    ]
    return "\n".join(lines) + "\n"


def _cause(cause: Cause) -> str:
    cited = ", ".join(cause.evidence) or "nothing"
    against = f", against: {', '.join(cause.against)}" if cause.against else ""
    return f"1. **{_safe(cause.title)}** ({phrases.odds(cause)}), about `{_code(cause.subject)}`; for: {cited}{against}"


def _note(note: Note) -> str:
    return f"- {words.instant(note.time)} {_safe(note.operator)}: {_safe(note.text)}"


def _run(run: Run) -> list[str]:
    rows = [
        f"| {words.mark(step.state)} {step.state} | {_safe(step.title)} | {_safe(_why(step))} |" for step in run.steps
    ]
    return [f"## {_safe(run.title)} (`{_code(run.playbook)}`)", "", "| state | step | why |", "|---|---|---|", *rows]


def _why(step: StepResult) -> str:
    return "; ".join(filter(None, (phrases.aside(step), step.reason)))


def _finding(finding: Finding) -> str:
    since = words.instant(finding.onset) if finding.onset else ""
    return f"| {finding.id} | {finding.verdict} | {_safe(finding.text)} | {phrases.certainty(finding)} | {since} |"


def _safe(text: str) -> str:
    return SPECIAL.sub(r"\\\1", clean(text).replace("\n", " "))


def _code(text: str) -> str:
    return clean(text).replace("`", "'").replace("\n", " ")
