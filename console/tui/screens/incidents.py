"""All incidents: what is wrong, since when, whose it is, and the likeliest cause. Enter goes to the triage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding

from console.errors import AndonError
from console.tui.screens.prompt import Prompt
from console.tui.screens.sheet import Sheet
from console.tui.screens.triage_words import Json, ago, percent
from console.tui.text import Line, Span, wrap
from console.tui.widgets.canvas import Text
from console.tui.widgets.table import Column, Row, Table

STATES: Mapping[str, tuple[str, str]] = {
    "open": ("▲", "degraded"),
    "acknowledged": ("▲", "warn"),
    "closed": ("·", "dim"),
}
NOTHING = ("no incident is open", "an incident opens when a playbook's trigger stands twice, or with Space on a model",
           "A shows those that are closed")  # fmt: skip
MOST_TOLD = 2  # lines of a symptom, and of a cause


class Incidents(Sheet):
    """Those that are open, and with A those that are over."""

    NAME = "incidents"
    ABOUT = (
        "Every incident with its likeliest cause. ▲ is open: red until somebody looks after it. Enter shows the steps, "
        "the comparisons and the causes."
    )
    KEYS = (
        ("Enter", "triage"),
        ("a", "acknowledge"),
        ("N", "note"),
        ("x", "close"),
        ("A c", "closed ones too"),
    )
    BINDINGS: ClassVar = [
        Binding("A,c", "closed", "closed ones too", show=False),
        Binding("N", "note", "write a note", show=False),
        Binding("x", "close", "close the incident", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._standing: Sequence[Json] = ()
        self._over: Sequence[Json] | None = None  # None: not wanted
        self._now: float | None = None

    def body(self) -> ComposeResult:
        yield Table(
            "incidents",
            (
                Column("id", 6, lambda row: str(row.get("id") or ""), keep=20),
                Column("state", 14, _state, keep=12),
                Column("opened", 8, self._since, right=True, keep=11),
                Column("subject", 12, lambda row: str(row.get("subject") or ""), keep=14),
                Column("owner", 10, lambda row: str(row.get("owner") or "–"), keep=6),
                Column("likely cause", 24, _cause, grows=True, keep=15),
                Column("?", 2, _questions, right=True, keep=7),
                Column("symptom", 26, lambda row: str(row.get("title") or ""), grows=True, keep=5),
            ),
            key=lambda row: str(row.get("id")),
            facts=_facts,
            empty=NOTHING,
            id="incidents",
        )
        yield Text(id="about")

    def show(self, board: Mapping[str, Any]) -> None:
        self._now = board.get("now")
        before, self._standing = self._standing, board.get("incidents") or ()
        if self._over is not None and {row.get("id") for row in before} != {row.get("id") for row in self._standing}:
            self._ask_closed()
        self._draw()

    def _draw(self) -> None:
        standing = {row.get("id") for row in self._standing}
        closed = [row for row in self._over or () if row.get("id") not in standing]
        rows = [*self._standing, *closed]
        note = f"{len(self._standing)} open" + (
            f", {len(closed)} closed" if self._over is not None else "; A: closed too"
        )
        self.query_one("#incidents", Table).show(rows, note=note if rows else "")
        self._tell()

    def _tell(self) -> None:
        """The row under the cursor in full, below: neither a symptom nor a cause fits into a cell."""
        row, about = self.query_one("#incidents", Table).row, self.query_one("#about", Text)
        width = max(self.size.width - 2, 20)
        lines: list[Line] = []
        if row is not None:
            for text, look in ((row.get("title") or "", "dim"), _cause_span(row)):
                lines += [[(" " + each, look)] for each in wrap(text, width)[:MOST_TOLD] if each]
        about.styles.height = len(lines)
        about.show(lines)

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._draw)

    def on_table_moved(self, _event: Table.Moved) -> None:
        """Another incident."""
        self._tell()

    def _since(self, row: Row) -> Span:
        return (ago(row.get("opened"), self._now) or "–", "dim" if row.get("state") == "closed" else "")

    # ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Enter."""
        self.console_app.open_incident(str(event.row.get("id")))

    def action_closed(self) -> None:
        """With those that are over, or without."""
        if self._over is not None:
            self._over = None
            self._draw()
        else:
            self._over = ()
            self._ask_closed()

    def _ask_closed(self) -> None:
        def listed(found: Sequence[Json]) -> None:
            if self._over is not None:
                self._over = [row for row in found if row.get("state") == "closed"]
                self._draw()

        def refused(error: AndonError) -> None:
            self._over = None
            self.console_app.complain(error)

        self.console_app.ask("incident.list", listed, refused=refused, all=True)

    def action_note(self) -> None:
        """A line for the timeline of the incident under the cursor."""
        self._prompted("incident.note", "a note for {} (Enter keeps it, Esc does not)", "{}: noted", needs_text=True)

    def action_close(self) -> None:
        """The incident under the cursor is over."""
        self._prompted("incident.close", "close {}: why is it over? (Enter closes it, Esc does not)", "{} is closed")

    def _prompted(self, op: str, question: str, said: str, *, needs_text: bool = False) -> None:
        incident = self.incident()
        if self.console_app.is_locked():
            return
        if not incident:
            self.say("no incident here", "warn")
            return
        self.app.push_screen(Prompt(question.format(incident).capitalize()),
                             self._typed(op, incident, said, needs_text=needs_text))  # fmt: skip

    def _typed(self, op: str, incident: str, said: str, *, needs_text: bool) -> Callable[[str | None], None]:
        def typed(text: str | None) -> None:
            if text or (text is not None and not needs_text):
                self.console_app.ask(
                    op, lambda _answer: self.say(said.format(incident), "bold"), incident=incident, text=text
                )

        return typed


def _state(row: Row) -> Span:
    state = str(row.get("state") or "")
    mark, look = STATES.get(state, ("?", "dim"))
    return (f"{mark} {state}", look)


def _cause_span(row: Row) -> Span:
    """The likeliest cause as a span, also where it looks like nothing special."""
    told = _cause(row)
    return (told, "") if isinstance(told, str) else told


def _cause(row: Row) -> str | Span:
    """The likeliest cause, or how far it is."""
    cause, examining = row.get("cause"), row.get("examining")
    if examining and not cause:
        steps = examining.get("steps") or ()
        return (f"… examining {sum(1 for step in steps if step.get('state'))}/{len(steps)}", "warn")
    if cause:
        more = f" (+{cause['more']})" if cause.get("more") else ""
        return f"{percent(cause.get('probability'))} {cause.get('title')}{more}"
    return ("" if row.get("state") == "closed" else "no cause named", "dim")


def _questions(row: Row) -> Span:
    count = row.get("questions") or 0
    return (f"?{count}" if count else "", "warn")


def _facts(row: Row) -> Mapping[str, str]:
    return {
        "incident": str(row.get("id") or ""),
        "model": str(row.get("subject") or ""),
        "state": str(row.get("state") or ""),
        "owner": str(row.get("owner") or ""),
        "title": str(row.get("title") or ""),
        "cause": str((row.get("cause") or {}).get("title") or ""),
    }
