"""Putting a playbook's question to the person at the terminal; to nobody when there is none."""

from __future__ import annotations

import asyncio
import sys

import click

from console.errors import UsageError
from console.model import Question
from console.playbook.step import Ask


def ask_operator() -> Ask | None:
    """An `Ask` that prompts on stderr, or None when stdin is not a terminal."""
    return _ask if sys.stdin.isatty() else None


async def _ask(question: Question) -> str | None:
    return await asyncio.to_thread(_prompt, question)


def _prompt(question: Question) -> str | None:
    """Asks until the answer fits; an empty one means that nobody answers now."""
    from console.playbook.answers import fitting, offered
    from console.report.clean import clean

    while True:
        words = clean(f"{question.text} ({offered(question)})")
        answer: str = click.prompt(words, err=True, default="", show_default=False)
        if not answer.strip():
            return None
        try:
            fitting(question, answer)
        except UsageError as error:
            click.echo(clean(f"{error.message}: {error.hint}"), err=True)
            continue
        return answer.strip()
