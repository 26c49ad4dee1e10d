"""What was once so stays so: answers about spans that have settled are kept in blocks of steps, up to so many bytes.

A trigger that is looked at every 15 s asks for the same baseline, a little later each time. Its steps are put on the
multiples of their length, so that the answers of the last look serve the next one too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from console.signals.matrix import Answer, joined

BLOCK = 15  # steps
SERIES_BYTES = 800  # of the labels of one
MOST_BYTES = 64 << 20

Key = tuple[str, float, int]  # the expression, the step, the number of the block


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps on a grid: step n ends at n × `step`. `first` to `last` are in it."""

    step: float
    first: int
    last: int

    @property
    def times(self) -> np.ndarray:
        """When they end."""
        return np.arange(self.first, self.last + 1) * self.step


def on_grid(end: float, count: int, step: float) -> Steps:
    """The last `count` steps that have ended by `end`.

    >>> on_grid(130.0, 2, 60.0)
    Steps(step=60.0, first=1, last=2)
    """
    last = int(np.floor(end / step + 1e-6))
    return Steps(step, last - count + 1, last)


class Past:
    """Answers by block; those that were not used for longest are forgotten first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.bytes = 0
        self._most_bytes = most_bytes
        self._blocks: OrderedDict[Key, Answer] = OrderedDict()

    def kept(self, text: str, steps: Steps, settled: float) -> dict[int, Answer]:
        """The blocks of these steps that are known, of those that have settled by that time."""
        found = {}
        for number in _blocks(steps):
            key = (text, steps.step, number)
            if key in self._blocks and _ends(number, steps.step) <= settled:
                self._blocks.move_to_end(key)
                found[number] = self._blocks[key]
        return found

    def keep(self, text: str, step: float, blocks: Mapping[int, Answer]) -> None:
        """Remember blocks."""
        for number, answer in blocks.items():
            key = (text, step, number)
            if key not in self._blocks:
                self._blocks[key] = answer
                self.bytes += _size(answer)
        while self.bytes > self._most_bytes:
            _key, oldest = self._blocks.popitem(last=False)
            self.bytes -= _size(oldest)


def missing(steps: Steps, kept: Container[int], settled: float) -> list[Steps]:
    """What has to be asked beside the kept blocks: runs of whole blocks, and the steps that have not settled."""
    runs: list[Steps] = []
    for number in _blocks(steps):
        if _ends(number, steps.step) > settled:
            return [*runs, Steps(steps.step, max(_first(number), steps.first), steps.last)]
        if number in kept:
            continue
        if runs and runs[-1].last == _first(number) - 1:
            runs[-1] = Steps(steps.step, runs[-1].first, runs[-1].last + BLOCK)
        else:
            runs.append(Steps(steps.step, _first(number), _first(number) + BLOCK - 1))
    return runs


def cut(run: Steps, answer: Answer) -> dict[int, Answer]:
    """The answer to a run of whole blocks as blocks, each with the series that have a value in it."""
    blocks = {}
    for number in _blocks(run):
        begin = _first(number) - run.first
        values = answer.values[:, begin : begin + BLOCK]
        there = np.flatnonzero(~np.isnan(values).all(axis=1))
        blocks[number] = Answer([answer.metrics[place] for place in there], values[there])
    return blocks


def put_together(steps: Steps, blocks: Mapping[int, Answer], tail: Answer | None) -> Answer:
    """The answer over the steps; `tail` is that part of them which lies behind the blocks."""
    pieces = [blocks[number] for number in sorted(blocks)] + ([] if tail is None else [tail])
    together = joined(pieces)
    begin = steps.first - _first(min(blocks)) if blocks else 0
    return Answer(together.metrics, together.values[:, begin : begin + steps.last - steps.first + 1])


def _blocks(steps: Steps) -> Iterator[int]:
    yield from range((steps.first - 1) // BLOCK, (steps.last - 1) // BLOCK + 1)


def _first(number: int) -> int:
    return number * BLOCK + 1


def _ends(number: int, step: float) -> float:
    return (number + 1) * BLOCK * step


def _size(answer: Answer) -> int:
    return int(answer.values.nbytes) + SERIES_BYTES * (1 + len(answer.metrics))
