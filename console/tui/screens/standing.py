"""Which open incident is about a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.tui.panels.figures import dicts, text


def incident_of(board: Mapping[str, Any], model: str) -> str:
    """Its id; empty where none is.

    >>> incident_of({"incidents": [{"id": "I-3", "subject": "glove"}]}, "glove")
    'I-3'
    """
    if not model:
        return ""
    told = next((row for row in dicts(board.get("models")) if text(row, "model") == model), {})
    found = next((row for row in dicts(board.get("incidents")) if text(row, "subject") == model), {})
    return text(told, "incident") or text(found, "id")
