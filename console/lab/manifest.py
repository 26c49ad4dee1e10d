"""A fault's manifest: its title, what a diagnosis of it should say, and the ranges that its parameters are drawn from.

title = "One line gets black gloves"
place = "vision"                        the part of the line that it breaks
simulated = true                        only the numbers of an exporter change
alone = true                            it loads the machine: it is scored alone
coped_with = true                       the remedy does not take it away: the fault's module has a `mend` of its own
excludes = ["schema_change"]            faults of the same part, not told apart when both are there
[expect]                                values may name parameters: slice = "{line}"
[mended_by]                             actions that end it, and to what, or a glob: "model.rollback" = "glove"
[parameters]                            their ranges, see `ranges`
darkness = {low = 0.6, high = 0.9}
[[variants]]                            one of these tables is picked whole, and its keys are parameters too
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.lab.ranges import draw

if TYPE_CHECKING:
    import numpy as np

FOLDER = Path(__file__).with_name("faults")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest."""

    name: str
    title: str
    expect: Mapping[str, str]
    parameters: Mapping[str, Mapping[str, Any]]
    variants: tuple[Mapping[str, Any], ...]
    place: str = "vision"
    is_simulated: bool = False
    is_alone: bool = False
    excludes: tuple[str, ...] = ()
    mended_by: Mapping[str, str] = field(default_factory=dict)
    is_coped_with: bool = False

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """Parameters at random from their ranges."""
        drawn = {name: draw(span, rng) for name, span in self.parameters.items()}
        if self.variants:
            drawn |= self.variants[rng.integers(len(self.variants))]
        return drawn


def manifest(name: str) -> Manifest:
    """The manifest of one of the lab's own faults."""
    data = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    return Manifest(
        name,
        data["title"],
        data["expect"],
        data.get("parameters", {}),
        tuple(data.get("variants", ())),
        data.get("place", "vision"),
        data.get("simulated", False),
        data.get("alone", False),
        tuple(data.get("excludes", ())),
        data.get("mended_by", {}),
        data.get("coped_with", False),
    )


def names() -> list[str]:
    """Of every fault that has a manifest, in order of the alphabet."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def expected(expect: Mapping[str, str], parameters: Mapping[str, Any]) -> dict[str, str]:
    """What is expected with these parameters.

    >>> expected({"slice": "{line}"}, {"line": "line-2"})
    {'slice': 'line-2'}
    """
    return {name: text.format_map(parameters) for name, text in expect.items()}
