"""Reading a request of the Open Inference Protocol v2, and refusing one that the model cannot answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from console.lab.images import SIZE
from console.lab.traffic import NUMBERS

if TYPE_CHECKING:
    from console.lab.images import Pixels

WORDS = ("line", "camera")
MOST_FIELDS = 12  # that are logged of a request, known ones or not
NO_PICTURE = np.zeros((0, 0), np.uint8)


@dataclass(slots=True)
class Seen:
    """What could be read of a request."""

    id: str = ""
    captured: float | None = None  # None: not part of the feed
    picture: Pixels = field(default_factory=lambda: NO_PICTURE)
    fields: dict[str, Any] = field(default_factory=dict)  # as received, unknown ones too


class Refused(Exception):
    """The model cannot answer this; `reason` is one of metrics.REASONS."""

    def __init__(self, reason: str, seen: Seen) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seen = seen


def read_request(body: bytes) -> Seen:
    """A request, or Refused with as much of it as could be read.

    A field that is missing or empty is not refused: the model has a default for it.
    """
    seen = Seen()
    try:
        request = orjson.loads(body)
        seen.id = str(request.get("id", ""))
        captured = request.get("parameters", {}).get("captured")
        seen.captured = None if captured is None else float(captured)
        tensors = {str(tensor["name"]): tensor for tensor in request["inputs"]}
        image = tensors.pop("image")
        seen.fields = {name: tensor["data"][0] for name, tensor in list(tensors.items())[:MOST_FIELDS]}
        picture = np.array(image["data"], np.uint8)
    except (
        orjson.JSONDecodeError,
        KeyError,
        IndexError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
    ) as error:
        raise Refused("malformed", seen) from error
    if picture.size != SIZE * SIZE:
        raise Refused("bad_shape", seen)
    seen.picture = picture.reshape(SIZE, SIZE)
    if any(name not in (*NUMBERS, *WORDS) for name in seen.fields):
        raise Refused("unknown_input", seen)
    if any(not isinstance(seen.fields.get(name, None), int | float | None) for name in NUMBERS):
        raise Refused("bad_type", seen)
    return seen
