"""Write the tables of docs/dialects.md from the dialects themselves: `python docs/dialect_tables.py`."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from pages import every_dialect  # noqa: E402

from console.signals.catalogue import catalogue  # noqa: E402
from console.signals.dialect import Dialect  # noqa: E402

PAGE = ROOT / "docs" / "dialects.md"
BEGIN = "<!-- made by docs/dialect_tables.py from here on -->\n"


def tables() -> str:
    """What the page says below its words: the dialects, who tells which signal, and what has to be turned on."""
    dialects = sorted(every_dialect(), key=lambda dialect: dialect.name)
    return "\n\n".join([_dialects(dialects), *_signals(dialects), _ways(dialects), _lacks(dialects)]) + "\n"


def _dialects(dialects: list[Dialect]) -> str:
    rows = [f"| `{each.name}` | {each.title} | {len(each.signals)} | {each.note} |" for each in dialects]
    return "\n".join(["## The dialects", "", "| dialect | exporter | signals | mind |", "|---|---|---|---|", *rows])


def _signals(dialects: list[Dialect]) -> list[str]:
    told = {name: [each.name for each in dialects if name in each.signals] for name in catalogue()}
    parts = []
    for scope, names in groupby(catalogue(), lambda name: name.partition(".")[0]):
        rows = [f"| `{name}` | {', '.join(told[name])} |" for name in names if told[name]]
        if rows:
            parts.append("\n".join([f"## Who tells of the {scope}", "", "| signal | dialects |", "|---|---|", *rows]))
    return parts


def _ways(dialects: list[Dialect]) -> str:
    rows = [
        f"| `{each.name}` | {way[0].upper()}{way[1:]} | {', '.join(f'`{signal}`' for signal in signals)} |"
        for each in dialects
        for way, signals in each.opt_in.items()
    ]
    return "\n".join(["## What to turn on, or to wait for", "", "| dialect | what | for |", "|---|---|---|", *rows])


def _lacks(dialects: list[Dialect]) -> str:
    rows = [f"| `{each.name}` | `{signal}` | {why} |" for each in dialects for signal, why in each.lacks.items()]
    return "\n".join(["## What is not to be had", "", "| dialect | signal | why |", "|---|---|---|", *rows])


if __name__ == "__main__":
    words = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
    PAGE.write_text(words + BEGIN + "\n" + tables(), encoding="utf-8")
