"""A key is rotated at the provider, and the gateway still sends the old one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.place import Generation
from console.lab.generation.provider import KEY


def inject(place: Generation, _parameters: Mapping[str, Any]) -> None:
    """Rotate the key on one side only."""
    place.account(key="lab-key-2")
    place.changes.add(place.clock.now(), "config", "key-rotation", "keys of the cloud account rotated")


def heal(place: Generation) -> None:
    """Take the old key again."""
    place.account(key=KEY)
    place.changes.add(place.clock.now(), "config", "key-rotation", "keys of the cloud account as before", "rolled back")
