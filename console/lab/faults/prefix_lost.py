"""A release changes what is sent: a request's own id stands at the head of every system prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.lab.generation.place import Generation


def inject(place: Generation, parameters: Mapping[str, Any]) -> None:
    """Release it: nothing that is read was read before."""
    place.traffic.change(unshared=parameters["tokens"])
    place.changes.add(
        place.clock.now(), "deploy", "chat-gateway", "chat-gateway 2.4 released", "request ids in prompts"
    )


def heal(place: Generation) -> None:
    """Take it back."""
    place.traffic.change(unshared=0)
    place.changes.add(place.clock.now(), "deploy", "chat-gateway", "chat-gateway 2.3 released", "rolled back")
