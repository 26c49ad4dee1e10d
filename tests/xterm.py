"""A program on a pseudo-terminal that answers as xterm does and takes whatever comes at once.

It counts what arrives, and, where that is wanted, knows the picture and when a part of it came.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TypeVar

from picture import Picture

CHUNK = 1 << 16
APART = 0.02  # seconds of silence between two frames
UNFINISHED = 24  # bytes of a query that came in half, at most
QUERY = re.compile(
    rb"\x1b\[(?P<status>[56])n"
    rb"|\x1b\[(?P<device>>?)0?c"
    rb"|\x1b\[\?(?P<mode>\d+)\$p"
    rb"|\x1b\[(?P<version>>)0?q"
    rb"|\x1b\[(?P<size>18)t"
    rb"|\x1b\](?P<colour>1[01]);\?(?:\x07|\x1b\\)"
)
MODES = frozenset(b"1 6 7 12 25 40 45 47 1000 1002 1003 1004 1005 1006 1015 1047 1048 1049 2004".split())
COLOURS = {b"10": b"e5e5/e5e5/e5e5", b"11": b"0000/0000/0000"}
Seen = Callable[[Picture], bool]
Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Wish:
    """Something that somebody waits to see."""

    seen: Seen
    at: float | None = None
    came: threading.Event = field(default_factory=threading.Event)


class Xterm:
    """A context manager: the program runs inside it, and is gone after it.

    >>> with Xterm(["sh", "-c", "echo hello"], picture=True) as terminal:
    ...     terminal.wait(lambda picture: "hello" in picture.text, 5) is not None
    True
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        width: int = 200,
        height: int = 50,
        env: Mapping[str, str] | None = None,
        picture: bool = False,
        on_bytes: Callable[[float], None] = lambda _at: None,
    ) -> None:
        self.command = list(command)
        self.width, self.height = width, height
        self.picture = Picture(width, height) if picture else None
        self.bytes = self.frames = 0
        self.first_byte: float | None = None
        self.output = b""  # the newest of it
        self._env = dict(env if env is not None else os.environ) | {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self._on_bytes = on_bytes
        self._last = 0.0
        self._rest = b""
        self._wishes: list[_Wish] = []
        self._looking = threading.Lock()

    def __enter__(self) -> Xterm:
        self._terminal, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", self.height, self.width, 0, 0))
        self.started = time.monotonic()
        self._program = subprocess.Popen(
            self.command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=self._env,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,
        )
        os.close(slave)
        self._exit = os.pidfd_open(self.pid)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.wait_exit(0) is None:
            os.killpg(self.pid, signal.SIGHUP)
            if self.wait_exit(3) is None:
                os.killpg(self.pid, signal.SIGKILL)
        self._program.wait(5)
        self._reader.join(5)
        os.close(self._exit)
        os.close(self._terminal)

    @property
    def pid(self) -> int:
        """The program's process id, which is its group's as well."""
        return self._program.pid

    def type(self, keys: str) -> float:
        """Press keys; when that was."""
        at = time.monotonic()
        os.write(self._terminal, keys.encode())
        return at

    def wait(self, seen: Seen, seconds: float) -> float | None:
        """When what makes `seen` true arrived, or None if it does not come within these seconds."""
        wish = _Wish(seen)
        with self._looking:
            if self.picture is not None and seen(self.picture):
                return time.monotonic()
            self._wishes.append(wish)
        wish.came.wait(seconds)
        with self._looking:
            if wish in self._wishes:
                self._wishes.remove(wish)
        return wish.at

    def look(self) -> str:
        """The picture's text, whole frames or not."""
        return self.read(lambda picture: picture.text)

    def read(self, ask: Callable[[Picture], Answer]) -> Answer:
        """What the picture is right now."""
        assert self.picture is not None
        with self._looking:
            return ask(self.picture)

    def stop_drawing(self) -> None:
        """Only count from now on: drawing takes CPU time, and there is little of it where that is measured."""
        with self._looking:
            self.picture = None

    def wait_exit(self, seconds: float) -> float | None:
        """When the program was seen to have ended, or None if it lives on for these seconds."""
        return time.monotonic() if select.select([self._exit], [], [], seconds)[0] else None

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._terminal, CHUNK)
            except OSError:  # the program has closed its side
                return
            if not data:
                return
            at = time.monotonic()
            self.first_byte = self.first_byte or at
            self._answer(data)
            self.bytes += len(data)
            self.frames += at - self._last > APART
            self._last = at
            self.output = (self.output + data)[-CHUNK:]
            self._on_bytes(at)
            self._draw(data, at)

    def _draw(self, data: bytes, at: float) -> None:
        with self._looking:
            if self.picture is None:
                return
            self.picture.feed(data)
            for wish in [each for each in self._wishes if each.seen(self.picture)]:
                wish.at = at
                wish.came.set()
                self._wishes.remove(wish)

    def _answer(self, data: bytes) -> None:
        data = self._rest + data
        end = 0
        for query in QUERY.finditer(data):
            end = query.end()
            os.write(self._terminal, self._reply(query))
        half = data.rfind(b"\x1b", end)
        self._rest = data[half:] if half >= 0 and len(data) - half < UNFINISHED else b""

    def _reply(self, query: re.Match[bytes]) -> bytes:
        if query["status"]:
            picture = self.picture
            row, column = (picture.row + 1, min(picture.column, self.width - 1) + 1) if picture else (1, 1)
            return b"\x1b[0n" if query["status"] == b"5" else b"\x1b[%d;%dR" % (row, column)
        if query["mode"]:
            return b"\x1b[?%s;%d$y" % (query["mode"], 2 if query["mode"] in MODES else 0)
        if query["version"]:
            return b"\x1bP>|XTerm(379)\x1b\\"
        if query["size"]:
            return b"\x1b[8;%d;%dt" % (self.height, self.width)
        if query["colour"]:
            return b"\x1b]%s;rgb:%s\x1b\\" % (query["colour"], COLOURS[query["colour"]])
        return b"\x1b[>41;379;0c" if query["device"] else b"\x1b[?64;1;2;6;9;15;16;17;18;21;22;28c"
