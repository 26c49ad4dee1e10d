"""`andon playbook new`: three questions, and a playbook that loads."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from console.cli.session import Command, Session
from console.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.playbook.authoring import Draft

S = TypeVar("S")
T = TypeVar("T")


@click.command(cls=Command, short_help="Write a first playbook from three answers.")
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--signal", metavar="SIGNAL", help="Which signal hurts: model.ttft, gpu.temperature …")
@click.option("--by", multiple=True, metavar="LABEL", help="Whose it is: model, host, gpu …; repeatable.")
@click.option("--suspect", "suspects", multiple=True, metavar="SIGNAL", help="A signal to look at beside; repeatable.")
@click.pass_obj
def new(
    session: Session, file: Path | None, signal: str | None, by: tuple[str, ...], suspects: tuple[str, ...]
) -> None:
    """Write a playbook to FILE (SIGNAL.yaml where none is named), with what three answers say: which signal hurts, \
whose it is, and which signals to look at beside it.

    At a terminal it asks for what the options do not say, and again for what is not known. What it
    writes passes `andon playbook check`.
    """
    from console.playbook.authoring import name_of, playbook_text
    from console.playbook.loader import load_text
    from console.report.clean import clean

    session.refuse_if_locked()
    if file is not None and file.exists():
        raise _taken(file)  # before anything is asked
    told = _told(signal, by, suspects, name_of(file.stem) if file else "")
    path = file or Path(f"{told.name}.yaml")
    text = playbook_text(told)
    load_text(text, str(path), session.plugins.by_name("andon_step_types"))
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "name another FILE") from error
    shape = {"file": str(path), "name": told.name, "signal": told.signal, "by": told.by, "suspects": told.suspects}
    session.emit_shape(shape, lambda: clean(f"wrote {path}\ntry it: andon run {_runnable(path)}"))


def _taken(path: Path) -> UsageError:
    return UsageError(f"{path} is there already", "name another FILE")


def _told(signal: str | None, by: Sequence[str], suspects: Sequence[str], name: str) -> Draft:
    """The three answers: the options', and a person's for what they do not say."""
    from console.playbook.authoring import draft, near, suspected, told_apart, whose
    from console.signals.catalogue import find_signal

    missing = [
        option
        for option, is_told in (("--signal", signal), ("--by LABEL", by), ("--suspect SIGNAL", suspects))
        if not is_told
    ]
    if missing and not sys.stdin.isatty():
        near_it = f"near {signal}: {', '.join(near(signal))}" if signal else "a terminal asks for them"
        raise UsageError(f"still missing: {', '.join(missing)}", near_it)
    hurts = _fitting(signal, lambda: _asked("Which signal hurts?"), lambda said: find_signal(said).name)
    whose_it_is = _fitting(
        by,
        lambda: _several(_asked("Whose is it? Label(s) that it is told apart by", ", ".join(whose(hurts)))),
        lambda said: told_apart(hurts, said),
    )
    beside = _fitting(suspects, lambda: _suspects(near(hurts)), lambda said: suspected(hurts, said))
    return draft(hurts, whose_it_is, beside, name)


def _fitting(told: S | None, ask: Callable[[], S], check: Callable[[S], T]) -> T:
    """What was told, or is asked for, as the check gives it; a person is asked until it fits."""
    from console.report.clean import clean

    while True:
        try:
            return check(told or ask())
        except UsageError as error:
            if not sys.stdin.isatty():
                raise
            click.echo(clean(f"{error.message}: {error.hint}"), err=True)
            told = None


def _suspects(offered: Sequence[str]) -> list[str]:
    from console.signals.catalogue import find_signal

    for number, each in enumerate(offered, 1):
        click.echo(f"  {number}  {each:32}  {find_signal(each).title}", err=True)
    said = _several(_asked("Which are the suspects? Numbers, or names of signals", "1 2 3"))
    return [offered[int(each) - 1] if _is_place(each, len(offered)) else each for each in said]


def _asked(question: str, default: str | None = None) -> str:
    said: str = click.prompt(question, default=default, err=True)
    return said


def _several(said: str) -> list[str]:
    return [each for each in re.split(r"[,\s]+", said) if each]


def _is_place(said: str, most: int) -> bool:
    return said.isdecimal() and 1 <= int(said) <= most


def _runnable(path: Path) -> str:
    """How `run` takes it for a file, whatever it is called."""
    return shlex.quote(str(path) if path.suffix in (".yaml", ".yml") or "/" in str(path) else f"./{path}")
