"""The KV cache's blocks: who holds which, which full blocks may be shared by their prefix, and who must go first.

A block that nobody holds stays readable under the hash of its prefix until its room is needed, longest unused first.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from console.lab.generation.model import BLOCK


@dataclass(slots=True)
class Pages:
    """So many blocks."""

    blocks: int
    _held: list[int] = field(init=False)  # by block: how many sequences hold it
    _named: dict[int, int] = field(default_factory=dict)  # hash of a prefix -> the block that ends it
    _names: dict[int, int] = field(default_factory=dict)  # block -> hash
    _free: OrderedDict[int, None] = field(init=False)  # blocks nobody holds, the longest unused first

    def __post_init__(self) -> None:
        self._held = [0] * self.blocks
        self._free = OrderedDict.fromkeys(range(self.blocks))

    @property
    def free(self) -> int:
        """Blocks that may be taken."""
        return len(self._free)

    @property
    def usage(self) -> float:
        """The share that sequences hold, 0..1; what is only remembered counts as free."""
        return 1 - len(self._free) / self.blocks

    def find(self, names: list[int]) -> list[int]:
        """The blocks of the longest known prefix, now held once more."""
        found = []
        for name in names:
            block = self._named.get(name)
            if block is None:
                break
            self._held[block] += 1
            self._free.pop(block, None)
            found.append(block)
        return found

    def take(self) -> int:
        """A block to write to: there must be a free one. What it was remembered for is forgotten."""
        block, _ = self._free.popitem(last=False)
        name = self._names.pop(block, None)
        if name is not None:
            del self._named[name]
        self._held[block] = 1
        return block

    def name(self, block: int, name: int) -> None:
        """A full block may be found by its prefix from now on; of two that hold the same, the first stays known."""
        if name not in self._named and block not in self._names:
            self._named[name] = block
            self._names[block] = name

    def release(self, blocks: list[int]) -> None:
        """Not held any more; the last one of a sequence is the first to go."""
        for block in reversed(blocks):
            self._held[block] -= 1
            if self._held[block] == 0:
                self._free[block] = None


def prefixes(tokens: list[int], known: list[int] | None = None) -> list[int]:
    """A hash for every full block of these tokens, of all that comes before its end; `known` are the first of them."""
    names = list(known or ())
    for start in range(len(names) * BLOCK, len(tokens) - BLOCK + 1, BLOCK):
        names.append(hash((names[-1] if names else 0, *tokens[start : start + BLOCK])))
    return names
