"""The screens: a client of the daemon that draws what it is told. Holds no logic that a command could not use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

# A snapshot of a large estate is a tree of a hundred thousand objects, all of them freed by their counts: to look for
# cycles among them at each would cost as much as reading it.
COLLECT = (50_000, 20, 100)


def open_console(data: Path, start: Callable[[], object], *, locked: bool = False, incident: str = "") -> int:
    """Open the console on the daemon of `data`, until the operator leaves; the exit code. `start` starts a daemon where
    none runs, and `incident` is opened at once.
    """
    import gc
    import os

    gc.set_threshold(*COLLECT)
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_FPS", "15")
    from console.service.client import Client
    from console.tui.app import Console

    app = Console(Client(data), start, locked=locked, incident=incident)
    app.run(mouse=False)
    return app.return_code or 0
