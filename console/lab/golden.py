"""Pinned inputs with the healthy model's answers: what is sent again to see whether the model still answers so."""

from __future__ import annotations

import numpy as np
import orjson

from console.lab.calibration import KNOWN, REFERENCE
from console.lab.network import Network, prepare
from console.lab.traffic import DAY, Feed, request_body

GOLDEN = 32  # pinned inputs


def golden(network: Network, seed: int, start: float) -> bytes:
    """Inputs of the week before `start` and what the healthy model answers, one JSON object a line."""
    rng = np.random.default_rng([seed, 4])
    feed = Feed(seed)
    batch = feed.at(rng, start - rng.uniform(0, 7 * DAY, 4 * GOLDEN))
    lines = []
    for index in np.flatnonzero(batch.gain == KNOWN[REFERENCE])[:GOLDEN]:
        fields = feed.fields(rng, batch, index) | {"camera": REFERENCE}
        sent = np.array([fields["distance_mm"]]), np.array([fields["exposure_ms"]])
        chance = network.chance(prepare(batch.pictures[index : index + 1], *sent, batch.gain[index : index + 1]))
        answer = {"name": "hand_in_zone", "shape": [1], "datatype": "FP32", "data": [round(float(chance[0]), 6)]}
        lines.append(orjson.dumps(request_body(batch, index, fields) | {"outputs": [answer]}))
    return b"\n".join(lines) + b"\n"
