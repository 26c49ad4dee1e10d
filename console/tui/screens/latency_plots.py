"""What is drawn of a model over time, and how the daemon is asked for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.tui.panels.figures import known, text
from console.tui.screens.latency_rows import waited
from console.tui.text import Span
from console.tui.widgets.chart import span_of
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
    return any(known(value) is not None for name in ("current", "baseline") for value in answer.get(name) or ())


def remark(answer: Mapping[str, Any], seconds: float) -> Span:
    """What the eye cannot see: why there is no baseline, or nothing at all."""
    now = [known(value) for value in answer.get("current") or ()]
    times = [known(time) for time in answer.get("times") or ()]
    note = text(answer, "note")
    first = next(
        (time for time, value in zip(times, now, strict=False) if value is not None and time is not None), None
    )
    has_baseline = any(known(value) is not None for value in answer.get("baseline") or ())
    if first is None:
        return (f"nothing was measured within the last {lapse(seconds)}" + (f"; {note}" if note else ""), "dim")
    if has_baseline:
        return ("", "")
    start, end = span_of(answer)
    step = (end - start) / max(len(times), 1)
    watched = (
        lapse(60.0 * max(round((end - first + step) / 60), 1)) if first != times[0] else f"{lapse(seconds)} or more"
    )
    return (
        f"no baseline yet: andon has watched this for {watched}; a comparison needs the same time of an earlier day",
        "warn",
    )


def _per_cent(values: Sequence[Any] | None) -> list[float | None]:
    numbers = [known(value) for value in values or ()]
    return [None if number is None else 100 * number for number in numbers]
