"""The serving code changes: a release of the station prepares inputs in another way than training did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.plant import Plant
from console.lab.serving import Serving

RELEASE = "2.4"


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Release it, with the same weights."""
    plant.release(Serving(RELEASE, preparing=parameters["preparing"]))


def heal(plant: Plant) -> None:
    """Back to the release before."""
    plant.release(Serving(), "rolled back")
