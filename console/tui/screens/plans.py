"""Plans: what waits for a yes, what is at work, what became of it. Approved, applied and taken back from here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding

from console.errors import AndonError
from console.tui.panels.figures import age, dicts, known, text
from console.tui.screens import plan_rows
from console.tui.screens.plan_yes import ask_yes
from console.tui.screens.prompt import Prompt
from console.tui.screens.sheet import Sheet
from console.tui.screens.triage_words import Json
from console.tui.text import Line, wrap
from console.tui.widgets.canvas import Text
from console.tui.widgets.table import Column, Row, Table

ASK_SECONDS = 2.0
ACT_SECONDS = 180.0  # an act, and finding out what became of it
MOST_TOLD = 6  # lines about one plan
WAITING = ("asking the daemon …",)
NOTHING = ("no plan waits for anybody", "m on an incident's triage plans a remedy; A shows those that are over")


class Plans(Sheet):
    """Those that wait for somebody or are at work, and with A those that are over."""

    NAME = "plans"
    ABOUT = (
        "What a remedy would change, exactly. Nothing is changed before somebody said yes to exactly that: Y, and for "
        "high risk the target's name is typed; B where two are wanted and nobody else is there. p applies it, once; "
        "then andon looks whether it helped, and restores what was before where it did not. u restores it by hand."
    )
    KEYS = (
        ("Enter", "all of it"),
        ("Y", "approve"),
        ("N", "reject"),
        ("p", "apply"),
        ("u", "take back"),
        ("B", "yes, alone"),
        ("A", "over ones too"),
    )
    BINDINGS: ClassVar = [
        Binding("Y", "approve", "approve", show=False),
        Binding("B", "alone", "break the glass", show=False),
        Binding("N", "reject", "reject", show=False),
        Binding("p", "apply", "apply", show=False),
        Binding("u", "rollback", "take back", show=False),
        Binding("A", "over", "over ones too", show=False),
        Binding("i", "incident", "its incident", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[Json] | None = None
        self._trouble = ""
        self._everything = False
        self._asked = float("-inf")

    def body(self) -> ComposeResult:
        yield Table(
            "plans",
            (
                Column("id", 6, lambda row: text(row, "id"), keep=20),
                Column("state", 15, plan_rows.state, keep=18),
                Column("for", 7, self._since, right=True, keep=12),
                Column("risk", 7, lambda row: text(plan_rows.plan_of(row), "risk"), keep=14),
                Column("yes", 5, plan_rows.yes, right=True, keep=15),
                Column("incident", 8, lambda row: text(plan_rows.plan_of(row), "incident") or "–", keep=10),
                Column("what", 24, lambda row: text(plan_rows.plan_of(row), "title"), grows=True, keep=19),
                Column("changes", 24, lambda row: "; ".join(plan_rows.changes(row, 3)), grows=True, keep=8),
            ),
            key=lambda row: text(row, "id"),
            facts=plan_rows.facts,
            empty=WAITING,
            id="plans",
        )
        yield Text(id="about")

    def show(self, board: Mapping[str, Any]) -> None:
        self._draw()
        if time.monotonic() - self._asked >= ASK_SECONDS:
            self._ask()

    def subject(self) -> str:
        return text(plan_rows.plan_of(self._row()), "subject")

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._draw)

    def on_table_moved(self, _event: Table.Moved) -> None:
        """Another plan."""
        self._tell()

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Enter: all of it."""
        from console.tui.screens.card import Card

        self.app.push_screen(Card(f"{text(event.row, 'id')} {text(event.row, 'state')}", plan_rows.whole(event.row)))

    def action_incident(self) -> None:
        """The triage of the incident that it is for."""
        if incident := text(plan_rows.plan_of(self._row()), "incident"):
            self.console_app.open_incident(incident)

    def action_over(self) -> None:
        """Also those that are over; again: not."""
        self._everything = not self._everything
        self._ask()

    # ── yes and no ───────────────────────────────────────────────────────────────────────────────────────────────────

    def action_approve(self) -> None:
        """Yes to exactly what is shown: its hash goes with the answer."""
        self._ask_yes(is_alone=False)

    def action_alone(self) -> None:
        """Yes where two were wanted and nobody else is there."""
        self._ask_yes(is_alone=True)

    def _ask_yes(self, *, is_alone: bool) -> None:
        row = self._row()
        if not row or self.console_app.is_locked():
            return

        def heard(answer: Json) -> None:
            ask_yes(self, row, answer.get("decision") or {}, self.console_app.client.data, is_alone=is_alone)

        self.console_app.ask("plan.explain", heard, plan=text(row, "id"))

    def approve(self, id_: str, **args: Any) -> None:
        """Send a yes."""
        self._do("plan.approve", f"{id_} is approved by you", **args)

    def approved(self, id_: str) -> None:
        """A yes was given already, signed."""
        self.say(f"{id_} is approved and signed by you", "bold")
        self._ask()

    def action_reject(self) -> None:
        """No, and why."""
        id_ = text(self._row(), "id")
        if not id_ or self.console_app.is_locked():
            return

        def said(why: str | None) -> None:
            if why is not None:
                self._do("plan.reject", f"{id_} is rejected", plan=id_, reason=why)

        self.app.push_screen(Prompt(f"Reject {id_}: why? (Enter rejects, Esc does not)"), said)

    def action_apply(self) -> None:
        """Do what was approved."""
        id_ = text(self._row(), "id")
        if id_ and not self.console_app.is_locked():
            self.say(f"applying {id_} …", "bold")
            self._do("plan.apply", f"{id_} was applied", plan=id_)

    def action_rollback(self) -> None:
        """Restore what was before, once that was said twice."""
        id_ = text(self._row(), "id")
        if not id_ or self.console_app.is_locked():
            return

        def said(typed: str | None) -> None:
            if typed is not None:
                self._do("plan.rollback", f"{id_} was taken back", plan=id_)

        self.app.push_screen(Prompt(f"Restore what was before {id_}? (Enter restores it, Esc does not)"), said)

    def _do(self, op: str, done: str, **args: Any) -> None:
        def heard(answer: Json) -> None:
            is_bad = text(answer, "state") in ("failed", "unknown", "not_recovered", "expired")
            why = text(answer, "reason")
            if is_bad:
                self.say(f"{text(answer, 'id')} is {text(answer, 'state').replace('_', ' ')}: {why}", "error")
            elif text(answer, "state") == "planned":
                self.say(f"your yes to {text(answer, 'id')} counts; another operator's is wanted", "bold")
            else:
                self.say(done, "bold")
            self._ask()

        def refused(error: AndonError) -> None:
            self.console_app.complain(error)
            self._ask()

        self.console_app.ask(op, heard, refused=refused, timeout=ACT_SECONDS, **args)

    # ── what the daemon says ─────────────────────────────────────────────────────────────────────────────────────────

    def _row(self) -> Row:
        return self.query_one("#plans", Table).row or {}

    def _ask(self) -> None:
        self._asked = time.monotonic()

        def heard(answer: Sequence[Json]) -> None:
            self._rows, self._trouble = answer, ""
            self._draw()

        def refused(error: AndonError) -> None:
            self._trouble = error.message
            self._draw()

        self.console_app.ask("plan.list", heard, refused=refused, all=self._everything)

    def _draw(self) -> None:
        if not self.is_up:
            return
        rows = dicts(self._rows)
        open_ones = sum(text(row, "state") == "planned" for row in rows)
        note = f"{open_ones} wait{'s' if open_ones == 1 else ''} for a yes" if rows else ""
        self.query_one("#plans", Table).show(rows, note=note, empty=WAITING if self._rows is None else NOTHING)
        self._tell()

    def _tell(self) -> None:
        """What the plan under the cursor would change, and why it is where it is."""
        width = max(self.size.width - 2, 20)
        row = self._row()
        said = [each for each in (text(row, "reason"), *plan_rows.changes(row, 4)) if each]
        touched = text(plan_rows.part(row, "blast"), "text") if row else ""
        said += [f"touches {touched}"] if touched else []
        lines: list[Line] = [[(f" {part}", "")] for each in said for part in wrap(each, width, indent=2)]
        del lines[MOST_TOLD:]
        if self._trouble:
            lines.append([(f" ✖ {self._trouble}", "error")])
        about = self.query_one("#about", Text)
        about.styles.height = len(lines)
        about.show(lines)

    def _since(self, row: Row) -> str:
        changed, now = known(row.get("changed")), known(self.console_app.picture.board.get("now"))
        return "–" if not changed or now is None else age(max(now - changed, 0.0))
