"""Putting a playbook's question to the person at the terminal; to nobody when there is none."""

from __future__ import annotations

import asyncio
import os
import pwd
import sys
from typing import TYPE_CHECKING

import click

from console.errors import UsageError

if TYPE_CHECKING:
    from console.model import Question
    from console.playbook.step import Ask
    from console.triage.questions import Roles


def ask_operator(roles: Roles) -> Ask | None:
    """An `Ask` that prompts on stderr whoever may answer, or None when stdin is not a terminal."""
    if not sys.stdin.isatty():
        return None
    one_at_a_time = asyncio.Lock()

    async def ask(question: Question) -> str | None:
        async with one_at_a_time:
            return await asyncio.to_thread(_ask_if_allowed, question, roles)

    return ask


def _ask_if_allowed(question: Question, roles: Roles) -> str | None:
    from console.triage.questions import check_role

    try:
        check_role(question, _operator(), roles)
    except UsageError as error:
        _say(f"{error.message}: {error.hint}")
        return None
    return ask_outright(question)


def ask_outright(question: Question) -> str | None:
    """Asks until the answer fits; an empty one means that nobody answers now."""
    from console.playbook.answers import fitting, offered
    from console.report.clean import clean

    words = clean(f"{question.text} ({offered(question)}; Enter alone leaves it open)")
    while True:
        answer: str = click.prompt(words, err=True, default="", show_default=False)
        if not answer.strip():
            return None
        try:
            fitting(question, answer)
        except UsageError as error:
            _say(f"{error.message}: {error.hint}")
            continue
        return answer.strip()


def _operator() -> str:
    """Who sits here, by the same name as the daemon has for them."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _say(text: str) -> None:
    from console.report.clean import clean

    click.echo(clean(text), err=True)
