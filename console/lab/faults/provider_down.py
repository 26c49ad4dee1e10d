"""The provider is gone: connections to it are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.place import Generation


def inject(place: Generation, _parameters: Mapping[str, Any]) -> None:
    """Kill its process."""
    place.stop_provider()


def heal(place: Generation) -> None:
    """Start it again."""
    place.start_provider()
