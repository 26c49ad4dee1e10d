"""`logs`: what services say now that they did not say before, as templates of lines with counts and an example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from console.analysis.log_changes import LogChange
from console.analysis.templates import message_of
from console.errors import NoData
from console.model import Exemplar, Finding, Labels, LogLine, Side, State, Verdict, Window
from console.playbook.schema import Entry
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps.asking import check_baseline
from console.playbook.steps.log_looks import Looked, count_of, look
from console.plugins import StepType
from console.sources.redact import shown_line
from console.words import instant, number

MOST_FINDINGS = 12
MOST_TEMPLATE = 200  # characters
TIMEOUT = 60.0

RESULT = {
    "verdict": "string",
    "reason": "string",
    "onset": "double",
    "new": "int",  # templates that the baseline does not have
    "new_errors": "int",  # those of them that speak of trouble, beyond chance
    "surged": "int",
    "lines": "int",  # that were read of the current window
    "services": "list(string)",  # those with trouble beyond chance, the gravest first
    "top.service": "string",  # of the gravest change: what the verdict is about
    "top.template": "string",
    "top.severity": "string",
    "top.change": "string",  # new, surged, vanished
    "top.count": "int",
    "top.seconds": "double",  # since the beginning of the current window
}


class LogsOptions(Entry):
    """Whose lines to read, and how many."""

    called = "`logs`"
    where: dict[str, str] = Field({}, description="only lines with these labels; an empty value selects all")
    words: str = Field("", description="only lines that contain this text", max_length=200)
    source: str | None = Field(None, description="the source of logs to ask; all of them by default")
    most: Annotated[int, Field(ge=100, le=20_000)] = Field(5_000, description="lines to read of each window")


async def _run(context: StepContext, options: LogsOptions) -> StepOutcome:
    check_baseline(context.baseline)
    where = {label: value for label, value in options.where.items() if value}
    looked = await look(context, Labels.of(where), options.words, options.source, options.most)
    about = f" with {', '.join(f'{name}={value}' for name, value in where.items())}" if where else ""
    if not looked.current.lines and not looked.baseline.lines:
        raise NoData(f"absent: no line{about} in either window", f"sources of logs: {', '.join(looked.sources)}")
    if not looked.current.lines:
        raise NoData(f"absent: no line{about} in the current window, {looked.baseline.said} in the baseline", "")
    if not looked.baseline.lines:
        raise NoData(f"absent: no line{about} in the baseline, {looked.current.said} in the current window", "")
    worst = looked.changes[0] if looked.changes else None
    verdict = worst.verdict if worst else Verdict.OK
    reason = _reason(looked)
    troubles = [change for change in looked.changes if change.verdict is Verdict.DEGRADED]
    return StepOutcome(
        state=State(verdict),
        reason=reason,
        findings=_findings(context, looked, reason),
        values={
            "verdict": verdict,
            "reason": reason,
            "onset": min((change.onset for change in troubles if change.onset is not None), default=None),
            "new": sum(change.news.change == "new" for change in looked.changes),
            "new_errors": sum(change.news.change == "new" for change in troubles),
            "surged": sum(change.news.change == "surged" for change in looked.changes),
            "lines": looked.current.lines,
            "services": list(dict.fromkeys(change.news.service for change in troubles)),
        }
        | _top(worst, context.current),
    )


STEP = StepType(
    name="logs",
    title="What logs say now that they did not say before",
    options=LogsOptions,
    result=RESULT,
    run=_run,
    timeout=TIMEOUT,
)


def _top(worst: LogChange | None, current: Window) -> dict[str, object]:
    if worst is None:
        return {}
    return {
        "top.service": worst.news.service,
        "top.template": shown_line(worst.news.template, MOST_TEMPLATE),
        "top.severity": worst.news.severity,
        "top.change": worst.news.change,
        "top.count": worst.news.current,
        "top.seconds": None if worst.onset is None else worst.onset - current.start,
    }


def _reason(looked: Looked) -> str:
    """What was found, and in how much of what there is."""
    found = [
        f"{count} {word}"
        for word, count in (
            ("new", sum(change.news.change == "new" for change in looked.changes)),
            ("more frequent", sum(change.news.change == "surged" for change in looked.changes)),
            ("gone", sum(change.news.change == "vanished" for change in looked.changes)),
        )
        if count
    ]
    told = f"{', '.join(found)} of {looked.templates} kinds of line" if found else "nothing new"
    parts = [told, f"current: {looked.current.said}", f"baseline: {looked.baseline.said}", *looked.notes]
    return "; ".join(parts)


def _findings(context: StepContext, looked: Looked, reason: str) -> tuple[Finding, ...]:
    """The gravest changes; and how much was read, where that was not all or nothing changed."""
    told = [_finding(context, change) for change in looked.changes[:MOST_FINDINGS]]
    if not told or looked.is_thinned or looked.notes:
        told.append(Finding(id="", kind="log", step=context.step, text=reason, verdict=Verdict.OK))
    return tuple(told)


def _finding(context: StepContext, change: LogChange) -> Finding:
    news = change.news
    current, baseline = context.current, context.baseline
    return Finding(
        id="",
        kind="log",
        step=context.step,
        text=_told(change),
        verdict=change.verdict,
        labels=Labels.of(service=news.service, severity=news.severity, change=news.change),
        reason=shown_line(news.template, MOST_TEMPLATE),
        stat="sum",
        current=Side(float(news.current), float(news.current), current.start, current.end),
        baseline=Side(
            news.expected if news.baseline else 0.0, float(news.baseline), baseline.start, baseline.end, baseline.kind
        ),
        p=change.p,
        onset=change.onset,
        exemplars=_examples(change),
    )


def _told(change: LogChange) -> str:
    news = change.news
    factor = change.examples[0].stands_for if change.examples else 1.0
    text = f"{news.service or 'a service'} {news.severity} “{shown_line(news.template, MOST_TEMPLATE)}”: "
    text += count_of(news.current * factor, "line")
    match news.change:
        case "new":
            text += ", none before"
        case "surged":
            text += f", {number(news.expected * factor)} were to be expected"
        case _:
            text += f", {number(news.expected * factor)} were to be expected: it went quiet"
    return text + (f", since {instant(change.onset)}" if change.onset is not None else "")


def _examples(change: LogChange) -> tuple[Exemplar, ...]:
    """Lines as they were written, without what must not be shown."""
    side = "baseline" if change.news.change == "vanished" else "current"
    return tuple(
        Exemplar(side, line.time, "text", shown_line(message_of(line.body)), _labels(line))  # type: ignore[arg-type]
        for line in change.examples
    )


def _labels(line: LogLine) -> Labels:
    fields: Sequence[tuple[str, str]] = (("service", line.service), ("severity", line.severity), ("trace", line.trace))
    return Labels.of({name: shown_line(value, 80) for name, value in fields if value})
