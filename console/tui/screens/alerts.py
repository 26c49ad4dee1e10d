"""All alerts: what fires, for how long, whose incident it is; and silences, made and ended from here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding

from console.config import duration
from console.errors import AndonError
from console.tui.panels.figures import age, dicts, known, text
from console.tui.screens import alert_rows
from console.tui.screens.prompt import Prompt
from console.tui.screens.sheet import Sheet
from console.tui.screens.triage_words import Json
from console.tui.text import Line, wrap
from console.tui.widgets.canvas import Text
from console.tui.widgets.table import Column, Row, Table
from console.words import instant

ASK_SECONDS = 5.0
PATIENCE = 20.0
MOST = 500  # rows
MOST_TOLD = 2  # lines about one alert
MOST_SAID = 3  # lines about sources that fail
USUAL = "2h"
WELL = ("ok", "new")  # states of a source of which there is nothing to say
WAITING = ("asking the daemon …",)
NOTHING = ("no alert fires",)
NO_SOURCE = ("no alert fires that was sent here, and no source tells of any",
             "name an alert manager under [sources], or let it send to `andon listen`")  # fmt: skip


class Alerts(Sheet):
    """Those that fire first; what is kept quiet is dim."""

    NAME = "alerts"
    ABOUT = (
        "Every alert that a source tells of, or that was sent to `andon listen`. ▲ fires; what is silenced, or "
        "inhibited by another alert, is dim. s silences what the cursor is on: matchers, a time and a comment are "
        "asked, and how many alerts they would keep quiet is said before anything is done. u ends that."
    )
    KEYS = (
        ("Enter", "labels"),
        ("s", "silence"),
        ("u", "unsilence"),
        ("i", "incident"),
        ("o", "pages"),
    )
    BINDINGS: ClassVar = [
        Binding("s", "silence", "silence", show=False),
        Binding("u", "unsilence", "unsilence", show=False),
        Binding("i", "incident", "its incident", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._answer: Json | None = None
        self._trouble = ""
        self._asked = float("-inf")

    def body(self) -> ComposeResult:
        yield Table(
            "alerts",
            (
                Column("state", 11, alert_rows.state, keep=18),
                Column("alert", 18, alert_rows.dimmed(lambda row: text(row, "name")), grows=True, keep=20),
                Column("about", 12, alert_rows.dimmed(lambda row: text(row, "subject")), keep=16),
                Column("for", 7, alert_rows.dimmed(self._since), right=True, keep=14),
                Column("incident", 8, alert_rows.dimmed(lambda row: text(row, "incident") or "–"), keep=15),
                Column("source", 10, alert_rows.dimmed(lambda row: text(row, "source")), keep=6),
                Column("summary", 24, alert_rows.dimmed(lambda row: text(row, "text")), grows=True, keep=8),
            ),
            key=lambda row: text(row, "id"),
            facts=alert_rows.facts,
            empty=WAITING,
            id="alerts",
        )
        yield Text(id="about")

    def show(self, board: Mapping[str, Any]) -> None:
        self._draw()
        if time.monotonic() - self._asked >= ASK_SECONDS:
            self._ask()

    def subject(self) -> str:
        return text(self._row(), "subject")

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._draw)

    def on_table_moved(self, _event: Table.Moved) -> None:
        """Another alert."""
        self._tell()

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Enter: all that it says."""
        from console.tui.screens.card import Card

        row = event.row
        facts = {
            "summary": text(row, "text"),
            **alert_rows.pairs(row, "labels"),
            **alert_rows.pairs(row, "annotations"),
        }
        since = known(row.get("started"))
        facts |= {"since": instant(since) if since else "", "rule": text(row, "url"), "incident": text(row, "incident")}
        self.app.push_screen(Card(f"{text(row, 'name')} {text(row, 'state')}", facts))

    def action_incident(self) -> None:
        """The triage of the incident that it belongs to."""
        if incident := self.incident():
            self.console_app.open_incident(incident)
        else:
            self.say("no incident belongs to it; Space opens one", "warn")

    def action_links(self) -> None:
        """The rule's page, and those that its annotations name."""
        from console.tui.screens.links import Links, links_for

        row = self._row()
        pages = [("rule", text(row, "url")), *alert_rows.pairs(row, "annotations").items()]
        found = [(name, page) for name, page in pages if page.startswith(("http://", "https://"))]
        found += links_for(
            self.console_app.picture.board.get("links") or {}, {**self.facts(), "incident": self.incident()}
        )
        if found:
            self.app.push_screen(Links(found))
        else:
            self.say("this alert names no page", "warn")

    # ── silences ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_silence(self) -> None:
        """Ask for matchers, a time and a comment, one after the other."""
        if self.console_app.is_locked():
            return
        row = self._row()

        def matched(matchers: str | None) -> None:
            if matchers:
                question = "For how long? (30m, 2h, 1d; Esc does nothing)"
                self.app.push_screen(Prompt(question, USUAL), lambda span: self._timed(row, matchers, span))

        question = "Silence which alerts? (name=value, !=, =~, !~; Esc does nothing)"
        self.app.push_screen(Prompt(question, alert_rows.matchers_of(row)), matched)

    def _timed(self, row: Row, matchers: str, span: str | None) -> None:
        """Say how many alerts that would keep quiet now, and ask why."""
        if not span:
            return
        try:
            seconds = duration(span)
        except AndonError as error:
            self.console_app.complain(error)
            return

        def counted(answer: Json) -> None:
            count = int(known(answer.get("total")) or 0)
            fit = f"{count} alert{'' if count == 1 else 's'} fit{'s' if count == 1 else ''} now"
            question = f"{fit}. Silence for {span}: why? (Enter with a comment silences, Esc does not)"
            self.app.push_screen(Prompt(question), lambda why: self._silence(row, matchers, seconds, why))

        self.console_app.ask("alert.list", counted, slot="count", matchers=[matchers], most=0)

    def _silence(self, row: Row, matchers: str, seconds: float, why: str | None) -> None:
        if why is None:
            return
        if not why:
            self.say("a silence needs a comment: nothing was silenced", "warn")
            return
        sources = {text(each, "name") for each in dicts((self._answer or {}).get("sources"))}
        source = text(row, "source") if text(row, "source") in sources else ""

        def made(answer: Json) -> None:
            until = instant(known(answer.get("end")) or 0.0)
            self.say(f"silenced until {until}: {int(known(answer.get('alerts')) or 0)} quiet", "bold")
            self._ask()

        self.console_app.ask(
            "silence.create", made, timeout=PATIENCE, matchers=[matchers], seconds=seconds, comment=why, source=source
        )

    def action_unsilence(self) -> None:
        """End what keeps the alert under the cursor quiet, once it was said whose that is."""
        quiet = self._row().get("silences") or ()
        if self.console_app.is_locked():
            return
        if not quiet:
            self.say("nothing silences this alert", "warn")
            return

        def listed(answer: Json) -> None:
            found = [each for each in dicts(answer.get("silences")) if text(each, "id") in quiet]
            if not found:
                self.say("that silence has ended already", "warn")
                return
            first = found[0]
            whose = f"{text(first, 'author')}: {text(first, 'comment')}"
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            question = f"End the silence of {whose}{more}? (Enter ends it, Esc does not)"
            self.app.push_screen(Prompt(question), lambda said: self._end(found, said))

        self.console_app.ask("silence.list", listed, timeout=PATIENCE)

    def _end(self, found: Sequence[Json], said: str | None) -> None:
        if said is None:
            return

        def ended(_answer: Json) -> None:
            self.say("it is heard again", "bold")
            self._ask()

        for each in found:
            id_, source = text(each, "id"), text(each, "source")
            self.console_app.ask("silence.end", ended, slot=id_, timeout=PATIENCE, silence=id_, source=source)

    # ── what the daemon says ─────────────────────────────────────────────────────────────────────────────────────────

    def _row(self) -> Row:
        return self.query_one("#alerts", Table).row or {}

    def _ask(self) -> None:
        self._asked = time.monotonic()

        def heard(answer: Json) -> None:
            self._answer, self._trouble = answer, ""
            self._draw()

        def refused(error: AndonError) -> None:
            self._trouble = error.message
            self._draw()

        self.console_app.ask("alert.list", heard, refused=refused, timeout=PATIENCE, matchers=[], most=MOST)

    def _draw(self) -> None:
        if not self.is_up:
            return
        rows = dicts((self._answer or {}).get("alerts"))
        counts = (self._answer or {}).get("counts") or {}
        said = [f"{int(number)} {state}" for state in alert_rows.STATES if (number := known(counts.get(state)))]
        left_out = int(known((self._answer or {}).get("total")) or 0) - len(rows)
        note = ", ".join(said) + (f"; {left_out} are not shown" if left_out > 0 else "")
        empty: Sequence[str] = WAITING
        if self._answer is not None:
            empty = NOTHING if self._answer.get("sources") else NO_SOURCE
        self.query_one("#alerts", Table).show(rows, note=note, empty=empty)
        self._tell()

    def _tell(self) -> None:
        """Which sources fail, and the alert under the cursor in full."""
        width = max(self.size.width - 2, 20)
        row = self._row()
        lines: list[Line] = [[(f" {each}", "")] for each in wrap(text(row, "text"), width)[:MOST_TOLD] if each]
        troubles = [f"✖ {self._trouble}"] if self._trouble else []
        failing = [each for each in dicts((self._answer or {}).get("sources")) if each.get("state") not in WELL]
        troubles += [f"✖ {text(each, 'name')} is {text(each, 'state')}: {text(each, 'reason')}" for each in failing]
        lines += [[(f" {part}", "error")] for each in troubles for part in wrap(each, width, indent=2)][:MOST_SAID]
        about = self.query_one("#about", Text)
        about.styles.height = len(lines)
        about.show(lines)

    def _since(self, row: Row) -> str:
        started, now = known(row.get("started")), known((self._answer or {}).get("now"))
        return "–" if not started or now is None else age(max(now - started, 0.0))
