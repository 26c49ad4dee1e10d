"""`andon` by itself: the console where there is a terminal for it, the same facts line by line where there is none."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from console.cli.session import Session
from console.errors import DaemonUnreachable, Exit, worst
from console.service.client import Client

RETRY_SECONDS = 2.0
NOBODY_THERE = (FileNotFoundError, NotADirectoryError, ConnectionRefusedError)
STATE_EXITS = {"ok": Exit.HEALTHY, "stale": Exit.INCONCLUSIVE}


def open_board(session: Session) -> int:
    """Open the console, or say what it would show; the exit code."""
    from console.config import data_folder
    from console.service.starting import start_daemon

    data = data_folder(session.config_path, session.data)

    def start() -> object:
        return start_daemon(session.config_path, data)

    if not has_screen(session):
        return _say_board(session, data, start)
    from console.tui import open_console

    return open_console(data, start, locked=session.locked)


def start_if_none(session: Session) -> None:
    """Start a daemon where none runs."""
    from console.service.starting import start_daemon

    try:
        session.client.request("status", timeout=10.0)
    except DaemonUnreachable as error:
        if not isinstance(error.__cause__, NOBODY_THERE):
            raise
        click.echo("no daemon runs yet: starting one", err=True)
        start_daemon(session.config_path, session.config.data)


def has_screen(session: Session) -> bool:
    """Whether a person sits at a terminal that can be drawn on, and wants that."""
    is_terminal = sys.stdout.isatty() and sys.stdin.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return is_terminal and not session.plain and session.output is None and session.format == "text"


def how_it_is(board: Mapping[str, Any]) -> Exit:
    """The exit code of a board: a problem where an incident stands, else how its sources are; no source, no data."""
    exits = [STATE_EXITS.get(source.get("state"), Exit.UNREACHABLE) for source in board.get("sources") or ()]
    return worst([*(exits or [Exit.INCONCLUSIVE]), Exit.PROBLEM if board.get("incidents") else Exit.HEALTHY])


def _say_board(session: Session, data: Path, start: Callable[[], object]) -> int:
    """Everything once; at a terminal also each change, until Ctrl-C."""
    from console.report.plain import facts, news, summary

    boards = _boards(Client(data), start)
    board = next(boards)

    def said() -> str:
        return "\n".join([summary(board), *(fact.text for fact in facts(board))])

    session.emit_shape(board, said)
    if not sys.stdout.isatty() or session.output is not None or session.format != "text":
        return how_it_is(board)
    for changed in boards:
        for line in news(board, changed):
            session.emit(line)
        board = changed
    return how_it_is(board)


def _boards(client: Client, start: Callable[[], object]) -> Iterator[Mapping[str, Any]]:
    """The board and each of its changes, whatever becomes of the daemon meanwhile; one is started where none runs."""
    is_first = True
    while True:
        try:
            for board in client.subscribe("board"):
                is_first = False
                yield board
        except DaemonUnreachable as error:
            if not is_first:
                click.echo(f"{error.message}; trying again", err=True)
                time.sleep(RETRY_SECONDS)
            elif isinstance(error.__cause__, NOBODY_THERE):
                click.echo("no daemon runs yet: starting one", err=True)
                start()
                is_first = False
            else:
                raise
