"""The world changes: what users send to be read gets longer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.place import Generation


def inject(place: Generation, parameters: Mapping[str, Any]) -> None:
    """Have them paste whole documents."""
    place.traffic.change(prompts=parameters["times"])


def heal(place: Generation) -> None:
    """They are brief again."""
    place.traffic.change(prompts=1.0)
