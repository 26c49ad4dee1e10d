"""A ranking in words: one candidate a line, its score as a bar, why below. A change's score is a probability."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from console.analysis.incidents.changes import NONE
from console.model import Candidate
from console.report.clean import clean
from console.words import instant

BAR = 10
WIDEST_NAME = 48


def ranking_report(candidates: Sequence[Candidate], *, left_out: int = 0, width: int = 100) -> str:
    """What may be to blame, best first; `left_out` candidates are only counted."""
    if not candidates:
        return "nothing stands out: by what this case holds, no service and no change is to blame"
    names = [_name(one) for one in candidates]
    widest = max(map(len, names))
    best = max(one.score for one in candidates)
    lines: list[str] = []
    for place, (one, name) in enumerate(zip(candidates, names, strict=True), start=1):
        filled = round(BAR * one.score / best) if best > 0 else 0
        bar = "█" * filled + "·" * (BAR - filled)
        score = f"{one.score:.0%}" if one.kind == "event" else f"{one.score:.2f}"
        lines.append(f"{place:3}  {one.kind:7}  {name:{widest}}  {bar}  {score:>4}")
        lines += textwrap.wrap(_why(one), max(width, 40), initial_indent="     ", subsequent_indent="     ")
    if left_out:
        lines.append(f"     and {left_out} less likely; --top tells more")
    return "\n".join(lines)


def _name(one: Candidate) -> str:
    if one.kind == "event" and one.target == NONE:
        return "no change is to blame"
    return clean(one.target, limit=WIDEST_NAME).replace("\n", " ")


def _why(one: Candidate) -> str:
    if one.target == NONE and not one.parts:
        return "how likely it is that none of these changes did it"
    since = f"since {instant(one.onset)}: " if one.onset is not None else ""
    return f"{since}{clean(one.why)}"
