"""The tools of the model, by what they look at: each module gives those that make sense in a scene."""

from __future__ import annotations

from console.triage.agent.tool import Scene, Tool
from console.triage.agent.tools import operator, past, plugged, ranking, signals, steps, surroundings

OFFERS = (steps.tools, signals.tools, ranking.tools, surroundings.tools, past.tools, operator.tools, plugged.tools)


def all_tools(scene: Scene) -> dict[str, Tool]:
    """Every tool by name, in an order that never changes: what stands first in a request is cached. Of two with one
    name the first stays.
    """
    found: dict[str, Tool] = {}
    for tool in (tool for offer in OFFERS for tool in offer(scene)):
        found.setdefault(tool.name, tool)
    return found
