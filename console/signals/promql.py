"""A dialect read the other way: a query for a signal as PromQL, so that aggregation happens where the data lies.

Counters are not asked for by `increase()`. It divides what the samples inside a step show by the time they span and
multiplies by the step, which at four samples a step adds a wobble that is no one's, makes whole counts fractional and
loses what happened between two steps. Instead the total at the end of a step less the total before it is taken per
series, inside the server, and only then added up: exact, and what the scraped path does with its readings.
A total that fell was reset, and what it has reached since is new. What came between the last sample of the step before
and the reset is lost, as it is to anyone who scrapes.

Where a series has no sample in a step it has no value there, so a gap comes back as a gap and never as 0. Of a gauge a
step has the mean, but the largest value where the catalogue folds it by `max`: a code or a bit mask has no mean.

Native histograms have no totals that could be taken from each other; of them `increase()` is asked, with its wobble.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import isinf
from typing import Literal

from console.errors import UsageError
from console.model import Across, Kind, Labels, Query, Signal
from console.signals.catalogue import find_signal
from console.signals.dialect import Dialect
from console.signals.native import Blanks, Native, is_literal

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
QUOTED = r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)"""
BRACES = re.compile(r"\{(?:" + QUOTED + r"|[^}\"'`])*\}")
MATCHER = re.compile(rf"([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*({QUOTED})", re.ASCII)
LONGEST_GAP = 300.0  # seconds between two samples of a counter that still have an increase between them
FOLD: dict[Across, str] = {"sum": "sum", "mean": "avg", "max": "max"}

Part = Literal["value", "bucket", "sum", "native"]
Relation = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True, slots=True)
class Expression:
    """One range query: gauges as means of a step, counters and histograms (cumulative over `le`) as increases."""

    text: str
    part: Part
    dialect: Dialect
    native: Native  # its scale and its labels are for the reader of the answer to apply
    reads: tuple[str, ...] = ()  # the series that the server has to look at, as selectors


def promql(
    dialect: Dialect, query: Query, exposed: Container[str] | None = None, copies: Sequence[str] = ()
) -> tuple[Expression, ...]:
    """What to ask a Prometheus for; empty where the dialect does not have the signal.

    `exposed` are the metric names that the server knows; what it does not know is not asked for. Series that differ by
    a label of `copies` alone are one series that came several times: the largest counts.

    >>> promql(press, Query("model.queue.depth", window, step=60, by=("model",)))[0].text
    'sum by (cell) (avg_over_time(press:waiting[59999ms]) or …)'
    """
    signal = find_signal(query.signal)
    fold = FOLD[signal.across] if signal.kind is Kind.GAUGE else "sum"
    asked = tuple(label_name(native) for label in query.by for native in dialect.native_labels(label))
    found = []
    for native in dialect.natives(query.signal):
        if not _can_match(native, query.where):
            continue
        by = tuple(label for label in asked if not native.says(label))
        once = [label for label in (*dialect.repeated, *copies) if label not in by]
        for part, names in _parts(dialect, native, exposed):
            reads = list(product(names, _matchers(dialect, native, query)))
            if reads:
                series = " or ".join(_over_step(native, part, *each, query.step, dialect, signal) for each in reads)
                kept = ", ".join(("le", *by) if part == "bucket" else by)
                text = f"{fold} by ({kept}) ({_said_once(once, series)})"
                found.append(Expression(text, part, dialect, native, tuple(map("".join, reads))))
    return tuple(found)


def matcher(label: str, value: str, relation: Relation = "=") -> str:
    r"""`label="value"` that no value can break out of: the one place where text from outside enters a query.

    >>> matcher("model", 'a"} or up{x="')
    'model="a\\"} or up{x=\\""'
    """
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'{label_name(label)}{relation}"{escaped.encode(errors="replace").decode()}"'


def matched_labels(text: str) -> dict[str, frozenset[str]]:
    """What an expression says of each label in its braces, to tell by which labels two of them differ.

    >>> matched_labels('rate(errors{track="canary", job!="x"}[1m])')
    {'track': frozenset({'="canary"'}), 'job': frozenset({'!="x"'})}
    """
    said: dict[str, set[str]] = {}
    for braces in BRACES.findall(text):
        for label, relation, value in MATCHER.findall(braces):
            said.setdefault(label, set()).add(relation + value)
    return {label: frozenset(matchers) for label, matchers in said.items()}


def without_matchers(text: str) -> str:
    """An expression without its braces: what it is about, whomever it is about.

    >>> without_matchers('rate(errors{track="canary"}[1m])')
    'rate(errors[1m])'
    """
    return " ".join(BRACES.sub("", text).split())


def label_name(label: str) -> str:
    """A label's name, if it is one; UsageError otherwise, for a name cannot be quoted."""
    if not LABEL_NAME.fullmatch(label):
        raise UsageError(f"{label!r} is not the name of a label", "names are letters, digits and _")
    return label


def _parts(dialect: Dialect, native: Native, exposed: Container[str] | None) -> Iterator[tuple[Part, Sequence[str]]]:
    """What has to be asked for, each under all the names that it has; natively where no buckets are exposed."""
    spellings = dialect.spellings(*native.names)

    def known(suffix: str) -> list[str]:
        return [f"{name}{suffix}" for name in spellings if exposed is None or f"{name}{suffix}" in exposed]

    if native.kind is not Kind.HISTOGRAM:
        yield "value", known("")
        return
    yield "bucket", known("_bucket")
    yield "sum", known("_sum")
    if exposed is not None and not known("_bucket"):
        yield "native", known("")


def _can_match(native: Native, where: Labels) -> bool:
    """A label that the dialect adds is not on the server: it is compared here."""
    return all(where.value(label) in (None, value) for label, value in native.labels)


def _matchers(dialect: Dialect, native: Native, query: Query) -> Iterator[str]:
    """The braces after a metric's name: one for every native label that a wanted common one may have come from.

    Where there are several, those that would count before it are to be empty.
    """
    wanted = [
        [
            ", ".join((*(matcher(earlier, "") for earlier in names[:place]), matcher(name, value)))
            for place, name in enumerate(names)
        ]
        for label, value in _merged(query.where, query.window.where)
        for names in [dialect.native_labels(label)]
        if native.labels.value(label) is None
    ]
    fixed = [matcher(label, pattern, "=" if is_literal(pattern) else "=~") for label, pattern in native.where]
    fixed += [matcher(label, pattern, "!=" if is_literal(pattern) else "!~") for label, pattern in native.unless]
    for chosen in product(*wanted):
        yield "{" + ", ".join((*fixed, *chosen)) + "}" if fixed or chosen else ""


def _merged(*wheres: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return list(dict.fromkeys(pair for where in wheres for pair in where))


def _said_once(labels: Sequence[str], series: str) -> str:
    return f"max without ({', '.join(map(label_name, labels))}) ({series})" if labels else series


def _over_step(
    native: Native, part: Part, name: str, matchers: str, step: float, dialect: Dialect, signal: Signal
) -> str:
    if part == "native":
        return f"increase({name}{matchers}[{round(step * 1000)}ms])"
    # Prometheus 2 takes the sample at the far edge of a range into it, Prometheus 3 does not: leave it out in both.
    window = f"{matchers}[{round(step * 1000) - 1}ms]"
    if native.kind is Kind.GAUGE:
        over = "max_over_time" if signal.across == "max" and native.form == "value" else "avg_over_time"
        value = _without_blanks(
            f"{over}({name}{window})", f"max_over_time({name}{window})", (*dialect.blanks, *native.blanks)
        )
        return _formed(native, value, window)
    now = f"last_over_time({name}{window})"
    before = f"last_over_time({name}{matchers}[{round(LONGEST_GAP * 1000)}ms] offset {round(step * 1000)}ms)"
    return f"(({now} - {before} >= 0) or ({now} and {before}))"


def _formed(native: Native, x: str, window: str) -> str:
    """What becomes of a gauge and of the one that it goes with. Nothing is divided by 0: that is no data."""
    y = f"avg_over_time({native.of}{window})" if isinstance(native.of, str) else repr(native.of)
    match native.form:
        case "share":
            return f"({x} / ({y} > 0))"
        case "used":
            return f"(({y} - {x}) / ({y} > 0))"
        case "rest":
            return f"({y} - {x})"
        case "age":
            return f"(time() - {x})"
        case "value":
            return x


def _without_blanks(value: str, most: str, blanks: Blanks) -> str:
    """A gauge where no sample of it was a blank. Each blank costs the server as much as the gauge itself, so those
    that lie within another are not asked for, and one without end is a mere comparison: it leaves room, so that the
    mean of a step with a blank in it lies beyond it, too.
    """
    for low, high in blanks:
        if any((low, high) != other and other[0] <= low and high <= other[1] for other in blanks):
            continue
        if not isinf(high):
            value += f" unless ({most} >= {low!r} <= {high!r})"
        else:
            value = f"{value} < {low!r}"
    return value
