"""Putting a playbook's question to the person at the terminal; to nobody when there is none."""

from __future__ import annotations

import asyncio
import sys

import click

from console.playbook.step import Ask


def ask_operator() -> Ask | None:
    """An `Ask` that prompts on stderr, or None when stdin is not a terminal."""
    return _ask if sys.stdin.isatty() else None


async def _ask(question: str, answers: tuple[str, ...]) -> str | None:
    return await asyncio.to_thread(_prompt, question, answers)


def _prompt(question: str, answers: tuple[str, ...]) -> str | None:
    from console.report.clean import clean

    choice = click.Choice(answers) if answers else None
    answer: str = click.prompt(clean(question), type=choice, err=True, default="", show_default=False)
    return answer or None
