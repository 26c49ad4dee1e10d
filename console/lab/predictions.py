"""The station's prediction log: one JSON line per request, one file per day, and a few kept pictures.

predictions/2026-11-22.jsonl      predictions/kept/line-2-1795348800.pgm
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from console.lab.clock import day
from console.lab.images import pgm

if TYPE_CHECKING:
    from console.lab.images import Pixels

EVERY = 56.25  # seconds: sixteen in a quarter of an hour, so that a change of any minute can be looked at
MOST_KEPT = 4000  # in all; then the oldest go


@dataclass(slots=True)
class PredictionLog:
    """The folder. One process writes, any number read."""

    path: Path
    kept: set[tuple[int, str]] = field(default_factory=set)
    _lines: dict[str, list[bytes]] = field(default_factory=dict)

    def keep(self, time: float, line: str, picture: Pixels) -> str | None:
        """Keep one picture per line and `EVERY` seconds; where it lies, relative to the log."""
        place = (int(time // EVERY), line)
        if place in self.kept:
            return None
        self.kept.add(place)
        file = self.path / _kept(place)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(pgm(picture))
        if len(self.kept) > MOST_KEPT:
            oldest = min(self.kept)
            self.kept.remove(oldest)
            (self.path / _kept(oldest)).unlink(missing_ok=True)
        return _kept(place)

    def add(self, row: dict[str, Any]) -> None:
        """Note one request; `flush` writes it. NaN becomes null."""
        line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)  # which writes NaN as null
        self._lines.setdefault(day(row["time"]), []).append(line)

    def flush(self) -> None:
        """Put everything noted so far into the day files."""
        self.path.mkdir(parents=True, exist_ok=True)
        for name, lines in self._lines.items():
            with (self.path / f"{name}.jsonl").open("ab") as file:
                file.write(b"".join(lines))
        self._lines.clear()


def _kept(place: tuple[int, str]) -> str:
    return f"kept/{place[1]}-{round(place[0] * EVERY)}.pgm"
