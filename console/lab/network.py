"""The model itself: is a hand in the danger zone? A small network in numpy, trained for real in about a second."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.lab.images import EXPOSURE_MS, SIZE

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.lab.images import Floats, Pixels

HIDDEN = 32
INPUTS = SIZE * SIZE + 1  # the picture and the distance
MIDDLE_MM, SPREAD_MM = 450.0, 300.0  # how distances are brought near 0
MIDDLE_GREY = 0.4
ROWS_AT_ONCE = 2048  # what stays in the cache


@dataclass(frozen=True, slots=True)
class Network:
    """The weights: one hidden layer of rectified units, one output."""

    hidden: Floats  # (INPUTS, HIDDEN)
    hidden_bias: Floats  # (HIDDEN,)
    output: Floats  # (HIDDEN,)
    output_bias: Floats  # ()

    def chance(self, inputs: Floats) -> Floats:
        """The chance that a hand is in the zone, (n,), of prepared inputs (n, INPUTS)."""
        parts = [
            np.maximum(inputs[at : at + ROWS_AT_ONCE] @ self.hidden + self.hidden_bias, 0) @ self.output
            for at in range(0, len(inputs), ROWS_AT_ONCE)
        ]
        logit = np.clip(np.concatenate(parts) + self.output_bias, -30, 30)
        result: Floats = (1 / (1 + np.exp(-logit))).astype(np.float32)
        return result

    def to_bytes(self) -> bytes:
        """As an .npz file."""
        file = io.BytesIO()
        np.savez(
            file, hidden=self.hidden, hidden_bias=self.hidden_bias, output=self.output, output_bias=self.output_bias
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Network:
        """From an .npz file."""
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return cls(arrays["hidden"], arrays["hidden_bias"], arrays["output"], arrays["output_bias"])


def prepare(
    pictures: Pixels, distance_mm: npt.NDArray[np.floating], exposure_ms: npt.NDArray[np.floating], gain: Floats
) -> Floats:
    """What the network reads, (n, INPUTS): pictures evened out by exposure and camera gain, and the distance."""
    inputs = np.empty((len(pictures), INPUTS), np.float32)
    evened = (EXPOSURE_MS / (255 * np.maximum(exposure_ms, 1e-6) * gain)).astype(np.float32)
    np.multiply(pictures.reshape(len(pictures), -1), evened[:, None], out=inputs[:, :-1])
    np.clip(inputs[:, :-1], 0, 2, out=inputs[:, :-1])
    inputs[:, :-1] -= MIDDLE_GREY
    inputs[:, -1] = np.clip((distance_mm - MIDDLE_MM) / SPREAD_MM, -5, 5)
    return inputs


def train(inputs: Floats, truth: npt.NDArray[np.bool_], *, epochs: int, seed: int) -> Network:
    """A network fitted to examples by Adam (Kingma and Ba, 2015) on the logistic loss."""
    rng = np.random.default_rng(seed)
    weights = [
        (rng.standard_normal((INPUTS, HIDDEN)) * np.sqrt(2 / INPUTS)).astype(np.float32),
        np.zeros(HIDDEN, np.float32),
        (rng.standard_normal(HIDDEN) * np.sqrt(2 / HIDDEN)).astype(np.float32),
        np.zeros((), np.float32),
    ]
    mean = [np.zeros_like(weight) for weight in weights]
    square = [np.zeros_like(weight) for weight in weights]
    wanted = truth.astype(np.float32)
    batch, rate, step = 128, 0.003, 0
    for _epoch in range(epochs):
        order = rng.permutation(len(inputs))
        for at in range(0, len(order) - batch + 1, batch):
            rows = order[at : at + batch]
            step += 1
            for index, gradient in enumerate(_gradients(Network(*weights), inputs[rows], wanted[rows])):
                mean[index] = 0.9 * mean[index] + 0.1 * gradient
                square[index] = 0.999 * square[index] + 0.001 * gradient**2
                move = (mean[index] / (1 - 0.9**step)) / (np.sqrt(square[index] / (1 - 0.999**step)) + 1e-8)
                weights[index] = (weights[index] - rate * move).astype(np.float32)
    return Network(*weights)


def _gradients(network: Network, inputs: Floats, wanted: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    units = np.maximum(inputs @ network.hidden + network.hidden_bias, 0)
    logit = np.clip(units @ network.output + network.output_bias, -30, 30)
    error = ((1 / (1 + np.exp(-logit)) - wanted) / len(wanted)).astype(np.float32)
    back = np.outer(error, network.output) * (units > 0)
    return inputs.T @ back, back.sum(axis=0), units.T @ error, error.sum()
