"""Drift in words: world or model and what that rests on, broken data, and one column with its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.tui.panels.figures import dicts, known, percent, text
from console.tui.screens.drift_rows import clock, issues
from console.tui.text import Line, Span, fit, wrap
from console.words import MARKS, lapse, number

Answer = Mapping[str, Any]

LOOKS = {"world": "degraded", "model": "degraded", "concept": "degraded", "neither": "ok", "unknown": "inconclusive"}
WOBBLES = (  # from which over-dispersion on a column is said to wobble so
    (10.0, "this column wobbles a lot by itself, so only a large move counts"),
    (2.0, "this column wobbles by itself, so small moves do not count"),
    (0.0, "this column is calm by itself"),
)
CHANCE = ((1e-6, "impossible, in practice"), (0.001, "very unlikely"), (0.05, "unlikely"), (1.0, "quite possible"))
LEAST_P = 1e-12


def verdict(answer: Answer) -> Span:
    """World or model, in one sentence."""
    told = answer.get("world_or_model")
    said, kind = (text(told, "text"), text(told, "verdict")) if isinstance(told, Mapping) else (str(told or ""), "")
    state = LOOKS.get(kind) or (text(answer, "verdict") if text(answer, "verdict") in MARKS else "no_data")
    return (f"{MARKS[state]} {said or text(answer, 'reason') or 'nothing was looked at yet'}", state)


def rests_on(answer: Answer, now: float | None) -> str:
    """What the verdict rests on: how fresh, which rows, of which windows."""
    parts = []
    looked = known(answer.get("looked"))
    if looked is not None and now is not None:
        parts.append(f"looked at {lapse(max(now - looked, 0.0))} ago{_newest(answer, now)}")
    rows = answer.get("rows")
    before, current = map(known, rows) if isinstance(rows, (list, tuple)) and len(rows) == 2 else (None, None)
    if before or current:
        parts.append(f"{current or 0:,.0f} rows of {text(answer, 'table') or 'a table'} against {before or 0:,.0f}")
    if windows := text(answer, "windows"):
        parts.append(windows)
    return "; ".join(parts)


def _newest(answer: Answer, now: float) -> str:
    """How old the newest row is, where that is known."""
    read = answer.get("read")
    newest = known(read.get("newest")) if isinstance(read, Mapping) else None
    return "" if newest is None else f", newest row {lapse(max(now - newest, 0.0))}"


def broken(answer: Answer) -> list[str]:
    """What is wrong with the data itself, each thing once; it comes before any question of distribution."""
    told = [*issues(answer), *(issue for column in dicts(answer.get("columns")) for issue in issues(column))]
    return list(dict.fromkeys(told))


def numbers(column: Mapping[str, Any], width: int) -> list[Line]:
    """A column in words, then in the numbers that people know."""
    lines: list[Line] = []

    def say(words: str, look: str = "") -> None:
        lines.extend([(f" {line}", look)] for line in wrap(words, width - 2, indent=2))

    for issue in issues(column):
        say(f"✖ {issue}", "warn")
    effect, shift, wobble = (known(column.get(name)) for name in ("effect", "shift", "wobble"))
    if effect is not None:
        say(f"{percent(effect)} of the rows moved" + (f", their mean by {shift:+.3g}" if shift else ""), "bold")
    if clock(column.get("onset")) != "–":
        came = "it crept in, since about" if text(column, "line") == "creep" else "it stands out since"
        say(f"{came} {clock(column.get('onset'))}Z")
    if column.get("slice"):
        say(text(column, "slice"))
    sampling, usual = known(column.get("p_sampling")), known(column.get("p_usual"))
    if sampling is not None:
        say(f"by luck of the draw alone: {_chance(sampling)}")
    if usual is not None:
        say(f"as its usual ups and downs: {_chance(usual)}")
    if wobble is not None:
        say(f"×{wobble:.3g}: {next((words for least, words in WOBBLES if wobble >= least), WOBBLES[-1][1])}")
    if text(column, "reason") and text(column, "verdict") != "degraded":
        say(text(column, "reason"), "dim")
    pairs = (("effect", "effect"), ("PSI", "psi"), ("JS", "js"), ("KS", "ks"), ("p sampling", "p_sampling"),
             ("p usual", "p_usual"), ("wobble", "wobble"))  # fmt: skip
    told = "  ".join(f"{title} {number(known(column.get(name)))}" for title, name in pairs)
    return [*lines, *([(f" {line}", "")] for line in wrap(told, width - 2))]


def models_line(rows: Sequence[Mapping[str, Any]], model: str, width: int) -> Line:
    """The models that have rows, around the one that is shown."""
    names = [text(row, "model") for row in rows]
    place = names.index(model) if model in names else 0
    line: list[Span] = [(f" model {place + 1}/{len(names)} (m next) ", "dim")]
    room = width - len(line[0][0])
    for row in rows[place : place + 20]:
        state = text(row, "verdict") if text(row, "verdict") in MARKS else "no_data"
        name = text(row, "model")
        cells = min(max(len(name), 1), 24)
        room -= cells + 3
        if room < 0:
            break
        look = "bar" if name == model else state if state != "ok" else ""
        line += [(f"{MARKS[state]} {fit(name, cells)}", look), (" ", "")]
    return line


def _chance(p: float) -> str:
    told = f"p {p:.2g}" if p >= LEAST_P else f"p below {LEAST_P:g}"
    return next((words for most, words in CHANCE if p < most), CHANCE[-1][1]) + f" ({told})"
