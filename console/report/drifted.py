"""What changed between two sets of rows, for a person at a terminal: the answer, then the columns that moved."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from textwrap import wrap

from console import words
from console.analysis.bins import aligned
from console.model import ColumnDrift, ColumnProfile, Labels, Metric, Performance, Span, Verdict
from console.report.clean import clean
from console.report.text import INDENT, Paint, colour, plain
from console.triage.rows_drift import Examined

BARS = 10  # of each side's distribution
MOST_NAMES = 24  # of columns that are as before
MOST_METRICS = 16
MOST_NAME = 28  # characters


def drift_report(examined: Examined, *, width: int = 80, colours: bool = False) -> str:
    """The report in lines of at most `width` cells."""
    paint = colour if colours else plain
    sections = [
        _headline(examined, width, paint),
        _columns(examined, width, paint),
        _integrity(examined, width, paint),
        _performance(examined.report.performance, width, paint),
        _exemplars(examined, width, paint),
        _unasked(examined, width, paint),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _headline(examined: Examined, width: int, paint: Paint) -> list[str]:
    report = examined.report
    verdict = str(report.verdict)
    whole = [column for column in report.columns if not _of(column, examined)]
    drifted = sum(column.verdict is Verdict.DEGRADED for column in whole)
    said = f"{words.mark(verdict)} {verdict}"
    parts = [f"{drifted} of {len(whole)} columns drifted"]
    if report.integrity:
        parts.append(_counted(len(report.integrity), "check of the data failed", "checks of the data failed"))
    then, now = report.rows
    lines = [
        f"{paint(said, verdict)}   {', '.join(parts)}",
        *_wrapped(f"{now:,} rows now{_when(report.windows[1])} against {then:,}{_when(report.windows[0])}", width),
        *_wrapped(report.world_or_model.text, width),
    ]
    return lines


def _when(span: Span | None) -> str:
    return "" if span is None else f" ({words.instant(span.start)} to {words.instant(span.end)})"


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _columns(examined: Examined, width: int, paint: Paint) -> list[str]:
    """Texts and vectors are columns that are seen from several sides: those stand below them, where they drifted."""
    whole = [column for column in examined.report.columns if not _of(column, examined)]
    told = [column for column in whole if column.verdict is not Verdict.OK]
    well = [column.name for column in whole if column.verdict is Verdict.OK]
    lines = [paint("columns", "heading")] if told else []
    for column in told:
        lines += _column(column, examined, width, paint)
        sides = [side for side in examined.report.columns if _of(side, examined) == column.name]
        lines += [_side(side, examined) for side in sides if side.verdict is Verdict.DEGRADED]
    if well:
        names = ", ".join(clean(name) for name in well[:MOST_NAMES])
        more = f" and {len(well) - MOST_NAMES} more" if len(well) > MOST_NAMES else ""
        heads = f"{len(well)} as before: " if told else f"{len(well)} columns as before: "
        lines += [paint(line, "quiet") for line in _wrapped(heads + names + more, width)]
    return lines


def _column(column: ColumnDrift, examined: Examined, width: int, paint: Paint) -> list[str]:
    """A line with its picture, then in words what happened, then the figures that people know."""
    name = clean(column.name)
    name = name if len(name) <= MOST_NAME else name[: MOST_NAME - 1] + "…"
    picture = _picture(examined.baseline.column(column.name), examined.current.column(column.name))
    verdict = str(column.verdict)
    head = f"{words.mark(verdict)} {name.ljust(MOST_NAME)}"
    tail = "creep" if column.line == "creep" and column.verdict is Verdict.DEGRADED else ""
    line = f"{INDENT}{paint(head, verdict)} {picture}  {tail}".rstrip()
    said = list(chain.from_iterable(_wrapped(clean(text), width, 4) for text in _said(column)))
    return [line, *said]


def _of(column: ColumnDrift, examined: Examined) -> str:
    """The column that this is a facet of."""
    counted = examined.baseline.column(column.name)
    return "" if counted is None else counted.of


def _side(side: ColumnDrift, examined: Examined) -> str:
    name = clean(side.name.removeprefix(_of(side, examined)).strip())
    picture = _picture(examined.baseline.column(side.name), examined.current.column(side.name))
    return f"{INDENT * 2}{name[:MOST_NAME].ljust(MOST_NAME)} {picture}".rstrip()


def _said(column: ColumnDrift) -> Iterable[str]:
    yield column.reason
    yield from (issue.text for issue in column.issues if issue.text != column.reason)
    if column.onset is not None:
        yield f"since {words.instant(column.onset)}"
    if column.slice is not None:
        value = words.labelled(Labels.of({column.slice.column: column.slice.value})).removeprefix(" of ")
        yield f"{value} explains {column.slice.share:.0%} of it, with {column.slice.rows:.0%} of the rows"
    known = (("PSI", column.psi), ("JS", column.js), ("KS", column.ks), ("Wasserstein", column.wasserstein))
    figures = [f"{name} {words.number(value)}" for name, value in (*known, *column.measures) if value is not None]
    if figures:
        yield " · ".join(figures)


def _picture(baseline: ColumnProfile | None, current: ColumnProfile | None) -> str:
    """Both distributions over the same bins, each as one row of bars on one scale."""
    if baseline is None or not baseline.counts:
        return "".ljust(2 * BARS + 3)
    if current is None or not current.counts or current.kind != baseline.kind:
        before, now = _shares(baseline), []
    else:
        before, now = (_shares(one) for one in aligned(baseline, current))
    top = max([*before, *now, 1e-9])
    drawn = [words.spark(side, BARS, low=0.0, high=top) if side else " " * BARS for side in (before, now)]
    return " → ".join(drawn)


def _shares(column: ColumnProfile) -> list[float]:
    """The share of rows in each of at most BARS bins, neighbours put together."""
    total = max(sum(column.counts), 1)
    wide = -(-len(column.counts) // BARS)
    return [sum(column.counts[at : at + wide]) / total for at in range(0, len(column.counts), wide)]


# ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _integrity(examined: Examined, width: int, paint: Paint) -> list[str]:
    """What is wrong with the table as a whole; what is wrong with a column stands there."""
    said = {issue.text for column in examined.report.columns for issue in column.issues}
    issues = [issue for issue in examined.report.integrity if issue.text not in said]
    lines = [paint("data", "heading")] if issues else []
    for issue in issues:
        told = f"{words.mark(issue.verdict)} {issue.check}: {clean(issue.text)}"
        lines += _marked(told, str(issue.verdict), width, paint)
    return lines


def _performance(performance: Performance | None, width: int, paint: Paint) -> list[str]:
    """Each metric on both sides, then the segments and gaps that got worse, then what has to be known beside."""
    if performance is None:
        return []
    since = "" if performance.onset is None else f", since {words.instant(performance.onset)}"
    verdict = str(performance.verdict)
    head = f"{words.mark(verdict)} {verdict}: {clean(performance.reason)}{since}"
    told: list[tuple[str, Metric]] = [("", metric) for metric in performance.metrics]
    told += [
        (f"{part.name}: ", metric)
        for part in performance.segments
        for metric in part.metrics
        if metric.verdict is Verdict.DEGRADED
    ]
    told += [
        (f"{part.name}: ", part.metric) for part in performance.disparities if part.metric.verdict is Verdict.DEGRADED
    ]
    told += [("estimated: ", metric) for metric in performance.estimated]
    lines = [paint("answers", "heading"), *_marked(head, verdict, width, paint)]
    for where, metric in told[:MOST_METRICS]:
        lines += _marked(
            f"{words.mark(metric.verdict)} {clean(where + metric.text)}", str(metric.verdict), width, paint
        )
    if len(told) > MOST_METRICS:
        lines.append(f"{INDENT}and {len(told) - MOST_METRICS} more (--format json)")
    return lines + [line for note in performance.notes for line in _wrapped(clean(note), width)]


def _exemplars(examined: Examined, width: int, paint: Paint) -> list[str]:
    if not examined.report.exemplars:
        return []
    lines = [paint(f"a typical row, by {clean(examined.report.columns[0].name)}", "heading")]
    for exemplar in examined.report.exemplars:
        fields = ", ".join(f"{name}={value}" for name, value in exemplar.fields)
        lines += _wrapped(f"{exemplar.side}: {clean(fields or exemplar.caption)}", width)
    return lines


def _unasked(examined: Examined, width: int, paint: Paint) -> list[str]:
    """What could not be said, and what would let it be said."""
    if examined.report.windows[1] is not None:
        return []
    text = "Without --time nobody knows since when, nor how much these columns wobble by themselves."
    return [paint(line, "quiet") for line in _wrapped(text, width, 0)]


def _marked(text: str, verdict: str, width: int, paint: Paint) -> list[str]:
    """Text that begins with its mark, which alone is painted."""
    first, *rest = wrap(text, width, initial_indent=INDENT, subsequent_indent=INDENT * 2)
    mark = words.mark(verdict)
    return [first.replace(mark, paint(mark, verdict), 1), *rest]


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _wrapped(text: str, width: int, indent: int = 2) -> list[str]:
    return wrap(text, width, initial_indent=" " * indent, subsequent_indent=" " * indent) or [""]
