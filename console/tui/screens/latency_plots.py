"""What is drawn of a model over time, and how the daemon is asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.tui.panels.figures import text
from console.tui.screens.latency_rows import waited
from console.tui.text import Span
from console.tui.widgets.chart import span_of, values_of
from console.tui.widgets.table import Row
from console.words import lapse

BASELINE = "seasonal:1dx7"
QUANTILES = ("p95", "p50", "p99")
SPANS = (3600.0, 6 * 3600.0, 24 * 3600.0, 900.0)
ASK_SECONDS = (15.0, 60.0)  # at least and at most, between two questions for the same curve
MOST_STEPS, LEAST_STEPS = 240, 20


@dataclass(frozen=True, slots=True)
class Plot:
    """One statistic of one signal of the model under the cursor."""

    name: str
    title: str
    signal: str  # empty: the row's own
    stat: str | None
    bad: str
    of: str | None = None
    is_share: bool = False  # of 1, said in per cent
    unit: str | None = None  # what the title does not say already; None: the daemon's


PLOTS = (
    Plot("latency", "", "", None, "up"),
    Plot("queue", "requests waiting", "model.queue.depth", "mean", "up", unit=""),
    Plot("kv", "KV cache in use", "model.kv.usage", "mean", "up", is_share=True),
    Plot("tokens", "tokens a second", "model.tokens.generation", "rate", "down", unit=""),
    Plot("errors", "requests that fail", "model.errors", None, "up", of="model.requests", is_share=True),
    Plot("rate", "requests a second", "model.requests", "rate", "either", unit=""),
)


def question(plot: Plot, row: Row, quantile: str, end: float, seconds: float, columns: int) -> dict[str, Any]:
    """The arguments of the operation `curve`."""
    return {
        "signal": plot.signal or text(row, "signal"),
        "stat": plot.stat or (None if plot.of else quantile),
        "of": plot.of,
        "where": {"model": text(row, "model")},
        "start": end - seconds,
        "end": end,
        "steps": min(max(columns, LEAST_STEPS), MOST_STEPS),
        "baseline": BASELINE,
    }


def title(plot: Plot, row: Row, quantile: str, seconds: float) -> str:
    """What is drawn, and how much of the past."""
    what = plot.title or f"{quantile} time to {waited(row)}".replace("time to between", "time between").replace(
        "time to per", "time per"
    )
    return f"{what}, {lapse(seconds)}"


def patience(seconds: float, columns: int) -> float:
    """How long a curve is good: a step of it, within bounds."""
    least, most = ASK_SECONDS
    return min(max(seconds / max(columns, 1), least), most)


def shown(plot: Plot, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The curve in the unit that the title speaks of."""
    if plot.is_share:
        sides = {name: _per_cent(answer.get(name)) for name in ("current", "baseline", "low", "high")}
        return {**answer, **sides, "unit": "%"}
    return answer if plot.unit is None else {**answer, "unit": plot.unit}


def is_measured(answer: Mapping[str, Any]) -> bool:
    """Whether there is anything to draw."""
    return _has_any(answer, "current") or _has_any(answer, "baseline")


def remark(answer: Mapping[str, Any], seconds: float, *, is_short: bool = False) -> Span:
    """What the eye cannot see: why there is no baseline, or nothing at all."""
    now, times, note = values_of(answer.get("current")), values_of(answer.get("times")), text(answer, "note")
    told = (time for time, value in zip(times, now, strict=False) if value is not None and time is not None)
    first = next(told, None)
    if first is None:
        return (f"nothing was measured within the last {lapse(seconds)}" + (f"; {note}" if note else ""), "dim")
    if _has_any(answer, "baseline"):
        return ("", "")
    if is_short:
        return ("no baseline yet", "warn")
    if first == times[0]:
        return ("no baseline: nothing is known of the same time of the seven days before", "warn")
    start, end = span_of(answer)
    watched = lapse(60.0 * max(round((end - first + (end - start) / len(times)) / 60), 1))
    needs = "a comparison needs the same time of an earlier day"
    return (f"no baseline yet: andon has watched this for {watched}; {needs}", "warn")


def _has_any(answer: Mapping[str, Any], side: str) -> bool:
    return any(value is not None for value in values_of(answer.get(side)))


def _per_cent(values: Any) -> list[float | None]:
    return [None if value is None else 100 * value for value in values_of(values)]
