"""A fault's manifest: its title, what a diagnosis of it should say, and the ranges that its parameters are drawn from.

place = "vision"                        what it breaks; simulated = true: only the numbers of an exporter change
[expect]                                values may name parameters: slice = "{line}"
[parameters]
darkness = {low = 0.6, high = 0.9}      a number in between; a whole one where both ends are whole
line = {choices = ["line-1", "line-2"]}
[[variants]]                            one of these tables is picked whole, and its keys are parameters too
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """Parameters at random from their ranges."""
        drawn = {name: _one(rng, span) for name, span in self.parameters.items()}
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


def _one(rng: np.random.Generator, span: Mapping[str, Any]) -> Any:
    match span:
        case {"choices": list() as choices}:
            return choices[rng.integers(len(choices))]
        case {"low": int() as low, "high": int() as high}:
            return int(rng.integers(low, high + 1))
        case {"low": low, "high": high}:
            return round(float(rng.uniform(low, high)), 3)
    raise ValueError(f"a range is {{low, high}} or {{choices}}, not {span!r}")
