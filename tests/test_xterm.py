"""The terminal that the console's tests and benchmarks start it on."""

from __future__ import annotations

import sys

from xterm import Xterm

ASKS = """
import os, select, sys, tty
tty.setraw(0)
for query in sys.argv[1:]:
    os.write(1, query.encode("latin-1"))
    select.select([0], [], [], 5)
    os.write(1, (repr(os.read(0, 100)) + "\\r\\n").encode())
"""


def test_it_answers_what_programs_ask_a_terminal() -> None:
    queries = ["\x1b[6n", "\x1b[5n", "\x1b[c", "\x1b[?2026$p", "\x1b[?1004$p", "\x1b[18t"]
    with Xterm([sys.executable, "-c", ASKS, *queries], picture=True, width=90, height=30) as terminal:
        assert terminal.wait(lambda picture: "t'" in picture.text, 10) is not None
        answers = [line.strip("b'") for line in terminal.look().splitlines()[: len(queries)]]
    assert answers[:2] == ["\\x1b[1;1R", "\\x1b[0n"]
    assert answers[2].startswith("\\x1b[?64;")
    assert answers[3:] == ["\\x1b[?2026;0$y", "\\x1b[?1004;2$y", "\\x1b[8;30;90t"]


def test_it_says_when_something_came_and_when_the_program_went() -> None:
    with Xterm(["sh", "-c", "read key; echo got $key"], picture=True) as terminal:
        assert terminal.wait(lambda picture: "got" in picture.text, 0.05) is None
        pressed = terminal.type("x\r")
        came = terminal.wait(lambda picture: "got x" in picture.text, 5)
        gone = terminal.wait_exit(5)
    assert came is not None and gone is not None and pressed <= came
    assert terminal.bytes > 0 and terminal.frames >= 1
