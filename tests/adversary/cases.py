"""What a case of the adversary suite is: a text that a stranger plants somewhere, or a model that means no good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from messagesserver import Script, Turn

Place = Literal[
    "log", "template", "label", "pod", "annotation", "commit", "deploy", "exemplar", "operation", "help", "alert",
    "title", "note", "answer", "question", "past", "tool", "result", "mcp tool", "mcp result", "error",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Poison:
    """Hostile data. `secrets`: what of the text must not be sent, whole or in any piece of twelve characters."""

    name: str
    place: Place
    text: str
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rogue:
    """A hostile model, and how many requests (its probe among them) it may be sent at most."""

    name: str
    turns: Script
    llm: Mapping[str, Any] = field(default_factory=dict)  # what is set of LlmConfig: its budgets
    most: int = 0  # 0: as many as its budget of calls, and one
    probe: Turn | None = None
    unheard: tuple[str, ...] = ()  # words that no report may show
    invented: tuple[str, ...] = ()  # numbers that have to be marked
    ends: str = ""  # words of why there is no conclusion; empty: there is one
