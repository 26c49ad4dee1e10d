"""The feed ends or falls behind: the pipeline upstream sends nothing more, or sends rows that are minutes old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from console.lab.plant import Plant


def inject(plant: Plant, parameters: Mapping[str, Any]) -> None:
    """Stop it, or let it come late."""
    stops = parameters["how"] == "stops"
    lag = 0.0 if stops else 60.0 * parameters["minutes"]
    plant.feed.conditions = replace(plant.feed.conditions, stopped=stops, lag=lag)


def heal(plant: Plant) -> None:
    """Let it run in time."""
    plant.feed.conditions = replace(plant.feed.conditions, stopped=False, lag=0.0)
