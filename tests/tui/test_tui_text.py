"""Text in cells, what differs between two lines, filters, and the way out to clipboard and file."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from consoles import HOSTILE
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.errors import UsageError
from console.filter import Filter
from console.tui.clipboard import MOST_BYTES, copying, write_screen
from console.tui.looks import ANSI, LOOKS, theme_for
from console.tui.terminal import is_ascii
from console.tui.text import changed, fit, tame, wrap
from console.words import spark


@given(st.text(max_size=60), st.integers(0, 40), st.booleans())
def test_a_fitted_text_is_exactly_as_wide_as_asked(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(text, width, right=right)) == width


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in tame(text))
    assert "\u202e" not in tame(text)


@given(st.text(max_size=200), st.integers(4, 40))
def test_wrapped_lines_are_never_wider_than_asked(text: str, width: int) -> None:
    assert all(cell_len(line) <= width for line in wrap(text, width, indent=2))


def test_a_gap_is_no_zero() -> None:
    assert spark([1.0, None, 2.0], 3) == "▁ █"
    assert spark([], 3) == "   "
    assert spark([5.0, 5.0], 2) == "▁▁"


def test_only_what_differs_is_repainted() -> None:
    before = [("name  ", ""), ("12.3 %", "ok"), ("        ", ""), ("7", "")]
    now = [("name  ", ""), ("12.4 %", "ok"), ("        ", ""), ("8", "")]
    assert changed(before, now) == (9, 12), "from the first digit that moved to the last"
    assert changed(before, [*before[:1], ("12.3 %", "degraded"), *before[2:]]) == (6, 6)
    assert changed(before, before) == (0, 0)


def test_lines_with_wide_characters_are_repainted_whole() -> None:
    assert changed([("名前", "")], [("名名", "")]) == (0, 4)


def test_a_filter_needs_every_term() -> None:
    facts = {"host": "n12", "name": "NVIDIA H100", "state": "degraded"}
    assert Filter.of("h100 host=n1").fits(facts)
    assert not Filter.of("h100 host=n2").fits(facts)
    assert not Filter.of("!state=degraded").fits(facts)
    assert not Filter.of("rack=7").fits(facts)
    assert Filter.of("!rack=7").fits(facts)
    assert not Filter.of("   ")


def test_copying_reaches_through_tmux_and_is_bounded() -> None:
    plain = copying("hé", {})
    assert plain == f"\x1b]52;c;{base64.b64encode('hé'.encode()).decode()}\x07"
    wrapped = copying("hé", {"TMUX": "/tmp/x"})
    assert wrapped.startswith(plain)
    assert wrapped.endswith("\x1b\\")
    assert "\x1bPtmux;\x1b\x1b]52" in wrapped
    with pytest.raises(UsageError, match="more than"):
        copying("x" * (MOST_BYTES + 1), {})


def test_a_screen_is_written_to_a_file_or_the_reason_said(tmp_path: Path) -> None:
    path = write_screen("what was seen\n", tmp_path / "screens", "board")
    assert path.read_text() == "what was seen\n"
    assert (stat.S_IMODE(path.parent.stat().st_mode), stat.S_IMODE(path.stat().st_mode)) == (0o700, 0o600)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_screen("x", tmp_path / "file", "board")


def test_every_theme_has_every_look() -> None:
    assert all(set(looks) == set(ANSI) for looks in LOOKS.values())


def test_the_theme_suits_the_terminal() -> None:
    assert theme_for({"NO_COLOR": "", "ANDON_THEME": "light"}) == "monochrome"
    assert theme_for({"SSH_CONNECTION": "1", "COLORTERM": "truecolor"}) == "ansi"
    assert theme_for({"ANDON_THEME": "high-contrast"}) == "high-contrast"
    assert theme_for({}) == "ansi"


def test_ascii_where_the_locale_has_nothing_else() -> None:
    assert is_ascii({"LC_ALL": "C"})
    assert is_ascii({"LANG": "de_DE.ISO-8859-1"})
    assert is_ascii({"TERM": "linux", "LANG": "C.UTF-8"})
    assert not is_ascii({"LANG": "C.UTF-8"})
    assert not is_ascii({})
