"""The table of XID errors: every code has a meaning and an action, and the ones that matter ask for the right thing."""

from __future__ import annotations

import pytest

from console.plugins import load_plugins
from console.signals.catalogue import find_signal
from console.signals.codes import CodeBook


@pytest.fixture(scope="module")
def xids() -> CodeBook:
    book: CodeBook = load_plugins().by_name("andon_codes", "signal")["gpu.xid"]
    return book


def test_every_code_says_what_it_means_and_what_to_do(xids: CodeBook) -> None:
    assert find_signal(xids.signal)
    assert "NVIDIA" in xids.source
    assert len(xids.codes) > 90
    assert all(code.meaning and code.action for code in xids.codes.values())
    assert {code.state for code in xids.codes.values()} == {"degraded", "inconclusive", "ok"}


@pytest.mark.parametrize(
    ("number", "state", "action"),
    [
        (79, "degraded", "drain the node and restart it"),
        (95, "degraded", "reset the GPU"),
        (119, "degraded", "reset the GPU"),
        (74, "degraded", "NVLinks"),
        (94, "inconclusive", "restart the application that was hit"),
        (13, "inconclusive", "restart the application"),
        (45, "inconclusive", "the XID before this one"),
        (63, "ok", "nothing"),
    ],
)
def test_what_a_code_asks_for(xids: CodeBook, number: int, state: str, action: str) -> None:
    code = xids.look_up(number)
    assert code.state == state
    assert action in code.action


def test_a_code_in_no_table_is_said_to_be_that_and_is_not_taken_lightly(xids: CodeBook) -> None:
    code = xids.look_up(888)
    assert code.state == "degraded"
    assert xids.source in code.action
    assert xids.words(79) == "fell off the bus (XID 79)"
