"""The world changes: what users ask for takes longer to write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.place import Generation


def inject(place: Generation, parameters: Mapping[str, Any]) -> None:
    """Have them ask for reports instead of lines."""
    place.traffic.change(answers=parameters["times"])


def heal(place: Generation) -> None:
    """Lines will do again."""
    place.traffic.change(answers=1.0)
