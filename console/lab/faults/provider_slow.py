"""What the gateway hands on to the cloud is answered later than it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.place import Generation


def inject(place: Generation, parameters: Mapping[str, Any]) -> None:
    """Slow the provider down."""
    place.account(pace=parameters["times"])


def heal(place: Generation) -> None:
    """Let it be as fast as it was."""
    place.account(pace=1.0)
