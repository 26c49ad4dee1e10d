"""The part of a large log that was written in a span of time: found by bisection, read in pieces, never whole.

Lines stand in order of time but for a little: what is read begins a bit before and ends a bit after.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from console.model import Span

PIECE = 64 << 10  # bytes that are read at once
MARGIN = 32 << 10  # bytes around what bisection found
NEAR = 16 << 10  # bytes at which bisection ends
MOST_SOUGHT = 16 << 20  # bytes without any line that has a time, after which nobody looks further
MOST_LINE = 256 << 10  # bytes of a line that are kept; the rest is passed over
MOST_INFLATED = 64 << 20  # bytes of a compressed file: those cannot be read from the middle
COMPRESSED = ".gz"

TimeOf = Callable[[bytes], float | None]


@dataclass(frozen=True, slots=True)
class Section:
    """Bytes of a file, from the beginning of a line to the end of one, more or less."""

    path: str
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


def section_of(path: str, span: Span, time_of: TimeOf) -> Section:
    """Where the lines of a span lie. Raises OSError."""
    size = Path(path).stat().st_size
    if path.endswith(COMPRESSED):
        return Section(path, 0, size)
    with Path(path).open("rb") as file:

        def first_at(offset: int) -> tuple[int, float] | None:
            return _first_timed(file, offset, size, time_of)

        start = _bisected(size, span.start, first_at)
        end = _bisected(size, span.end, first_at)
    return Section(path, max(0, start - MARGIN), min(size, end + NEAR + MARGIN))


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines of a section, and how many bytes they took."""

    section: Section
    lines: list[bytes]
    size: int
    follows: bool = False  # the piece before, without a gap


def pieces(sections: Sequence[Section], most: int) -> Iterator[Piece]:
    """Evenly spread pieces, of all together at most so many bytes. Raises OSError."""
    total = sum(section.size for section in sections)
    stride = max(1.0, total / max(most, PIECE))
    for section in sections:
        if section.path.endswith(COMPRESSED):
            yield from _inflated(section, stride)
            continue
        with Path(section.path).open("rb") as file:
            if stride == 1:
                yield from _all_of(file, section)
                continue
            many = max(1, round(section.size / stride / PIECE))
            for at in range(many):
                start = section.start + int(at * section.size / many)
                file.seek(start)
                data = file.read(min(PIECE, section.end - start))
                first = data.find(b"\n") + 1 if start else 0
                last = data.rfind(b"\n") + 1
                if 0 < first < last or (not start and last):
                    yield Piece(section, data[first:last].splitlines(), last - first)


def newest_timed(path: str, time_of: TimeOf) -> float | None:
    """The time of the last line that has one, of those at the end of a file. Raises OSError."""
    with Path(path).open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - MARGIN))
        lines = file.read(MARGIN).splitlines()
    return next((time for line in reversed(lines) if (time := time_of(line)) is not None), None)


def _bisected(size: int, time: float, first_at: Callable[[int], tuple[int, float] | None]) -> int:
    """An offset before which no line is as late as `time`, near to the first that is."""
    low, high = 0, size
    while high - low > NEAR:
        middle = (low + high) // 2
        found = first_at(middle)
        if found is None or found[1] >= time or found[0] >= high:
            high = middle
        else:
            low = max(found[0], middle)
    return low


def _first_timed(file: object, offset: int, size: int, time_of: TimeOf) -> tuple[int, float] | None:
    """(where it begins, its time) of the first whole line behind an offset that has a time."""
    at, rest = offset, b""
    is_partial = offset > 0  # the line that the offset lies in
    file.seek(offset)  # type: ignore[attr-defined]
    while at < min(size, offset + MOST_SOUGHT):
        data: bytes = file.read(PIECE // 8 if at == offset else 4 * PIECE)  # type: ignore[attr-defined]
        if not data:
            break
        lines = (rest + data).split(b"\n")
        begins = at - len(rest)
        at += len(data)
        rest = lines.pop()
        for line in lines:
            if not is_partial and (time := time_of(line)) is not None:
                return begins, time
            is_partial = False
            begins += len(line) + 1
        if len(rest) > MOST_LINE:  # a monster: its beginning says all that we want of it
            if not is_partial and (time := time_of(rest)) is not None:
                return at - len(rest), time
            rest, is_partial = b"", True
    if rest and not is_partial and (time := time_of(rest)) is not None:
        return at - len(rest), time
    return None


def _all_of(file: object, section: Section) -> Iterator[Piece]:
    """Piece by piece, all of a section; of a line beyond all measure the beginning."""
    file.seek(section.start)  # type: ignore[attr-defined]
    at, rest, is_over = section.start, b"", False
    while at < section.end:
        data: bytes = file.read(min(PIECE, section.end - at))  # type: ignore[attr-defined]
        if not data:
            break
        at += len(data)
        if is_over:  # the rest of a line whose beginning was told
            end = data.find(b"\n")
            if end < 0:
                yield Piece(section, [], len(data), follows=True)
                continue
            data, is_over = data[end + 1 :], False
        cut = data.rfind(b"\n") + 1
        if cut:
            yield Piece(
                section, (rest + data[:cut]).splitlines(), len(rest) + cut, follows=at - len(data) > section.start
            )
            rest = data[cut:]
        else:
            rest += data
        if len(rest) > MOST_LINE:
            yield Piece(section, [rest[:MOST_LINE]], len(rest), follows=True)
            rest, is_over = b"", True
    if rest:
        yield Piece(section, [rest], len(rest), follows=True)


def _inflated(section: Section, stride: float) -> Iterator[Piece]:
    """A compressed file from its beginning, as far as the bound; where there is too much, every so many pieces."""
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    room, rest, count, packed = MOST_INFLATED, b"", 0, 0
    with Path(section.path).open("rb") as file:
        while room > 0 and (data := file.read(PIECE // 4)):
            packed += len(data)
            try:
                text = inflate.decompress(data, room)
                while inflate.eof and inflate.unused_data:  # one packed file behind another
                    data, inflate = inflate.unused_data, zlib.decompressobj(16 + zlib.MAX_WBITS)
                    text += inflate.decompress(data, room)
            except zlib.error:
                return
            room -= len(text)
            whole, newline, rest = (rest + text).rpartition(b"\n")
            count += 1
            if newline and count % round(stride) == 0:
                yield Piece(section, whole.splitlines(), packed, follows=count > 1 and stride < 1.5)
                packed = 0
            rest = rest[-MOST_LINE:]
    if rest and not inflate.eof:
        return
    if rest:
        yield Piece(section, [rest], packed, follows=stride < 1.5)
