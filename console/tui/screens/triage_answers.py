"""One question of a playbook, and the answers to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from console.tui.screens.box import Box
from console.tui.text import Line, wrap
from console.tui.widgets.canvas import Text
from console.tui.widgets.table import Column, Table

DIGITS = "123456789"


class Answers(Box[str | None]):
    """Gives the answer chosen, or None for Esc."""

    BINDINGS: ClassVar = [
        Binding("escape,q,h,backspace", "leave", "leave", priority=True, show=False),
        *(Binding(digit, f"take({place})", "take it", priority=True, show=False) for place, digit in enumerate(DIGITS)),
    ]

    def __init__(self, question: str, answers: Sequence[str], then: str = "all of it is examined again") -> None:
        super().__init__()
        self._question, self._answers, self._then = question, list(answers), then

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Text(id="question")
            yield Table(
                "answers",
                (
                    Column("key", 3, lambda row: (str(row["key"]), "key")),
                    Column("answer", 20, lambda row: str(row["answer"]), grows=True),
                ),
                key=lambda row: str(row["place"]),
                facts=lambda row: {"answer": str(row["answer"])},
                empty=("it takes no answer; Esc goes back",),
            )

    def on_mount(self) -> None:
        """The answers, with the keys that take them."""
        table = self.query_one(Table)
        rows = [
            {"place": place, "key": DIGITS[place] if place < len(DIGITS) else "", "answer": answer}
            for place, answer in enumerate(self._answers)
        ]
        table.styles.height = min(len(rows), max(int(self.app.size.height * 0.9) - 8, 2)) + 2
        table.show(rows)
        table.focus()
        self.call_after_refresh(self._ask)

    def on_resize(self) -> None:
        """The question anew, in its new width."""
        self.call_after_refresh(self._ask)

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Enter."""
        self.dismiss(str(event.row["answer"]))

    def action_take(self, place: int) -> None:
        """A digit."""
        if place < len(self._answers):
            self.dismiss(self._answers[place])

    def action_leave(self) -> None:
        """Esc."""
        self.dismiss(None)

    def _ask(self) -> None:
        text = self.query_one("#question", Text)
        lines: list[Line] = [[(each, "bold")] for each in wrap(self._question, max(text.size.width, 20))]
        keys = f"1 … 9 or Enter answers, and {self._then}; Esc does not"
        lines += [[(each, "dim")] for each in wrap(keys, max(text.size.width, 20))]
        text.styles.height = len(lines)
        text.show(lines)
