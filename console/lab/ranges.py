"""Ranges that a fault's parameters are drawn from; a third of them is drawn anew for each score.

{low = 0.6, high = 0.9}                    a number in between; a whole one where both ends are whole
{low = 0.6, high = 0.9, most = 1.0}        … and how far a range that is drawn anew may reach (`least`, `most`)
{choices = ["line-1", "line-2"]}           one of these
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from console.plugins import LabFault

REDRAWN = 1 / 3  # of the ranges of numbers
WIDER = 0.25  # of its width, to each side: how far a new range reaches where the manifest does not say
NARROWEST = 0.5  # of the old width

Range = Mapping[str, Any]


def draw(span: Range, rng: np.random.Generator) -> Any:
    """A value of this range."""
    match span:
        case {"choices": list() as choices}:
            return choices[rng.integers(len(choices))]
        case {"low": int() as low, "high": int() as high}:
            return int(rng.integers(low, high + 1))
        case {"low": low, "high": high}:
            return round(float(rng.uniform(low, high)), 3)
    raise ValueError(f"a range is {{low, high}} or {{choices}}, not {span!r}")


def redrawn(fault: LabFault, seed: int) -> dict[str, Range]:
    """Those of its ranges that a score of this seed has drawn anew; the same ones each time."""
    rng = np.random.default_rng([seed, zlib.crc32(fault.name.encode())])
    numbers = {name: span for name, span in sorted(fault.ranges.items()) if "low" in span}
    return {name: _anew(span, rng) for name, span in numbers.items() if rng.random() < REDRAWN}


def drawn(fault: LabFault, rng: np.random.Generator, redraw: int | None = None) -> dict[str, Any]:
    """Parameters at random; with `redraw`, those of the ranges that a score of that seed has drawn anew."""
    anew = {} if redraw is None else redrawn(fault, redraw)
    return {**fault.draw(rng), **{name: draw(span, rng) for name, span in anew.items()}}


def outer(span: Range) -> tuple[float, float]:
    """How far a new range may reach. A share stays one, and what is never negative stays so.

    >>> outer({"low": 0.6, "high": 1.0}), outer({"low": 4, "high": 8, "most": 9})
    ((0.5, 1.0), (3.0, 9))
    """
    low, high = span["low"], span["high"]
    more = WIDER * (high - low)
    least = max(low - more, 0.0) if low >= 0 else low - more
    most = min(high + more, 1.0) if low >= 0 and high <= 1 and isinstance(high, float) else high + more
    return span.get("least", least), span.get("most", most)


def _anew(span: Range, rng: np.random.Generator) -> Range:
    least, most = outer(span)
    width = min((span["high"] - span["low"]) * rng.uniform(NARROWEST, 1.0), most - least)
    low = rng.uniform(least, most - width)
    if isinstance(span["low"], int) and isinstance(span["high"], int):
        low = min(max(round(low), int(np.ceil(least))), int(most))
        return {"low": low, "high": max(low, min(low + round(width), int(most)))}
    return {"low": round(low, 3), "high": round(low + width, 3)}
