"""The station's prediction log: one JSON line per request, one file per day, and a few kept pictures.

predictions/2026-11-22.jsonl      predictions/kept/line-2-1795348800-3.pgm
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from console.lab.clock import day
from console.lab.images import pgm

if TYPE_CHECKING:
    from console.lab.images import Pixels

QUARTER = 900.0
KEPT = 16  # pictures per line and quarter of an hour
MOST_KEPT = 4000  # in all; then the oldest go


@dataclass(slots=True)
class PredictionLog:
    """The folder. One process writes, any number read."""

    path: Path
    kept: dict[tuple[str, int], int] = field(default_factory=dict)
    _lines: dict[str, list[bytes]] = field(default_factory=dict)

    def keep(self, time: float, line: str, picture: Pixels) -> str | None:
        """Keep a picture while this line's share of this quarter lasts; where it lies, relative to the log."""
        quarter = int(time // QUARTER)
        taken = self.kept.get((line, quarter), 0)
        if taken >= KEPT:
            return None
        self.kept[line, quarter] = taken + 1
        name = f"kept/{line}-{round(quarter * QUARTER)}-{taken}.pgm"
        file = self.path / name
        if not taken:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._forget()
        file.write_bytes(pgm(picture))
        return name

    def add(self, row: dict[str, Any]) -> None:
        """Note one request; `flush` writes it. NaN becomes null."""
        clean = {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
        self._lines.setdefault(day(row["time"]), []).append(orjson.dumps(clean, option=orjson.OPT_APPEND_NEWLINE))

    def flush(self) -> None:
        """Put everything noted so far into the day files."""
        self.path.mkdir(parents=True, exist_ok=True)
        for name, lines in self._lines.items():
            with (self.path / f"{name}.jsonl").open("ab") as file:
                file.write(b"".join(lines))
        self._lines.clear()

    def _forget(self) -> None:
        if sum(self.kept.values()) <= MOST_KEPT:
            return
        oldest = min(self.kept, key=lambda kept: kept[1])
        for index in range(self.kept.pop(oldest)):
            (self.path / f"kept/{oldest[0]}-{round(oldest[1] * QUARTER)}-{index}.pgm").unlink(missing_ok=True)
