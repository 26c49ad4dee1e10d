"""One of those who share the model floods it with very long prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.place import Generation
from console.lab.generation.traffic import Flood


def inject(place: Generation, parameters: Mapping[str, Any]) -> None:
    """Start its nightly job at noon."""
    flood = Flood(parameters["tenant"], parameters["per_tick"], parameters["tokens"])
    place.traffic.change(flood=flood)


def heal(place: Generation) -> None:
    """End the job."""
    place.traffic.change(flood=None)
