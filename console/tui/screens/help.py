"""The keys of a screen, and what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from console.tui.screens.box import Box
from console.tui.text import Line, fit, wrap
from console.tui.widgets.part import Part
from console.words import MARKS

if TYPE_CHECKING:
    from console.tui.screens.sheet import Sheet

EVERYWHERE = (
    ("1 … 8", "board, GPUs, latency, drift, incidents, sources, alerts, plans"),
    ("↑ ↓  k j", "move"),
    ("PgUp PgDn  b f", "a page up or down"),
    ("Home End  g G", "first, last row"),
    ("Tab shift+tab", "to the next part of the screen, to the one before"),
    ("Enter  l", "open what the cursor is on"),
    ("Esc h Backspace", "back; takes a filter away first"),
    ("/", "filter: words and key=value terms, ! before one that must not be"),
    ("Space", "pull the cord: open an incident about what the cursor is on, and have it examined"),
    ("a", "acknowledge the incident: say that you look after it"),
    ("o", "links that belong to the row"),
    ("y  w", "copy the row to your clipboard; write the screen to a file"),
    (":  ctrl+p", "commands by name; themes among them"),
    ("R  ctrl+l", "draw everything again"),
    ("?", "this help"),
    ("q", "quit; the daemon and everything under way go on"),
)
SHAPES = ("ok", "degraded", "inconclusive", "improved", "stale", "no_data", "skipped", "waiting", "error")
SIGNS = {
    "space": "Space", "escape": "Esc", "backspace": "Backspace", "enter": "Enter", "tab": "Tab",
    "up": "↑", "down": "↓", "left": "←", "right": "→",
    "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End",
    "slash": "/", "question_mark": "?", "colon": ":", "plus": "+", "minus": "-", "equals_sign": "=",
    "comma": ",", "full_stop": ".", "less_than_sign": "<", "greater_than_sign": ">",
    "left_square_bracket": "[", "right_square_bracket": "]",
}  # fmt: skip
KEY_CELLS = 17
SHAPE_CELLS = 16


class Help(Box[None]):
    """Esc, ? or q leaves."""

    BINDINGS: ClassVar = [
        Binding("escape,question_mark,q,h,enter,l,backspace", "leave", "leave", priority=True, show=False),
    ]

    def __init__(self, about: Sheet) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Part(f"help: {self._about.NAME}", id="help")

    def on_mount(self) -> None:
        """As high as it needs to be, and to be scrolled where that is too much."""
        self._fit()
        part = self.query_one(Part)
        part.show(lambda width, _height: help_lines(self._about, width), note="Esc goes back")
        part.focus()

    def on_resize(self) -> None:
        """The room is another."""
        self._fit()

    def action_leave(self) -> None:
        """Back."""
        self.dismiss(None)

    def _fit(self) -> None:
        width, height = self.app.size
        needed = len(help_lines(self._about, max(min(int(width * 0.8), 110) - 6, 20))) + 1
        self.query_one(Part).styles.height = max(min(needed, int(height * 0.9) - 2), 3)


def help_lines(about: Sheet, width: int) -> list[Line]:
    """What a screen is for, its own keys, those that every screen has, and what the shapes mean."""
    lines: list[Line] = [[(each, "")] for part in about.ABOUT.splitlines() for each in wrap(part, width)]
    lines.append([])
    for key, word in (*about.KEYS, *more_keys(about)):
        lines += _row(key, word, width)
    lines += [[], [("on every screen", "dim")]]
    for key, word in EVERYWHERE:
        lines += _row(key, word, width)
    lines += [[], [("shapes", "dim")]]
    a_line = max(width // SHAPE_CELLS, 1)
    for first in range(0, len(SHAPES), a_line):
        named = SHAPES[first : first + a_line]
        lines.append([(fit(f"{MARKS[each]} {each.replace('_', ' ')}", SHAPE_CELLS), each) for each in named])
    return lines


def more_keys(about: Sheet) -> list[tuple[str, str]]:
    """The keys that a screen binds and does not name in KEYS: twins of others, and ways back."""
    told = {each for key, _word in (*about.KEYS, *EVERYWHERE) for each in key.split()}
    found = []
    for binding in vars(type(about)).get("BINDINGS", ()):
        keys = [SIGNS.get(each, each) for each in binding.key.replace(" ", "").split(",")]
        if more := [each for each in keys if each not in told]:
            found.append((" ".join(more), binding.description))
    return found


def _row(key: str, word: str, width: int) -> list[Line]:
    first, *more = wrap(word, max(width - KEY_CELLS, 8))
    return [[(fit(key, KEY_CELLS), "key"), (first, "")], *([(" " * KEY_CELLS, ""), (each, "")] for each in more)]
