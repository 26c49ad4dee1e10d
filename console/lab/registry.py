"""The model registry: a folder of versions and a file that says which one is in production.

models/glove/1/weights.npz  models/glove/2/…  models/glove/production
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from console.lab.network import Network, prepare, train
from console.lab.traffic import WEEK, Feed

MODEL = "glove"
FIRST, SECOND, CURRENT = "1", "2", "3"
# Each version was trained on more than the one before it, as models are.
EXAMPLES: Mapping[str, tuple[int, int]] = {FIRST: (256, 3), SECOND: (1500, 4), CURRENT: (8000, 6)}  # rows, epochs


@dataclass(frozen=True, slots=True)
class Registry:
    """The folder."""

    path: Path

    def publish(self, version: str, network: Network) -> None:
        """Add a version; it serves nobody until it is put in production."""
        folder = self.path / MODEL / version
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "weights.npz").write_bytes(network.to_bytes())

    def load(self, version: str) -> Network:
        """The weights of a version."""
        return Network.from_bytes((self.path / MODEL / version / "weights.npz").read_bytes())

    def fingerprint(self, version: str) -> str:
        """The first digits of the SHA-256 of a version's weights."""
        return hashlib.sha256((self.path / MODEL / version / "weights.npz").read_bytes()).hexdigest()[:12]

    def production(self) -> str:
        """The version that should be serving."""
        return (self.path / MODEL / "production").read_text().strip()

    def put_in_production(self, version: str) -> None:
        """Move the alias; a server notices when it is told to load."""
        alias = self.path / MODEL / "production"
        fresh = alias.with_suffix(".new")
        fresh.write_text(version)
        os.replace(fresh, alias)  # noqa: PTH105 - the atomic one

    def versions(self) -> list[str]:
        """Every published version."""
        return sorted(entry.name for entry in (self.path / MODEL).iterdir() if entry.is_dir())


def trained() -> dict[str, Network]:
    """Every version of the model, trained for real from fixed seeds; the last is the good one."""
    return {version: _train(version, rows, epochs) for version, (rows, epochs) in EXAMPLES.items()}


def retrained(feed: Feed, version: str) -> Network:
    """The model, trained for real on what the feed sends and what is right under its present conditions."""
    rows, epochs = EXAMPLES[CURRENT]
    inputs, truth = examples(rows, int(version), feed)
    return train(inputs, truth, epochs=epochs, seed=int(version))


def examples(rows: int, seed: int, feed: Feed | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Prepared inputs (rows, INPUTS) and truths (rows,) from any hour of a week, healthy where no feed is given."""
    rng = np.random.default_rng(seed)
    batch = (feed or Feed(seed)).at(rng, rng.uniform(0, WEEK, rows))
    return prepare(batch.pictures, batch.distance_mm, batch.exposure_ms, batch.gain), batch.truth


def _train(version: str, rows: int, epochs: int) -> Network:
    inputs, truth = examples(rows, seed=int(version))
    return train(inputs, truth, epochs=epochs, seed=int(version))
