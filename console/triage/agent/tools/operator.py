"""A question to the operator, for what no source knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import Field

from console.errors import UsageError
from console.model import Question
from console.sources.redact import shown_line
from console.triage.agent.tool import Arguments, Ask, Scene, Seen, Tool, checked, note, schema_of

MOST_TEXT = 300  # characters


class Asked(Arguments):
    """A question to a person."""

    question: str = Field(min_length=3, max_length=MOST_TEXT, description="short; it is answered at 3 a.m.")
    answers: list[str] = Field([], max_length=6, description="to choose from; none: any words")


def tools(scene: Scene) -> Iterator[Tool]:
    """`ask_operator`, where somebody can be asked."""
    if scene.ask is not None:
        described = "Ask the operator what no source can tell, once at most. Gives a finding."
        yield Tool("ask_operator", described, schema_of(Asked), partial(_ask, scene.ask))


async def _ask(ask: Ask, arguments: Mapping[str, Any]) -> Seen:
    asked: Asked = checked(Asked, arguments)
    text = shown_line(asked.question, MOST_TEXT)
    answers = tuple(shown_line(each, 60) for each in asked.answers)
    said = await ask(Question(text, answers, "choice" if answers else "text"))
    if said is None:
        raise UsageError("nobody answered", "go on without")
    told = f"asked {text!r}, the operator said {shown_line(said, MOST_TEXT)!r}"
    return Seen("answered", (replace(note(told, "ask_operator"), kind="answer"),))
