"""Tables in which nothing changes: columns of many laws, some of which go together, some rare, some with holes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from _windows import SAMPLE, Rows, profile

from console.analysis.columns.heavy import heavy_values
from console.model import Profile

NAMES = np.array([f"k{number}" for number in range(60)], object)


def rows(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Eleven numbers and five texts of one law, however often it is asked."""
    common = rng.normal(size=n)

    def shares(part: float) -> np.ndarray:
        return part * common + np.sqrt(1 - part**2) * rng.normal(size=n)

    return {
        "normal": shares(0.8),
        "half": shares(0.5),
        "lognormal": np.exp(1.5 * shares(0.7)),
        "exponential": rng.exponential(3, n),
        "uniform": rng.random(n),
        "counts": rng.poisson(2, n).astype(float),
        "zeros": np.where(rng.random(n) < 0.97, 0.0, rng.exponential(5, n)),
        "heavy": rng.standard_t(3, n),
        "cauchy": rng.standard_cauchy(n),
        "rare": (rng.random(n) < 0.003).astype(float),
        "holes": np.where(rng.random(n) < 0.1, np.nan, shares(0.9)),
        "few": NAMES[np.searchsorted([-0.5, 0.3, 1.2], shares(0.8))],
        "skewed": NAMES[np.minimum(rng.geometric(0.5, n), 59)],
        "many": NAMES[np.minimum(rng.zipf(1.6, n), 59)],
        "flag": np.where(shares(0.4) > 0, "true", "false").astype(object),
        "mostly missing": np.where(rng.random(n) < 0.995, None, "x").astype(object),
    }


def counted(table: Rows, like: Profile | None = None) -> Profile:
    """As the engine counts it, with the values that many rows of the sample share."""
    found = profile(table, like)
    columns = []
    for column in found.columns:
        heavy, sampled = heavy_values(table[column.name][:SAMPLE])
        columns.append(replace(column, heavy=heavy, sampled=sampled))
    return replace(found, columns=tuple(columns))
