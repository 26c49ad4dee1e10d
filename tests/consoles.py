"""A console on a daemon that says what a test tells it to, and a board with something of everything on it."""

from __future__ import annotations

import copy
import queue
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from console.errors import AndonError, DaemonUnreachable, UsageError
from console.tui.app import Console

NOW = 1_780_000_000.0
LIGHTS = ("gpu", "latency", "errors", "queue", "drift", "data")


class TellingClient:
    """Stands where a Client stands. `tell` gives the console a board; `answers` are what operations give."""

    def __init__(self, data: Path, board: Mapping[str, Any] | None = None) -> None:
        self.data = data
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}  # op -> answer, an error to raise, or a function of the arguments
        self._news: queue.Queue[Mapping[str, Any] | AndonError] = queue.Queue()
        if board is not None:
            self.tell(board)

    def tell(self, news: Mapping[str, Any] | AndonError) -> None:
        """The next state of the board, or what goes wrong with the line."""
        self._news.put(news)

    def subscribe(self, _topic: str) -> Iterator[Mapping[str, Any]]:
        while True:
            try:
                news = self._news.get(timeout=5.0)
            except queue.Empty:
                raise DaemonUnreachable("the daemon fell silent", "") from None
            if isinstance(news, AndonError):
                raise news
            yield news

    def request(self, op: str, *, timeout: float = 30.0, **args: Any) -> Any:
        self.asked.append((op, args))
        if op not in self.answers:
            raise UsageError(f"the daemon knows no operation {op!r}", "")
        answer = self.answers[op]
        if isinstance(answer, Exception):
            raise answer
        return answer(**args) if callable(answer) else copy.deepcopy(answer)


@asynccontextmanager
async def running(
    client: TellingClient,
    *,
    size: tuple[int, int] = (120, 40),
    start: Callable[[], object] = lambda: None,
    **options: Any,
) -> AsyncIterator[tuple[Console, Pilot[int]]]:
    """The console, headless, once it shows the first board that was told."""
    app = Console(client, start, **options)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        yield app, pilot
        client.tell(DaemonUnreachable("over", ""))  # lets the listening thread go


async def settled(app: Console, pilot: Pilot[int], *, times: int = 60) -> None:
    """Until what was told is shown."""
    for _ in range(times):
        await pilot.pause(0.02)
        if (app.picture.board or app.picture.trouble) and app.client._news.empty():  # type: ignore[attr-defined]
            await pilot.pause(0.02)
            return


async def until(pilot: Pilot[int], holds: Callable[[], bool], *, times: int = 150) -> None:
    """Until something holds; what holds not in three seconds is for the test to say."""
    for _ in range(times):
        if holds():
            return
        await pilot.pause(0.02)


def text_of(app: Console) -> str:
    """What the screen on top shows, as text."""
    return "\n".join(app.screen.text())  # type: ignore[attr-defined]


# ── boards ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def board(**changes: Any) -> dict[str, Any]:
    """One model in trouble, one that is well, eight GPUs, an incident, sources; any key can be put in its place."""
    whole = {
        "now": NOW,
        "interval": 15.0,
        "version": "0.1.0",
        "config": "/etc/andon/config.toml",
        "models": [model("glove", latency="degraded", incident="I-3", owner="ana"), model("chat")],
        "gpus": [gpu(number) for number in range(8)],
        "latency": [latency("chat"), latency("glove", verdict="degraded", ratio=2.4)],
        "drift": [drift("glove")],
        "incidents": [incident("I-3")],
        "sources": [
            source("line"),
            source("gpus", kind="nvml"),
            source("old", state="unreachable", reason="did not answer"),
        ],
        "troubles": [],
        "links": {"dashboard": "https://grafana.example/d/models?var-model={model}"},
        "hints": [],
    }
    return whole | changes


def model(name: str, *, incident: str | None = None, owner: str = "", **lights: str) -> dict[str, Any]:
    states = {column: lights.get(column, "ok") for column in LIGHTS}
    return {
        "model": name,
        "lights": {column: {"state": state, "age": 4.0} for column, state in states.items()},
        "incident": incident,
        "owner": owner,
    }


def gpu(number: int, **changes: Any) -> dict[str, Any]:
    total = 80 * 2**30
    row = {
        "source": "gpus",
        "host": "n1",
        "gpu": str(number),
        "uuid": f"GPU-{number:04d}",
        "name": "H100 80GB HBM3",
        "state": "ok",
        "reason": "",
        "age": 0.4,
        "values": {
            "gpu.utilization": 0.9 - number / 20,
            "gpu.memory.used": 60 * 2**30,
            "gpu.memory.total": total,
            "gpu.memory.utilization": 0.75,
            "gpu.temperature": 61.0,
            "gpu.power": 512.0,
            "gpu.power.limit": 700.0,
            "gpu.clock.sm": 1.98e9,
            "gpu.ecc.errors:corrected": 2.0,
            "gpu.ecc.errors:uncorrected": 0.0,
            "gpu.processes": 2.0,
            "gpu.throttle.reasons": 0.0,
            "gpu.up": 1.0,
        },
        "spark": "45677" * 12,
    }
    return row | changes


def latency(name: str, **changes: Any) -> dict[str, Any]:
    row = {
        "model": name,
        "signal": "model.latency",
        "p50": 0.012,
        "p95": 0.045,
        "p99": 0.09,
        "rate": 21.0,
        "errors": 0.001,
        "queue": 1.0,
        "kv": 0.42,
        "tokens": 812.0,
        "baseline": {"value": 0.019, "low": 0.017, "high": 0.022},
        "ratio": 1.0,
        "verdict": "ok",
        "reason": "",
        "age": 3.0,
        "spark": "0123457" * 8,
    }
    return row | changes


def drift(name: str, **changes: Any) -> dict[str, Any]:
    column = {
        "name": "glove_luma",
        "verdict": "degraded",
        "effect": 0.41,
        "line": "step",
        "onset": NOW - 300,
        "shift": -20.3,
        "issues": [],
    }
    row = {
        "model": name,
        "table": "predictions",
        "verdict": "degraded",
        "reason": "its mean by -20.3",
        "looked": NOW - 20,
        "rows": [40_000, 1_200],
        "columns": [column, column | {"name": "belt_speed", "verdict": "ok", "effect": 0.01, "onset": None}],
        "world_or_model": "The world changed; the model answers as it always did",
    }
    return row | changes


def incident(id_: str, **changes: Any) -> dict[str, Any]:
    row = {
        "id": id_,
        "title": "model.feedback.correct of model.feedback of model=glove is 0.887, was 0.975 (×0.91)",
        "state": "open",
        "opened": NOW - 400,
        "subject": "glove",
        "owner": "",
        "runs": ["r1"],
        "cause": {"title": "The world changed; the model answers as it always did", "probability": 0.99, "more": 0},
        "examining": None,
        "questions": 0,
    }
    return row | changes


def source(name: str, **changes: Any) -> dict[str, Any]:
    row = {
        "name": name,
        "kind": "metrics",
        "state": "ok",
        "reason": "",
        "newest": NOW - 3,
        "age": 3.0,
        "readings": 310,
        "seconds": 0.02,
        "failures": 0,
    }
    return row | changes


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def curve_answer(**asked: Any) -> dict[str, Any]:
    """What the operation `curve` says: calm for three quarters of the span, then twice the baseline."""
    steps = int(asked.get("steps", 60))
    start, end = float(asked.get("start", NOW - 3600)), float(asked.get("end", NOW))
    usual = [0.02 + 0.001 * (n % 5) for n in range(steps)]
    return {
        "signal": asked.get("signal", "model.latency"),
        "stat": asked.get("stat"),
        "unit": "s",
        "times": [start + (end - start) * (n + 1) / steps for n in range(steps)],
        "current": [value * (2.0 if n > 0.75 * steps else 1.0) for n, value in enumerate(usual)],
        "baseline": usual,
        "low": [0.9 * value for value in usual],
        "high": [1.2 * value for value in usual],
        "note": "7 × 1d pooled",
    }


def drift_answer(model: str = "glove", **changes: Any) -> dict[str, Any]:
    """What the operation `drift` says: dark gloves on one line, and a column that is as it was."""
    column = {
        "name": "glove_luma",
        "kind": "numeric",
        "verdict": "degraded",
        "reason": "28% of the rows moved, the mean by -43.1",
        "line": "step",
        "effect": 0.28,
        "psi": 0.84,
        "js": 0.37,
        "ks": 0.33,
        "shift": -43.1,
        "onset": NOW - 600,
        "wobble": 34.2,
        "p_sampling": 3e-250,
        "p_usual": 1e-9,
        "slice": "line=line-1 explains 98% of it",
        "issues": [],
        "slots": [0.0, 0.01, None, *[0.02] * 6, 0.12, 0.3, 0.5],
        "bins": {
            "labels": ["< 100", "100 to 150", "≥ 150", "missing"],
            "baseline": [0.05, 0.15, 0.7, 0.1],
            "current": [0.45, 0.1, 0.35, 0.1],
        },
    }
    calm = {"verdict": "ok", "reason": "", "effect": 0.01, "shift": 0.0, "onset": None, "slice": "", "wobble": 1.2,
            "p_sampling": 0.4, "p_usual": 0.6, "slots": [0.01] * 12}  # fmt: skip
    image = [[(8 * (x + y)) % 256 for x in range(24)] for y in range(24)]
    whole = {
        "model": model,
        "table": "predictions",
        "looked": NOW - 20,
        "verdict": "degraded",
        "reason": "28% of the rows moved, the mean by -43.1",
        "windows": "the last 10 min against the same time in the past; 7 × 1d pooled",
        "rows": [7869, 1228],
        "world_or_model": {"verdict": "world", "text": "The inputs moved: probably the world changed."},
        "times": [NOW - 3600 + 300 * n for n in range(12)],
        "columns": [column, column | calm | {"name": "exposure"}],
        "exemplars": [
            {"side": "baseline", "time": NOW - 86400, "kind": "image", "caption": "light glove", "fields": {},
             "pixels": image},
            {"side": "current", "time": NOW - 60, "kind": "image", "caption": "dark glove", "fields": {},
             "pixels": [[grey // 3 for grey in row] for row in image]},
        ],
    }  # fmt: skip
    return whole | changes


# What no screen may be broken by.
HOSTILE = (
    "x" * 200,
    "名前がとても長いモデル" * 8,
    "نموذج كشف القفازات",
    "a\x1b[2Jb\x1b]0;owned\x07c\x1b[31m",
    "tab\tand\nnewline\r",
    "[bold]markup[/bold] [@click=app.quit]x[/]",
    "👩‍👩‍👧‍👦 e\u0301 \u202egpj.exe\u202c \x9b31m",
    "",
)
