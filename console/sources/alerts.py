"""Alerts as alert managers write them in JSON: in the lists of their API, and in the webhooks that they call.

Both come from outside: whatever does not fit is left out or cut, and only what is no alert at all is an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from console.model import Alert, Event, Labels

# The nearest first; of a host's own exporter, `instance` is often all there is.
SUBJECT_LABELS = ("model", "model_name", "workload", "pipeline", "dataset", "node", "host", "gpu", "instance")
MOST_LABELS = 64  # of one alert, and as many annotations
MOST_NAME = 200  # characters
MOST_VALUE = 2000
MOST_TEXT = 16_000  # of all labels of one alert, and as much of annotations: many alerts are held at once
MOST_URL = 2000
NAMED_BY = "alertname"
TOLD_BY = ("summary", "title", "message", "description")
EARLIEST = 1e9  # seconds since 1970: what is earlier is no time but "none", written as year 1

State = Literal["firing", "silenced", "inhibited", "resolved"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one call of a webhook brought."""

    alerts: tuple[Alert, ...]
    truncated: int = 0  # alerts that its sender left out


def delivery(data: Any, source: str, *, most: int) -> Delivery:
    """The alerts of a webhook of the shape that calls itself version 4, which several alert managers speak.

    What is beyond `most` counts as left out. Raises ValueError for anything else.
    """
    if not isinstance(data, Mapping) or not isinstance(alerts := data.get("alerts"), list):
        raise ValueError("this is no webhook with a list of alerts")
    if not all(isinstance(each, Mapping) for each in alerts):
        raise ValueError("its alerts are no objects")
    left_out = data.get("truncatedAlerts")
    truncated = left_out if isinstance(left_out, int) and not isinstance(left_out, bool) and left_out > 0 else 0
    taken = tuple(
        alert_of(each, "resolved" if each.get("status") == "resolved" else "firing", source) for each in alerts[:most]
    )
    return Delivery(taken, min(truncated, 10**9) + max(len(alerts) - most, 0))


def alert_of(data: Mapping[str, Any], state: State, source: str, silences: Sequence[str] = ()) -> Alert:
    """One alert out of JSON. Without a fingerprint its id is made from its labels, as a fingerprint is."""
    labels = _labels(data.get("labels"))
    annotations = _labels(data.get("annotations"))
    ended = moment(data.get("endsAt")) if state == "resolved" else None
    named = labels.value(NAMED_BY) or ""
    told = next((value for name in TOLD_BY if (value := annotations.value(name))), "")
    fingerprint = data.get("fingerprint")
    return Alert(
        id=fingerprint[:MOST_NAME] if isinstance(fingerprint, str) and fingerprint else _id(labels),
        labels=labels,
        text=" ".join((told or named or "an alert without a name").split())[:MOST_VALUE],
        started=moment(data.get("startsAt")) or 0.0,
        ended=ended,
        state=state,
        silences=tuple(silences),
        url=_url(data.get("generatorURL")),
        source=source,
        annotations=annotations,
    )


def subject_among(labels: Labels) -> str:
    """What labels say that something is about: its model where they name one, else the nearest thing, else nothing.

    >>> subject_among(Labels.of(host="n1", model="glove"))
    'glove'
    """
    known = dict(labels)
    return next((known[name] for name in SUBJECT_LABELS if known.get(name)), "")


def moment(text: Any) -> float | None:
    """Seconds since 1970 of an RFC 3339 time; None for what is none, and for year 1, which means that."""
    if not isinstance(text, str):
        return None
    try:
        seconds = datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if seconds >= EARLIEST else None


def event_of(alert: Alert, time: float, *, has_ended: bool) -> Event:
    """An alert's start, or its end, on the timeline."""
    named = alert.labels.value(NAMED_BY) or alert.text
    title = f"{named} no longer fires" if has_ended else f"{named} fires: {alert.text}"
    return Event(time, "alert", subject_among(alert.labels), title, alert.id, "", alert.source)


def _labels(data: Any) -> Labels:
    """Names and values that are text or numbers, the first so many of them that there is room for."""
    pairs = data.items() if isinstance(data, Mapping) else ()
    kept = sorted((str(name), str(value)) for name, value in pairs if isinstance(value, str | int | float))
    found: dict[str, str] = {}
    room = MOST_TEXT
    for name, value in ((name[:MOST_NAME], value[:MOST_VALUE]) for name, value in kept[:MOST_LABELS]):
        if len(name) + len(value) <= room:
            found[name] = value
            room -= len(name) + len(value)
    return Labels.of(found)


def _id(labels: Labels) -> str:
    return hashlib.sha256(repr(tuple(labels)).encode()).hexdigest()[:16]


def _url(data: Any) -> str:
    is_page = isinstance(data, str) and data.startswith(("http://", "https://")) and len(data) <= MOST_URL
    return data if is_page else ""
