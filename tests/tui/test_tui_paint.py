"""The paper between what is drawn and what is sent: nothing is sent twice, and the terminal shows what was drawn."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import get_character_cell_size

from console.tui.paint import BLANK, Paper, Row, strokes
from console.tui.terminal import ASCII, _plain, _trimmed

WIDTH, HEIGHT = 12, 3
PART = re.compile(r"\x1b\[([\d;]*)([HmKXC])|([^\x1b])")


class Screen:
    """As much of a terminal as `strokes` needs, written apart from it."""

    def __init__(self, width: int, height: int) -> None:
        self.rows: list[Row] = [[BLANK] * width for _ in range(height)]
        self.x = self.y = 0
        self.sgr = ""

    def take(self, data: str) -> None:
        for part in PART.finditer(data):
            numbers = [int(each) for each in (part[1] or "").split(";") if each]
            match part[2]:
                case "H":
                    self.y, self.x = numbers[0] - 1, numbers[1] - 1
                case "m":
                    self.sgr = (part[1] or "").removeprefix("0").removeprefix(";")
                case "K":
                    self.rows[self.y][self.x :] = [(" ", self.sgr)] * (len(self.rows[0]) - self.x)
                case "X":
                    self.rows[self.y][self.x : self.x + numbers[0]] = [(" ", self.sgr)] * numbers[0]
                case "C":
                    self.x += numbers[0] if numbers else 1
                case None:
                    self._put(part[3])

    def _put(self, character: str) -> None:
        row, size = self.rows[self.y], get_character_cell_size(character)
        if size == 0:
            row[self.x - 1] = (row[self.x - 1][0] + character, row[self.x - 1][1])
            return
        row[self.x] = (character, self.sgr)
        if size == 2:
            row[self.x + 1] = ("", self.sgr)
        self.x += size


pieces = st.lists(
    st.tuples(
        st.integers(0, HEIGHT - 1),
        st.integers(0, WIDTH - 1),
        st.sampled_from(["", "1", "31", "38;2;1;2;3;48;5;7"]),
        st.text(alphabet="ab  ▲é名", max_size=WIDTH),
    ),
    max_size=12,
)


def drawn(paper: Paper, strips: list[tuple[int, int, str, str]]) -> None:
    for y, x, sgr, text in strips:
        paper.read(f"\x1b[{y + 1};{x + 1}H" + (f"\x1b[{sgr}m{text}\x1b[0m" if sgr else text))


@given(pieces, pieces)
@example([], [(0, 5, "", "aaa名名"), (0, 11, "", "名")])  # one that does not fit, on a half of another
def test_the_terminal_shows_what_was_drawn_whatever_it_showed(before: object, after: object) -> None:
    paper, screen = Paper(WIDTH, HEIGHT, sgr=_trimmed), Screen(WIDTH, HEIGHT)
    blank = [row[:] for row in screen.rows]
    drawn(paper, before)  # type: ignore[arg-type]
    screen.take(strokes(blank, paper.rows))
    shown = [row[:] for row in paper.rows]
    drawn(paper, after)  # type: ignore[arg-type]
    screen.take(strokes(shown, paper.rows))
    # A blank in a style without background looks like any other; a half of a wide character may have been overwritten.
    assert ["".join(cell for cell, _ in row) for row in screen.rows] == paper.text
    styles = [[sgr for cell, sgr in row if cell not in ("", " ")] for row in screen.rows]
    assert styles == [[sgr for cell, sgr in row if cell not in ("", " ")] for row in paper.rows]


@given(pieces)
def test_what_is_shown_already_is_not_sent_again(strips: object) -> None:
    paper = Paper(WIDTH, HEIGHT)
    drawn(paper, strips)  # type: ignore[arg-type]
    shown = [row[:] for row in paper.rows]
    drawn(paper, strips[-1:])  # type: ignore[index]
    assert len(strokes(shown, paper.rows)) <= len(strokes([[BLANK] * WIDTH] * HEIGHT, paper.rows))
    assert strokes(paper.rows, paper.rows) == ""


def test_one_digit_costs_a_few_bytes() -> None:
    paper = Paper(80, 24)
    paper.read("\x1b[5;10H\x1b[32m12.3 %\x1b[0m")
    shown = [row[:] for row in paper.rows]
    paper.read("\x1b[5;1H\x1b[32m         12.4 %" + " " * 60)
    paper.read("\x1b[5;1H" + " " * 9 + "\x1b[32m12.4 %\x1b[0m" + " " * 65)
    assert strokes(shown, paper.rows) == "\x1b[5;13H\x1b[0;32m4\x1b[m"


def test_what_is_no_drawing_goes_through() -> None:
    paper = Paper(8, 1)
    assert paper.read("\x1b[?25l\x1b[1;1H\x1b]52;c;eA==\x07\x1b[?2026h") == "\x1b[?25l\x1b]52;c;eA==\x07"
    paper.read("x\x1b[?2026hy\x1b[?2026l")
    assert paper.text == ["xy      "]


def test_without_colour_only_attributes_are_left() -> None:
    assert _plain("1;38;2;1;2;3;48;5;9;4") == "1;4"
    assert _plain("31;42;97") == ""
    assert _plain("38;5;1") == ""


def test_default_colours_need_not_be_asked_for() -> None:
    assert _trimmed("1;39;49") == "1"
    assert _trimmed("38;5;39;49") == "38;5;39"


def test_every_shape_has_an_ascii_twin() -> None:
    paper = Paper(40, 1, glyphs=ASCII)
    paper.read("\x1b[1;1H●▲▽◐○◌·✖ ▁▂▃▄▅▆▇█ ─│ –…× ░▒▓")
    assert paper.text[0].isascii()


def test_a_sequence_among_text_is_never_sent() -> None:
    paper = Paper(40, 1)
    assert paper.read("\x1b[1;1Hgl\x1b]52;c;QUFB\x07ove\x1b[5i\x9b31m") == ""
    assert paper.text[0].rstrip() == "glove31m"
    assert paper.read("\x1b[?1004h") == "\x1b[?1004h"


def test_a_cell_holds_no_flood_of_marks() -> None:
    paper = Paper(4, 1)
    paper.read("\x1b[1;1He" + "\u0301" * 500)
    assert len(paper.rows[0][0][0]) <= 8
