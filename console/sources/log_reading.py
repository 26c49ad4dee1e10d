"""From pieces of files to the lines that were asked for: what has no time belongs to the line above it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from console.model import LogLine, Span
from console.sources.log_lines import CONVENTIONS, LONGEST_BODY, TROUBLE_BYTES, Names, Written, is_trouble, written
from console.sources.log_pieces import Section, pieces
from console.sources.types import LogRequest

BYTES_A_LINE = 400  # that are read for each line wanted, so that thinning has something to choose from
LEAST_BYTES = 1 << 20
MOST_BYTES = 12 << 20  # of one request
MOST_SEARCHED = 96 << 20  # where only some lines are wanted: the others need no look at what they say
LOOK_SECONDS = 4.0  # a child has eight for an answer
MOST_BELOW = 200  # lines without a time that belong to one with
MOST_CHARACTERS = 2_000_000  # of all bodies of an answer: they go through a pipe
LEAST_CHARACTERS = 100  # of one
HELD = 4  # lines for each one wanted, before every second one goes


@dataclass(frozen=True, slots=True)
class Speech:
    """How the lines of a source are written, and whose they are where they do not say."""

    zone: tzinfo | None
    service_of: Callable[[str], str]  # a file's
    names: Names = CONVENTIONS
    is_fixed: bool = False  # the file says whose they are, whatever its lines say

    def read(self, raw: bytes, near: float) -> Written:
        """One line of a file that was last written to at `near`."""
        return written(raw[: 4 * LONGEST_BODY].decode("utf-8", "replace"), self.zone, near, self.names)


@dataclass(frozen=True, slots=True)
class Found:
    """Lines in order of time, and how many lines each of them stands for."""

    lines: Sequence[LogLine]
    factor: float
    is_timed: bool  # whether any line that was looked at has a time


def read_lines(sections: Sequence[Section], request: LogRequest, speech: Speech, changed: Mapping[str, float]) -> Found:
    """The lines of these sections that a request wants, evenly thinned to as many as it wants. Raises OSError.

    `changed` says when each file was last written to.
    """
    is_search = bool(request.words or request.grave)
    most = MOST_SEARCHED if is_search else min(max(request.most * BYTES_A_LINE, LEAST_BYTES), MOST_BYTES)
    total = sum(section.size for section in sections)
    deadline = time.monotonic() + LOOK_SECONDS
    wanted = _Wanted(request)
    gathering = _Gathering(wanted, max(request.most, 1) * HELD)
    looked = timed = untimed = 0
    for piece in pieces(sections, most):
        if not piece.follows:
            gathering.close()
        looked += piece.size
        near, default = changed[piece.section.path], speech.service_of(piece.section.path)
        for raw in piece.lines:
            if not raw:
                continue
            may_be = not is_search or wanted.may_be(raw)
            if not may_be and not gathering.is_open:
                continue
            line = speech.read(raw, near)
            if not may_be and line.time is not None:
                gathering.close()
                continue
            if line.time is None:
                untimed += bool(raw.strip())
                gathering.below(raw)
                continue
            timed += 1
            gathering.begin(line, default if speech.is_fixed else line.service or default)
        if time.monotonic() > deadline:
            break
    gathering.close()
    seen = sorted(gathering.lines, key=lambda line: line.time)
    kept = seen if len(seen) <= request.most else [seen[at * len(seen) // request.most] for at in range(request.most)]
    room = max(LEAST_CHARACTERS, MOST_CHARACTERS // max(len(kept), 1))
    kept = [line if len(line.body) <= room else replace(line, body=line.body[:room]) for line in kept]
    share = min(1.0, looked / total) if total else 1.0
    return Found(kept, gathering.seen / max(len(kept), 1) / max(share, 1e-9), bool(timed or not untimed))


class _Wanted:
    """Which lines a request wants."""

    def __init__(self, request: LogRequest) -> None:
        self.span: Span = request.span
        self._grave = request.grave
        self._words = request.words.casefold()
        self._bytes = self._words.encode()
        self._service = request.where.value("service")

    def may_be(self, raw: bytes) -> bool:
        """Whether a line is worth reading, at the price of a look at its bytes."""
        return (not self._bytes or self._bytes in raw.lower()) and (not self._grave or bool(TROUBLE_BYTES.search(raw)))

    def is_it(self, line: LogLine) -> bool:
        """Whether it is."""
        return (
            (self._service is None or line.service == self._service)
            and self._words in line.body.casefold()
            and (not self._grave or is_trouble(line.severity, line.body))
        )


@dataclass(slots=True)
class _Gathering:
    """Lines as they come, with what stands below them; too many are thinned out evenly."""

    wanted: _Wanted
    most: int
    lines: list[LogLine] = field(default_factory=list)
    seen: int = 0
    _stride: int = 1
    _open: tuple[Written, str] | None = None
    _below: list[bytes] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether there is a line that something could belong to."""
        return self._open is not None

    def begin(self, line: Written, service: str) -> None:
        """A line with a time."""
        self.close()
        span = self.wanted.span
        if line.time is not None and span.start <= line.time < span.end:
            self._open = line, service

    def below(self, raw: bytes) -> None:
        """A line without."""
        if self._open is not None and len(self._below) < MOST_BELOW:
            self._below.append(raw[:LONGEST_BODY])

    def close(self) -> None:
        """Nothing more belongs to the last one."""
        if self._open is None:
            return
        line, service = self._open
        body = "\n".join([line.body, *(raw.decode("utf-8", "replace") for raw in self._below)])[:LONGEST_BODY]
        self._open, self._below = None, []
        found = LogLine(line.time or 0.0, service, line.severity, body, line.trace)
        if not self.wanted.is_it(found):
            return
        self.seen += 1
        if self.seen % self._stride == 0:
            self.lines.append(found)
            if len(self.lines) >= 2 * self.most:
                self.lines, self._stride = self.lines[1::2], self._stride * 2
