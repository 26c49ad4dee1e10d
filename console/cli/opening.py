"""`andon` by itself: the console where there is a terminal for it, the same facts line by line where there is none."""

from __future__ import annotations

from console.cli.session import Session


def open_board(session: Session, *, incident: str = "") -> int:
    """Open the console, on an incident where one is named; the exit code."""
    from console.config import data_folder
    from console.service.starting import start_daemon
    from console.tui import open_console

    data = data_folder(session.config_path, session.data)
    return open_console(data, lambda: start_daemon(session.config_path, data), locked=session.locked, incident=incident)
