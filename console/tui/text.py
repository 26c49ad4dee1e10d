"""Text in cells: spans with a look, cut and filled to a width, and what differs between two lines of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len, get_character_cell_size

from console.report.clean import clean
from console.words import LEVELS

Span = tuple[str, str]  # text of known width, and the name of its look (see looks.py)
Line = Sequence[Span]

BARS = str.maketrans(dict(zip("01234567", LEVELS, strict=True)))
MOST = 400  # characters of any text from outside that a line can show
BREAKS = re.compile(r"\s+")
# What makes one sign of several characters: terminals disagree about the width of such, so they are shown apart.
JOINERS = re.compile("[\u200c\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")


def tame(text: object) -> str:
    """Text from outside as one line that a terminal may be given.

    >>> tame("two\\nlines\\x1b[2J")
    'two lines'
    """
    told = str(text)
    if told.isascii() and told.isprintable():
        return told[:MOST]
    return JOINERS.sub("", BREAKS.sub(" ", clean(told, limit=MOST)))


def fit(text: object, width: int, *, right: bool = False) -> str:
    """Text made exactly `width` cells wide: cut with … where it is longer, filled with blanks where it is shorter.

    >>> fit("latency", 5), fit("7", 3, right=True)
    ('late…', '  7')
    """
    told = tame(text)
    size = len(told) if told.isascii() else cell_len(told)
    if size > width:
        told = cut(told, width)
        size = width if told.isascii() else cell_len(told)
    blanks = " " * (width - size)
    return blanks + told if right else told + blanks


def cut(text: str, width: int) -> str:
    """At most `width` cells of a text, the last one … where something is missing."""
    if width <= 0:
        return ""
    kept, size = [], 0
    for character in text:
        size += get_character_cell_size(character)
        if size > width - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"


def size_of(line: Line) -> int:
    """How many cells a line takes."""
    return sum(len(text) if text.isascii() else cell_len(text) for text, _look in line)


def wrap(text: object, width: int, *, indent: int = 0) -> list[str]:
    """A text over several lines of at most `width` cells, the later ones indented; words longer than a line are cut.

    >>> wrap("for the line", 7, indent=1)
    ['for the', ' line']
    """
    lines: list[str] = []
    current = ""
    for word in JOINERS.sub("", BREAKS.sub(" ", clean(str(text)))).split(" "):
        longer = f"{current} {word}" if current.strip() else current + word
        if cell_len(longer) <= width or not current.strip():
            current = longer
            continue
        lines.append(current)
        current = " " * indent + word
    lines.append(current)
    return [each if cell_len(each) <= width else cut(each, width) for each in lines]


def bars(levels: str, width: int) -> str:
    """The newest of a row's levels, each a digit from 0 to 7, as one row of bars.

    >>> bars("0347", 3), bars("7", 3)
    ('▄▅█', '  █')
    """
    return levels[-width:].translate(BARS).rjust(width)


def changed(old: Line, new: Line) -> tuple[int, int]:
    """From where on two lines differ, and over how many cells.

    >>> changed([("gpu 0  ", ""), ("12.3 %", "ok")], [("gpu 0  ", ""), ("12.4 %", "ok")])
    (10, 1)
    """
    if [len(text) for text, _look in old] != [len(text) for text, _look in new] or not _is_narrow(old, new):
        return 0, max(size_of(old), size_of(new))
    x, first, end = 0, -1, 0
    for (before, was), (now, look) in zip(old, new, strict=True):
        if was != look:
            first, end = (x if first < 0 else first), x + len(now)
        elif before != now:
            start, stop = _differing(before, now)
            first, end = (x + start if first < 0 else first), x + stop
        x += len(now)
    return max(first, 0), end - max(first, 0)


def _differing(before: str, now: str) -> tuple[int, int]:
    """The first character that differs, and the one after the last."""
    first = next(place for place, (a, b) in enumerate(zip(before, now, strict=True)) if a != b)
    last = next(place for place in range(len(now) - 1, -1, -1) if before[place] != now[place])
    return first, last + 1


def _is_narrow(*lines: Line) -> bool:
    """Whether every character of these lines takes one cell."""
    return all(text.isascii() or cell_len(text) == len(text) for line in lines for text, _look in line)
