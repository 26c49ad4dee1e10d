"""The table of the latency screen, and one row of it in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.tui.panels.figures import NOTHING, figure, history, known, marked, percent, text, whole
from console.tui.panels.latency import named
from console.tui.text import Span
from console.tui.widgets.table import Column, Row
from console.words import MARKS

# What a signal is to somebody who waits.
WAITED = {
    "model.latency": "answer",
    "model.ttft": "first token",
    "model.itl": "between tokens",
    "model.tpot": "per token",
}
SAID = {
    "degraded": "is slower than usual",
    "improved": "is faster than usual",
    "ok": "is as fast as usual",
    "inconclusive": "may be slower than usual; there is too little data to be sure",
    "no_data": "has not been compared with its baseline",
}


def columns() -> Sequence[Column]:
    """Quantiles, the baseline, how far from it, load, errors, queue, cache, tokens."""
    return (
        Column("model", 12, lambda row, width: marked(row.get("verdict"), named(row, width - 2)), grows=True,
               is_measured=True),
        Column("time to", 14, lambda row: waited(row), keep=5),
        Column("p50", 7, lambda row: figure(row.get("p50"), "s"), right=True, keep=6),
        Column("p95", 7, lambda row: (figure(row.get("p95"), "s"), _look(row)), right=True),
        Column("p99", 7, lambda row: figure(row.get("p99"), "s"), right=True, keep=7),
        Column("p95 usually", 19, usual, right=True, keep=8),
        Column("×", 6, _ratio, right=True, keep=8),
        Column("verdict", 14, _verdict, keep=2),
        Column("req/s", 6, lambda row: figure(row.get("rate")), right=True, keep=7),
        Column("errors", 6, lambda row: percent(row.get("errors"), 1), right=True, keep=7),
        Column("queue", 5, lambda row: whole(row.get("queue")), right=True, keep=4),
        Column("KV", 4, lambda row: percent(row.get("kv")), right=True, keep=3),
        Column("tok/s", 6, lambda row: whole(row.get("tokens")), right=True, keep=3),
        Column("p95 lately", 12, lambda row, width: history(row.get("spark"), width), keep=1, is_measured=True,
               grows=True),
    )  # fmt: skip


def waited(row: Row) -> str:
    """What a user waits for, in words.

    >>> waited({"signal": "model.ttft"}), waited({"signal": "model.other"})
    ('first token', 'other')
    """
    signal = text(row, "signal")
    return WAITED.get(signal, signal.removeprefix("model."))


def usual(row: Row) -> str:
    """The baseline's p95, and between which values it usually is.

    >>> usual({"baseline": {"value": 0.0185, "low": 0.017, "high": 0.022}})
    '18.5 (17–22) ms'
    """
    baseline = row.get("baseline")
    if not isinstance(baseline, Mapping):
        return NOTHING
    value, low, high = (figure(baseline.get(name), "s") for name in ("value", "low", "high"))
    if NOTHING in (low, high):
        return value
    units = {each.partition(" ")[2] for each in (value, low, high)}
    if len(units) > 1:
        return f"{value} ({low}–{high})"
    bare = [each.partition(" ")[0] for each in (value, low, high)]
    return f"{bare[0]} ({bare[1]}–{bare[2]}) {units.pop()}"


def sentence(row: Row) -> Span:
    """How the model is, for somebody who knows no statistics."""
    verdict = text(row, "verdict") if text(row, "verdict") in SAID else "no_data"
    p95, ratio = known(row.get("p95")), known(row.get("ratio"))
    look = "" if verdict == "ok" else verdict
    told = f"{MARKS[verdict]} {text(row, 'model')} {SAID[verdict]}"
    if p95 is None:
        return (f"{told}; nothing came within the last minute", look)
    told += f": 95 of 100 requests take {figure(p95, 's')} or less"
    if usual(row) != NOTHING:
        told += f", usually {usual(row)}"
    if ratio is not None and verdict != "ok":
        told += f"; ×{ratio:.3g} over the minutes compared"
    if verdict in ("no_data", "inconclusive") and text(row, "reason"):
        told += f"; {text(row, 'reason')}"
    return (told, look)


def _look(row: Row) -> str:
    verdict = text(row, "verdict")
    return verdict if verdict in ("degraded", "improved") else ""


def _ratio(row: Row) -> Span:
    ratio = known(row.get("ratio"))
    return (NOTHING, "dim") if ratio is None else (f"×{ratio:.3g}", _look(row) or "dim")


def _verdict(row: Row) -> Span:
    return marked(row.get("verdict"), text(row, "verdict").replace("_", " "))
