"""What the cameras on the line see: a gloved hand over a conveyor belt, drawn many at a time.

A picture is 24 x 24 grey values. The danger zone is its right-hand side; the two top rows always show bare belt.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]
    Pixels = npt.NDArray[np.uint8]

SIZE = 24
POSES = 512
BARE_ROWS = 2
ZONE_LEFT = 12.5  # the column where the danger zone starts
GAP = 1.5  # no hand rests this close to its edge: the question has one answer
BELT = 0.36  # how much light the belt throws back
GLOVE = 0.62  # and a gray glove
SENSOR_NOISE = 4.0  # grey values, one standard deviation
EXPOSURE_MS = 8.0  # the exposure at which a throw of 1.0 is white

_NOISE_TILES = 257  # noise is drawn once and dealt out again at random: a prime number of tiles


@cache
def poses() -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Hand shapes as coverage 0..1, (POSES, SIZE, SIZE), and which of them reach into the zone, (POSES,)."""
    rng = np.random.default_rng(7)
    inside = rng.random(POSES) < 0.7
    x = np.where(inside, rng.uniform(ZONE_LEFT + GAP, 20, POSES), rng.uniform(3, ZONE_LEFT - GAP, POSES))
    y = rng.uniform(11, 18, POSES)
    angle = rng.uniform(-0.6, 0.6, POSES) - np.pi / 2
    palm = rng.uniform(2.8, 3.8, POSES)
    row, column = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    distance = _from_segment(column, row, x, y, x, y) - palm[:, None, None]
    for finger in range(4):
        direction = angle + (finger - 1.5) * 0.42
        length = palm * (1.9 - 0.12 * abs(finger - 1.5))
        tip_x, tip_y = x + length * np.cos(direction), y + length * np.sin(direction)
        distance = np.minimum(distance, _from_segment(column, row, x, y, tip_x, tip_y) - 0.75)
    coverage = np.clip(0.5 - distance, 0, 1).astype(np.float32)
    coverage[:, :BARE_ROWS] = 0
    return coverage, inside


def draw(
    rng: np.random.Generator, pose: Ints, *, glove: Floats, light: Floats, exposure_ms: Floats, gain: Floats
) -> Pixels:
    """Pictures, (n, SIZE, SIZE). A negative pose shows no hand; every other argument has shape (n,).

    `glove` is the light a glove throws back (GLOVE for a gray one), `light` the lamp's brightness, `gain` the camera's.
    """
    coverage, _inside = poses()
    shown = np.where(pose >= 0, 1.0, 0.0).astype(np.float32)
    scene = coverage[np.maximum(pose, 0)] * (shown * (glove - BELT))[:, None, None]
    scene += _belt()
    scene *= (255 * light * gain * exposure_ms / EXPOSURE_MS).astype(np.float32)[:, None, None]
    scene += _noise()[rng.integers(0, _NOISE_TILES, len(pose))]
    np.clip(scene, 0, 255, out=scene)
    return scene.astype(np.uint8)


def pgm(picture: Pixels) -> bytes:
    """One picture as a binary PGM file."""
    height, width = picture.shape
    return b"P5 %d %d 255\n" % (width, height) + picture.tobytes()


@cache
def _belt() -> Floats:
    """The belt's throw, (SIZE, SIZE): faint cross ribs."""
    ribs = 0.012 * np.cos(np.arange(SIZE) * 2 * np.pi / 6)
    return (BELT + np.broadcast_to(ribs, (SIZE, SIZE))).astype(np.float32)


@cache
def _noise() -> Floats:
    tiles: Floats = np.random.default_rng(11).standard_normal((_NOISE_TILES, SIZE, SIZE), dtype=np.float32)
    return tiles * np.float32(SENSOR_NOISE)


def _from_segment(
    column: npt.NDArray[np.float32],
    row: npt.NDArray[np.float32],
    x0: npt.NDArray[np.float64],
    y0: npt.NDArray[np.float64],
    x1: npt.NDArray[np.float64],
    y1: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """How far each pixel is from each segment, (segments, SIZE, SIZE)."""
    x0, y0, x1, y1 = (end[:, None, None] for end in (x0, y0, x1, y1))
    along_x, along_y = x1 - x0, y1 - y0
    square = np.maximum(along_x**2 + along_y**2, 1e-9)
    share = np.clip(((column - x0) * along_x + (row - y0) * along_y) / square, 0, 1)
    result: npt.NDArray[np.float64] = np.hypot(column - x0 - share * along_x, row - y0 - share * along_y)
    return result
