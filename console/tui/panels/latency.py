"""The last minute of every model, as the board shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.tui.panels.figures import NOTHING, figure, history, known, marked, model_name, percent, text, whole
from console.tui.text import Span, fit
from console.tui.widgets.table import Column, Row

EMPTY = ("no model's requests have been counted yet",)


def columns() -> Sequence[Column]:
    """Quantiles, against the baseline, load, errors, queue, cache, tokens."""
    return (
        Column("latency", 12, _name, grows=True, is_measured=True),
        Column("p95", 7, lambda row: (figure(row.get("p95"), "s"), _look(row)), right=True),
        Column("×usual", 6, _ratio, right=True, keep=8),
        Column("p50", 7, lambda row: figure(row.get("p50"), "s"), right=True, keep=4),
        Column("p99", 7, lambda row: figure(row.get("p99"), "s"), right=True, keep=5),
        Column("req/s", 6, lambda row: figure(row.get("rate")), right=True, keep=6),
        Column("errors", 6, lambda row: percent(row.get("errors"), 1), right=True, keep=7),
        Column("queue", 5, lambda row: whole(row.get("queue")), right=True, keep=3),
        Column("KV", 4, lambda row: percent(row.get("kv")), right=True, keep=2),
        Column("tok/s", 6, lambda row: whole(row.get("tokens")), right=True, keep=1),
        Column("lately", 7, lambda row, width: history(row.get("spark"), width), keep=8, is_measured=True,
               grows=True),
    )  # fmt: skip


def facts(row: Row) -> Mapping[str, str]:
    """What the filter and links may name."""
    return {name: text(row, name) for name in ("model", "signal", "verdict", "reason")}


def key(row: Row) -> str:
    """What tells one row from another."""
    return f"{text(row, 'model')} {text(row, 'signal')}"


def _name(row: Row, width: int) -> Span:
    return marked(row.get("verdict"), named(row, width - 2))


def named(row: Row, width: int) -> str:
    """The model, and which of its durations where that is not the whole answer's; the name is cut, and not that.

    >>> [named({"model": "llama-70b", "signal": "model.ttft"}, width) for width in (20, 10)]
    ['llama-70b ttft', 'llam… ttft']
    """
    signal = text(row, "signal").removeprefix("model.")
    what = "" if signal in ("", "latency") else f" {signal}"
    room = max(width - len(what), 1)
    return fit(model_name(row, room), room).rstrip() + what


def _look(row: Row) -> str:
    verdict = text(row, "verdict")
    return verdict if verdict in ("degraded", "improved") else ""


def _ratio(row: Row) -> Span:
    """How many times the usual it is."""
    ratio = known(row.get("ratio"))
    return (NOTHING, "dim") if ratio is None else (f"×{ratio:.3g}", _look(row) or "dim")
