"""The serving code gets heavier: a release computes every answer many times over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.plant import Plant
from console.lab.serving import Serving

RELEASE = "2.4"


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Release it."""
    plant.release(Serving(RELEASE, busy=parameters["milliseconds"] / 1000))


def heal(plant: Plant) -> None:
    """Back to the release before."""
    plant.release(Serving(), "rolled back")
