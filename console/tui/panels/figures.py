"""Numbers as the cells of a table say them: short, of one width, a dash where nothing is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.tui import shapes
from console.tui.text import Span, bars, size_of, tame
from console.tui.widgets.table import Row
from console.words import MARKS, quantity

NOTHING = "–"
FULL, EMPTY = "█", "░"
UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def known(value: Any) -> float | None:
    """A number out of JSON; None for anything else.

    >>> known(3), known("3"), known(None)
    (3.0, None, None)
    """
    found = shapes.number(value)
    return None if found is None else float(found)


def figure(value: Any, unit: str = "1") -> str:
    """A number with its unit."""
    number = known(value)
    return NOTHING if number is None else quantity(number, unit)


def percent(value: Any, digits: int = 0) -> str:
    """A share of 1.

    >>> percent(0.934), percent(0.0012, 1), percent(None)
    ('93%', '0.1%', '–')
    """
    number = known(value)
    return NOTHING if number is None else f"{100 * number:.{digits}f}%"


def whole(value: Any, unit: str = "") -> str:
    """A number without its fraction.

    >>> whole(61.4, "°C"), whole(None)
    ('61 °C', '–')
    """
    number = known(value)
    return NOTHING if number is None else f"{number:,.0f} {unit}".rstrip()


def short(count: float) -> str:
    """A count in five characters at most, however many.

    >>> short(12), short(53626), short(16087951)
    ('12', '53.6k', '16.1M')
    """
    for least, size, unit in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if count >= least:
            return f"{count / size:.3g}{unit}"
    return f"{count:.0f}"


def age(seconds: Any) -> str:
    """How old, in whole units: what changes each second is drawn each second.

    >>> age(400.0), age(None)
    ('6 min', '–')
    """
    number = known(seconds)
    if number is None:
        return NOTHING
    size, unit = next(((size, unit) for size, unit in UNITS if number >= size), (1.0, "s"))
    return f"{max(int(number / size), 0)} {unit}"


def bar(share: float | None, width: int) -> str:
    """A share of 1 as a bar.

    >>> bar(0.5, 6)
    '███░░░'
    """
    if share is None or width <= 0:
        return " " * max(width, 0)
    full = round(min(max(share, 0.0), 1.0) * width)
    return FULL * full + EMPTY * (width - full)


def history(levels: Any, width: int) -> Span:
    """The newest levels of a row as bars, as many as there are cells."""
    return (bars(levels, width) if isinstance(levels, str) and levels.isdecimal() else " " * width, "spark")


def model_name(row: Row, width: int) -> str:
    """A model's name; what stands before the last / goes first where there is no room.

    >>> model_name({"model": "meta/llama-70b"}, 20), model_name({"model": "meta/llama-70b"}, 10)
    ('meta/llama-70b', 'llama-70b')
    """
    name = tame(text(row, "model"))
    return name if size_of([(name, "")]) <= width else name.rpartition("/")[2] or name


def marked(state: Any, text: str) -> Span:
    """Text behind the shape of a state, in its look; what is well is not coloured.

    >>> marked("degraded", "glove"), marked("ok", "chat")
    (('▲ glove', 'degraded'), ('● chat', ''))
    """
    known_state = state if isinstance(state, str) and state in MARKS else "no_data"
    return (f"{MARKS[known_state]} {text}", "" if known_state == "ok" else known_state)


def values(row: Row) -> Mapping[str, Any]:
    """The newest values of a GPU, by signal."""
    found = row.get("values")
    return found if isinstance(found, Mapping) else {}


def rates(row: Row) -> Mapping[str, Any]:
    """What the counters of a GPU gain a second, by signal."""
    found = row.get("rates")
    return found if isinstance(found, Mapping) else {}


def dicts(rows: Any) -> list[Mapping[str, Any]]:
    """Rows out of JSON; whatever is none is left out."""
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, (list, tuple)) else []


def text(row: Row, name: str) -> str:
    """One fact of a row as text; empty where it is not known."""
    found = row.get(name)
    return "" if found is None else str(found)
