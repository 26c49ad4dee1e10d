"""The plant's change log: what was deployed or set, where and when, one JSON line each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from console.lab.clock import TICK
from console.lab.traffic import DAY, WEEK

# What goes on elsewhere in a plant, every day, and has nothing to do with the model.
ELSEWHERE = (
    ("deploy", "label-printer", "label-printer {0}.{1} released"),
    ("deploy", "order-gateway", "order-gateway {0}.{1} released"),
    ("deploy", "shift-planner", "shift-planner {0}.{1} released"),
    ("config", "conveyor-4", "conveyor speed set to 0.{1} m/s"),
    ("config", "hall-heating", "hall heating set to {1} degrees"),
    ("deploy", "badge-reader", "badge-reader firmware {0}.{1} installed"),
)


@dataclass(frozen=True, slots=True)
class ChangeLog:
    """The file. Lines are added in order of time."""

    path: Path

    def add(self, time: float, kind: str, target: str, title: str, detail: str = "") -> None:
        """Note one change."""
        entry = {
            "time": time,
            "kind": kind,
            "target": target,
            "id": f"{kind}-{target}-{round(time)}",
            "title": title,
            "detail": detail,
        }
        with self.path.open("ab") as file:
            file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))

    def past(self, rng: np.random.Generator, start: float, kind: str, target: str, title: str) -> None:
        """Four usual weeks, the present model's own release (of this kind, target and title) among them."""
        released = start - 12 * DAY
        times = np.sort(rng.uniform(start - 4 * WEEK, start - 1800, 60))
        for time in times[times < released]:
            self.elsewhere(rng, time)
        self.add(released, kind, target, title, "planned release")
        for time in times[times >= released]:
            self.elsewhere(rng, time)

    def elsewhere(self, rng: np.random.Generator, time: float) -> None:
        """A change somewhere else in the plant."""
        kind, target, title = ELSEWHERE[rng.integers(len(ELSEWHERE))]
        self.add(float(time), kind, target, title.format(rng.integers(1, 9), rng.integers(10, 30)))

    def distract(self, rng: np.random.Generator, now: float) -> None:
        """In one tick out of twelve something changes elsewhere."""
        if rng.random() < 1 / 12:
            self.elsewhere(rng, now - rng.uniform(0, TICK))
