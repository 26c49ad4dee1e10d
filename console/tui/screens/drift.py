"""What became of the data: every column over the last hour, both distributions, examples; and world or model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal

from console.errors import AndonError
from console.tui.panels.drift import EMPTY
from console.tui.panels.figures import dicts, known, text
from console.tui.screens import drift_words as words
from console.tui.screens.drift_rows import LEGEND, columns, facts
from console.tui.screens.sheet import WIDE, Sheet
from console.tui.text import Line, fit, wrap
from console.tui.widgets.canvas import Text
from console.tui.widgets.distribution import distribution_lines
from console.tui.widgets.drawing import Drawing
from console.tui.widgets.exemplars import exemplar_lines
from console.tui.widgets.table import Table

LOOK_SECONDS = 1.0
ASK_SECONDS = 20.0  # the daemon counts rows once a minute
PATIENCE = 75.0  # it may count for a minute
KEPT = 20  # models whose answers are kept
PARTS = ("bins", "examples", "numbers")
MOST_ISSUES = 3
TYPE = (
    "name a table of the model's inputs in the configuration, for example",
    "  [sources.rows]",
    '  kind = "table"',
    '  path = "/data/predictions/*.parquet"',
    '  model = "MODEL"',
)


class Drift(Sheet):
    """Words on top, then the table of columns, and below what the column under the cursor looks like."""

    NAME = "drift"
    ABOUT = (
        "Did the world change, or the model? One row per column of its data, the gravest first; each cell is a slot "
        "of time, the darker the more rows moved. Below: how often each value came, before and now.\n"
        "effect, moved: the share of rows that would have to move to make now look as before.\n"
        "PSI: how far two distributions are apart; people read more than 0.2 as a shift.\n"
        "JS, KS: the same asked in other ways, 0 is equal and 1 is as far apart as can be.\n"
        "p sampling: how likely so large a move is by luck of the draw alone. p usual: by the column's own wobble.\n"
        "step: against the days before; creep: against the fixed baseline.\n"
        "wobble: how much more it moves from day to day than luck would make it."
    )
    KEYS = (
        ("x", "distribution, examples, numbers"),
        ("m", "next model"),
        ("Enter", "triage"),
        ("Space", "pull the cord"),
    )
    BINDINGS: ClassVar = [
        Binding("x,tab", "part(1)", "next part", show=False),
        Binding("X,shift+tab", "part(-1)", "previous part", show=False),
        Binding("m", "model(1)", "next model", show=False),
        Binding("M", "model(-1)", "previous model", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._model = ""
        self._part = 0
        self._answers: dict[str, Mapping[str, Any]] = {}
        self._trouble = ""
        self._asked: dict[str, float] = {}  # monotonic
        self._pending = ""
        self._shape: tuple[str, bool] = ("", False)  # what the table's columns were made for

    def body(self) -> ComposeResult:
        yield Text(id="said")
        yield Table("columns", columns((), is_wide=False), key=lambda row: text(row, "name"), facts=facts, id="columns")
        with Horizontal(id="parts"):
            yield Drawing("how often each value came", id="bins")
            yield Drawing("examples", id="examples")
            yield Drawing("in words and numbers", id="numbers")

    def on_mount(self) -> None:
        """Look for what is due, also where no news come."""
        self.set_interval(LOOK_SECONDS, self._look)

    def on_resize(self) -> None:
        """Other room, other heights."""
        self.call_after_refresh(self._look)

    def focus_on(self, subject: str) -> None:
        """Show the rows of a model."""
        self._model = subject
        self._look()

    def subject(self) -> str:
        return self._model

    def facts(self) -> Mapping[str, str]:
        return {"model": self._model, "table": text(self._told, "table"), **super().facts()}

    def show(self, board: Mapping[str, Any]) -> None:
        models = [text(row, "model") for row in dicts(board.get("drift"))]
        if models and self._model not in models:
            self._model = models[0]
        self._look()

    def on_table_moved(self) -> None:
        """Another column."""
        self._draw()

    def on_table_chosen(self) -> None:
        """The triage of the model's incident."""
        if incident := self.incident():
            self.console_app.open_incident(incident)
        else:
            self.say("no incident is open about this model; Space opens one", "warn")

    def action_part(self, by: int) -> None:
        """Another part of what is known of the column, where there is room for one alone."""
        self._part = (self._part + by) % len(PARTS)
        self._draw()

    def action_model(self, by: int) -> None:
        """Another model."""
        models = [text(row, "model") for row in self._rows]
        if len(models) < 2:
            self.say("there is no other model with rows", "warn")
            return
        place = models.index(self._model) if self._model in models else 0
        self._model, self._trouble = models[(place + by) % len(models)], ""
        self._look()

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _rows(self) -> list[Mapping[str, Any]]:
        """The board's: one per model."""
        return dicts(self.console_app.picture.board.get("drift"))

    @property
    def _told(self) -> Mapping[str, Any]:
        """All that is known of the model: what was answered, else what the board says."""
        brief = next((row for row in self._rows if text(row, "model") == self._model), {})
        return self._answers.get(self._model, brief)

    def _look(self) -> None:
        """Draw what is known of the model, and ask where that is due."""
        if not self._is_shown:
            return
        self._draw()
        due = time.monotonic() - self._asked.get(self._model, float("-inf")) >= ASK_SECONDS
        if not self._model or not due or self._pending == self._model:
            return
        self._pending, self._asked[self._model] = self._model, time.monotonic()
        self.console_app.ask(
            "drift", partial(self._answered, self._model), refused=self._refused, timeout=PATIENCE, model=self._model
        )

    def _answered(self, model: str, answer: Mapping[str, Any]) -> None:
        self._pending, self._trouble = "", ""
        self._answers[model] = answer
        for oldest in list(self._answers)[:-KEPT]:
            del self._answers[oldest]
        self._draw()

    def _refused(self, error: AndonError) -> None:
        self._pending = ""
        self._trouble = f"{error.message}. {error.hint}" if error.hint else error.message
        self._draw()

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _is_shown(self) -> bool:
        return self.is_mounted and self.is_current and bool(self.size.width)

    def _draw(self) -> None:
        if not self._is_shown:
            return
        told, is_wide = self._told, self.size.width >= WIDE
        said = self._sentences(told)
        self.query_one("#said", Text).show(said)
        table = self.query_one(Table)
        times = told.get("times") or ()
        if (shape := (str(times), is_wide)) != self._shape:
            self._shape = shape
            table.use_columns(columns(times, is_wide=is_wide))
        rows = dicts(told.get("columns"))
        table.show(rows, note=LEGEND, empty=self._empty(told))
        room = self.size.height - 2 - len(said)
        self.query_one("#said").styles.height = len(said)
        share = 2 if PARTS[self._part] == "bins" and not is_wide else 3  # pictures and words need lines
        table.styles.height = max(min(2 + (len(rows) or 7), room // share), 3)
        self._draw_parts(told, is_wide)

    def _draw_parts(self, told: Mapping[str, Any], is_wide: bool) -> None:
        for place, name in enumerate(PARTS):
            self.query_one(f"#{name}").display = is_wide or place == self._part
        column = self.query_one(Table).row or {}
        has_answer = self._model in self._answers
        waiting: list[Line] = [[("  asking …", "dim")]] if self._model and not self._trouble else []
        bins, examples = column.get("bins"), dicts(told.get("exemplars"))
        greys = self.console_app.has_greys
        self.query_one("#bins", Drawing).show(
            lambda width, height: (
                distribution_lines(bins if isinstance(bins, Mapping) else {}, width, height) if has_answer else waiting
            )
        )
        self.query_one("#examples", Drawing).show(
            lambda width, height: exemplar_lines(examples, width, height, greys=greys) if has_answer else waiting
        )
        self.query_one("#numbers", Drawing).show(lambda width, _height: words.numbers(column, width))

    def _sentences(self, told: Mapping[str, Any]) -> list[Line]:
        """World or model, what that rests on, and what is wrong with the data itself."""
        width = self.size.width - 2
        lines: list[Line] = []
        if len(self._rows) > 1:
            lines.append(words.models_line(self._rows, self._model, width))
        if not told:
            return lines
        said, look = words.verdict(told)
        lines += [[(f" {line}", look)] for line in wrap(said, width, indent=2)[:3]]
        if rests := words.rests_on(told, known(self.console_app.picture.board.get("now"))):
            lines.append([("   " + fit(rests, width - 3), "dim")])
        issues = words.broken(told)
        lines += [[(" ✖ " + fit(issue, width - 3), "warn")] for issue in issues[:MOST_ISSUES]]
        if len(issues) > MOST_ISSUES:
            lines.append([(f"   and {len(issues) - MOST_ISSUES} more things wrong with the data", "warn")])
        if self._trouble:
            lines += [[(f" ✖ {line}", "error")] for line in wrap(self._trouble, width - 2)[:2]]
        return lines

    def _empty(self, told: Mapping[str, Any]) -> list[str]:
        if not self._model:
            return [*EMPTY, *TYPE]
        if self._trouble:
            return ["nothing is known of its columns"]
        return ["asking …"] if self._model not in self._answers else [text(told, "reason") or "it has no column"]
