"""What `:` finds: every screen, incident and model by name, the acts of the screen on top, and the themes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import nlargest
from typing import TYPE_CHECKING, Any, cast

from rich.text import Text
from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider

from console.tui.looks import THEMES
from console.tui.screens.sheet import Sheet
from console.tui.text import cut, tame

if TYPE_CHECKING:
    from console.tui.app import Console

MOST_HITS = 40
MOST_CELLS = 110
# What a model can be looked at for: a word, and the screen that shows it.
ABOUT_MODEL = (("latency", "latency"), ("drift", "drift"))


@dataclass(frozen=True, slots=True)
class Command:
    """A name to be found by, and what it does."""

    name: str
    run: Callable[[], object]
    help: str = ""


class Palette(CommandPalette):
    """Textual's, with what there is to find here."""

    def __init__(self) -> None:
        super().__init__((Commands,), placeholder="a screen, an incident, a model, a theme …")

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Once: a second key would take away the screen below."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def _action_command_list(self, action: str) -> None:
        """Textual's list cannot be paged through before it was laid out."""
        if self.query_one(CommandList).size.height:
            super()._action_command_list(action)


class Commands(Provider):
    """Asked by Textual's palette, for each letter that is typed."""

    async def discover(self) -> Hits:
        """Before anything is typed: screens, incidents, acts, themes."""
        for command in [*self._few()][:MOST_HITS]:
            yield DiscoveryHit(_shown(command), command.run, text=command.name)

    async def search(self, query: str) -> Hits:
        """The best fitting; models last among equals."""
        wanted = query.casefold().split()
        scored = ((_score(command.name, wanted), -place, command) for place, command in enumerate(self._all()))
        best = nlargest(MOST_HITS, (each for each in scored if each[0] > 0), key=lambda each: each[:2])
        for score, _place, command in best:
            yield Hit(score, _shown(command), command.run, text=command.name)

    def _all(self) -> Iterator[Command]:
        yield from self._few()
        yield from _models(self._console, self._board.get("models") or ())

    def _few(self) -> Iterator[Command]:
        console = self._console
        yield from _screens(console)
        yield from _incidents(console, self._board.get("incidents") or ())
        if isinstance(self.screen, Sheet):
            yield from _acts(self.screen)
        yield from _themes(console)
        yield Command("restart the daemon", console.restart_daemon, "it reads the configuration anew")
        yield Command("quit", console.action_quit, "the daemon and everything under way go on")

    @property
    def _console(self) -> Console:
        return cast("Console", self.app)

    @property
    def _board(self) -> Mapping[str, Any]:
        return self._console.picture.board


def _screens(console: Console) -> Iterator[Command]:
    from console.tui.app import SCREENS

    for number, name in enumerate(SCREENS, 1):
        yield Command(name, partial(console.action_go, name), f"the screen, key {number}")


def _incidents(console: Console, rows: Iterable[Mapping[str, Any]]) -> Iterator[Command]:
    for row in rows:
        id_ = str(row.get("id"))
        cause = (row.get("cause") or {}).get("title") or row.get("title") or ""
        yield Command(f"{id_} {row.get('subject') or ''}: {cause}", partial(console.open_incident, id_), "the triage")


def _acts(sheet: Sheet) -> Iterator[Command]:
    """What the keys of every screen do."""
    subject, incident = sheet.subject(), sheet.incident()
    if subject:
        yield Command(f"pull the cord for {subject}", sheet.action_cord, "opens an incident, Space")
    if incident:
        yield Command(f"acknowledge {incident}", sheet.action_acknowledge, "say that you look after it, a")
    yield Command("filter", sheet.action_filter, "only the rows that fit, /")
    yield Command("write the screen to a file", sheet.action_write, "key w")
    yield Command("draw everything again", sheet.action_repaint, "key R")
    yield Command("help", sheet.console_app.action_help, "the keys of this screen, ?")


def _themes(console: Console) -> Iterator[Command]:
    for theme in THEMES:
        yield Command(f"theme {theme.name}", partial(setattr, console, "theme", theme.name), "other colours")


def _models(console: Console, rows: Iterable[Mapping[str, Any]]) -> Iterator[Command]:
    for row in rows:
        name = str(row.get("model"))
        for word, screen in ABOUT_MODEL:
            yield Command(f"{word} of {name}", partial(_open, console, screen, name), f"the {screen} screen")


def _open(console: Console, screen: str, model: str) -> None:
    sheet = console.sheet(screen)
    sheet.focus_on(model)
    console.action_go(screen)


def _score(name: str, wanted: Sequence[str]) -> float:
    """Every word must be there; the name's beginning is best, then a word's. Plain, since models are many."""
    low = name.casefold()
    score = 0.0
    for word in wanted:
        place = low.find(word)
        if place < 0:
            return 0.0
        score += 1.0 if place == 0 else 0.5 if not low[place - 1].isalnum() else 0.0
    return score + 0.4 * sum(map(len, wanted)) / len(low)


def _shown(command: Command) -> Text:
    """A name and a word about it on one line, without any markup of their own."""
    told = tame(command.name)
    name = cut(told, MOST_CELLS) if len(told) > MOST_CELLS else told
    return Text.assemble(name, (f"  {command.help}", "dim"), no_wrap=True, overflow="ellipsis")
