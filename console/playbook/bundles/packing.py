"""Answers as compressed bytes and back. Frames are arrays: byte planes of little-endian numbers, losslessly.

A bundle is a file from a stranger: nothing is unpacked beyond its bounds, and what does not fit is a BundleError.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from itertools import pairwise
from math import isnan, prod
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from console.errors import BundleError
from console.model import Alert, Event, Exemplar, Frame, LogLine, Record, Series, SeriesKey, TraceSpan
from console.sources.types import ProbeAnswer, ProfileGroup
from console.wire import ADAPTERS, dump, load

if TYPE_CHECKING:
    from console.model import Array

MOST_UNPACKED = 256 * 2**20  # bytes of one bundle, all together
MOST_PARTS = 5_000_000  # values in its words: each takes many times the bytes that it is written with
ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
HEAD = 4  # bytes that say how long the words before the arrays are

GIVES: Mapping[str, Any] = {
    "signals": tuple[str, ...],
    "coverage": float,
    "profiles": tuple[ProfileGroup, ...],
    "exemplars": tuple[Exemplar, ...],
    "slices": tuple[str, ...],
    "outputs": tuple[str, ...],
    "outcomes": Record,
    "events": tuple[Event, ...],
    "probe": ProbeAnswer,
    "logs": tuple[LogLine, ...],
    "spans": tuple[TraceSpan, ...],
    "alerts": tuple[Alert, ...],
}
"""What each call gives; `read` gives frames, which are packed by themselves."""


class Allowance:
    """How many bytes may still be unpacked, and how many values be read out of them."""

    def __init__(self, most: int = MOST_UNPACKED, parts: int = MOST_PARTS) -> None:
        self.left = most
        self.parts = parts

    def unpacked(self, data: bytes) -> bytes:
        """The bytes behind compressed ones; BundleError where there are too many or they are broken."""
        unpacker = zlib.decompressobj()
        try:
            plain = unpacker.decompress(data, self.left + 1)
        except zlib.error as error:
            raise _broken(f"what it holds cannot be unpacked: {error}") from error
        if not unpacker.eof or unpacker.unused_data:
            raise _broken("what it holds is cut off, or more than a bundle may hold")
        self.left -= len(plain)
        if self.left < 0:
            raise _broken("it unpacks to more than a bundle may hold")
        return plain

    def json(self, data: bytes) -> Any:
        """The values behind these words; BundleError where there are too many or they cannot be read."""
        self.parts -= sum(data.count(each) for each in (b",", b"[", b"{"))  # some are text: then it is a little strict
        if self.parts < 0:
            raise _broken("it says more than a bundle may hold")
        try:
            value = json.loads(data.decode())
            if ESCAPED_HALF.search(data):
                json.dumps(value, ensure_ascii=False).encode()  # half a character is no text: nothing can print it
        except (ValueError, RecursionError) as error:
            raise _broken("words in it cannot be read") from error
        return value


def packed(value: Any) -> bytes:
    """Plain JSON types as compressed text; NaN and infinity stay what they are."""
    return zlib.compress(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="replace"), 9)


def unpacked(data: bytes, allowance: Allowance) -> Any:
    """The JSON behind compressed text."""
    return allowance.json(allowance.unpacked(data))


def plain(kind: Any, value: Any) -> Any:
    """A value as plain JSON types, by the type that it is said to have."""
    adapter = ADAPTERS.get(kind) or ADAPTERS.setdefault(kind, TypeAdapter(kind))
    return adapter.dump_python(value, mode="json")


def noun(kind: Any, data: Any) -> Any:
    """A noun out of plain JSON types; BundleError where they do not fit."""
    try:
        return load(kind, data)
    except (ValidationError, RecursionError) as error:
        raise _broken(f"what it holds is not of the right form: {str(error).splitlines()[0]}") from error


def packed_answer(call: str, answer: Any) -> bytes:
    """An answer as bytes."""
    if call == "read":
        return _packed_frame(answer)
    return packed(plain(GIVES[call], tuple(answer) if isinstance(answer, list) else answer))


def unpacked_answer(call: str, data: bytes, allowance: Allowance) -> Any:
    """The answer in these bytes, as the call gives it."""
    if call == "read":
        return _unpacked_frame(allowance.unpacked(data), allowance)
    if call not in GIVES:
        raise _broken(f"it holds an answer to {call!r}, which nothing asks")
    return noun(GIVES[call], unpacked(data, allowance))


# ── frames ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _packed_frame(frame: Frame) -> bytes:
    arrays: list[bytes] = []

    def put(array: Array) -> dict[str, Any]:
        with np.errstate(over="ignore"):  # what is too much for it is kept as it is
            narrow = array.astype("<f4")
        exact = np.array_equal(narrow.astype("<f8"), array, equal_nan=True)
        kept = np.ascontiguousarray(narrow if exact else array.astype("<f8"))
        planes = kept.reshape(-1).view(np.uint8).reshape(-1, kept.itemsize).T
        arrays.append(np.ascontiguousarray(planes).tobytes())
        return {"type": kept.dtype.str, "shape": list(kept.shape)}

    head = {
        "step": frame.step,
        "times": put(frame.times),
        "series": [
            {
                "key": dump(one.key),
                "values": put(one.values),
                "sums": None if one.sums is None else put(one.sums),
            }
            for one in frame.series
        ],
    }
    words = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
    return zlib.compress(len(words).to_bytes(HEAD, "little") + words + b"".join(arrays), 9)


def _unpacked_frame(data: bytes, allowance: Allowance) -> Frame:
    start = HEAD + int.from_bytes(data[:HEAD], "little")
    head = allowance.json(data[HEAD:start])
    reader = _Arrays(data[start:])
    try:
        times = reader.take(head["times"])
        series = tuple(
            Series(
                noun(SeriesKey, one["key"]),
                reader.take(one["values"]),
                None if one["sums"] is None else reader.take(one["sums"]),
            )
            for one in head["series"]
        )
        step = float(head["step"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _broken("a frame in it is not of the right form") from error
    if times.ndim != 1 or not np.isfinite(times).all() or not (0 < step < float("inf")):
        raise _broken("a frame in it has no axis of times")
    for one in series:
        wide = (times.size, len(one.key.edges)) if one.key.edges else (times.size,)
        if one.values.shape != wide or (one.sums is not None and one.sums.shape != times.shape):
            raise _broken(f"a series of {one.key.signal[:100]} in it does not fit its times")
        if not all(lower < upper for lower, upper in pairwise(one.key.edges)) or any(map(isnan, one.key.edges)):
            raise _broken(f"the buckets of {one.key.signal[:100]} in it are in no order")
    return Frame(times, step, series)


class _Arrays:
    """The arrays behind a frame's words, taken in order."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, told: Mapping[str, Any]) -> Array:
        if told["type"] not in ("<f4", "<f8"):
            raise ValueError("no such type of numbers")
        shape = tuple(told["shape"])
        if not all(isinstance(each, int) and each >= 0 for each in shape) or len(shape) > 2:
            raise ValueError("no such shape")
        width = int(told["type"][-1])
        end = self._at + prod(shape) * width
        if end > len(self._data):
            raise ValueError("cut off")
        planes = np.frombuffer(self._data[self._at : end], np.uint8).reshape(width, -1)
        self._at = end
        numbers = np.ascontiguousarray(planes.T).reshape(-1).view(told["type"])
        array: Array = numbers.astype(np.float64).reshape(shape)
        return array


def _broken(why: str) -> BundleError:
    return BundleError(f"the bundle is broken: {why}", "export it again, with `andon incident export`")
