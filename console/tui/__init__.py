"""The screens: a client of the daemon that draws what it is told. Holds no logic that a command could not use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def open_console(data: Path, start: Callable[[], object], *, locked: bool = False, incident: str = "") -> int:
    """Open the console on the daemon of `data`, until the operator leaves; the exit code. `start` starts a daemon where
    none runs, and `incident` is opened at once.
    """
    import os

    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_FPS", "15")
    from console.service.client import Client
    from console.tui.app import Console

    app = Console(Client(data), start, locked=locked, incident=incident)
    app.run(mouse=False)
    return app.return_code or 0
