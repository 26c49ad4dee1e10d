"""What became of named values between two looks at them: for sources that know how things are, not since when.

The first look tells nothing. A look that misses something is believed once the next one misses it too: a file that is
being written, or a server that starts, holds less for a moment, and that is not a thousand things removed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.errors import SourceMalformed

MOST_VALUES = 20_000


@dataclass(frozen=True, slots=True)
class Change:
    """One value that is another one than at the look before. None: it was not there, or is there no more."""

    name: str
    before: str | None
    after: str | None
    since: float  # when the look before was that was believed, epoch seconds
    seen: float  # when this one was

    def at(self, told: float | None) -> float:
        """When it happened, by what others tell of it: between the two looks in any case, for clocks differ."""
        return self.seen if told is None or math.isnan(told) else min(max(told, self.since), self.seen)


class Looks:
    """The last look at some named values."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._values: Mapping[str, str] | None = None
        self._seen = 0.0
        self._missed: frozenset[str] = frozenset()  # by the last look, which is not believed yet

    def see(self, values: Mapping[str, str], now: float) -> Sequence[Change]:
        """What is otherwise than at the look before, by name. Raises SourceMalformed for more than MOST_VALUES."""
        if len(values) > MOST_VALUES:
            raise SourceMalformed(
                f"source {self.name}: {len(values):,} values are too many", f"at most {MOST_VALUES:,} are watched"
            )
        known, since = self._values, self._seen
        missed = frozenset(known or ()) - values.keys()
        if not missed <= self._missed:
            self._missed = missed
            return ()
        self._values, self._missed, self._seen = dict(values), frozenset(), now
        if known is None:
            return ()
        changed = (name for name in known.keys() | values.keys() if known.get(name) != values.get(name))
        return [Change(name, known.get(name), values.get(name), since, now) for name in sorted(changed)]
