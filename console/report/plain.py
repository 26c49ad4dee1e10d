"""The board in words, one fact a line: for dumb terminals, screen readers and pipes. What the console draws, said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from console.report.clean import clean
from console.words import instant, lapse, quantity

Board = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """One line. `state` is what makes it news when it changes; numbers that move all the time are not."""

    key: str
    state: str
    text: str


def facts(board: Board) -> list[Fact]:
    """Everything on the board, the most urgent first."""
    told = [
        *_troubles(board),
        *map(_incident, board.get("incidents") or ()),
        *map(_model, board.get("models") or ()),
        *map(_gpu, board.get("gpus") or ()),
        *map(_latency, board.get("latency") or ()),
        *map(_drift, board.get("drift") or ()),
        *map(_source, board.get("sources") or ()),
        *(Fact(f"hint {place}", text, text) for place, text in enumerate(board.get("hints") or ())),
    ]
    return [Fact(each.key, each.state, clean(" ".join(each.text.split()))) for each in told]


def summary(board: Board) -> str:
    """The first line: when this was so, and how much of it there is."""
    keys = ("incidents", "models", "gpus", "sources")
    sizes = ((len(board.get(key) or ()), key.replace("gpu", "GPU")) for key in keys)
    counts = [f"{count} {name if count != 1 else name.removesuffix('s')}" for count, name in sizes]
    now = board.get("now")
    return f"andon at {instant(now) if isinstance(now, (int, float)) else 'no time'}: {', '.join(counts)}"


def news(before: Board, now: Board) -> Iterator[str]:
    """What changed between two boards, a line each."""
    old = {fact.key: fact for fact in facts(before)}
    new = {fact.key: fact for fact in facts(now)}
    for key, fact in new.items():
        if key not in old:
            yield f"new: {fact.text}"
        elif old[key].state != fact.state:
            yield f"changed: {fact.text}"
    for key, fact in old.items():
        if key not in new:
            yield f"gone: {fact.text}"


def _troubles(board: Board) -> list[Fact]:
    return [Fact(f"trouble {text}", text, f"trouble: {text}") for text in board.get("troubles") or ()]


def _incident(row: Mapping[str, Any]) -> Fact:
    cause, examining = row.get("cause"), row.get("examining")
    said = "not examined yet"
    if cause:
        said = f"likely cause: {cause['title']} ({100 * cause['probability']:.3g} %)"
    elif examining:
        said = f"being examined with {examining['playbook']}"
    elif row.get("runs"):
        said = "no cause stands out"
    owner = f", {row['owner']} looks after it" if row.get("owner") else ""
    asks = f"; questions that wait for an answer: {row['questions']}" if row.get("questions") else ""
    text = f"incident {row['id']} about {row['subject']}, {row['state']} since {instant(row['opened'])}{owner}: "
    state = f"{row['state']} {row.get('owner')} {said} {row.get('questions')}"
    return Fact(f"incident {row['id']}", state, f"{text}{row['title']}; {said}{asks}")


def _model(row: Mapping[str, Any]) -> Fact:
    lights = [f"{name} {light['state'].replace('_', ' ')}" for name, light in row["lights"].items()]
    incident = f"; incident {row['incident']}" if row.get("incident") else ""
    text = f"model {row['model']}: {', '.join(lights)}{incident}"
    return Fact(f"model {row['model']}", text, text)


def _gpu(row: Mapping[str, Any]) -> Fact:
    values = row["values"]
    used, total = values.get("gpu.memory.used"), values.get("gpu.memory.total")
    parts = [
        _part("use", values.get("gpu.utilization"), "%", 100),
        " ".join(filter(None, (_part("memory", used, "By"), _part("of", total, "By")))),
        _part("temperature", values.get("gpu.temperature"), "degrees C"),
        _part("power", values.get("gpu.power"), "W"),
    ]
    state = f"{row['state']}, {row['reason']}" if row.get("reason") else str(row["state"])
    name = f"GPU {row['host']}/{row['gpu']}"
    called = f"{name} {row['name']}" if row["name"] else name
    return Fact(name, state, f"{called}: {'; '.join(filter(None, (state, ', '.join(filter(None, parts)))))}")


def _latency(row: Mapping[str, Any]) -> Fact:
    baseline = row.get("baseline") or {}
    parts = [
        *(_part(name, row.get(name), "s") for name in ("p50", "p95", "p99")),
        _part("p95 of the baseline", baseline.get("value"), "s"),
        _part("times the baseline", row.get("ratio"), "1"),
        _part("requests per second", row.get("rate"), "1"),
        _part("errors", row.get("errors"), "%", 100),
        _part("waiting", row.get("queue"), "1"),
        _part("KV cache", row.get("kv"), "%", 100),
        _part("tokens per second", row.get("tokens"), "1"),
    ]
    name = f"latency of {row['model']}, {row['signal']}"
    verdict = row["verdict"].replace("_", " ")
    reason = f" ({row['reason']})" if row.get("reason") else ""
    return Fact(name, verdict, f"{name}: {verdict}{reason}; {', '.join(filter(None, parts))}")


def _drift(row: Mapping[str, Any]) -> Fact:
    verdict = row["verdict"].replace("_", " ")
    moved = [column["name"] for column in row.get("columns") or () if column["verdict"] == "degraded"]
    said = f"; drifted: {', '.join(moved)}" if moved else ""
    why = f"; {row['world_or_model']}" if row.get("world_or_model") else ""
    name = f"drift of {row['model']}"
    return Fact(name, f"{verdict}{said}{why}", f"{name}: {verdict} ({row.get('reason') or 'nothing moved'}){said}{why}")


def _source(row: Mapping[str, Any]) -> Fact:
    age = f", {lapse(row['age'])} old" if row.get("age") is not None else ""
    reason = f": {row['reason']}" if row.get("reason") else ""
    name = f"source {row['name']}"
    return Fact(name, f"{row['state']}{reason}", f"{name} ({row['kind']}): {row['state']}{age}{reason}")


def _part(name: str, value: float | None, unit: str, factor: float = 1.0) -> str:
    return "" if value is None else f"{name} {quantity(value * factor, unit)}"
