"""Nobody paid the provider in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.place import Generation
from console.lab.generation.provider import CREDIT


def inject(place: Generation, parameters: Mapping[str, Any]) -> None:
    """Leave little or nothing in the account."""
    place.account(credit=parameters["left"])


def heal(place: Generation) -> None:
    """Pay."""
    place.account(credit=CREDIT)
