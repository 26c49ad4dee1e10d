"""One incident: the answer first, then the steps, what each compared, and the causes with what moved them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container

from console.errors import AndonError
from console.tui.panels.figures import dicts
from console.tui.panels.gpus import facts, key
from console.tui.screens.prompt import Prompt
from console.tui.screens.sheet import WIDE, Sheet
from console.tui.screens.triage_answers import Answers
from console.tui.screens.triage_causes import cause_lines, timeline_lines
from console.tui.screens.triage_curves import Curves
from console.tui.screens.triage_detail import detail_lines
from console.tui.screens.triage_head import head_lines
from console.tui.screens.triage_model import Model
from console.tui.screens.triage_reader import Reader, as_text
from console.tui.screens.triage_remedies import ask_remedy
from console.tui.screens.triage_room import stacked
from console.tui.screens.triage_shown import command_of, offered
from console.tui.screens.triage_steps import Place, as_row, gravest_place, places
from console.tui.screens.triage_words import Json
from console.tui.text import Line, Span
from console.tui.widgets.canvas import Text
from console.tui.widgets.part import Part
from console.tui.widgets.table import Column, Table
from console.words import instant

INLINE = 76  # cells from which a step and what it found share a row
COPY_WIDTH = 100
CHANGES_BEFORE, CHANGES_AFTER = 3600.0, 900.0  # seconds around its opening, in which changes are told


class Triage(Sheet):
    """The triage of one incident."""

    NAME = "triage"
    ABOUT = (
        "One incident. Above: what is wrong and the likeliest cause, with why. Then the steps that were looked at, "
        "what the one under the cursor compared (now against baseline), and all causes with what speaks for (+) and "
        "against (−) each. Examining goes on when you leave, as does a language model that explains: what it says is "
        "told apart from what was computed, and changes nothing of that."
    )
    KEYS = (
        ("Tab", "next part"),
        ("Enter", "read, or answer ?"),
        ("r", "examine again"),
        ("m", "remedy"),
        ("a", "acknowledge"),
        ("N", "note"),
        ("x", "close"),
        ("n", "timeline"),
        ("e", "explain: a model"),
        ("E", "ask the model"),
        ("i", "interrupt it"),
        ("y", "copy the diagnosis"),
        ("c", "copy the command shown"),
    )
    BINDINGS: ClassVar = [
        Binding("r", "examine", "examine again", show=False),
        Binding("N", "note", "write a note", show=False),
        Binding("x", "close", "close the incident", show=False),
        Binding("n", "timeline", "timeline", show=False),
        Binding("e", "explain", "have a language model explain it", show=False),
        Binding("E", "ask_model", "ask the language model", show=False),
        Binding("i", "interrupt", "interrupt the language model", show=False),
        Binding("y", "copy", "copy the diagnosis", show=False),
        Binding("c", "copy_command", "copy the command shown", show=False),
        Binding("m", "remedy", "plan a remedy", show=False),
    ]

    def __init__(self, incident: str) -> None:
        super().__init__()
        self._named = incident
        self._diagnosis: Json | None = None
        self._changes: Sequence[Json] = ()  # around the time when it was opened
        self._row: Json | None = None  # on the board, while it is not closed
        self._known: object = None  # what of that row the diagnosis was asked for
        self._trouble = ""
        self._curves = Curves(self, incident, lambda: self._show_detail(anew=False))
        self._model = Model(self, incident, self._show_model)
        self._steps = 0  # rows
        self._is_aimed = False  # the cursor was put where to look first

    # ── what it is about ─────────────────────────────────────────────────────────────────────────────────────────────

    def incident(self) -> str:
        return self._named

    def subject(self) -> str:
        return str(self._incident.get("subject") or "")

    def facts(self) -> Mapping[str, str]:
        told = {"incident": self._named, "title": str(self._incident.get("title") or "")}
        gpus = dicts(self.console_app.picture.board.get("gpus"))
        gpu = next((facts(row) for row in gpus if key(row) == self.subject()), None)
        return told | ({"model": self.subject()} if gpu is None else {name: gpu[name] for name in ("host", "gpu")})

    @property
    def _incident(self) -> Json:
        """All that is known of it, the board's word last."""
        return {"id": self._named, **((self._diagnosis or {}).get("incident") or {}), **(self._row or {})}

    def _state(self) -> Span:
        return ("■ recorded", "dim") if self._incident.get("is_imported") else super()._state()

    @property
    def _examining(self) -> Json | None:
        return (self._row or {}).get("examining")

    @property
    def _today(self) -> str:
        now = self._now
        return instant(now)[:10] if now is not None else ""

    @property
    def _now(self) -> float | None:
        now = self.console_app.picture.board.get("now")
        return float(now) if isinstance(now, (int, float)) else None

    @property
    def _place(self) -> Place | None:
        row = self.query_one("#steps", Table).row
        return row["place"] if row is not None else None

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def body(self) -> ComposeResult:
        yield Text(id="verdict")
        with Container(id="triage"):
            yield Table(
                "steps",
                (
                    Column("", 1, lambda row: row["place"].mark, keep=10),
                    Column("step", 36, _titled, grows=True),
                    Column("what it found", INLINE - 42, lambda row: row["place"].said, grows=True, keep=1),
                ),
                key=lambda row: row["place"].key,
                facts=lambda row: {"step": row["place"].title, "found": row["place"].said, "state": row["place"].state},
                empty=("no step was looked at yet; r examines it",),
                id="steps",
            )
            yield Part("compared", id="compared")
            yield Part("causes", id="causes")
        yield Part("model", id="model")
        yield Part("timeline", id="timeline")

    def show(self, board: Mapping[str, Any]) -> None:
        found = (each for each in board.get("incidents") or () if each.get("id") == self._named)
        row = next(found, None)
        before, self._row = self._row, row
        known = _worth_asking(row)
        if known != self._known:
            self._known = known
            self._ask()
        if (before or {}).get("explaining") != (row or {}).get("explaining"):
            self._model.look()
        if (before or {}).get("examining") != (row or {}).get("examining"):
            self._show_steps()
        self._show_head()

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._show_all)

    def on_descendant_focus(self) -> None:
        """The part with the focus gets the room."""
        self._lay_out()

    def _ask(self) -> None:
        self.console_app.ask(
            "diagnosis", self._diagnosed, refused=self._refused, slot=f"diagnosis {self._named}", incident=self._named
        )

    def _diagnosed(self, diagnosis: Json) -> None:
        self._diagnosis, self._trouble = diagnosis, ""
        self._model.look()
        opened = self._incident.get("opened")
        if opened:
            self.console_app.ask(
                "events", self._changed, refused=lambda _error: None, slot=f"events {self._named}",
                start=opened - CHANGES_BEFORE, end=opened + CHANGES_AFTER,
            )  # fmt: skip
        self._show_all()

    def _changed(self, events: list[Json]) -> None:
        self._changes = dicts(events)
        self._show_all()

    def _refused(self, error: AndonError) -> None:
        self._trouble = f"{error.message}. {error.hint}".removesuffix(". ")
        if self.is_up:
            self._show_head()

    def _show_all(self) -> None:
        if not self.is_up:
            return
        self._show_steps()
        diagnosis, today = self._diagnosis, self._today
        if diagnosis is not None:
            self.query_one("#causes", Part).show(lambda width, _height: cause_lines(diagnosis, width, today))
            self.query_one("#timeline", Part).show(lambda width, _height: self._timeline(width))
        self._show_head()

    def _show_head(self) -> None:
        width, height = self.size
        if not width:
            return
        head = self.query_one("#verdict", Text)
        lines = head_lines(
            self._incident, self._diagnosis, self._examining, self._now,
            width=width, height=height, today=self._today, trouble=self._trouble,
        )  # fmt: skip
        head.show(lines)
        if head.styles.height is None or head.styles.height.value != len(lines):
            head.styles.height = len(lines)
            self._lay_out()

    def _show_steps(self) -> None:
        table = self.query_one("#steps", Table)
        is_inline = (table.size.width or self.size.width) >= INLINE
        runs = (self._diagnosis or {}).get("runs") or ()
        rows = places(runs, self._examining, inline=is_inline, today=self._today)
        table.show([as_row(row) for row in rows])
        self._steps = len(rows)
        if not self._is_aimed and (first := gravest_place(rows)) is not None and runs:
            self._is_aimed = True
            table.select(first.key)
        self._show_detail(anew=False)
        self._lay_out()

    def _show_model(self) -> None:
        part = self.query_one("#model", Part)
        part.display = self._model.is_there
        part.show(self._model.lines, note=self._model.name)
        if self._model.is_wanted and self._model.is_there:
            self._model.is_wanted = False
            part.focus()
        self._lay_out()

    def _show_detail(self, *, anew: bool) -> None:
        place, today, greys = self._place, self._today, self.console_app.has_greys
        drawing = self._curves.of(place)
        self.query_one("#compared", Part).show(
            lambda width, height: detail_lines(place, drawing, width, height, greys=greys, today=today), anew=anew
        )

    def on_table_moved(self, _event: Table.Moved) -> None:
        """Another step: what it compared."""
        self._show_detail(anew=True)

    # ── room ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _lay_out(self) -> None:
        """Side by side where it is wide; stacked, the part with the focus gets what it needs, the others the rest."""
        width, height = self.size
        parts = {name: self.query_one(f"#{name}") for name in ("steps", "compared", "causes", "model", "timeline")}
        is_model_there = parts["model"].display = self._model.is_there
        head = self.query_one("#verdict", Text).styles.height
        room = height - 2 - int(head.value if head is not None else 1)
        focused = (self.focused.id or "") if self.focused is not None else "steps"
        if width >= WIDE:
            told = self._lines_of("timeline", width)
            parts["timeline"].styles.height = max(1, min(told + 1, room // 2 if focused == "timeline" else room // 6))
            said = room if self._model.is_at_work else self._lines_of("model", width) if is_model_there else 0
            parts["model"].styles.height = max(1, min(said + 1, room // 2 if focused == "model" else room // 4))
            for name in ("steps", "compared", "causes"):
                parts[name].styles.height = "1fr"
            return
        steps = self._steps + 2
        wanted = {"steps": steps, "compared": room, "causes": self._lines_of("causes", width) + 1,
                  "timeline": self._lines_of("timeline", width) + 1}  # fmt: skip
        if is_model_there:
            wanted["model"] = room if self._model.is_at_work else self._lines_of("model", width) + 1
        if focused == "steps":
            wanted["steps"] = min(steps, max(room // 2, 3))
        for name, given in stacked(room, wanted, focused).items():
            parts[name].styles.height = given

    def _lines_of(self, part: str, width: int) -> int:
        return len(self.query_one(f"#{part}", Part).all_lines(width - 2, 1))

    # ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_table_chosen(self, _event: Table.Chosen) -> None:
        """Enter on a step: answer what it asks, or read all of it."""
        place = self._place
        if place is None:
            return
        if place.question is None:
            self._read_place(place)
        elif not self.console_app.is_locked():
            self._ask_person(place.question)

    def on_part_read(self, event: Part.Read) -> None:
        """Enter on another part."""
        if event.part.id == "compared" and self._place is not None:
            self._read_place(self._place)
        elif event.part.id == "model" and self._model.asks is not None:
            if not self.console_app.is_locked():
                self._model.answer()
        else:
            self.app.push_screen(Reader(f"{self._named} {event.part.title}", event.part.all_lines))

    def action_examine(self) -> None:
        """Begin again, in the background."""
        if not self.console_app.is_locked():
            self.console_app.ask("examine", lambda _answer: self.say("it is being examined again", "bold"),
                                 incident=self._named)  # fmt: skip

    def action_note(self) -> None:
        """A line for the timeline."""

        def written(text: str | None) -> None:
            if text:
                self._act("incident.note", "noted", text=text)

        if not self.console_app.is_locked():
            self.app.push_screen(Prompt(f"A note for {self._named} (Enter keeps it, Esc does not)"), written)

    def action_close(self) -> None:
        """It is over."""

        def closed(text: str | None) -> None:
            if text is not None:
                self._act("incident.close", f"{self._named} is closed", text=text)

        if not self.console_app.is_locked():
            self.app.push_screen(
                Prompt(f"Close {self._named}: why is it over? (Enter closes it, Esc does not)"), closed
            )

    def action_remedy(self) -> None:
        """Plan a remedy of a named cause; nothing is changed by that."""
        if not self.console_app.is_locked():
            ask_remedy(self, self._named, self._diagnosis or {})

    def action_explain(self) -> None:
        """Have a model explain it, and see it do so."""
        if not self.console_app.is_locked():
            self._model.explain()
        if self._model.is_there:
            self.query_one("#model", Part).focus()

    def action_ask_model(self) -> None:
        """Ask the model something."""
        if not self.console_app.is_locked():
            self._model.ask()

    def action_interrupt(self) -> None:
        """Stop the model."""
        if not self.console_app.is_locked():
            self._model.interrupt()

    def action_timeline(self) -> None:
        """To the notes."""
        self.query_one("#timeline", Part).focus()

    def action_copy(self) -> None:
        """The diagnosis as text."""
        self.console_app.copy(as_text(self._report()))

    def action_copy_command(self) -> None:
        """What the step under the cursor shows to be run by a person."""
        command = command_of(self._place.step.get("shown")) if self._place is not None else ""
        if command:
            self.console_app.copy(command)
        else:
            self.say("this step shows no command", "dim")

    def _act(self, op: str, said: str, **args: Any) -> None:
        def done(_incident: Json) -> None:
            self.say(said, "bold")
            self._ask()

        self.console_app.ask(op, done, incident=self._named, **args)

    def _ask_person(self, question: Json) -> None:
        text = str(question.get("text"))
        goes_on = "the run goes on" if self._place and self._place.state == "waiting" else "it is being examined again"

        def answered(answer: str | None) -> None:
            if answer:
                self._act("answer", f"{answer!r} is kept; {goes_on}", question=text, answer=answer)

        kind = str(question.get("kind") or "choice")
        if kind in ("number", "text"):
            self.app.push_screen(Prompt(f"{text} ({offered(question)}; Enter answers, Esc does not)"), answered)
            return
        choices = ("true", "false") if kind == "boolean" else tuple(map(str, question.get("answers") or ()))
        roles = ", ".join(str(each) for each in question.get("roles") or ())
        self.app.push_screen(Answers(text + (f" ({roles} may answer)" if roles else ""), choices), answered)

    def _read_place(self, place: Place) -> None:
        """All findings of a step, in a box."""
        today, greys, drawing = self._today, self.console_app.has_greys, self._curves.of(place)

        def write(width: int, height: int) -> list[Line]:
            return detail_lines(place, drawing, width, height, greys=greys, today=today)

        self.app.push_screen(Reader(place.title.strip() or "finding", write))

    def _report(self) -> list[Line]:
        today, width = self._today, COPY_WIDTH
        rows = places((self._diagnosis or {}).get("runs") or (), None, inline=False, today=today)
        return [
            *head_lines(self._incident, self._diagnosis, None, self._now, width=width, height=50, today=""),
            [],
            *cause_lines(self._diagnosis or {}, width, today),
            [],
            *([place.mark, (" ", ""), (place.title, "")] for place in rows),
            [],
            *self._timeline(width),
        ]

    def _timeline(self, width: int) -> list[Line]:
        return timeline_lines(self._incident, width, self._today, self._changes)


def _titled(row: Mapping[str, Any]) -> tuple[str, str]:
    place: Place = row["place"]
    return (place.title, {"run": "title", "finding": "dim"}.get(place.kind, ""))


def _worth_asking(row: Json | None) -> object:
    """What must change on the board for the diagnosis to be worth asking for anew."""
    if row is None:
        return "closed"
    return (
        row.get("state"),
        row.get("owner"),
        tuple(row.get("runs") or ()),
        row.get("questions"),
        bool(row.get("examining")),
    )
