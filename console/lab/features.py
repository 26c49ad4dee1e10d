"""What the station measures of a picture before it looks at it: the columns of its prediction log."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from console.lab.images import BARE_ROWS, SIZE

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.lab.images import Pixels

    Measures = npt.NDArray[np.float32]

STANDS_OUT = 0.2  # of the bare belt's grey value: a pixel further from it belongs to a hand
FEWEST_PIXELS = 12  # a hand covers more than this
EDGE = 24  # grey values between neighbours


@dataclass(frozen=True, slots=True)
class Features:
    """One value per picture, each of shape (n,)."""

    brightness: Measures  # mean grey value
    contrast: Measures  # standard deviation of the grey values
    glove_luma: Measures  # mean grey value of what stands out from the belt; NaN where nothing does
    edge_density: Measures  # share of pixels that differ from their left neighbour

    def columns(self) -> list[tuple[str, Measures]]:
        """(name, values) of each."""
        return [(column.name, getattr(self, column.name)) for column in fields(self)]


def measure(pictures: Pixels) -> Features:
    """The features of pictures, (n, SIZE, SIZE)."""
    flat = pictures.reshape(len(pictures), SIZE * SIZE).astype(np.float32)
    brightness = flat.mean(axis=1)
    contrast = np.sqrt(np.maximum(np.einsum("ij,ij->i", flat, flat) / flat.shape[1] - brightness**2, 0))
    belt = flat[:, : BARE_ROWS * SIZE].mean(axis=1)[:, None]
    stands_out = (np.abs(flat - belt) > STANDS_OUT * belt).astype(np.float32)
    pixels = stands_out.sum(axis=1)
    luma = np.einsum("ij,ij->i", flat, stands_out) / np.maximum(pixels, 1)
    luma[pixels <= FEWEST_PIXELS] = np.nan
    steps = np.abs(np.diff(flat.reshape(-1, SIZE, SIZE), axis=2)) > EDGE
    return Features(brightness, contrast, luma, steps.mean(axis=(1, 2), dtype=np.float32))
