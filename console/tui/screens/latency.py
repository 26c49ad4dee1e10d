"""How long requests take: every model's quantiles against their baseline, and what the model under the cursor did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical

from console.tui.panels.figures import dicts, known, text
from console.tui.panels.latency import EMPTY, facts, key
from console.tui.screens import latency_plots as plots
from console.tui.screens.latency_curves import Curves, Told
from console.tui.screens.latency_plots import PLOTS, Plot
from console.tui.screens.latency_rows import columns, sentence
from console.tui.screens.sheet import WIDE, Sheet
from console.tui.text import Line, wrap
from console.tui.widgets.canvas import Text
from console.tui.widgets.chart import Chart
from console.tui.widgets.table import Row, Table
from console.words import lapse

LEAST_CHART = 5  # lines of a small chart
LOOK_SECONDS = 1.0
AXIS = 10  # cells beside a plot


class Latency(Sheet):
    """Table above; below, side by side where it is wide, the charts of the row under the cursor."""

    NAME = "latency"
    ABOUT = (
        "How long requests take. p95 is the time within which 95 of 100 requests are answered. The charts draw now "
        "(▀▄) over the same time of earlier days: ─ is what was usual then, ░ from the lowest to the highest day. "
        "× is how many times the usual it is."
    )
    KEYS = (
        ("Tab", "next chart"),
        ("p", "p95, p50, p99"),
        ("t", "15 min … 24 h"),
        ("Enter", "triage"),
        ("Space", "pull the cord"),
    )
    BINDINGS: ClassVar = [
        Binding("tab,c", "chart(1)", "next chart", show=False),
        Binding("shift+tab,C", "chart(-1)", "previous chart", show=False),
        Binding("p", "quantile", "other quantile", show=False),
        Binding("t", "span", "other span", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._wanted = ""  # the model to put the cursor on
        self._large = 0  # which plot is the large one
        self._quantile = 0
        self._span = 0
        self._curves = Curves(lambda *a, **more: self.console_app.ask(*a, **more), self._draw)

    def body(self) -> ComposeResult:
        yield Table("latency, last minute", columns(), key=key, facts=facts, empty=EMPTY, id="rows")
        yield Text(id="said")
        with Horizontal(id="charts"):
            yield Chart(id="large")
            with Vertical(id="small"):
                for number in range(len(PLOTS) - 1):
                    yield Chart(id=f"small-{number}")

    def on_mount(self) -> None:
        """Look for what is due, also where no news come."""
        self.set_interval(LOOK_SECONDS, self._look)

    def on_resize(self) -> None:
        """Other room, other heights."""
        self.call_after_refresh(self._look)

    def focus_on(self, subject: str) -> None:
        """Put the cursor on a model, now or when it is known."""
        self._wanted = subject
        self._find_wanted(dicts(self.console_app.picture.board.get("latency")) if self.is_mounted else [])

    def show(self, board: Mapping[str, Any]) -> None:
        rows = dicts(board.get("latency"))
        hints = [str(hint) for hint in board.get("hints") or ()]
        self.query_one(Table).show(rows, empty=[*EMPTY, *hints])
        self._find_wanted(rows)
        self._look()

    def on_table_moved(self) -> None:
        """Another row: its charts."""
        self._look()

    def on_table_chosen(self) -> None:
        """The triage of the model's incident."""
        if incident := self.incident():
            self.console_app.open_incident(incident)
        else:
            self.say("no incident is open about this model; Space opens one", "warn")

    def action_chart(self, by: int) -> None:
        """Another chart is the large one; those of which there is nothing are passed over."""
        for _plot in PLOTS:
            self._large = (self._large + by) % len(PLOTS)
            if not self._is_empty(PLOTS[self._large]):
                break
        self._look()

    def action_quantile(self) -> None:
        """p95, p50, p99, and round again."""
        self._quantile = (self._quantile + 1) % len(plots.QUANTILES)
        self._large = 0
        self._look()

    def action_span(self) -> None:
        """Another span of time."""
        self._span = (self._span + 1) % len(plots.SPANS)
        self.say(f"the last {lapse(self._seconds)}", "bold")
        self._look()

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _row(self) -> Row | None:
        return self.query_one(Table).row

    @property
    def _seconds(self) -> float:
        return plots.SPANS[self._span]

    def _look(self) -> None:
        """Draw what is known of the row under the cursor, and ask for what is due."""
        if not self._is_shown:
            return
        self._draw()
        if self._row is None:
            return
        for plot, chart in self._places():
            if chart.display or self._told(plot).answer is None:
                cells = max(chart.size.width - AXIS, 0)
                self._curves.want(plot.name, self._question(plot, cells), plots.patience(self._seconds, cells))

    def _question(self, plot: Plot, cells: int = 0) -> dict[str, Any]:
        now = known(self.console_app.picture.board.get("now")) or 0.0
        quantile = plots.QUANTILES[self._quantile]
        return plots.question(plot, self._row or {}, quantile, now, self._seconds, cells)

    def _told(self, plot: Plot) -> Told:
        return self._curves.told(self._question(plot))

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _places(self) -> list[tuple[Plot, Chart]]:
        """Which plot is drawn where: the large one, then the others, those without any data last."""
        large = PLOTS[self._large]
        others = sorted((plot for plot in PLOTS if plot is not large), key=self._is_empty)
        charts = [self.query_one("#large", Chart), *self.query_one("#small").query(Chart)]
        return list(zip([large, *others], charts, strict=True))

    def _is_empty(self, plot: Plot) -> bool:
        answer = self._told(plot).answer
        return answer is not None and not plots.is_measured(answer)

    @property
    def _is_shown(self) -> bool:
        return self.is_mounted and self.is_current and bool(self.size.width)

    @property
    def _is_wide(self) -> bool:
        return self.size.width >= WIDE

    def _draw(self) -> None:
        if not self._is_shown:
            return
        said = self._sentences()
        self.query_one("#said", Text).show(said)
        self._arrange(len(said))
        for plot, chart in self._places():
            self._draw_plot(plot, chart)

    def _draw_plot(self, plot: Plot, chart: Chart) -> None:
        if self._row is None:
            chart.show("", None)
            return
        title = plots.title(plot, self._row, plots.QUANTILES[self._quantile], self._seconds)
        told = self._told(plot)
        trouble = (told.trouble, "error")
        if told.answer is None:
            chart.show(title, None, trouble if told.trouble else ("asking …", "dim"))
        elif not plots.is_measured(told.answer):
            chart.show(title, None, plots.remark(told.answer, self._seconds))
        else:
            is_small = plot is not PLOTS[self._large]
            remark = trouble if told.trouble else plots.remark(told.answer, self._seconds, is_short=is_small)
            chart.show(title, plots.shown(plot, told.answer), remark, bad=plot.bad)

    def _sentences(self) -> list[Line]:
        """The row under the cursor in words, and what is not measured of it."""
        if self._row is None:
            return []
        said, look = sentence(self._row)
        lines: list[Line] = [[(f" {line}", look)] for line in wrap(said, self.size.width - 2, indent=2)[:3]]
        missing = [plot.title for plot in PLOTS if plot.title and self._is_empty(plot)]
        if missing and self._is_wide:
            lines.append([(f"   not measured here: {', '.join(missing)}", "dim")])
        return lines

    def _arrange(self, said: int) -> None:
        """Heights by need: the table its rows, the words theirs, the rest to the charts."""
        room = self.size.height - 2
        rows = len(dicts(self.console_app.picture.board.get("latency")))
        table = max(min(2 + rows if rows else 8, room // 3), 3)
        self.query_one(Table).styles.height = table
        self.query_one("#said").styles.height = said
        is_wide = self._is_wide
        self.query_one("#small").display = is_wide
        fitting = (room - table - said) // LEAST_CHART
        for place, (plot, chart) in enumerate(self._places()):
            chart.display = place == 0 or (is_wide and place <= fitting and not self._is_empty(plot))

    def _find_wanted(self, rows: list[Mapping[str, Any]]) -> None:
        found = next((row for row in rows if text(row, "model") == self._wanted), None) if self._wanted else None
        if found is not None:
            self._wanted = ""
            self.query_one(Table).select(key(found))
