"""Help on every screen, that names every key; the prompt and the links."""

from __future__ import annotations

from pathlib import Path

import pytest
from consoles import TellingClient, board, running, text_of
from diagnoses import diagnosis
from textual.binding import Binding
from textual.widgets import Input

from console.tui.app import SCREENS, Console
from console.tui.screens.help import EVERYWHERE, SIGNS, Help, help_lines, more_keys
from console.tui.screens.links import Links, links_for
from console.tui.screens.prompt import Prompt
from console.tui.screens.sheet import Sheet
from console.tui.screens.triage import Triage
from console.tui.screens.triage_reader import as_text
from console.tui.widgets.part import Part
from console.tui.widgets.table import Table


def opened(app: Console, name: str) -> Sheet:
    """A screen by name; the triage has none."""
    return Triage("I-3") if name == "triage" else app.sheet(name)


def keys_of(kind: type) -> set[str]:
    """The keys that a class binds itself, as a person would call them."""
    bindings = [each for each in vars(kind).get("BINDINGS", ()) if isinstance(each, Binding)]
    return {SIGNS.get(key.strip(), key.strip()) for each in bindings for key in each.key.split(",")}


@pytest.mark.parametrize("name", [*SCREENS, "triage"])
async def test_every_key_of_a_screen_is_in_its_help(tmp_path: Path, name: str) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, _pilot):
        sheet = opened(app, name)
        told = {word for key, _what in (*sheet.KEYS, *more_keys(sheet), *EVERYWHERE) for word in key.split()}
        bound = {key for kind in type(sheet).__mro__ if issubclass(kind, Sheet) for key in keys_of(kind)}
        assert bound | keys_of(Table) | keys_of(Part) <= told


@pytest.mark.parametrize("name", [*SCREENS, "triage"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_help_shows_what_a_screen_is_for_and_can_be_scrolled_to_its_end(
    tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    client = TellingClient(tmp_path, board())
    client.answers["diagnosis"] = diagnosis()
    async with running(client, size=size) as (app, pilot):
        if name == "triage":
            app.open_incident("I-3")
        else:
            app.action_go(name)
        await pilot.pause(0.05)
        called = app.screen.NAME  # type: ignore[attr-defined]
        await pilot.press("question_mark")
        await pilot.pause(0.1)
        assert isinstance(app.screen, Help)
        part = app.screen.query_one(Part)
        seen = [as_text(part.lines(*part.size))]
        await pilot.press("G")
        await pilot.pause(0.05)
        seen.append(as_text(part.lines(*part.size)))
        assert f"help: {called}" in seen[0]
        assert "✖ error" in seen[1]
        assert part.region.bottom <= size[1]
        await pilot.press("question_mark")
        assert isinstance(app.screen, Sheet)


def test_help_wraps_and_cuts_nothing() -> None:
    shown = as_text(help_lines(Triage("I-1"), 56))
    assert all(len(line) <= 56 for line in shown.splitlines())
    assert "…" not in shown.replace("1 … 8", "")


@pytest.mark.parametrize(
    ("template", "link"),
    [
        ("https://d/?m={model}", "https://d/?m=a%20b%2F"),
        ("https://d/{model}/{host}", None),
        ("https://d/{", "https://d/{"),
        ("https://d/{0}", None),
    ],
)
def test_links_take_what_the_row_knows(template: str, link: str | None) -> None:
    assert links_for({"it": template}, {"model": "a b/"}) == ([("it", link)] if link else [])


async def test_o_lists_links_and_enter_copies_one(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, pilot):
        copied: list[str] = []
        app.copy = copied.append  # type: ignore[method-assign]
        await pilot.press("o")
        await pilot.pause(0.05)
        assert isinstance(app.screen, Links)
        await pilot.press("enter")
        await pilot.pause(0.05)
        assert copied == ["https://grafana.example/d/models?var-model=glove"]
        await pilot.press("o")
        await pilot.press("escape")
        assert isinstance(app.screen, Sheet)


async def test_no_link_says_so(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board(links={}))) as (app, pilot):
        await pilot.press("o")
        await pilot.pause(0.05)
        assert "no link fits this row" in text_of(app)


@pytest.mark.parametrize(
    ("typed", "key", "given"), [("a quiet ", "enter", "a quiet"), ("", "enter", ""), ("oh", "escape", None)]
)
async def test_a_prompt_gives_what_was_typed(tmp_path: Path, typed: str, key: str, given: str | None) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, pilot):
        answers: list[str | None] = []
        app.push_screen(Prompt("What?"), answers.append)
        await pilot.pause(0.05)
        assert app.screen.query_one(Input).size.height == 1
        await pilot.press(*("space" if letter == " " else letter for letter in typed), key)
        await pilot.pause(0.05)
        assert answers == [given]


async def test_what_is_pasted_into_a_prompt_is_made_safe(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, pilot):
        answers: list[str | None] = []
        app.push_screen(Prompt("What [bold]is[/] \x1b[31mit?"), answers.append)
        await pilot.pause(0.05)
        app.screen.query_one(Input).value = "a\x1b[2Jb\x9b31mc\u202e"
        await pilot.pause(0.05)
        await pilot.press("enter")
        await pilot.pause(0.05)
        assert answers == ["abc"]
