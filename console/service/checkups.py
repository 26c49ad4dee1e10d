"""How the sources are that nothing is collected from: asked once in a while, so that one that died is not called well
because nobody has needed it yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from console.config import SourceConfig
from console.sources.checking import check_one
from console.sources.types import Checkable, Collectable, SourceStatus, TableReader


class Checkups:
    """The last check of every source that only playbooks and people ask; `states` has those that were asked."""

    def __init__(self, configs: Sequence[SourceConfig], sources: Mapping[str, object]) -> None:
        self.states: dict[str, SourceStatus] = {}
        self._due = [(config, sources[config.name]) for config in configs if _is_ours(sources.get(config.name))]

    async def round(self) -> None:
        """Ask all of them, all at once."""
        found = await asyncio.gather(*(check_one(config, source) for config, source in self._due))
        self.states = {status.name: status for status in found}


def _is_ours(source: object) -> bool:
    # A check of a table may read much of it, and the look at its rows says how it is.
    return isinstance(source, Checkable) and not isinstance(source, Collectable | TableReader)
