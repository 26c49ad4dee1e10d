"""The station leaks: its process takes memory with every look at it, and gives none back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.leash import ready
from console.lab.plant import Plant


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Let it leak, up to 150 MB."""
    ready(plant.folder / "leak", str(parameters["megabytes"]))


def heal(plant: Plant) -> None:
    """Give everything back."""
    (plant.folder / "leak").unlink(missing_ok=True)
