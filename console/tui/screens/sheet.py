"""What every screen is: a line above that says where one is and how fresh that is, and one below with the keys."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Input

from console.filter import Filter
from console.tui.feed import Picture
from console.tui.panels import figures, sources
from console.tui.screens.standing import incident_of
from console.tui.text import Line, Span, cut, fit, size_of
from console.tui.widgets.canvas import Canvas, Text
from console.tui.widgets.table import Table
from console.words import lapse

if TYPE_CHECKING:
    from console.tui.app import Console

WIDE = 120  # cells from which panels stand side by side
SAID_SECONDS = 8.0
Keys = tuple[tuple[str, str], ...]
GENERAL_KEYS: Keys = (("/", "filter"), (":", "commands"))
LAST_KEYS: Keys = (("?", "help"), ("q", "quit"))  # never left out


class Sheet(Screen[None]):
    """Subclasses give `body`, `show`, and say what they are in NAME, ABOUT and KEYS."""

    NAME: ClassVar[str] = ""
    ABOUT: ClassVar[str] = ""  # for the help: what this screen is for
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = ()  # (key, what it does), for the last line and the help
    AUTO_FOCUS = "Table"
    BINDINGS: ClassVar = [
        Binding("escape,h,backspace", "back", "back", show=False),
        Binding("slash", "filter", "filter", show=False),
        Binding("space", "cord", "pull the cord", show=False),
        Binding("a", "acknowledge", "acknowledge", show=False),
        Binding("o", "links", "links", show=False),
        Binding("y", "copy", "copy the row", show=False),
        Binding("w", "write", "write the screen to a file", show=False),
        Binding("ctrl+l,R", "repaint", "draw everything again", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.filter = Filter()
        self._said: tuple[str, str, float] = ("", "", 0.0)

    @property
    def console_app(self) -> Console:
        """The app, as what it is."""
        return cast("Console", self.app)

    # ── for the screens to give ──────────────────────────────────────────────────────────────────────────────────────

    def body(self) -> ComposeResult:
        """The widgets between the first line and the last."""
        raise NotImplementedError

    def show(self, board: Mapping[str, Any]) -> None:
        """Bring the widgets up to the newest snapshot. Called for the screen on top alone, and when it becomes that."""
        raise NotImplementedError

    def focus_on(self, subject: str) -> None:
        """Put the cursor on this subject when the screen is shown next."""

    def subject(self) -> str:
        """What the row under the cursor is about: the model, or host/gpu. Empty: nothing."""
        facts = self.facts()
        return facts.get("model") or (f"{facts.get('host', '')}/{facts['gpu']}" if facts.get("gpu") else "")

    def incident(self) -> str:
        """The incident that the row under the cursor belongs to, by id. Empty: none."""
        return self.facts().get("incident") or incident_of(self.console_app.picture.board, self.subject())

    def facts(self) -> Mapping[str, str]:
        """What is known of the row under the cursor, for links, the filter and copying."""
        table = self.table
        return table.facts if table is not None else {}

    # ── the frame ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def table(self) -> Table | None:
        """The table that has the focus, or the first one."""
        if isinstance(self.focused, Table):
            return self.focused
        return next(iter(self.query(Table)), None)

    @property
    def is_filtering(self) -> bool:
        """Whether a filter is being typed."""
        return bool(self.query_one("#filter").display)

    @property
    def is_up(self) -> bool:
        """Whether its widgets are there: answers may come before it is mounted, and while it is taken down."""
        return self.is_mounted and self.is_attached and not self._pruning

    def compose(self) -> ComposeResult:
        self.set_class(self.app.size.width < WIDE, "-narrow")  # before the first layout, not after it
        field = Input(placeholder="words and key=value terms, ! before one that must not be", id="filter")
        field.display = False
        yield Text(id="top")
        yield from self.body()
        yield field
        yield Text(id="bottom")

    def on_mount(self) -> None:
        self.take(self.console_app.picture)

    def on_screen_resume(self) -> None:
        self.take(self.console_app.picture)

    def on_resize(self) -> None:
        self.call_after_refresh(self._frame)

    def take(self, picture: Picture) -> None:
        """A new snapshot, or the same one, older."""
        if not self.is_up:
            return
        if picture.board:
            self.show(picture.board)
        self._frame()

    def say(self, text: str, look: str) -> None:
        """A word on the last line, for some seconds."""
        self._said = (text, look, time.monotonic() + SAID_SECONDS)
        self._frame()
        self.set_timer(SAID_SECONDS + 0.1, self._frame)

    def _frame(self) -> None:
        width = self.size.width
        if width and self.is_up:
            self.query_one("#top", Text).show([self._first_line(width)])
            self.query_one("#bottom", Text).show([self._last_line(width)])

    def _first_line(self, width: int) -> Line:
        board = self.console_app.picture.board
        left: list[Span] = [(" andon ", "bar"), (f" {self.NAME} ", "title")]
        standing = len(board.get("incidents") or ())
        if standing:
            left.append((f" ▲ {standing} incident{'s' if standing > 1 else ''} ", "degraded"))
        if self.NAME != "sources" and (unwell := _unwell(board)):
            left.append((f" ✖ {unwell} ", "error"))
        state = self._state()
        clock = board.get("now")
        shown = datetime.fromtimestamp(clock, UTC).strftime("%H:%M:%SZ") if isinstance(clock, (int, float)) else ""
        right: list[Span] = [(f"{shown} ", ""), state, (" ", "")]
        if len(left) > 3 and size_of(left) + size_of(right) > width:
            left.pop()
        blanks = width - size_of(left) - size_of(right)
        return [*left, (" " * max(blanks, 0), ""), *right] if blanks >= 0 else [left[0], left[1], state]

    def _state(self) -> Span:
        app = self.console_app
        if app.age is None:
            return ("… waiting", "dim")
        if app.is_stale:
            return (f"◌ stale, {lapse(app.age)} old", "stale")
        return ("● live", "ok")

    def _last_line(self, width: int) -> Line:
        text, look, until = self._said
        if text and time.monotonic() < until:
            return [(fit(f" {text}", width), look)]
        picture = self.console_app.picture
        if picture.trouble:
            return [(fit(f" ✖ {picture.trouble}{'; ' + picture.hint if picture.hint else ''}", width), "error")]
        return [span for key, word in _fitting(self.KEYS, width) for span in ((f" {key}", "key"), (f" {word} ", "dim"))]

    # ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_back(self) -> None:
        """Take the filter away, typed or being typed, or leave the screen."""
        if self.is_filtering:
            self._filter_by("")
            self._close_filter()
        elif self.filter:
            self._filter_by("")
        elif self.is_active and len(self.app.screen_stack) > 2:  # a second key may have been on its way
            self.app.pop_screen()

    def action_filter(self) -> None:
        """Type what rows must have."""
        if not self.query(Table):
            return
        field = self.query_one("#filter", Input)
        field.value = self.filter.text
        field.display = True
        self.set_focus(field)  # at once: the next key may be under way already

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "filter":
            self._filter_by(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "filter":
            self._close_filter()

    def _filter_by(self, text: str) -> None:
        self.filter = Filter.of(text)
        for table in self.query(Table):
            table.filter_by(self.filter)

    def _close_filter(self) -> None:
        self.query_one("#filter").display = False
        self.set_focus(next(iter(self.query(Table)), None))

    def action_cord(self) -> None:
        """Open an incident about what the cursor is on."""
        from console.tui.screens.prompt import Prompt

        subject = self.subject()
        if self.console_app.is_locked():
            return
        if not subject:
            self.say("move to a model or a GPU first: the cord is pulled for what the cursor is on", "warn")
            return

        def pulled(text: str | None) -> None:
            if text is not None:
                self.console_app.ask("incident.open", self._opened, subject=subject, text=text)

        question = f"Pull the cord for {subject}: what is wrong? (Enter opens an incident, Esc does not)"
        self.app.push_screen(Prompt(question, self.facts().get("reason", "")), pulled)

    def _opened(self, incident: Mapping[str, Any]) -> None:
        self.say(f"{incident['id']} is open and being examined", "bold")
        self.console_app.open_incident(str(incident["id"]))

    def action_acknowledge(self) -> None:
        """Say that you look after the incident of what the cursor is on."""
        incident = self.incident()
        if self.console_app.is_locked():
            return
        if not incident:
            self.say("no incident here; Space opens one", "warn")
            return
        self.console_app.ask(
            "incident.ack",
            lambda answer: self.say(f"{incident} is yours, {answer.get('owner')}", "bold"),
            incident=incident,
        )

    def action_links(self) -> None:
        """What belongs to the row: dashboards, logs, runbooks."""
        from console.tui.screens.links import Links, links_for

        found = links_for(
            self.console_app.picture.board.get("links") or {}, {**self.facts(), "incident": self.incident()}
        )
        if found:
            self.app.push_screen(Links(found))
        else:
            self.say("no link fits this row; [links] in the configuration names them", "warn")

    def action_copy(self) -> None:
        """The facts of the row under the cursor."""
        facts = "\n".join(f"{name}={value}" for name, value in self.facts().items() if value)
        if facts:
            self.console_app.copy(facts)
        else:
            self.say("nothing to copy here", "warn")

    def action_write(self) -> None:
        """What the screen shows, as a file."""
        self.console_app.write_screen("\n".join(self.text()) + "\n", self.NAME)

    def action_repaint(self) -> None:
        """Everything again."""
        self.console_app.repaint_all()

    def text(self) -> Iterator[str]:
        """What the screen shows, as lines of text."""
        for y in range(self.size.height):
            strips = [
                (widget.region.x, widget.render_line(y - widget.region.y).text)
                for widget in self.query(Canvas)
                if widget.display and widget.region.y <= y < widget.region.bottom
            ]
            line = ""
            for x, text in sorted(strips):
                line += " " * (x - cell_len(line)) + text
            yield cut(line.rstrip(), 1000) if len(line) > 1000 else line.rstrip()


def _unwell(board: Mapping[str, Any]) -> str:
    """Which source does not answer as it should, or how many: what they told is old, or missing."""
    bad = [row for row in figures.dicts(board.get("sources")) if sources.look_of(row) == "error"]
    if len(bad) == 1:
        return f"{fit(figures.text(bad[0], 'name'), 14).rstrip()} {figures.text(bad[0], 'state')}"
    return f"{len(bad)} sources not well" if bad else ""


def _fitting(keys: Keys, width: int) -> list[tuple[str, str]]:
    """The keys that the last line has room for; how to get help and how to leave are always among them."""

    def size(key: tuple[str, str]) -> int:
        return len(key[0]) + len(key[1]) + 3

    room = width - sum(map(size, LAST_KEYS))
    kept = []
    for key in (*keys, *GENERAL_KEYS):
        room -= size(key)
        if room < 0:
            break
        kept.append(key)
    return [*kept, *LAST_KEYS]
