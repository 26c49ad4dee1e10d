"""The keys of a screen, and what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from console.tui.text import Line, fit, wrap
from console.tui.widgets.canvas import Text
from console.words import MARKS

if TYPE_CHECKING:
    from console.tui.screens.sheet import Sheet

EVERYWHERE = (
    ("1 … 6", "board, GPUs, latency, drift, incidents, sources"),
    ("↑ ↓  k j", "move"),
    ("PgUp PgDn  b f", "a page up or down"),
    ("Home End  g G", "first, last row"),
    ("Tab", "to the next table"),
    ("Enter  l", "open what the cursor is on"),
    ("Esc  h", "back; takes a filter away first"),
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
SHAPES = ("ok", "degraded", "inconclusive", "improved", "stale", "no_data", "skipped", "error")


class Help(ModalScreen[None]):
    """Esc, ? or q leaves."""

    BINDINGS: ClassVar = [
        Binding("escape,question_mark,q,h,enter", "leave", "leave", priority=True, show=False),
        Binding("down,j,pagedown,f", "scroll(1)", "down", show=False),
        Binding("up,k,pageup,b", "scroll(-1)", "up", show=False),
    ]

    def __init__(self, about: Sheet) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Text(id="help")

    def on_mount(self) -> None:
        """Draw once the size is known."""
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self._draw)

    def action_leave(self) -> None:
        """Back."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """So many lines."""
        self.query_one(Text).scroll_lines(lines)

    def _draw(self) -> None:
        text = self.query_one(Text)
        width = max(min(int(self.app.size.width * 0.8), 110) - 4, 20)
        lines: list[Line] = [[(each, "")] for each in wrap(self._about.ABOUT, width)]
        lines += [[]] + [_row(key, word, width) for key, word in self._about.KEYS]
        lines += [[], [("on every screen", "dim")]] + [_row(key, word, width) for key, word in EVERYWHERE]
        lines += [[], [("shapes  ", "dim"), *((f"{MARKS[each]} {each.replace('_', ' ')}   ", each) for each in SHAPES)]]
        text.styles.height = min(len(lines), max(int(self.app.size.height * 0.9) - 2, 3))
        text.show(lines)


def _row(key: str, word: str, width: int) -> Line:
    return [(fit(key, 16), "key"), (fit(word, max(width - 16, 4)), "")]
