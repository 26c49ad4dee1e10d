"""A ranking in words: one candidate a line, its score as a bar, why below."""

from __future__ import annotations

import textwrap

from console.model import Ranking
from console.report.clean import clean

BAR = 10


def ranking_report(ranking: Ranking, *, left_out: int = 0, width: int = 100) -> str:
    """What may be to blame, best first."""
    if not ranking.candidates:
        return "nothing stands out: no service and no change is to blame by what this case holds"
    best = max(one.score for one in ranking.candidates)
    names = min(max(len(clean(one.target)) for one in ranking.candidates), 48)
    lines: list[str] = []
    for place, one in enumerate(ranking.candidates, start=1):
        filled = round(BAR * one.score / best) if best > 0 else 0
        bar = "█" * filled + "·" * (BAR - filled)
        lines.append(f"{place:3}  {one.kind:7}  {clean(one.target, limit=names):{names}}  {bar}  {one.score:.2f}")
        lines += textwrap.wrap(clean(one.why), max(width, 40), initial_indent="     ", subsequent_indent="     ")
    if left_out:
        lines.append(f"     and {left_out} more: --top {len(ranking.candidates) + left_out}")
    return "\n".join(lines)
