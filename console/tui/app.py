"""The console: one app that hears of the board and shows it on whichever screen is on top."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.events import Event, Key, Resize

from console.errors import AndonError
from console.service.client import REQUEST_SECONDS, Client
from console.tui.clipboard import copying, write_screen
from console.tui.feed import Feed, Picture
from console.tui.looks import THEMES, Looks, theme_for
from console.tui.screens.sheet import WIDE, Sheet
from console.tui.terminal import Terminal, is_ascii

STALE_SECONDS = 4.0  # while somebody looks, the daemon says each second how things are
# Where each screen is, by the name that keys, the palette and the command line give it. Imported when first shown.
SCREENS: Mapping[str, tuple[str, str]] = {
    "board": ("console.tui.screens.board", "Board"),
    "gpu": ("console.tui.screens.gpu", "Gpus"),
    "latency": ("console.tui.screens.latency", "Latency"),
    "drift": ("console.tui.screens.drift", "Drift"),
    "incidents": ("console.tui.screens.incidents", "Incidents"),
    "sources": ("console.tui.screens.sources", "Sources"),
    "alerts": ("console.tui.screens.alerts", "Alerts"),
    "plans": ("console.tui.screens.plans", "Plans"),
}


class Console(App[int]):
    """`start` starts a daemon where none runs; `incident` opens the triage of one at once."""

    CSS_PATH = "console.tcss"
    TITLE = "andon"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar = [
        Binding("q,ctrl+q,ctrl+c", "quit", "quit", priority=True, show=False),
        Binding("colon,ctrl+p", "command_palette", "commands", show=False),
        Binding("question_mark", "help", "help", show=False),
        *(Binding(str(n), f"go('{name}')", name, show=False) for n, name in enumerate(SCREENS, 1)),
    ]

    def __init__(
        self, client: Client, start: Callable[[], object], *, locked: bool = False, incident: str = ""
    ) -> None:
        theme = theme_for()
        os.environ.pop("NO_COLOR", None)  # theme_for has read it; Textual would only turn colours into greys
        self.is_ascii = is_ascii()
        self.styles_by_look = Looks(theme)
        super().__init__(driver_class=Terminal)
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme
        self.client = client
        self.locked = locked
        self.picture = Picture()
        self._start = start
        self._incident = incident
        self._feed: Feed | None = None
        self._aims: WeakKeyDictionary[Key, DOMNode] = WeakKeyDictionary()  # what had the focus when a key came

    @property
    def is_colourless(self) -> bool:
        """Whether nothing but attributes may reach the terminal."""
        return self.theme == "monochrome"

    @property
    def has_greys(self) -> bool:
        """Whether pictures can be shown in greys."""
        return (
            not self.is_colourless and not self.is_ascii and (self.console.color_system or "") in ("256", "truecolor")
        )

    @property
    def age(self) -> float | None:
        """Seconds since the newest snapshot came; None before the first."""
        return None if self.picture.arrived is None else time.monotonic() - self.picture.arrived

    @property
    def is_stale(self) -> bool:
        """Whether what is shown may no longer be so."""
        return bool(self.picture.trouble) or (self.age is not None and self.age > STALE_SECONDS)

    def on_mount(self) -> None:
        """Show the board, and begin to listen."""
        self._feed = Feed(self.client, self._start, self._on_news)
        self.push_screen(self.sheet("board"))
        self._feed.open()
        if self._incident:
            self.open_incident(self._incident)
        self.set_interval(1.0, self._tick)

    def sheet(self, name: str) -> Sheet:
        """A screen by name, as it was left."""
        if not self.is_screen_installed(name):
            import importlib

            module, kind = SCREENS[name]
            self.install_screen(getattr(importlib.import_module(module), kind)(), name)
        screen = self.get_screen(name)
        assert isinstance(screen, Sheet)
        return screen

    def open_incident(self, incident: str) -> None:
        """The triage of one incident, on top of what is shown."""
        from console.tui.screens.triage import Triage

        if not (isinstance(self.screen, Triage) and self.screen.incident() == incident):
            self.push_screen(Triage(incident))

    def action_go(self, name: str) -> None:
        """To one of the screens that have a name; the board is always below."""
        if getattr(self.screen, "is_modal", False):
            return
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if name != "board":
            self.push_screen(self.sheet(name))

    def action_help(self) -> None:
        """The keys of the screen on top."""
        from console.tui.screens.help import Help

        if isinstance(self.screen, Sheet):
            self.push_screen(Help(self.screen))

    def action_command_palette(self) -> None:
        """Everything by name; imported when it is first wanted."""
        from console.tui.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    async def action_quit(self) -> None:
        """Leave, whatever is under way."""
        if self._feed is not None:
            self._feed.close()
        self.exit(0)

    def ask(
        self,
        op: str,
        then: Callable[[Any], None],
        *,
        refused: Callable[[AndonError], None] | None = None,
        slot: str = "",
        timeout: float = REQUEST_SECONDS,
        **args: Any,
    ) -> None:
        """Ask the daemon; what it says comes later. Of several questions in one slot only the newest counts."""
        if self._feed is not None:
            self._feed.ask(op, then, refused or self.complain, slot=slot or op, timeout=timeout, args=args)

    def restart_daemon(self) -> None:
        """End the daemon; a new one, which reads the configuration anew, is started as where none runs."""
        if not self.is_locked():
            self.ask("stop", lambda _answer: self.say("the daemon has stopped; a new one starts"))

    def is_locked(self) -> bool:
        """Whether nothing may be changed, which is said if so."""
        if self.locked:
            self.complain(AndonError("this andon is locked: it changes nothing", "run it without --locked"))
        return self.locked

    def complain(self, error: AndonError) -> None:
        """Say what went wrong, on the screen's last line."""
        self.say(f"{error.message}. {error.hint}" if error.hint else error.message, "error")

    def say(self, text: str, look: str = "bold") -> None:
        """A word to the operator, on the last line of the screen on top."""
        if isinstance(self.screen, Sheet):
            self.screen.say(text, look)

    def copy(self, text: str) -> None:
        """Into the clipboard of the machine that the operator sits at."""
        try:
            sequence = copying(text)
        except AndonError as error:
            self.complain(error)
            return
        if self._driver is not None:
            self._driver.write(sequence)
        self.say(f"copied {len(text.splitlines())} lines" if "\n" in text else "copied")

    def write_screen(self, text: str, name: str) -> None:
        """Into a file in the data folder."""
        try:
            self.say(f"written to {write_screen(text, self.client.data / 'screens', name)}")
        except AndonError as error:
            self.complain(error)

    def watch_theme(self, theme: str) -> None:
        """Other looks."""
        if theme in {each.name for each in THEMES}:
            self.styles_by_look = Looks(theme)
            if self.is_running:
                self.repaint_all()

    def on_resize(self, event: Resize) -> None:
        """The terminal has another size."""
        if isinstance(self._driver, Terminal):
            self._driver.resized(event.size.width, event.size.height)

    async def on_event(self, event: Event) -> None:
        """Remember what a key was meant for. Esc and a letter right behind it arrive as that letter with Alt."""
        if isinstance(event, Key) and not event.is_forwarded:
            if event.key.startswith("alt+") and event.character:
                self.post_message(Key(event.character, event.character))
                event = Key("escape", "\x1b")
            self._aims[event] = self.focused or self.screen
        await super().on_event(event)

    async def _on_key(self, event: Key) -> None:
        """Keys that come in one go, from a slow line or a fast hand, are meant for what the first of them opens."""
        aim = self._aims.pop(event, None)
        if aim is not None and aim is not (self.focused or self.screen):
            event.prevent_default()  # what it does here, which Textual would call next
            self.post_message(Key(event.key, event.character))

    def repaint_all(self) -> None:
        """Send everything again: something else has written to the terminal."""
        if isinstance(self._driver, Terminal):
            self._driver.forget()
        self.screen.refresh()

    def _on_news(self, picture: Picture) -> None:
        self.picture = picture
        if not self.screen_stack:  # it is being left
            return
        if isinstance(self.screen, Sheet):
            self.screen.take(picture)

    def _tick(self) -> None:
        if self.screen_stack and isinstance(self.screen, Sheet) and self.is_stale:  # no screen: it is being left
            self.screen.take(self.picture)
