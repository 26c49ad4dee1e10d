"""A PGM picture as at most 32 × 32 grey values, small enough to travel and to be drawn in half blocks."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

SIDE = 32
MOST_BYTES = 4 << 20
HEADER = re.compile(rb"P5(?:\s+|#[^\n]*\n)+(\d{1,5})(?:\s+|#[^\n]*\n)+(\d{1,5})(?:\s+|#[^\n]*\n)+(\d{1,5})\s")

Pixels = tuple[tuple[int, ...], ...]


def read_pgm(folder: Path, name: str) -> Pixels:
    """The picture `name` under `folder`, averaged down to SIDE; empty where it is not there, or is no binary PGM.

    A name that leads out of the folder, by dots or by a link, is as if it were not there.
    """
    try:
        path = (folder / name).resolve(strict=True)
        if not path.is_relative_to(folder.resolve()) or not path.is_file() or path.stat().st_size > MOST_BYTES:
            return ()
        content = path.read_bytes()
    except (OSError, ValueError):  # ValueError: a name with a zero byte in it
        return ()
    header = HEADER.match(content)
    if header is None:
        return ()
    width, height, most = (int(number) for number in header.groups())
    grey = content[header.end() :]
    if not (width and height and 0 < most < 256 and len(grey) >= width * height):
        return ()
    return _averaged([grey[y * width : (y + 1) * width] for y in range(height)], width, most)


def _averaged(rows: list[bytes], width: int, most: int) -> Pixels:
    """Each pixel the mean of the block that it stands for, on a scale of 0 to 255; both sides shrink alike."""
    block = max(1.0, len(rows) / SIDE, width / SIDE)
    across = _cuts(width, block)
    picture = []
    for top, bottom in _cuts(len(rows), block):
        line = []
        for left, right in across:
            total = sum(sum(row[left:right]) for row in rows[top:bottom])
            line.append(round(255 * total / (most * (bottom - top) * (right - left))))
        picture.append(tuple(min(value, 255) for value in line))
    return tuple(picture)


def _cuts(length: int, block: float) -> list[tuple[int, int]]:
    count = max(1, int(length / block))
    edges = [round(number * length / count) for number in range(count + 1)]
    return list(itertools.pairwise(edges))
