"""The provider allows fewer requests a minute than the gateway hands on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.place import Generation
from console.lab.generation.provider import QUOTA


def inject(place: Generation, parameters: Mapping[str, Any]) -> None:
    """Lower the quota."""
    place.account(quota=parameters["quota"])


def heal(place: Generation) -> None:
    """Raise it again."""
    place.account(quota=QUOTA)
