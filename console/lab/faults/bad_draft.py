"""A release changes the draft: most of its table comes from another vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.place import Generation
from console.lab.generation.release import MODEL


def inject(place: Generation, parameters: Mapping[str, Any]) -> None:
    """Put it on every replica."""
    place.release(damaged=parameters["share"])
    place.changes.add(place.clock.now(), "deploy", MODEL, f"{MODEL}: draft model 4 rolled out")


def heal(place: Generation) -> None:
    """Put the right draft back."""
    place.release()
    place.changes.add(place.clock.now(), "deploy", MODEL, f"{MODEL}: draft model 3 rolled out", "rolled back")
