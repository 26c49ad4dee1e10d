"""The curves that the daemon was asked for: what it said last of each, and which is due again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from console.errors import AndonError

KEPT = 48
Question = Mapping[str, Any]
Key = tuple[tuple[str, str], ...]


class Ask(Protocol):
    """How a screen asks the daemon."""

    def __call__(
        self,
        op: str,
        then: Callable[[Any], None],
        *,
        refused: Callable[[AndonError], None] | None = None,
        slot: str = "",
        **args: Any,
    ) -> None: ...


@dataclass(slots=True)
class Told:
    """What is known of one curve."""

    answer: Mapping[str, Any] | None = None
    trouble: str = ""
    asked: float = 0.0  # monotonic


class Curves:
    """Answers by what was asked, the newest few; `on_news` is called when one comes."""

    def __init__(self, ask: Ask, on_news: Callable[[], None]) -> None:
        self._ask = ask
        self._on_news = on_news
        self._told: dict[Key, Told] = {}
        self._pending: dict[str, Key] = {}  # by slot: a newer question in a slot is answered instead of an older one

    def told(self, question: Question) -> Told:
        """What was said last of a curve of that kind and length, whenever that was."""
        return self._told.get(_key(question), Told())

    def want(self, slot: str, question: Question, patience: float) -> None:
        """Ask, unless it was answered less than so many seconds ago or is being asked."""
        key, now = _key(question), time.monotonic()
        told = self._told.pop(key, None)
        if told is None:
            told = Told(asked=float("-inf"))
        self._told[key] = told
        for oldest in list(self._told)[:-KEPT]:
            del self._told[oldest]
        if self._pending.get(slot) == key or now - told.asked < patience:
            return
        told.asked = now
        self._pending[slot] = key
        self._ask(
            "curve",
            partial(self._answered, slot, told),
            refused=partial(self._refused, slot, told),
            slot=f"curve {slot}",
            **question,
        )

    def _answered(self, slot: str, told: Told, answer: Mapping[str, Any]) -> None:
        self._pending.pop(slot, None)
        told.answer, told.trouble = answer, ""
        self._on_news()

    def _refused(self, slot: str, told: Told, error: AndonError) -> None:
        self._pending.pop(slot, None)
        told.trouble = f"{error.message}. {error.hint}" if error.hint else error.message
        self._on_news()


def _key(question: Question) -> Key:
    """What is asked for, whenever it ends and however finely."""
    named = {name: str(value) for name, value in question.items() if name not in ("start", "end", "steps")}
    return (*sorted(named.items()), ("seconds", f"{question['end'] - question['start']:.0f}"))
