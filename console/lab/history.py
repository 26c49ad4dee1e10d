"""The weeks before the lab opens: real inference over past traffic, as log rows, kept pictures and metric pages.

Nothing of it is made up: answers come from the network in production, and what requests took is drawn, tick by tick,
from ticks that were really served a moment ago under the same conditions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.lab.clock import TICK
from console.lab.features import measure
from console.lab.metrics import DEPENDENCY, FEEDER, StationMetrics
from console.lab.network import Network, prepare
from console.lab.sending import Tick
from console.lab.traffic import (
    CAMERAS,
    DAY,
    INSPECTOR_ERRS,
    LINES,
    REVIEW_SECONDS,
    REVIEWED,
    SPOILED,
    WEEK,
    Batch,
    Feed,
)
from console.model import Span

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.lab.images import Floats
    from console.lab.predictions import PredictionLog

WEEKS, DAYS = 4, 7
BEFORE, AFTER = 1800.0, 2700.0  # seconds of past weeks and days around the lab's opening
LAST = 5400.0  # seconds right before it opens
MINUTE = 60.0  # between two pages; the daemon keeps no finer past than that
RAW = 3600.0  # … but for the last hour, where a page is written every tick


@dataclass(frozen=True, slots=True)
class Past:
    """One stretch of history: what came, what was answered, what inspectors found."""

    span: Span
    batch: Batch
    spoiled: npt.NDArray[np.bool_]
    chance: Floats
    reviewed_at: npt.NDArray[np.float64]  # NaN: never
    found_right: npt.NDArray[np.bool_]


def spans(start: float, after: float = AFTER) -> list[Span]:
    """The stretches that a lab opening at `start` has a history of, oldest first: it lasts `after` seconds."""
    same_hour = {
        *(start - week * WEEK for week in range(1, WEEKS + 1)),
        *(start - day * DAY for day in range(1, DAYS + 1)),
    }
    return [*(Span(then - BEFORE, then + after) for then in sorted(same_hour)), Span(start - LAST, start)]


def live_through(feed: Feed, network: Network, span: Span, rng: np.random.Generator) -> Past:
    """Real inference over the traffic of a stretch of time."""
    batch = feed.batch(rng, span.start, span.end)
    n = len(batch.times)
    chance = network.chance(prepare(batch.pictures, batch.distance_mm, batch.exposure_ms, batch.gain))
    reviewed = np.where(rng.random(n) < REVIEWED, batch.times + rng.uniform(*REVIEW_SECONDS, n), np.nan)
    found = batch.truth != (rng.random(n) < INSPECTOR_ERRS)
    spoiled = rng.random(n) < SPOILED
    reviewed[spoiled] = np.nan
    return Past(span, batch, spoiled, chance, reviewed, (chance > 0.5) == found)


def write_log(past: Past, log: PredictionLog) -> None:
    """The stretch's rows and kept pictures."""
    batch = past.batch
    features = [
        (name, np.round(values.astype(np.float64), 3).tolist()) for name, values in measure(batch.pictures).columns()
    ]
    distance = np.round(batch.distance_mm.astype(np.float64), 1).tolist()
    exposure = np.round(batch.exposure_ms.astype(np.float64), 2).tolist()
    answer = (past.chance > 0.5).astype(int).tolist()
    for index, time in enumerate(batch.times.tolist()):
        line = LINES[batch.line[index]]
        row = {
            "time": time,
            "distance_mm": distance[index],
            "exposure_ms": exposure[index],
            "line": line,
            "camera": CAMERAS[batch.camera[index]],
        }
        if past.spoiled[index]:
            row["prediction"] = None
        else:
            row |= {name: values[index] for name, values in features}
            row["image"] = log.keep(time, line, batch.pictures[index])
            row["prediction"] = answer[index]
        log.add(row)
    log.flush()


def pages(
    pasts: Sequence[Past], rehearsal: Sequence[Tick], metrics: StationMetrics, rng: np.random.Generator
) -> Iterator[str]:
    """The metric pages of these stretches, counters running on from one to the next."""
    timings = [np.array([(t.total, t.inference, t.dependency) for t in tick.timings]) for tick in rehearsal]
    for past in pasts:
        yield metrics.page(past.span.start, documented=False)
        for start, end in _steps(past.span, fine_from=pasts[-1].span.end - RAW):
            inside = slice(*np.searchsorted(past.batch.times, (start, end)))
            served = ~past.spoiled[inside]
            metrics.requests.add(len(served), FEEDER)
            metrics.rows.add(len(served))
            metrics.errors.add(float((~served).sum()), "bad_shape", FEEDER)
            metrics.freshness.value = end - past.batch.times[: inside.stop].max(initial=past.span.start)
            chance = past.chance[inside]
            reviewed = (past.reviewed_at > start) & (past.reviewed_at <= end)
            for index, camera in enumerate(CAMERAS):
                answered = chance[served & (past.batch.camera[inside] == index)]
                metrics.confidence.observe(np.maximum(answered, 1 - answered), camera)
                heard = reviewed & (past.batch.camera == index)
                metrics.feedback.add(float(heard.sum()), camera)
                metrics.correct.add(float(past.found_right[heard].sum()), camera)
            ticks = round((end - start) / TICK)
            for part in np.array_split(np.arange(int(served.sum())), ticks):
                like = int(rng.integers(len(rehearsal)))
                took = timings[like][rng.integers(0, len(timings[like]), len(part))]
                metrics.latency.observe(took[:, 0])
                metrics.inference.observe(took[:, 1])
                metrics.dependency.observe(took[:, 2], DEPENDENCY)
                metrics.cpu.add(rehearsal[like].cpu)
                metrics.cpu_wait.add(rehearsal[like].waited)
                metrics.memory.value = rehearsal[like].memory
            yield metrics.page(end, documented=False)


def _steps(span: Span, *, fine_from: float) -> Iterator[tuple[float, float]]:
    start = span.start
    while start < span.end - 1e-6:
        end = min(start + (TICK if start >= fine_from else MINUTE), span.end)
        yield start, end
        start = end
