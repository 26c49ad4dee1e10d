"""The configuration changes: weights are kept unquantised, so every step has more to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.place import Generation
from console.lab.generation.release import MODEL


def inject(place: Generation, parameters: Mapping[str, Any]) -> None:
    """Switch quantisation off."""
    place.release(stored=parameters["stored"])
    place.changes.add(place.clock.now(), "config", MODEL, f"{MODEL}: quantization set to none")


def heal(place: Generation) -> None:
    """Switch it on again."""
    place.release()
    place.changes.add(place.clock.now(), "config", MODEL, f"{MODEL}: quantization as before", "rolled back")
