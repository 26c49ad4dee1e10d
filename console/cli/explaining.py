"""Following a model at work from a command: what it looks at on stderr, its questions to whoever sits there, Ctrl-C to
interrupt it. What it concludes is the daemon's to check and to keep.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from console.cli.session import Session
from console.errors import UsageError

if TYPE_CHECKING:
    from console.model import AgentSays

LOOK_SECONDS = 0.3  # between two looks at how far it is


def said_there(session: Session, incident: str, question: str = "") -> AgentSays:
    """Have the daemon's model explain an incident, or answer a question about it, and wait until it has.

    Raises UsageError where none is configured, or nothing was examined yet.
    """
    from console.model import AgentSays
    from console.wire import load

    client = session.client
    client.request("explain", incident=incident, question=question)
    told, is_begun, is_interrupted = 0, False, False
    while True:
        try:
            seen = client.request("explain.seen", incident=incident)
            view = seen["view"]
            if not is_begun:
                progress(f"{seen['model']} is asked; Ctrl-C interrupts it")
                is_begun = True
            for look in view["looks"][told:]:
                progress(f"looks: {look}")
            told = len(view["looks"])
            if view["ended"]:
                break
            if view["asks"] is not None and sys.stdin.isatty():
                _answer(session, incident, view["asks"])
            time.sleep(LOOK_SECONDS)
        except (KeyboardInterrupt, click.Abort):  # a prompt turns the one into the other
            if is_interrupted:
                raise
            is_interrupted = True
            _interrupt(session, incident)
    return load(AgentSays, seen["said"][-1]["says"])


def is_model_there(session: Session, incident: str) -> bool:
    """Whether the daemon has a model to ask. Says so where it should have one, and was started before."""
    is_there = session.client.request("explain.seen", incident=incident)["model"] is not None
    if not is_there and session.config.llm is not None:
        click.echo("no model is asked: the daemon was started before [llm] was configured; start it again", err=True)
    return is_there


def _answer(session: Session, incident: str, asks: dict[str, Any]) -> None:
    from console.cli.asking import ask_outright
    from console.model import Question
    from console.wire import load

    answer = ask_outright(load(Question, asks))
    try:
        session.client.request("explain.answer", incident=incident, answer=answer or "nobody knows")
    except UsageError as error:  # it has gone on meanwhile, or wants one of several
        progress(f"{error.message}: {error.hint}")


def _interrupt(session: Session, incident: str) -> None:
    try:
        session.client.request("explain.interrupt", incident=incident)
    except UsageError:
        return  # it has ended by itself
    progress("interrupted")


def progress(text: str) -> None:
    """A line on stderr, for who sits there."""
    from console.report.clean import clean

    if sys.stderr.isatty():
        click.echo(clean(text), err=True)
