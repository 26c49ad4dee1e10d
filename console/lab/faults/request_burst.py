"""The world changes: more is asked than the replicas were set up for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.place import Generation


def inject(place: Generation, parameters: Mapping[str, Any]) -> None:
    """Have more users ask."""
    place.traffic.change(load=parameters["times"])


def heal(place: Generation) -> None:
    """They go home."""
    place.traffic.change(load=1.0)
