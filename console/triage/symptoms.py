"""What was noticed, from an alert file or an operator's words."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from console.characters import whole, whole_json
from console.errors import UsageError
from console.model import Labels, Symptom

MOST_ALERT_BYTES = 1024 * 1024
PAIR = re.compile(r"\b([A-Za-z_][A-Za-z0-9_]*)=(\"[^\"]*\"|\S+)")


def symptom_in_words(text: str) -> Symptom:
    """A symptom as typed; `name=value` terms in it are labels.

    >>> symptom_in_words("wrong answers model=glove").labels
    (('model', 'glove'),)
    """
    text = whole(text)
    pairs = {name: value.strip('"') for name, value in PAIR.findall(text)}
    words = " ".join(PAIR.sub(" ", text).split())
    if not words and not pairs:
        raise UsageError("the symptom is empty", "say what was noticed: --symptom 'wrong answers model=glove'")
    return Symptom(words or text.strip(), labels=Labels.of(pairs))


def read_alert(path: Path) -> Symptom:
    """The first firing alert of an Alertmanager webhook, of its API's list, or one alert alone; `-` is stdin.

    UsageError for a file that cannot be read or holds no alert.
    """
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            data = file.read(MOST_ALERT_BYTES)
        alert = _first_firing(whole_json(data))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "name a JSON file, or - for stdin") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}", "save the alert as Alertmanager sends it") from error
    labels = alert.get("labels") if alert else None
    if not isinstance(labels, dict) or not labels:
        raise UsageError(f"{path} holds no alert with labels", "save the alert as Alertmanager sends it")
    annotations = alert.get("annotations") if alert else None
    told = annotations if isinstance(annotations, dict) else {}
    words = told.get("summary") or told.get("description") or labels.get("alertname") or "an alert"
    return Symptom(str(words), labels=Labels.of(labels), alert=Labels.of(labels))


def _first_firing(data: Any) -> dict[str, Any] | None:
    alerts = data.get("alerts", data) if isinstance(data, dict) else data
    candidates = [item for item in (alerts if isinstance(alerts, list) else [alerts]) if isinstance(item, dict)]
    firing = [item for item in candidates if _state(item) in ("firing", "active", "")]
    return next(iter([*firing, *candidates]), None)


def _state(alert: dict[str, Any]) -> str:
    status = alert.get("status", "")
    return str(status.get("state", "") if isinstance(status, dict) else status)
