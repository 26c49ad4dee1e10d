"""Samples pushed into a Prometheus by its remote write protocol: the way to native histograms and stale markers.

Written from prompb's field numbers and snappy's block format; what is pushed is not compressed, only framed.
"""

from __future__ import annotations

import struct
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log2

RECEIVER = "--web.enable-remote-write-receiver"
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
SCHEMA = 3  # eight buckets from one power of two to the next
PIECE = 60_000  # bytes of one literal


@dataclass(frozen=True, slots=True)
class Native:
    """A native histogram's total so far: observations by the number of their bucket, and their sum."""

    counts: Mapping[int, int]
    total: float


def bucket_of(value: float) -> int:
    """The number of the bucket that ends at or above a value."""
    return ceil(log2(value) * 2**SCHEMA - 1e-9)


def push(url: str, series: Iterable[tuple[Mapping[str, str], Sequence[tuple[float, float | Native]]]]) -> None:
    """Labels, `__name__` among them, with (time in seconds, value) points in order of time."""
    body = b"".join(_field(1, _series(labels, points)) for labels, points in series)
    headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
    request = urllib.request.Request(f"{url}/api/v1/write", _snappy(body), headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in (200, 204)


def _series(labels: Mapping[str, str], points: Sequence[tuple[float, float | Native]]) -> bytes:
    told = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in sorted(labels.items())
    )
    for moment, value in points:
        stamp = round(moment * 1000)
        if isinstance(value, Native):
            told += _field(4, _histogram(value, stamp))
        else:
            told += _field(2, _double(1, value) + _number(2, stamp))
    return told


def _histogram(value: Native, stamp: int) -> bytes:
    first, last = min(value.counts), max(value.counts)
    counts = [value.counts.get(number, 0) for number in range(first, last + 1)]
    deltas = [count - before for count, before in zip(counts, [0, *counts], strict=False)]
    span = _number(1, _zigzag(first)) + _number(2, len(counts))
    return (
        _number(1, sum(counts))
        + _double(3, value.total)
        + _number(4, _zigzag(SCHEMA))
        + _double(5, 1e-128)
        + _number(6, 0)
        + _field(11, span)
        + _field(12, b"".join(_varint(_zigzag(delta)) for delta in deltas))
        + _number(15, stamp)
    )


def _varint(number: int) -> bytes:
    told = b""
    while number > 0x7F:
        told += bytes([number & 0x7F | 0x80])
        number >>= 7
    return told + bytes([number])


def _zigzag(number: int) -> int:
    return (number << 1) ^ (number >> 63)


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _double(field: int, number: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", number)


def _field(field: int, told: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(told)) + told


def _snappy(body: bytes) -> bytes:
    pieces = [body[first : first + PIECE] for first in range(0, len(body), PIECE)]
    return _varint(len(body)) + b"".join(
        bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece for piece in pieces
    )
