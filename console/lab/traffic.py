"""Who sends what to the station, and when: three lines with two cameras each, by day and by night, busy and quiet.

History and live traffic come from the same functions of lab time, so the past really is what today is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from console.lab import images
from console.lab.clock import TICK

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.lab.images import Floats, Ints, Pixels

LINES = ("line-1", "line-2", "line-3")
CAMERAS = ("cam-a", "cam-b")
NUMBERS = ("distance_mm", "exposure_ms")  # the fields beside the picture that the model reads
GAINS = {"cam-a": 1.0, "cam-b": 0.8}  # what the calibration service knows of each camera
USUAL_EXPOSURE_MS = (8.0, 11.0)
PER_TICK = 26.0  # requests in 15 s of an average working hour
HAND_SHOWN = 0.9
SPOILED = 0.004  # a frame is cut short now and then, on the best of days
REVIEWED = 0.8  # of the answers, sooner or later
REVIEW_SECONDS = (20.0, 60.0)  # after the answer
INSPECTOR_ERRS = 0.02
NEAR_MM, FAR_MM = (150.0, 420.0), (480.0, 800.0)
DAY, WEEK = 86400.0, 604800.0


@dataclass(frozen=True, slots=True)
class DarkGloves:
    """Gloves of one line throw back less light."""

    line: str
    darkness: float  # share of the light that is gone, 0..1
    share: float  # of that line's hands, 0..1


@dataclass(frozen=True, slots=True)
class FeederChange:
    """The upstream feeder sends one field another way."""

    field: str
    change: str  # rename | text | multiply | divide | drop | empty
    share: float  # of the requests


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is different from a healthy day in the feed; faults set these."""

    gloves: DarkGloves | None = None
    feeder: FeederChange | None = None
    stopped: bool = False  # nothing comes
    lag: float = 0.0  # seconds that rows come late
    zone_mm: float = NEAR_MM[1]  # a hand further away than this is in no danger


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests in order of time, every array of shape (n,) but the pictures (n, SIZE, SIZE)."""

    times: npt.NDArray[np.float64]
    line: Ints  # index into LINES
    camera: Ints  # index into CAMERAS
    pictures: Pixels
    distance_mm: Floats
    exposure_ms: Floats
    truth: npt.NDArray[np.bool_]  # a hand really was in the zone

    @property
    def gain(self) -> Floats:
        return np.array([GAINS[name] for name in CAMERAS], np.float32)[self.camera]


@dataclass(slots=True)
class Feed:
    """The feed of one plant; the seed decides its lamps and its chances."""

    seed: int
    conditions: Conditions = field(default_factory=Conditions)

    def rate(self, times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Requests expected in the tick that ends at each time: shifts by the hour, a quiet weekend."""
        hour = times % DAY / 3600
        weekday = (times // DAY + 3) % 7  # the epoch began on a Thursday; Monday is 0
        shift = 1 + 0.15 * np.cos((hour - 11) / 24 * 2 * np.pi)
        result: npt.NDArray[np.float64] = PER_TICK * shift * np.where(weekday >= 5, 0.75, 1.0)
        return result

    def light(self, times: npt.NDArray[np.float64], line: Ints) -> Floats:
        """The brightness over each line: its lamps, the daylight, and a slow wobble of its own."""
        own = np.random.default_rng([self.seed, 1])
        lamps = own.uniform(0.95, 1.05, len(LINES))
        periods, phases = own.uniform(600, 4000, (2, len(LINES))), own.uniform(0, 2 * np.pi, (2, len(LINES)))
        daylight = 0.1 * np.cos((times % DAY / DAY - 0.54) * 2 * np.pi)
        wobble = sum(0.012 * np.sin(times / periods[i][line] * 2 * np.pi + phases[i][line]) for i in (0, 1))
        result: Floats = (lamps[line] * (1 + daylight + wobble)).astype(np.float32)
        return result

    def arrivals(self, rng: np.random.Generator, start: float, end: float) -> npt.NDArray[np.float64]:
        """Sorted capture times of a Poisson stream between two ticks."""
        ends = np.arange(start, end - 1e-6, TICK) + TICK
        counts = rng.poisson(self.rate(ends))
        times = np.repeat(ends, counts) - rng.random(int(counts.sum())) * TICK
        return np.sort(times)

    def batch(self, rng: np.random.Generator, start: float, end: float) -> Batch:
        """What the station gets from start to end, under the present conditions: rows that come late are older."""
        if self.conditions.stopped:
            return self.at(rng, np.empty(0))
        lag = self.conditions.lag
        return self.at(rng, self.arrivals(rng, start - lag, end - lag))

    def at(self, rng: np.random.Generator, times: npt.NDArray[np.float64]) -> Batch:
        """What the cameras send at these times."""
        n = len(times)
        line, camera = rng.integers(0, len(LINES), n), rng.integers(0, len(CAMERAS), n)
        pose = np.where(rng.random(n) < HAND_SHOWN, rng.integers(0, images.POSES, n), -1)
        near = rng.random(n) < 0.75
        distance = np.where(near, rng.uniform(*NEAR_MM, n), rng.uniform(*FAR_MM, n)).astype(np.float32)
        exposure = (np.array(USUAL_EXPOSURE_MS)[camera] * rng.normal(1, 0.03, n)).astype(np.float32)
        glove = (images.GLOVE * rng.normal(1, 0.05, n)).astype(np.float32)
        if dark := self.conditions.gloves:
            hit = (line == LINES.index(dark.line)) & (rng.random(n) < dark.share)
            glove[hit] *= 1 - dark.darkness
        gain = np.array([GAINS[name] for name in CAMERAS], np.float32)[camera]
        pictures = images.draw(rng, pose, glove=glove, light=self.light(times, line), exposure_ms=exposure, gain=gain)
        truth = (pose >= 0) & images.poses()[1][np.maximum(pose, 0)] & near & (distance <= self.conditions.zone_mm)
        return Batch(times, line, camera, pictures, distance, exposure, truth)

    def fields(self, rng: np.random.Generator, batch: Batch, index: int) -> dict[str, Any]:
        """The tabular fields beside one picture, as the upstream feeder sends them today."""
        sent: dict[str, Any] = {
            "distance_mm": round(float(batch.distance_mm[index]), 1),
            "exposure_ms": round(float(batch.exposure_ms[index]), 2),
            "line": LINES[batch.line[index]],
            "camera": CAMERAS[batch.camera[index]],
        }
        change = self.conditions.feeder
        if change is None or rng.random() >= change.share:
            return sent
        value = sent.pop(change.field)
        match change.change:
            case "rename":
                sent[change.field.split("_")[0]] = value
            case "text":
                sent[change.field] = f"{value} {change.field.split('_')[1]}"
            case "empty":
                sent[change.field] = None
            case "multiply":
                sent[change.field] = round(value * 1000, 1)
            case "divide":
                sent[change.field] = round(value / 1000, 5)
        return sent


def request_body(
    batch: Batch, index: int, fields: dict[str, Any], *, id: str = "", spoiled: bool = False
) -> dict[str, Any]:
    """One request of the Open Inference Protocol v2. A capture time marks it as part of the feed."""
    picture = batch.pictures[index]
    if spoiled:
        picture = picture[: images.SIZE // 2]
    inputs: list[dict[str, Any]] = [
        {"name": "image", "shape": [1, *picture.shape], "datatype": "UINT8", "data": picture.ravel().tolist()}
    ]
    for name, value in fields.items():
        datatype = "BYTES" if isinstance(value, str) else "FP32"
        inputs.append({"name": name, "shape": [1], "datatype": datatype, "data": [value]})
    body: dict[str, Any] = {"inputs": inputs}
    if id:
        body |= {"id": id, "parameters": {"captured": float(batch.times[index])}}
    return body
