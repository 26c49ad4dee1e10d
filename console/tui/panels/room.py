"""Lines of a screen, shared by the tables that stand on it: by how many rows each has, the first first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Want:
    """How many lines something would fill, and how many it should have before others get more than theirs."""

    lines: int
    least: int


def share(room: int, wants: Sequence[Want]) -> list[int]:
    """How many lines each gets. What all have enough of is left over.

    >>> share(10, [Want(2, 4), Want(20, 4), Want(3, 3)])
    [2, 5, 3]
    """
    given: list[int] = []
    for want in wants:
        given.append(max(min(want.lines, want.least, room - sum(given)), 0))
    while sum(given) < room:
        hungry = [place for place, want in enumerate(wants) if given[place] < want.lines]
        if not hungry:
            break
        for place in hungry[: room - sum(given)]:
            given[place] += 1
    return given
