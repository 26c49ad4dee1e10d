"""Home: one row per model with a light per column, and below it what is happening right now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console.tui.feed import Picture
from console.tui.panels import drift, fleet, gpus, incidents, latency, models, plans
from console.tui.panels.figures import dicts, known, short, text
from console.tui.panels.panel import Panel
from console.tui.panels.room import Want, share
from console.tui.screens.sheet import Sheet
from console.tui.text import Line, fit, wrap
from console.tui.widgets.canvas import Text
from console.tui.widgets.table import Row, Table

WIDE = 120  # cells from which lights are said in words and panels stand side by side
FRAME = 2  # lines above and below the body
TIGHT = 32  # lines of a terminal below which titles stand among the headings
MOST_TROUBLES = 3
LEAST = {"models": 4, "incidents": 2, "gpus": 4, "latency": 3, "drift": 3}  # rows each has before others get more
GRAVITY = {"degraded": 0, "stale": 1, "inconclusive": 2}
NOTHING_YET = "Nothing is watched yet."


class Board(Sheet):
    """The screen that `andon` opens."""

    NAME = "board"
    ABOUT = (
        "One row per model, the worst first, with one light per column. Below: open incidents with their likely cause, "
        "then GPUs, latency and drift as they are now; what is wrong comes first."
    )
    KEYS = (("Enter", "open"), ("Tab", "next table"), ("Space", "pull the cord"), ("a", "acknowledge"))

    def __init__(self) -> None:
        super().__init__()
        self._is_wide = True  # what the columns are made for
        self._above = 0  # lines above the tables

    def body(self) -> ComposeResult:
        def model(row: Row) -> str:
            return text(row, "model")

        def incident(row: Row) -> str:
            return text(row, "id")

        with Vertical(id="board"):
            yield Text(id="above")
            yield Text(id="hints")
            yield Panel("models", models.columns(is_wide=True), key=model, facts=models.facts, empty=models.EMPTY,
                        id="models")  # fmt: skip
            yield Panel("incidents", incidents.columns(self._now), key=incident, facts=incidents.facts,
                        empty=incidents.EMPTY, id="incidents")  # fmt: skip
            with Horizontal(id="panels"):
                yield Panel("GPU", gpus.columns(), key=gpus.key, facts=gpus.facts, empty=gpus.EMPTY, id="gpus")
                yield Panel("latency", latency.columns(), key=latency.key, facts=latency.facts, empty=latency.EMPTY,
                            id="latency")  # fmt: skip
                yield Panel("drift", drift.columns(self._now), key=model, facts=drift.facts, empty=drift.EMPTY,
                            id="drift")  # fmt: skip

    def take(self, picture: Picture) -> None:
        """Say why there is nothing to see, before the first snapshot."""
        super().take(picture)
        if self.is_mounted and not picture.board:
            self._say_instead([_waiting(picture)] + ([picture.hint] if picture.hint else []))

    def show(self, board: Mapping[str, Any]) -> None:
        rows = {name: dicts(board.get(name)) for name in LEAST}
        hints = [str(hint) for hint in board.get("hints") or ()]
        if not any(rows.values()) and hints:
            self._say_instead([NOTHING_YET, "", *hints])
        else:
            self._say_instead(())
        self._say_above([str(trouble) for trouble in board.get("troubles") or ()], dicts(board.get("plans")))
        said = {"models": models.EMPTY, "gpus": gpus.EMPTY}
        empty = next((name for name in said if not rows[name]), None)
        for name in ("gpus", "latency", "drift"):
            rows[name].sort(key=_gravity)
        for name, found in rows.items():
            panel = self._panel(name)
            more = (*said[name], *_wrapped(hints, panel.size.width or 80)) if name == empty and hints else None
            panel.show(found, empty=more, note=self._all_gpus(board, found) if name == "gpus" else "")
        self._arrange()
        self._find_focus()

    def on_resize(self) -> None:
        """Share the lines anew."""
        self.call_after_refresh(lambda: self.take(self.console_app.picture))

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Enter: what is behind the row."""
        row, name = event.row, event.table.id
        model = text(row, "model")
        if name == "incidents":
            self.console_app.open_incident(text(row, "id"))
        elif name == "gpus":
            from console.tui.screens.gpu_one import OneGpu

            self.console_app.push_screen(OneGpu(row))
        elif name == "models" and (incident := self.incident()):
            self.console_app.open_incident(incident)
        else:
            self._open("drift" if name == "drift" else "latency", model)

    def _open(self, name: str, model: str) -> None:
        self.console_app.sheet(name).focus_on(model)
        self.console_app.action_go(name)

    # ── where things stand ───────────────────────────────────────────────────────────────────────────────────────────

    def _now(self) -> float | None:
        return known(self.console_app.picture.board.get("now"))

    def _panel(self, name: str) -> Panel:
        return self.query_one(f"#{name}", Panel)

    def _all_gpus(self, board: Mapping[str, Any], rows: Sequence[Row]) -> str:
        """In the panel's title and behind it, how many GPUs there are, where the board cannot carry them all."""
        told = board.get("fleet")
        count = known(told.get("gpus")) if isinstance(told, Mapping) else None
        is_large = count is not None and count > len(rows)
        self._panel("gpus").title = f"GPU {short(count)}" if is_large and count else "GPU"
        return "; ".join(fleet.summary(told, rows, "trouble")) if is_large else ""

    def _arrange(self) -> None:
        """Give every table its lines: models and incidents first, then the panels, side by side where that goes."""
        height, is_wide = self.app.size.height, self.app.size.width >= WIDE
        panels = {name: self._panel(name) for name in LEAST}
        for panel in panels.values():
            panel.is_tight = height < TIGHT
            panel.set_class(panel.is_empty, "-empty")
        if is_wide != self._is_wide:
            self._is_wide = is_wide
            panels["models"].use_columns(models.columns(is_wide=is_wide))
        panels["incidents"].display = panels["models"].display and not panels["incidents"].is_empty
        wants = {
            name: Want(panel.wanted if panel.display else 0, panel.heads + LEAST[name])
            for name, panel in panels.items()
        }
        room = height - FRAME - self._above
        live = [wants.pop(name) for name in ("gpus", "latency", "drift")]
        if is_wide:
            live = [Want(max(each.lines for each in live), max(each.least for each in live))]
        given = share(room, [*wants.values(), *live])
        for panel, lines in zip(panels.values(), given[:2] + given[2:] * (3 if is_wide else 1), strict=True):
            panel.styles.height = lines

    def _find_focus(self) -> None:
        """On the first table that has rows, while the one with the focus has none."""
        if isinstance(self.focused, Panel) and not self.focused.is_empty:
            return
        found = next((panel for name in LEAST if not (panel := self._panel(name)).is_empty), None)
        if found is not None and not self.is_filtering:
            found.focus()

    def _say_instead(self, said: Sequence[str]) -> None:
        """These words in place of the tables; none: the tables."""
        for name in LEAST:
            if name != "incidents":  # which are there only where there are any, see `_arrange`
                self._panel(name).display = not said
        hints = self.query_one("#hints", Text)
        hints.display = bool(said)
        hints.show([[(f" {line}", "")] for line in _wrapped(said, (self.app.size.width or 80) - 2)])

    def _say_above(self, troubles: Sequence[str], waiting: Sequence[Row]) -> None:
        """What is wrong with the daemon itself, and the plans that wait for somebody."""
        width = self.app.size.width
        lines: list[Line] = [[(fit(f" ✖ {trouble}", width), "error")] for trouble in troubles[:MOST_TROUBLES]]
        if len(troubles) > MOST_TROUBLES:
            more = len(troubles) - MOST_TROUBLES + 1
            lines[-1] = [(fit(f" ✖ and {more} more troubles; `andon status` says all", width), "error")]
        lines += plans.lines(waiting, width)
        told = self.query_one("#above", Text)
        told.styles.height = self._above = len(lines)
        told.show(lines)


def _gravity(row: Row) -> int:
    """How far down a row belongs: what is wrong first, else as the daemon gives it."""
    return GRAVITY.get(str(row.get("state") or row.get("verdict")), len(GRAVITY))


def _waiting(picture: Picture) -> str:
    """Why nothing has come yet."""
    if not picture.trouble:
        return "asking the daemon …"
    return "starting the daemon …" if "starting one" in picture.trouble else picture.trouble


def _wrapped(said: Sequence[str], width: int) -> list[str]:
    """Folded to a width, each line as far in as it was."""
    lines: list[str] = []
    for line in said:
        far = len(line) - len(line.lstrip(" "))
        lines += [" " * far + part for part in wrap(line.strip(), max(width - far, 20), indent=2)]
    return lines
