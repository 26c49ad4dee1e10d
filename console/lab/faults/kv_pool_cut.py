"""The configuration changes: the KV cache gets less memory than the running requests need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.place import Generation
from console.lab.generation.release import MODEL


def inject(place: Generation, parameters: Mapping[str, Any]) -> None:
    """Lower it, and note the change, as a careless release does."""
    place.release(blocks=parameters["blocks"])
    place.changes.add(place.clock.now(), "config", MODEL, f"{MODEL}: gpu_memory_utilization lowered")


def heal(place: Generation) -> None:
    """Give the memory back."""
    place.release()
    place.changes.add(place.clock.now(), "config", MODEL, f"{MODEL}: gpu_memory_utilization as before", "rolled back")
