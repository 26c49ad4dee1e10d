"""The console on a real pseudo-terminal: what it sends, and that it leaves whatever the terminal does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from xterm import Xterm

TESTS = Path(__file__).parent.parent
SGR = re.compile(rb"\x1b\[([\d;]*)m")
# A console on a board whose numbers move each 0.2 s.
PROGRAM = """
import pathlib, sys, threading, time
sys.path[:0] = [{tests!r}, {root!r}]
from consoles import TellingClient, board, gpu
from console.tui.app import Console
client = TellingClient(pathlib.Path({data!r}), board())
def move():
    for n in range(10_000):
        time.sleep(0.2)
        rows = [gpu(k) for k in range(8)]
        for k, row in enumerate(rows):
            row["values"]["gpu.utilization"] = (n * 7 + k * 11) % 100 / 100
        client.tell(board(gpus=rows, now=1_780_000_000.0 + n))
threading.Thread(target=move, daemon=True).start()
Console(client, lambda: None).run(mouse=False)
"""


class Mute(Xterm):
    """A terminal that answers nothing that it is asked."""

    def _answer(self, data: bytes) -> None:
        return


def console(tmp_path: Path, kind: type[Xterm] = Xterm, **env: str) -> Xterm:
    program = PROGRAM.format(tests=str(TESTS), root=str(TESTS.parent), data=str(tmp_path))
    environment = {name: value for name, value in os.environ.items() if name not in ("LC_ALL", "NO_COLOR", "TMUX")}
    return kind([sys.executable, "-c", program], width=100, height=30, env=environment | env, picture=True)


def shows(terminal: Xterm, text: str, seconds: float = 20.0) -> bool:
    return terminal.wait(lambda picture: text in picture.text, seconds) is not None


def leaves(terminal: Xterm) -> bool:
    terminal.type("q")
    return terminal.wait_exit(10.0) is not None


def test_the_board_is_painted_and_q_gives_the_terminal_back(tmp_path: Path) -> None:
    with console(tmp_path) as terminal:
        assert shows(terminal, "glove")
        assert leaves(terminal)
    assert b"\x1b[?1049l" in terminal.output


def test_a_frame_is_only_what_changed(tmp_path: Path) -> None:
    with console(tmp_path) as terminal:
        assert shows(terminal, "glove")
        time.sleep(0.5)
        bytes_, frames = terminal.bytes, terminal.frames
        time.sleep(2.0)
        frame = (terminal.bytes - bytes_) / max(terminal.frames - frames, 1)
        assert leaves(terminal)
    assert frame < 1500, "eight numbers and a clock, not a screen of 3,000 cells"


def test_no_colour_is_no_colour(tmp_path: Path) -> None:
    with console(tmp_path, NO_COLOR="1", COLORTERM="truecolor") as terminal:
        assert shows(terminal, "glove")
        terminal.type("?")
        assert shows(terminal, "on every screen")
        assert leaves(terminal)
    used = {part for sgr in SGR.findall(terminal.output) for part in sgr.split(b";")}
    assert used <= {b"", b"0", b"1", b"2", b"3", b"4", b"7"}


def test_ascii_where_the_locale_says_so(tmp_path: Path) -> None:
    with console(tmp_path, LC_ALL="C", PYTHONUTF8="1") as terminal:
        assert shows(terminal, "glove")
        assert leaves(terminal)
    assert terminal.output.isascii()
    assert b"! bad" in terminal.output


def test_a_terminal_that_answers_nothing_is_drawn_on_all_the_same(tmp_path: Path) -> None:
    with console(tmp_path, Mute) as terminal:
        assert shows(terminal, "glove")
        assert leaves(terminal)


def test_a_terminal_that_takes_nothing_is_left_all_the_same(tmp_path: Path) -> None:
    program = PROGRAM.format(tests=str(TESTS), root=str(TESTS.parent), data=str(tmp_path))
    master, slave = os.openpty()
    process = subprocess.Popen([sys.executable, "-c", program], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    try:
        time.sleep(3.0)  # nobody reads: the terminal's buffer is full
        os.write(master, b"q")
        assert process.wait(15.0) is not None
    finally:
        process.kill()
        process.wait()
        os.close(master)
