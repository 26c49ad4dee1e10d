"""A daemon of another version, or one gone mad, breaks no screen and is not believed in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from consoles import TellingClient, board, running, settled, text_of

from console.errors import SourceMalformed
from console.tui.panels.figures import known
from console.tui.shapes import ANSWERS, answer_of, board_of

ODD: tuple[Any, ...] = (7, -1e308, 10**400, "x", True, [1, "a", None], {"a": [1]}, [[]], [{}], "\x1b[2J")


@pytest.mark.parametrize("odd", ODD, ids=repr)
async def test_whatever_stands_in_the_place_of_a_part_of_the_board_the_console_goes_on(
    tmp_path: Path, odd: Any
) -> None:
    client = TellingClient(tmp_path, board())
    async with running(client) as (app, pilot):
        for name in board():
            client.tell(board(**{name: odd}))
        await settled(app, pilot)
        for key in "123456":
            await pilot.press(key)
            await pilot.pause(0.02)
            client.tell(board(**dict.fromkeys(board(), odd)))
            await settled(app, pilot)
        await pilot.press("1")
        client.tell(board())
        await settled(app, pilot)
        assert "glove" in text_of(app)


async def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board(models={"glove": "ok"}))) as (app, _pilot):
        assert "cannot read what the daemon says of models" in text_of(app)


def test_what_has_its_shape_is_as_it_was() -> None:
    assert board_of(board()) == board()


@pytest.mark.parametrize("op", ANSWERS)
@pytest.mark.parametrize("odd", [None, 7, "x"], ids=repr)
def test_an_answer_of_another_kind_is_refused(op: str, odd: Any) -> None:
    with pytest.raises(SourceMalformed, match=op):
        answer_of(op, odd)


def test_a_note_without_its_time_is_left_out() -> None:
    told = {"id": "I-1", "notes": [{"time": "soon", "text": "a"}, {"time": 5, "text": "b"}]}
    assert answer_of("incident.ack", told)["notes"] == [{"time": 5, "text": "b"}]


@pytest.mark.parametrize("odd", [float("inf"), float("nan"), 10**400, -1e300, True, "3"], ids=repr)
def test_no_number_overflows_where_it_is_drawn(odd: Any) -> None:
    assert known(odd) is None
