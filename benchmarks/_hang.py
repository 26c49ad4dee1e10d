"""A GPU driver that hangs and a metrics page that never comes: does the board go on, and does `q` leave?"""

from __future__ import annotations

import itertools
import time

from _estate import Estate
from _peers import andon
from picture import Picture
from xterm import Xterm

HANG = 45.0  # seconds of the driver
LOOK = 40.0  # seconds of them that the board is looked at
PATIENCE = 30.0
SETTLE = 5.0


def hang(at: Estate, _seconds: float) -> None:
    """Both at once, while somebody looks."""
    title = f"── hang: every call of the GPU driver hangs for {HANG:.0f} s, and the metrics page never comes "
    print(title.ljust(110, "─"))
    came: list[float] = []
    program = andon(at)
    terminal = Xterm(program.command, env=program.environment, picture=True, on_bytes=came.append)
    with terminal:
        if terminal.wait(program.is_painted, PATIENCE) is None:
            print(f"the board was not painted within {PATIENCE:.0f} s")
            return
        time.sleep(SETTLE)
        at.driver(hang=1, hang_seconds=HANG)
        at.silence()
        began, frames = time.monotonic(), terminal.frames
        stale = terminal.wait(_says_stale, LOOK)
        time.sleep(max(0.0, began + LOOK - time.monotonic()))
        seen = [began, *(moment for moment in came if moment >= began), time.monotonic()]
        silence = max(later - earlier for earlier, later in itertools.pairwise(seen))
        print(f"{'frames a second meanwhile':44}{(terminal.frames - frames) / LOOK:8.2f}")
        print(f"{'longest time without a frame':44}{silence:8.2f} s")
        print(f"{'a row says stale':44}" + ("   never" if stale is None else f"{stale - began:8.2f} s"))
        _show([line for line in terminal.look().splitlines()[1:] if "stale" in line])
        pressed = terminal.type("q")
        left = terminal.wait_exit(10)
        print(f"{'q to exit, while all hangs':44}" + ("   never" if left is None else f"{left - pressed:8.2f} s"))


def _says_stale(picture: Picture) -> bool:
    return any("stale" in line for line in picture.lines[1:])


def _show(lines: list[str]) -> None:
    for line in lines[:3]:
        print(f"    {line.strip()[:110]}")
