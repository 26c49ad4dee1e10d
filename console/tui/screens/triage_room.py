"""How the parts of a triage share the lines of a screen."""

from __future__ import annotations

from collections.abc import Mapping

LEAST = {
    "steps": 3,
    "compared": 1,
    "causes": 1,
    "model": 1,
    "timeline": 1,
}  # lines


def stacked(room: int, wanted: Mapping[str, int], focused: str) -> dict[str, int]:
    """The lines of each part: its least, then what the focused one wants, then the others in their order.

    >>> stacked(12, {"steps": 4, "compared": 20, "causes": 5, "timeline": 2}, "causes")
    {'steps': 4, 'compared': 2, 'causes': 5, 'timeline': 1}
    """
    given = {name: LEAST[name] for name in wanted}
    spare = room - sum(given.values())
    for name in sorted(wanted, key=lambda each: each != focused):
        more = max(0, min(wanted[name] - given[name], spare))
        given[name] += more
        spare -= more
    return given
