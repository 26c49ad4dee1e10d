"""Alerts as symptoms, and in few words however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import reduce

from console.model import Alert, Labels, Symptom
from console.sources.alerts import NAMED_BY

MOST_NAMES = 5
MOST_TEXT = 300  # characters


def symptom_of(alert: Alert, model_labels: Collection[str] = ()) -> Symptom:
    """What an alert notices. Where it says `model` in an exporter's word for it (`model_labels`), in ours too."""
    labels = dict(alert.labels)
    if "model" not in labels:
        found = next((labels[name] for name in sorted(model_labels) if labels.get(name)), None)
        labels |= {} if found is None else {"model": found}
    name = alert.labels.value(NAMED_BY) or ""
    text = alert.text if not name or alert.text == name else f"{name}: {alert.text}"
    return Symptom(text[:MOST_TEXT], labels=Labels.of(labels), alert=alert.labels)


def names_of(alerts: Iterable[Alert]) -> str:
    """The names of alerts, the most frequent first.

    >>> names_of([])
    ''
    """
    counts = Counter(alert.labels.value(NAMED_BY) or alert.text[:60] for alert in alerts)
    shown = [f"{name} ×{count}" if count > 1 else name for name, count in counts.most_common(MOST_NAMES)]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} other names" if more > 0 else "")


def flood_of(alerts: Sequence[Alert], groups: int) -> Symptom:
    """Many alerts of many groups as one symptom, with the labels that all of them have."""
    common = reduce(lambda left, right: left & right, (set(alert.labels) for alert in alerts))
    (first, _count), *_rest = Counter(alert.labels.value(NAMED_BY) or "" for alert in alerts).most_common(1)
    text = f"{len(alerts)} alerts of {groups} groups were folded into one incident: {names_of(alerts)}"
    return Symptom(text[:MOST_TEXT], labels=Labels.of(common), alert=Labels.of(common, **{NAMED_BY: first}))
