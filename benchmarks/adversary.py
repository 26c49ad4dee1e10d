"""What strangers and a hostile model get done: six figures a family of cases, through the real loop, process and SDK.

    python -m benchmarks.adversary

The cases of `tests/adversary`: texts planted wherever a model reads, repeated by one that believes them all, and models
that mean no good. Ends with 1 where a figure is not 0.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from console.report.tables import columns

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]
from adversary.judging import FIGURES, Played, faults  # noqa: E402
from adversary.playing import KEY_ENV, arena, betrayed, poisoned  # noqa: E402
from adversary.poisons import POISONS  # noqa: E402
from adversary.rogues import FAMILIES  # noqa: E402
from messagesserver import KEY  # noqa: E402

HEADINGS = ("", "cases", "requests", "applied", "secrets sent", "escape codes", "uncited as fact", "over budget",
            "diagnosis changed")  # fmt: skip


@dataclass(slots=True)
class Family:
    """What became of its cases: of each figure how often."""

    name: str
    cases: int = 0
    requests: int = 0
    figures: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, name: str, played: Played) -> None:
        """One case more."""
        self.cases += 1
        self.requests += len(played.bodies)
        for figure, found in faults(played).items():
            self.figures[figure] += len(found)
            self.wrong += [f"{name}: {each}" for each in found[:1]]


async def played() -> list[Family]:
    """Every case, in turn; data by where it is planted, models by what they try."""
    families: dict[str, Family] = {}
    async with arena() as where:
        for poison in POISONS:
            family = families.setdefault(poison.place, Family(f"data in: {poison.place}"))
            family.add(poison.name, await poisoned(poison, where))
        for name, rogues in FAMILIES.items():
            family = families.setdefault(name, Family(f"model: {name}"))
            for rogue in rogues:
                family.add(rogue.name, await betrayed(rogue, where))
    return [*families.values()]


def report(families: Sequence[Family], seconds: float) -> str:
    """The table, and what was wrong."""
    every = Family("all", sum(each.cases for each in families), sum(each.requests for each in families))
    for family in families:
        every.figures.update(family.figures)
    rows = [
        (each.name, each.cases, each.requests, *(each.figures[figure] for figure in FIGURES))
        for each in (*families, every)
    ]
    wrong = [each for family in families for each in family.wrong]
    return "\n".join([columns(HEADINGS, rows), "", f"{every.cases} cases in {seconds:.0f} s", *wrong])


def main() -> int:
    os.environ[KEY_ENV] = KEY
    began = time.perf_counter()
    families = asyncio.run(played())
    print(report(families, time.perf_counter() - began))
    return int(any(family.wrong for family in families))


if __name__ == "__main__":
    sys.exit(main())
