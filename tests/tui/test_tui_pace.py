"""Frames are sent at the pace of the terminal's own answers."""

from __future__ import annotations

from console.tui.terminal import BLIND_SECONDS, PATIENCE, Pace


def test_a_frame_waits_for_the_one_before() -> None:
    pace = Pace()
    assert pace.is_clear(0.0)
    pace.sent(0.0)
    assert not pace.is_clear(1.0)
    pace.arrived()
    assert pace.is_clear(1.0)


def test_a_key_press_may_send_one_frame_ahead_and_no_more() -> None:
    pace = Pace()
    pace.sent(0.0)
    pace.press()
    assert pace.is_clear(0.1)
    pace.sent(0.1)
    pace.press()
    assert not pace.is_clear(0.2)


def test_a_frame_that_is_never_acknowledged_is_given_up() -> None:
    pace = Pace()
    pace.sent(0.0)
    assert not pace.is_clear(PATIENCE - 0.1)
    assert pace.wait(1.0) == PATIENCE - 1.0
    assert pace.is_clear(PATIENCE)


def test_a_terminal_that_never_answers_gets_a_frame_a_second() -> None:
    pace = Pace()
    pace.sent(0.0)
    assert pace.is_clear(PATIENCE)
    pace.sent(PATIENCE)
    now = 2 * PATIENCE
    assert pace.is_clear(now)
    pace.sent(now)
    assert not pace.is_clear(now + BLIND_SECONDS / 2)
    assert pace.is_clear(now + BLIND_SECONDS)
    pace.press()
    assert pace.is_clear(now + 0.1)


def test_an_answer_ends_the_blind_pace() -> None:
    pace = Pace()
    for now in (0.0, PATIENCE, 2 * PATIENCE):
        assert pace.is_clear(now)
        pace.sent(now)
    pace.arrived()
    pace.sent(20.0)
    pace.arrived()
    assert pace.is_clear(20.1)
