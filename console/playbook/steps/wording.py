"""What findings say: the same few words for numbers, times and comparisons in every step."""

from __future__ import annotations

from datetime import UTC, datetime

from console.model import Comparison, Labels, Verdict
from console.signals.catalogue import find_signal

_SCALES = {
    "s": ((1.0, "s", 1.0), (1e-3, "ms", 1e3), (0.0, "µs", 1e6)),
    "By": ((2.0**30, "GiB", 2.0**-30), (2.0**20, "MiB", 2.0**-20), (2.0**10, "KiB", 2.0**-10), (0.0, "B", 1.0)),
}


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


def instant(time: float) -> str:
    """RFC 3339, UTC, whole seconds."""
    return datetime.fromtimestamp(round(time), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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


def compared(comparison: Comparison, of: str | None) -> str:
    """One sentence: what it is now, what it was, and how far apart that is."""
    name = f"{comparison.signal} of {of}" if of else comparison.signal
    subject = (
        f"{name} {comparison.stat}{labelled(comparison.labels)}" if not of else f"{name}{labelled(comparison.labels)}"
    )
    if comparison.verdict is Verdict.NO_DATA:
        return f"{subject}: no data ({comparison.reason})"
    unit = unit_of(comparison.signal, "ratio" if of else comparison.stat)
    text = f"{subject} is {quantity(comparison.current.value, unit)}, was {quantity(comparison.baseline.value, unit)}"
    if comparison.ratio is not None:
        text += f" (×{comparison.ratio:.3g})"
    if comparison.onset is not None and comparison.verdict is Verdict.DEGRADED:
        text += f", since {instant(comparison.onset)}"
    return text


def unit_of(signal: str, stat: str | None) -> str:
    """The unit of a statistic of a signal.

    >>> unit_of("model.requests", "rate"), unit_of("model.latency", "p95"), unit_of("model.errors", "ratio")
    ('request/s', 's', '1')
    """
    if stat == "ratio":
        return "1"
    unit = find_signal(signal).unit
    if stat != "rate":
        return unit
    return "1" if unit == "s" else f"{unit.strip('{}')}/s"
