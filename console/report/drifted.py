"""What changed between two sets of rows, for a person at a terminal: the answer, then the columns that moved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from textwrap import wrap

from console import words
from console.analysis.columns.bins import aligned
from console.model import ColumnDrift, ColumnProfile, Labels, Metric, Performance, Span, Verdict
from console.report.clean import clean
from console.report.text import INDENT, Paint, colour, plain
from console.triage.rows_drift import Examined
from console.triage.world_or_model import UNPROBED

BARS = 10  # of each side's distribution
MOST_NAMES = 24  # of columns that are as before
MOST_METRICS = 16
NESTED = ("OBJECT", "STRUCT", "MAP")  # types of columns that no bin fits
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
    failed = sum(issue.verdict is Verdict.DEGRADED for issue in report.integrity)
    if failed:
        parts.append(_counted(failed, "check of the data failed", "checks of the data failed"))
    if doubtful := len(report.integrity) - failed:
        parts.append(_counted(doubtful, "is doubtful", "are doubtful"))
    then, now = report.rows
    rows = _counted(now, "row now", "rows now")
    return [
        f"{paint(said, verdict)}   {', '.join(parts)}",
        *_wrapped(f"{rows}{_when(report.windows[1])} against {then:,}{_when(report.windows[0])}", width),
        *_wrapped(_world_or_model(examined), width),
    ]


def _world_or_model(examined: Examined) -> str:
    """Which of them changed, as far as two sets of rows tell; where they cannot, why, and what would help."""
    if not examined.report.rows[1]:
        return "There is no row now, so there is nothing to compare: is it the right file, and was it written?"
    if not {column.name for column in examined.baseline.columns} & {one.name for one in examined.current.columns}:
        return "The two have no column in common: are these the right files?"
    said = examined.report.world_or_model
    text = said.text.removesuffix(UNPROBED).strip()  # rows alone never hold golden inputs
    if said.verdict == "world" and not examined.outputs:
        return (
            "Columns moved. If one holds the model's answers, name it with --prediction: that tells world from model."
        )
    return text


def _when(span: Span | None) -> str:
    return "" if span is None else f" ({words.instant(span.start)} to {words.instant(span.end)})"


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _columns(examined: Examined, width: int, paint: Paint) -> list[str]:
    """Texts and vectors are columns that are seen from several sides: those stand below them, where they drifted."""
    whole = [column for column in examined.report.columns if not _of(column, examined)]
    told = [column for column in whole if column.verdict not in (Verdict.OK, Verdict.NO_DATA)]
    mute = [column for column in whole if column.verdict is Verdict.NO_DATA]
    nested = [column.name for column in whole if column.verdict is Verdict.OK and _is_nested(column, examined)]
    well = [column.name for column in whole if column.verdict is Verdict.OK and column.name not in nested]
    lines = [paint("columns", "heading")] if told or mute else []
    for column in told:
        lines += _column(column, examined, width, paint)
        sides = [side for side in examined.report.columns if _of(side, examined) == column.name]
        drifted = [side for side in sides if side.verdict is Verdict.DEGRADED]
        lines += [line for side in drifted for line in _side(side, column, examined, width)]
        began = [side.onset for side in drifted if side.onset is not None]
        if began and column.onset is None:
            lines.append(f"{INDENT * 2}since {words.instant(min(began))}")
    for reason in dict.fromkeys(column.reason for column in mute):
        names = [column.name for column in mute if column.reason == reason]
        told_of = f"{words.mark('no_data')} {clean(reason)}: {_named(names)}"
        lines += _marked(told_of, "no_data", width, paint)
    if well:
        heads = f"{len(well)} as before: " if told or mute else f"{len(well)} columns as before: "
        lines += [paint(line, "quiet") for line in _wrapped(heads + _named(well), width)]
    if nested:
        text = f"{words.mark('no_data')} not looked into, for they hold values within values: {_named(nested)}; "
        lines += _marked(text + "write what matters as columns of their own", "no_data", width, paint)
    return lines


def _is_nested(column: ColumnDrift, examined: Examined) -> bool:
    counted = examined.baseline.column(column.name)
    return counted is not None and counted.kind == "categorical" and counted.dtype.startswith(NESTED)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(clean(name) for name in names[:MOST_NAMES]) + more


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


def _side(side: ColumnDrift, column: ColumnDrift, examined: Examined, width: int) -> list[str]:
    """Its picture, and what is wrong with it that its column has not said."""
    name = clean(side.name.removeprefix(_of(side, examined)).strip())
    picture = _picture(examined.baseline.column(side.name), examined.current.column(side.name))
    said = {column.reason, *(issue.text for issue in column.issues)}
    more = [issue.text.removeprefix(f"column {side.name}: ") for issue in side.issues if issue.text not in said]
    line = f"{INDENT * 2}{name[:MOST_NAME].ljust(MOST_NAME)} {picture}".rstrip()
    return [line, *(piece for text in more for piece in _wrapped(clean(text), width, 6))]


def _said(column: ColumnDrift) -> Iterable[str]:
    own = f"column {column.name}: "  # which stands above
    yield column.reason.removeprefix(own)
    yield from (issue.text.removeprefix(own) for issue in column.issues if issue.text != column.reason)
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
    facets = {column.name for column in examined.current.columns if column.of}  # their column is named already
    issues = [one for one in examined.report.integrity if one.text not in said and one.column not in facets]
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
    first = examined.report.columns[0]
    lines = [paint(f"a typical row, by {clean(first.name)}", "heading")]
    for exemplar in examined.report.exemplars:
        told = [field for field in exemplar.fields if not field[1].startswith("[")]  # a vector tells an eye nothing
        told.sort(key=lambda field: field[0] not in (first.name, _of(first, examined)))
        fields = ", ".join(f"{name}={value}" for name, value in told)
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
    return f"{number:,} {one if number == 1 else many}"


def _wrapped(text: str, width: int, indent: int = 2) -> list[str]:
    space = " " * indent
    return wrap(text, width, initial_indent=space, subsequent_indent=space, break_on_hyphens=False) or [""]
