"""How an exporter would write a series: what its dialect reads, turned round.

A dialect maps native metrics to signals; here a signal's series is given its native names, labels and unit back, so
that the page is read into just the series it was made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.errors import UsageError
from console.model import Kind, Labels, SeriesKey
from console.signals.dialect import Dialect, Native
from console.signals.native import is_literal

if TYPE_CHECKING:
    from console.model import Array

# What a share is one of, where an exporter tells two amounts: the size of what is used, in its own unit.
WHOLES: Mapping[str, float] = {
    "host.memory.utilization": 2.0e12,
    "host.disk.utilization": 3.5e12,
    "host.disk.inodes.utilization": 2.0e8,
}


@dataclass(frozen=True, slots=True)
class Spelled:
    """One series as lines of a page."""

    metrics: tuple[str, ...]  # the metric each line is of, for its HELP
    lines: tuple[str, ...]  # the text before each number
    kind: Kind
    scale: float = 1.0  # native value × scale = the signal's unit
    whole: float | None = None  # of which the first line tells what is free

    def numbers(self, values: Array, sums: Array | None) -> Array:
        """The numbers of the lines, shape (steps, lines), of values of a gauge or totals so far of anything else."""
        if self.whole is not None:
            return np.stack([self.whole * (1.0 - values), np.where(np.isnan(values), np.nan, self.whole)], axis=1)
        if sums is None:
            return values[:, None] / self.scale
        below = np.cumsum(values, axis=1)
        return np.concatenate([below, sums[:, None] / self.scale, below[:, -1:]], axis=1)


def spelled(key: SeriesKey, dialects: Sequence[Dialect]) -> Spelled:
    """How the first of these dialects that has the signal writes this series. UsageError where none has."""
    for dialect in dialects:
        for native in dialect.natives(key.signal):
            if set(native.labels) <= set(key.labels):
                return _spelled(key, dialect, native)
    raise UsageError(
        f"no exporter of {', '.join(each.name for each in dialects)} has {key.signal} {dict(key.labels)}", ""
    )


def _spelled(key: SeriesKey, dialect: Dialect, native: Native) -> Spelled:
    name, labels = native.names[0], _labels(key.labels, dialect, native)
    match native.form, key.kind:
        case "value", Kind.HISTOGRAM:
            # Native edges; a bound that is read back must be the very one of the series, so it is written in full.
            bounds = [*(f"{edge / native.scale:.12g}" for edge in key.edges[:-1]), "+Inf"]
            buckets = [_series(f"{name}_bucket", [*labels, ("le", bound)]) for bound in bounds]
            lines = (*buckets, _series(f"{name}_sum", labels), _series(f"{name}_count", labels))
            return Spelled((name,) * len(lines), lines, key.kind, native.scale)
        case "value", _:
            return Spelled((name,), (_series(name, labels),), key.kind, native.scale)
        case "used", _ if isinstance(native.of, str):
            lines = (_series(name, labels), _series(native.of, labels))
            return Spelled((name, native.of), lines, key.kind, whole=WHOLES[key.signal])
    raise UsageError(f"{name} is made of others in a way that is not simulated", f"its form is {native.form}")


def _labels(labels: Labels, dialect: Dialect, native: Native) -> list[tuple[str, str]]:
    """The native labels: common names turned back, what the metric's name says left out, its selector put in."""
    said = {common for common, _value in native.labels}
    pairs = [(_native(label, dialect, native.names[0]), value) for label, value in labels if label not in said]
    known = {label for label, _value in pairs}
    chosen = [(label, pattern) for label, pattern in native.where if label not in known and is_literal(pattern)]
    return sorted([*pairs, *chosen])


def _native(label: str, dialect: Dialect, metric: str) -> str:
    """One of the native labels that become a common one: that of the metric's own object, where its name has it.

    What a Prometheus puts before labels that it has itself (`exported_`) is no exporter's spelling.
    """
    names = [name for name in dialect.native_labels(label) if not name.startswith("exported_")] or [label]
    return next((name for name in names if f"_{name}_" in metric), names[0])


def _series(name: str, labels: Sequence[tuple[str, str]]) -> str:
    pairs = ",".join([f'{label}="{value}"' for label, value in labels])
    return f"{name}{{{pairs}}}"
