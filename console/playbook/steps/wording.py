"""What a comparison says: the same few words in every step."""

from __future__ import annotations

from console.model import Comparison, Verdict
from console.signals.catalogue import catalogue, find_signal
from console.words import instant, labelled, quantity


def compared(comparison: Comparison, of: str | None) -> str:
    """One sentence: what it is now, what it was, and how far apart that is."""
    name = f"{comparison.signal} of {of}" if of else comparison.signal
    subject = (
        f"{name} {comparison.stat}{labelled(comparison.labels)}" if not of else f"{name}{labelled(comparison.labels)}"
    )
    if comparison.verdict is Verdict.NO_DATA:
        return f"{subject}: no data ({comparison.reason})"
    unit = unit_of(comparison.signal, "ratio" if of else comparison.stat)
    was = "its siblings' is" if comparison.baseline.kind == "peers" else "was"
    text = f"{subject} is {quantity(comparison.current.value, unit)}, {was} {quantity(comparison.baseline.value, unit)}"
    if comparison.ratio is not None:
        text += f" (×{comparison.ratio:.3g})"
    if comparison.onset is not None and comparison.verdict is Verdict.DEGRADED:
        text += f", {since(comparison.onset, comparison.current.start)}"
    return text


def since(onset: float, start: float) -> str:
    """When it began; what is as old as the window that was looked at began before that.

    >>> since(30.0, 0.0), since(0.0, 0.0)
    ('since 1970-01-01T00:00:30Z', 'since before 1970-01-01T00:00:00Z')
    """
    return f"since before {instant(start)}" if onset <= start else f"since {instant(onset)}"


def unit_of(signal: str, stat: str | None) -> str:
    """The unit of a statistic of a signal; what the catalogue does not know is a plain number.

    >>> unit_of("model.requests", "rate"), unit_of("model.latency", "p95"), unit_of("model.errors", "ratio")
    ('request/s', 's', '1')
    """
    if stat == "ratio" or signal not in catalogue():
        return "1"
    unit = find_signal(signal).unit
    if stat != "rate":
        return unit
    return "1" if unit == "s" else f"{unit.strip('{}')}/s"
