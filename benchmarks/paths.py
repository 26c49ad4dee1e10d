"""Do the scraped path and the PromQL path judge alike? Flips and noise over many simulated models.

    python benchmarks/paths.py [MODELS] [SEEDS]

Needs Debian's prometheus (`make test-real` installs it). A flip is one path's `ok` that is the other's `degraded`. Half
of the models are within a tenth of the edge of what is tolerated, where a flip is likeliest.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

from promserver import is_installed, prometheus  # noqa: E402
from twopaths import (  # noqa: E402
    HALF_AT_THE_EDGE,
    QUESTIONS,
    Frames,
    change,
    flips,
    judge,
    read_asked,
    read_scraped,
    simulate,
)

from console.model import Comparison  # noqa: E402


def noise(one: dict[str, Comparison], other: dict[str, Comparison], models: list[str]) -> float:
    """The largest difference of a ratio between the paths, as a share of that ratio."""
    ratios = [(one[model].ratio, other[model].ratio) for model in models]
    return max((abs(a / b - 1) for a, b in ratios if a is not None and b), default=0.0)


def both_paths(models: int, seed: int) -> tuple[Frames, Frames]:
    simulation = simulate(models, end=time.time() - 3600, seed=seed, kinds=HALF_AT_THE_EDGE)
    with tempfile.TemporaryDirectory() as folder:
        scraped = asyncio.run(read_scraped(simulation, Path(folder)))
        with prometheus(Path(folder), history=simulation.openmetrics()) as url:
            return scraped, asyncio.run(read_asked(simulation, url))


def main(models: int = 200, seeds: int = 2) -> int:
    if not is_installed():
        print("prometheus is not installed here: nothing was compared")
        return 0
    compared: dict[tuple[str, str], int] = defaultdict(int)
    flipped: dict[tuple[str, str], int] = defaultdict(int)
    differed: dict[tuple[str, str], int] = defaultdict(int)
    largest: dict[tuple[str, str], float] = defaultdict(float)
    for seed in range(seeds):
        paths = both_paths(models, seed)
        for asked in QUESTIONS:
            one, other = (judge(frames, asked) for frames in paths)
            name = f"{asked[0]} {asked[1]}"
            turned = set(flips(one, other))
            for what in sorted({change(model) for model in one}):
                members = [model for model in one if change(model) == what]
                key = (name, what)
                compared[key] += len(members)
                flipped[key] += len(turned.intersection(members))
                differed[key] += sum(one[model].verdict is not other[model].verdict for model in members)
                largest[key] = max(largest[key], noise(one, other, members))
    print(f"{'question':28}{'change':10}{'compared':>9}{'flips':>7}{'other verdict':>15}{'ratios apart by':>17}")
    for key in compared:
        print(f"{key[0]:28}{key[1]:10}{compared[key]:9}{flipped[key]:7}{differed[key]:15}{largest[key]:17.2e}")
    total = sum(flipped.values())
    calm = max(apart for (_name, what), apart in largest.items() if what != "restart")
    restarts = max((apart for (_name, what), apart in largest.items() if what == "restart"), default=0.0)
    print(f"{total} flips in {sum(compared.values())} comparisons; noise {calm:.1e}, around a restart {restarts:.1e}")
    return int(total > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
