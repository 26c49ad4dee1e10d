"""What the numbers of a signal mean that are names, not amounts: tables that plugins bring, for whoever has to act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Code:
    """One of them."""

    meaning: str  # in a few words
    action: str  # what to do about it
    state: Literal["degraded", "inconclusive", "ok"] = "degraded"  # what it makes of the thing that told it


@dataclass(frozen=True, slots=True)
class CodeBook:
    """All codes of one signal. `source` says where the table comes from."""

    signal: str
    name: str  # as people call such a code: "XID"
    source: str
    codes: Mapping[int, Code] = field(default_factory=dict)

    def look_up(self, number: float) -> Code:
        """What a number stands for; of one that is in no table, that.

        >>> CodeBook("gpu.xid", "XID", "a sheet").look_up(7).state
        'degraded'
        """
        known = self.codes.get(int(number))
        return known or Code("not in andon's table", f"look it up with the vendor; the table is from {self.source}")

    def words(self, number: float) -> str:
        """A code and its meaning: `fell off the bus (XID 79)`."""
        return f"{self.look_up(number).meaning} ({self.name} {int(number)})"


NO_CODES = CodeBook("", "code", "no table")
