"""Pages of a simulated exporter: series at instants as Prometheus text whose every sample carries its time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from console.lab.clock import TICK
from console.lab.course import Course
from console.lab.site.spelling import Spelled, spelled
from console.model import Kind, SeriesKey
from console.signals.dialect import Dialect

if TYPE_CHECKING:
    from console.model import Array

SIMULATED = "SIMULATED by the practice line; no such device is here"


BLOCK = 64  # ticks whose numbers are made at once


@dataclass(slots=True)
class Exporter:
    """One page, tick by tick. Totals run on from one stretch of time to the next."""

    seed: int
    dialects: Sequence[Dialect]
    _spelled: dict[SeriesKey, Spelled] = field(default_factory=dict)
    _totals: dict[SeriesKey, tuple[Array, float]] = field(default_factory=dict)  # of what only grows, so far
    _blocks: dict[SeriesKey, tuple[int, Course, Array, Array | None]] = field(default_factory=dict)

    def past(self, courses: Sequence[Course], ends: Array, every: int = 1) -> list[str]:
        """Pages at each `every`-th of the ticks that end there; those between are counted all the same."""
        columns: list[Array] = []
        texts: list[str] = []
        for course in courses:
            how = self._how(course)
            values, sums = course.values(self.seed, ends, TICK)
            columns.append(how.numbers(*self._so_far(course, values, sums))[every - 1 :: every])
            texts += how.lines
        stamps = [f" {round(1000 * end)}\n" for end in ends[every - 1 :: every].tolist()]
        rows = np.concatenate(columns, axis=1).tolist() if columns else [[] for _ in stamps]
        return [_page(texts, row, stamp) for row, stamp in zip(rows, stamps, strict=True)]

    def page(self, courses: Sequence[Course], end: float) -> str:
        """The page after the tick that ends now, metric by metric, each with what it is: simulated."""
        stamp = f" {round(1000 * end)}\n"
        families: dict[str, list[str]] = {}
        for course in courses:
            how = self._how(course)
            row = how.numbers(*self._so_far(course, *self._tick(course, end)))[0].tolist()
            for metric, text, number in zip(how.metrics, how.lines, row, strict=True):
                family = families.setdefault(metric, [f"# HELP {metric} {SIMULATED}\n# TYPE {metric} {how.kind}\n"])
                if not math.isnan(number):
                    family.append(f"{text} {number:.12g}{stamp}")
        return "".join(line for family in families.values() for line in family)

    def _tick(self, course: Course, end: float) -> tuple[Array, Array | None]:
        """One tick of a course; the ticks around it are kept until the course is another."""
        block, place = divmod(round(end / TICK), BLOCK)
        held = self._blocks.get(course.key)
        if held is None or held[0] != block or held[1] is not course:
            ends = np.arange(block * BLOCK, (block + 1) * BLOCK).astype(np.float64) * TICK
            held = self._blocks[course.key] = (block, course, *course.values(self.seed, ends, TICK))
        values, sums = held[2][place : place + 1], held[3]
        return values, None if sums is None else sums[place : place + 1]

    def _how(self, course: Course) -> Spelled:
        if course.key not in self._spelled:
            self._spelled[course.key] = spelled(course.key, self.dialects)
        return self._spelled[course.key]

    def _so_far(self, course: Course, values: Array, sums: Array | None) -> tuple[Array, Array | None]:
        """A gauge's values; of anything else what was counted until each instant. NaN stays NaN."""
        if course.key.kind is Kind.GAUGE:
            return values, None
        counted, summed = self._totals.get(course.key, (np.zeros(values.shape[1:]), 0.0))
        totals = counted + np.cumsum(np.nan_to_num(values), axis=0)
        total = None if sums is None else summed + np.cumsum(np.nan_to_num(sums))
        self._totals[course.key] = totals[-1], 0.0 if total is None else float(total[-1])
        return (
            np.where(np.isnan(values), np.nan, totals),
            None if sums is None or total is None else np.where(np.isnan(sums), np.nan, total),
        )


def _page(texts: Sequence[str], row: Sequence[float], stamp: str) -> str:
    """The lines of one instant; what has no number then has no line."""
    return "".join(
        [f"{text} {number:.12g}{stamp}" for text, number in zip(texts, row, strict=True) if not math.isnan(number)]
    )
