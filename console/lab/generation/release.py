"""What runs on a replica: a version of the model, its draft and its configuration, as a deploy sets them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from console.lab.generation.engine import Limits
from console.lab.generation.model import VOCABULARY, Draft, Model, made

MODEL = "chat"
VERSION, NEXT = "7", "8"


@dataclass(frozen=True, slots=True)
class Release:
    """One of them; everything as it should be where nothing else is said."""

    version: str = VERSION
    track: str = "stable"
    blocks: int = Limits().blocks
    stored: float = 1.0  # bytes that a weight takes: 1 where all are quantised
    damaged: float = 0.0  # the share of the draft's table that is wrong
    words: int = VOCABULARY  # tokens that it can spell: an answer with another one fails

    def limits(self) -> Limits:
        """The engine's configuration."""
        return Limits(blocks=self.blocks)

    def models(self) -> tuple[Model, Draft]:
        """The weights, and the draft."""
        model, draft = made()
        return replace(model, stored=self.stored), draft.damaged(self.damaged, np.random.default_rng(41))
