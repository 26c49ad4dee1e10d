"""Numbers, units, times and states as people read them: the same words on every floor. Imports next to nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.model import Labels, State, Verdict

MARKS = {
    "ok": "●",
    "degraded": "▲",
    "improved": "▽",
    "inconclusive": "◐",
    "no_data": "○",
    "stale": "◌",
    "skipped": "·",
    "waiting": "◔",
    "error": "✖",
}
LEVELS = "▁▂▃▄▅▆▇█"
WITHOUT_CAUSE = {  # what to say of a verdict that no cause explains
    "ok": "nothing to explain: all is as before",
    "improved": "nothing to explain: what changed got better",
    "degraded": "no cause stands out",
    "inconclusive": "the data does not decide",
    "no_data": "there is too little data to compare",
}
UNANSWERED = "nobody can tell: what was asked did not answer"  # of the same where nothing but errors came
WINDOW_WORDS = {  # kinds of window
    "current": "now",
    "offset": "the same span earlier",
    "seasonal": "the same time in the past",
    "before": "before the onset",
    "pinned": "pinned",
    "where": "siblings at the same time",
    "peers": "healthy siblings",
    "span": "the span given",
    "dataset": "the rows of a dataset",
}
_SCALES = {
    "s": ((1.0, "s", 1.0), (1e-3, "ms", 1e3), (0.0, "µs", 1e6)),
    "By": ((2.0**30, "GiB", 2.0**-30), (2.0**20, "MiB", 2.0**-20), (2.0**10, "KiB", 2.0**-10), (0.0, "B", 1.0)),
}


def mark(state: Verdict | State | str) -> str:
    """A shape for a verdict, so that no meaning hangs on colour alone."""
    return MARKS[str(state)]


def quantity(value: float | None, unit: str) -> str:
    """A number with its unit, three digits long.

    >>> quantity(0.0123, "s"), quantity(0.93, "1"), quantity(None, "s")
    ('12.3 ms', '0.93', 'nothing')
    """
    if value is None:
        return "nothing"
    for least, name, factor in _SCALES.get(unit, ()):
        if abs(value) >= least:
            return f"{value * factor:.3g} {name}"
    shown = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return shown if unit in ("1", "") else f"{shown} {unit.strip('{}')}"


def number(value: float | None) -> str:
    """Three significant digits, thousands in full; a dash for nothing.

    >>> number(0.97312), number(23512.4), number(None)
    ('0.973', '23,512', '–')
    """
    if value is None:
        return "–"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.3g}"


def instant(time: float) -> str:
    """RFC 3339, UTC, whole seconds; `no time` beyond the years that there are, for times come from outside, too.

    >>> instant(0)
    '1970-01-01T00:00:00Z'
    >>> instant(1e15), instant(float("nan"))
    ('no time', 'no time')
    """
    try:
        return datetime.fromtimestamp(round(time), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return "no time"


def lapse(seconds: float) -> str:
    """A span in its largest fitting unit.

    >>> lapse(540)
    '9 min'
    """
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"


def labelled(labels: Labels) -> str:
    """` of dependency=db, model=glove`, or nothing."""
    return f" of {', '.join(f'{name}={value}' for name, value in labels)}" if labels else ""


def spark(values: Sequence[float | None], width: int, *, low: float | None = None, high: float | None = None) -> str:
    """The newest `width` values as one row of bars; a gap is a blank. The scale is theirs unless it is given.

    >>> spark([0, 1, None, 2], 4)
    '▁▅ █'
    """
    shown = list(values)[-width:]
    known = [value for value in shown if value is not None]
    if not known:
        return " " * width
    bottom = min(known) if low is None else low
    top = max(known) if high is None else high
    span = top - bottom
    drawn = [
        " "
        if value is None
        else LEVELS[0 if span <= 0 else min(max(int((value - bottom) / span * len(LEVELS)), 0), len(LEVELS) - 1)]
        for value in shown
    ]
    return "".join(drawn).rjust(width)


def nearest(name: str, known: Iterable[object]) -> str:
    """A hint that names the nearest of what there is, or all of it where nothing is near and it is little.

    >>> nearest("statsu", ["status", "stop"])
    "did you mean 'status'?"
    """
    names = sorted(str(item) for item in known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"there is {', '.join(names[:12])}{' …' if len(names) > 12 else ''}" if names else ""
