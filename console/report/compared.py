"""What got worse between two sets of samples, for a person at a terminal: the sum of it, then metrics, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from console import words
from console.analysis.series.shape import BINS, Shape
from console.model import Direction, Finding, StepResult, Verdict
from console.playbook.steps.wording import unit_of
from console.report.clean import clean
from console.report.text import INDENT, Paint, colour, plain
from console.triage.comparing import Judged

MOST_SHOWN = 40  # metrics and label sets
PICTURE = BINS + 6  # cells, with its name
MOST_NAME = 60
BAD = {
    Direction.UP: "higher is worse",
    Direction.DOWN: "lower is worse",
    Direction.EITHER: "higher and lower both count as worse (--bad up or down)",
}


def compare_report(judged: Judged, *, width: int = 80, colours: bool = False) -> str:
    """The report in lines of at most `width` cells."""
    paint = colour if colours else plain
    steps = [step for run in judged.diagnosis.runs for step in run.steps]
    lines = [*_summary(judged, steps, width, paint), ""]
    for step in steps[:MOST_SHOWN]:
        first = step.findings[0]
        lines += _block(step, judged.shapes.get((first.signal or "", first.labels)), width, paint)
    if len(steps) > MOST_SHOWN:
        lines.append(f"{INDENT}and {len(steps) - MOST_SHOWN} more, no worse than these; --format json has them all")
    lines += [line for note in judged.notes for line in _wrapped(f"note: {clean(note)}", width)]
    return "\n".join(lines) + "\n"


def _block(step: StepResult, picture: Shape | None, width: int, paint: Paint) -> list[str]:
    """One line for each statistic, with both distributions to their right."""
    verdict = str(step.state)
    first = step.findings[0]
    sizes = " → ".join("–" if side is None else f"{side.n:,.0f}" for side in (first.baseline, first.current))
    name, tail = clean(step.title)[:MOST_NAME], f"n {sizes}"
    room = max(width - len(tail) - len(verdict) - 5, 8)
    name = name if len(name) <= room else name[: room - 1] + "…"
    head = paint(f"{words.mark(verdict)} {verdict}", verdict)
    lines = [f"{head}  {name:{room}} {tail}"]
    rows = [(_figures(finding), str(finding.verdict)) for finding in step.findings]
    drawn = _drawn(picture)
    room = width - PICTURE - 2 * len(INDENT)
    body = [piece for text, state in rows for piece in _marked(text, state, room)]
    for place in range(max(len(body), len(drawn))):
        left, state = body[place] if place < len(body) else ("", "")
        right = drawn[place] if place < len(drawn) else ""
        shown = paint(left, state) if state else left
        lines.append(f"{INDENT}{shown}{' ' * max(room - len(left), 0)}{INDENT}{right}".rstrip())
    return lines


def _marked(text: str, state: str, room: int) -> list[tuple[str, str]]:
    """A finding in lines of at most `room` cells, in the colour of its verdict unless all is well."""
    lines = wrap(text, room - 2, subsequent_indent="     ") or [text]
    mark = words.mark(state)
    style = "" if state == Verdict.OK else state
    return [(f"{mark} {line}" if place == 0 else f"  {line}", style) for place, line in enumerate(lines)]


def _figures(finding: Finding) -> str:
    """`p95  212 ms → 420 ms  ×1.98 (1.71 to 2.29)`, or why there is no such figure."""
    stat = f"{finding.stat or '':4}"
    if finding.interval is None or finding.current is None or finding.baseline is None:
        return f"{stat} {clean(finding.reason)}"
    unit = unit_of(finding.signal or "", finding.stat)
    then, now = (words.quantity(side.value, unit) for side in (finding.baseline, finding.current))
    low, high = finding.interval
    if finding.ratio is not None:
        size = f"×{words.number(finding.ratio)} ({words.number(low)} to {words.number(high)})"
    else:
        size = f"({_signed(low, unit)} to {_signed(high, unit)})"
    return f"{stat} {then} → {now}  {size}{_since(finding)}"


def _since(finding: Finding) -> str:
    """When it began; a difference that is as old as the window began somewhere before."""
    if finding.onset is None:
        return ""
    start = None if finding.current is None else finding.current.start
    return "  all along" if start is not None and finding.onset <= start else f"  since {words.instant(finding.onset)}"


def _signed(value: float, unit: str) -> str:
    return f"{'+' if value >= 0 else ''}{words.quantity(value, unit)}"


def _drawn(picture: Shape | None) -> list[str]:
    """Both sides as rows of bars on one scale, each bar's height a share of its own side."""
    if picture is None:
        return []
    top = max(*picture.baseline, *picture.current)
    return [
        f"{name} " + words.spark([share or None for share in shares], BINS, low=0.0, high=top)
        for name, shares in (("was", picture.baseline), ("now", picture.current))
    ]


def _summary(judged: Judged, steps: Sequence[StepResult], width: int, paint: Paint) -> list[str]:
    verdict = str(judged.diagnosis.verdict)
    counted = {state: sum(str(step.state) == state for step in steps) for state in Verdict}
    said = {
        Verdict.DEGRADED: "got worse",
        Verdict.INCONCLUSIVE: "may be worse: chance could do that",
        Verdict.NO_DATA: "could not be compared",
        Verdict.IMPROVED: "got better",
        Verdict.OK: "no worse",
    }
    parts = [f"{counted[state]} {words_}" for state, words_ in said.items() if counted[state]]
    if counted[Verdict.DEGRADED]:
        others = ", …" if counted[Verdict.DEGRADED] > 1 else ""
        parts[0] += f" ({clean(steps[0].title)[:MOST_NAME]}{others})"
    tolerated = {limits.tolerance for limits in judged.limits.values()}
    directions = {BAD[limits.bad] for limits in judged.limits.values()}
    how = f"{max(tolerated):.0%} tolerated, {' or '.join(sorted(directions))}"
    of = f"{len(steps)} compared" if len(steps) > 1 else ""
    text = "; ".join(filter(None, (of, ", ".join(parts), how)))
    mark = f"{words.mark(verdict)} {verdict}"
    first, *more = wrap(text, width, initial_indent=f"{mark}: ", subsequent_indent=INDENT, break_on_hyphens=False)
    return [paint(mark, verdict) + first.removeprefix(mark), *more]


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(text, width, subsequent_indent=INDENT, break_on_hyphens=False)
