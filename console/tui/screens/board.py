"""Home: one row per model with a light per column, and below it what is happening right now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal

from console.tui.screens.sheet import Sheet
from console.tui.text import Span, spark
from console.tui.widgets.table import Column, Row, Table
from console.words import MARKS, lapse, quantity

LIGHTS = ("gpu", "latency", "errors", "queue", "drift", "data")


def light(column: str) -> Column:
    """A light: a shape, a colour and a word."""

    def draw(row: Row) -> Span:
        state = str((row["lights"].get(column) or {}).get("state") or "no_data")
        return (f"{MARKS[state]} {state.replace('_', ' ')}", state)

    return Column(column, 10, draw, keep=5)


def number(value: Any, unit: str = "1") -> str:
    """A number with its unit, or a dash."""
    return "–" if value is None else quantity(float(value), unit)


class Board(Sheet):
    """The screen that `andon` opens."""

    NAME = "board"
    ABOUT = (
        "One row per model, the worst first, with one light per column. Below: GPUs, latency and drift as they are now."
    )
    KEYS = (("Enter", "open"), ("Space", "pull the cord"), ("a", "acknowledge"), ("Tab", "next table"))

    def body(self) -> ComposeResult:
        yield Table(
            "models",
            (
                Column("model", 16, lambda row: str(row["model"]), grows=True),
                *(light(name) for name in LIGHTS),
                Column("incident", 8, lambda row: str(row.get("incident") or ""), keep=8),
                Column("owner", 10, lambda row: str(row.get("owner") or ""), keep=3),
            ),
            key=lambda row: str(row["model"]),
            facts=lambda row: {"model": str(row["model"]), "incident": str(row.get("incident") or "")},
            id="models",
        )
        with Horizontal(id="panels"):
            yield Table(
                "GPU",
                (
                    Column("gpu", 8, lambda row: f"{row['host']}/{row['gpu']}"),
                    Column("use", 6, lambda row: number(row["values"].get("gpu.utilization")), right=True),
                    Column(
                        "",
                        20,
                        lambda row: (spark(row.get("spark") or (), 20, low=0, high=1), "spark"),
                        grows=True,
                        keep=1,
                    ),
                ),
                key=lambda row: f"{row['host']}/{row['gpu']}",
                facts=lambda row: {"host": str(row["host"]), "gpu": str(row["gpu"])},
                id="gpus",
            )
            yield Table(
                "latency",
                (
                    Column("model", 10, lambda row: str(row["model"]), grows=True),
                    Column("p95", 8, lambda row: number(row.get("p95"), "s"), right=True),
                ),
                key=lambda row: f"{row['model']} {row['signal']}",
                facts=lambda row: {"model": str(row["model"])},
                id="latency",
            )
            yield Table(
                "drift",
                (
                    Column("model", 10, lambda row: str(row["model"]), grows=True),
                    Column("looked", 8, lambda row: lapse(row["looked"]) if row.get("looked") else "–", right=True),
                ),
                key=lambda row: str(row["model"]),
                facts=lambda row: {"model": str(row["model"])},
                id="drift",
            )

    def show(self, board: Mapping[str, Any]) -> None:
        self.query_one("#models", Table).show(board.get("models") or ())
        self.query_one("#gpus", Table).show(board.get("gpus") or ())
        self.query_one("#latency", Table).show(board.get("latency") or ())
        self.query_one("#drift", Table).show(board.get("drift") or ())
