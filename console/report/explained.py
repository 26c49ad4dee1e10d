"""What a run's answer hangs on, in words: the missing evidence that changes most for least comes first."""

from __future__ import annotations

from textwrap import wrap

from console import words
from console.playbook.explaining import Explanation, Missing, WhatIf
from console.report.clean import clean

INDENT = "  "
MOST_WAYS = 4  # to turn out, of one step


def explained_report(told: Explanation, *, width: int = 100) -> str:
    """The explanation in lines of at most `width` cells."""
    head = f"{told.cause} is the first cause" if told.cause else "no cause is named"
    lines = [clean(f"{told.playbook} {told.run}: {head} (odds {words.number(told.odds)})")]
    telling = [each for each in told.missing if each.worth > 0]
    idle = [each for each in told.missing if each.worth <= 0]
    if not telling:
        lines += ["", "nothing that is missing would change it"]
    for rank, each in enumerate(telling, 1):
        lines += ["", *_missing(rank, each, width)]
    if idle:
        names = ", ".join(each.step for each in idle)
        lines += ["", *_hang("missing too, and moving no cause: ", clean(names), width)]
    return "\n".join(lines) + "\n"


def _missing(rank: int, each: Missing, width: int) -> list[str]:
    lines = _hang(f"{rank}. ", clean(f"{each.title} ({each.step})"), width)
    lines += _hang(f"{INDENT} missing  ", clean(each.reason or each.lack.replace("_", " ")), width)
    for what_if in each.what_if[:MOST_WAYS]:
        lines += _hang(f"{INDENT} if       ", clean(_what_if(what_if)), width)
    lines += _hang(f"{INDENT} cost     ", f"{each.cost:g}: {each.because}", width)
    return lines + _hang(f"{INDENT} do       ", clean(each.todo), width)


def _what_if(what_if: WhatIf) -> str:
    then = f"{what_if.cause} is first" if what_if.cause else "no cause is named"
    said = f"{what_if.supposed}: {then} (odds {words.number(what_if.odds)})"
    return said if what_if.changes else f"{said}, as now"


def _hang(head: str, text: str, width: int) -> list[str]:
    return wrap(text, width, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False) or [head]
