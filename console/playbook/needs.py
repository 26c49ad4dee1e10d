"""Which step waits for which: what `with` ties together, and whether anything waits for itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def tied_steps(tied: Sequence[str], options: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """(path, step) for every option of a step type that names another step, where it is given.

    >>> list(tied_steps(("around.onset_of",), {"around": {"onset_of": "ttft"}}))
    [(('around', 'onset_of'), 'ttft')]
    """
    for dotted in tied:
        path = tuple(dotted.split("."))
        value: Any = options
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, str):
            yield path, value


def cycle(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """One ring of steps that wait for each other, first one repeated at its end; empty when there is none.

    >>> cycle({"a": ["b"], "b": ["a"]})
    ['a', 'b', 'a']
    """
    left = dict(needs)
    while ready := [step for step, after in left.items() if not any(other in left for other in after)]:
        for step in ready:
            del left[step]
    if not left:
        return []
    ring = [next(iter(left))]
    while True:
        following = next(other for other in left[ring[-1]] if other in left)
        if following in ring:
            return [*ring[ring.index(following) :], following]
        ring.append(following)
