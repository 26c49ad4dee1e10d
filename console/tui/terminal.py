"""The terminal: what is drawn reaches it as few bytes, at its own pace, in colours and characters that it has.

After each frame the terminal is asked where its cursor stands; its answer says that the frame arrived. Until then
nothing more is sent, and what is drawn meanwhile goes into the next frame. A key press may send one frame ahead.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import termios
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from textual import events
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from console.tui.paint import BLANK, Paper, Row, strokes

ASK = "\x1b[6n"
PATIENCE = 5.0  # seconds; a frame that was not acknowledged in that time is given up
SILENT = 2  # frames given up in a row: this terminal does not answer, and is sent a frame each second at most
BLIND_SECONDS = 1.0
SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
CLOSE_SECONDS = 0.25  # for what was written last to leave
MOST_WAITING = 3  # frames that wait for a line that takes nothing; Textual would wait with them, deaf to every key
LEAVING = (signal.SIGTERM, signal.SIGHUP)  # whoever ends the console finds a terminal that works
ATTRIBUTES = frozenset(("1", "2", "3", "4", "7", "9"))

# What stands in for the shapes that andon draws where the terminal has ASCII alone.
ASCII: Mapping[int, str] = str.maketrans(
    {
        **dict(zip("●▲▽◐○◌·✖◔◆▶▸►✓", "*!v~o?.XW#>>>v", strict=True)),
        **dict(zip("▁▂▃▄▅▆▇█▀▌▐░▒▓", "__.o=+*##||:+%", strict=True)),
        **dict(zip("─│┌┐└┘├┤┬┴┼━┃╭╮╰╯╴╶", "-|++++++++++|++++--", strict=True)),
        **dict(zip("–—…×→←↑↓≤≥±µ°“”‘’", "--.x><^v<>+u'\"\"''", strict=True)),
    }
)


class Pace:
    """How many frames are on their way, and whether one more may follow. Times are the event loop's."""

    def __init__(self) -> None:
        self._sent: list[float] = []  # when, oldest first: those that were not acknowledged
        self._given_up = 0
        self._pressed = False
        self._last = float("-inf")

    def press(self) -> None:
        """A key was pressed: what it changes may be sent ahead."""
        self._pressed = True

    def is_clear(self, now: float) -> bool:
        """Whether a frame may be sent now."""
        self._forget(now)
        if self._given_up >= SILENT:
            return self._pressed or now - self._last >= BLIND_SECONDS
        return len(self._sent) <= (1 if self._pressed else 0)

    def wait(self, now: float) -> float:
        """The seconds after which to look again if the terminal says nothing."""
        if self._given_up >= SILENT:
            return max(0.02, self._last + BLIND_SECONDS - now)
        return max(0.02, self._sent[0] + PATIENCE - now) if self._sent else 0.02

    def sent(self, now: float) -> None:
        """A frame left."""
        self._sent.append(now)
        self._last = now
        self._pressed = False

    def arrived(self) -> None:
        """The terminal acknowledged the oldest frame."""
        self._given_up = 0
        if self._sent:
            self._sent.pop(0)

    def _forget(self, now: float) -> None:
        while self._sent and now - self._sent[0] >= PATIENCE:
            self._sent.pop(0)
            self._given_up += 1


class Terminal(LinuxDriver):
    """Textual's driver, with a sheet of paper between what is drawn and what is sent."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        width, height = self._get_terminal_size()
        self._paper = Paper(
            width,
            height,
            sgr=lambda parameters: _plain(parameters) if app.is_colourless else _trimmed(parameters),
            glyphs=ASCII if app.is_ascii else {},
        )
        self._shown: list[Row] = [[BLANK] * width for _ in range(height)]
        self._pace = Pace()
        self._later: asyncio.TimerHandle | None = None
        self._has_sync = False
        self._is_open = False

    def start_application_mode(self) -> None:
        """At the start, and when the process comes back from the background."""
        for each in LEAVING:
            self._loop.add_signal_handler(each, self._app.exit, 128 + each, 128 + each)
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._is_open = True
        self.forget()

    def _sigcont_application(self, *_: object) -> None:
        """Begin anew; after a SIGSTOP, of which nobody hears, what is under way has to end first."""
        if not self._must_signal_resume:
            self.suspend_application_mode()
        super()._sigcont_application()

    def write(self, data: str) -> None:
        """Draw; send as soon as the terminal has taken what was sent before."""
        rest = self._paper.read(data)
        if rest:
            self._send(rest)
        self._flush()

    def process_message(self, message: Message) -> None:
        """Called in the input's thread for everything that the terminal says."""
        if isinstance(message, events.CursorPosition):
            self._loop.call_soon_threadsafe(self._arrived)
            return
        if isinstance(message, events.Key):
            self._loop.call_soon_threadsafe(self._pace.press)
        if type(message).__name__ == "TerminalSupportsSynchronizedOutput":
            self._has_sync = True
        super().process_message(message)

    def run_input_thread(self) -> None:
        """Textual's, which ends the console at bytes that are no UTF-8 and at keys of a shape it does not know."""
        while not self.exit_event.is_set():
            with suppress(ValueError):
                super().run_input_thread()

    def resized(self, width: int, height: int) -> None:
        """The terminal has another size, and what it shows is anybody's guess."""
        self._paper.resize(width, height)
        self.forget()

    def forget(self) -> None:
        """Clear the terminal, and send everything again with the next frame: something else may have written to it."""
        self._shown = [[BLANK] * self._paper.width for _ in range(self._paper.height)]
        self._paper.forget_styles()
        self._send("\x1b[m\x1b[2J")

    def close(self) -> None:
        """Let the last words leave; a line that takes nothing is not waited for."""
        writer, self._is_open = self._writer_thread, False
        if writer is None:
            return
        ending = threading.Thread(target=writer.stop, name="terminal-end", daemon=True)
        ending.start()
        ending.join(CLOSE_SECONDS)
        if ending.is_alive():
            try:
                termios.tcflush(self.fileno, termios.TCOFLUSH)
            except termios.error:
                return  # no terminal any more
            ending.join(CLOSE_SECONDS)

    def _arrived(self) -> None:
        self._pace.arrived()
        self._flush()

    def _flush(self) -> None:
        if self._is_open and _has_hung_up(self.fileno):  # and no signal said so
            self._is_open = False
            self._app.exit(129, 129)
            return
        now = self._loop.time()
        if self._pace.is_clear(now) and not self._is_choked:
            if frame := strokes(self._shown, self._paper.rows):
                self._shown = [row[:] for row in self._paper.rows]
                self._send(f"{SYNC_START}{frame}{SYNC_END}{ASK}" if self._has_sync else frame + ASK)
                self._pace.sent(now)
            return
        if self._later is None:
            self._later = self._loop.call_later(self._pace.wait(now), self._look_again)

    @property
    def _is_choked(self) -> bool:
        writer = self._writer_thread
        return writer is not None and writer._queue.qsize() >= MOST_WAITING

    def _look_again(self) -> None:
        self._later = None
        self._flush()

    def _send(self, data: str) -> None:
        super().write(data)


def _has_hung_up(fileno: int) -> bool:
    """Whether this terminal is gone for good: reading from it would find that out again and again."""
    poll = select.poll()
    poll.register(fileno, 0)
    return any(what & select.POLLHUP for _fileno, what in poll.poll(0))


def _plain(parameters: str) -> str:
    """An SGR without any colour, attributes alone."""
    kept = []
    parts = iter(parameters.split(";"))
    for part in parts:
        if part in ("38", "48"):
            for _ in range(1 if next(parts, "") == "5" else 3):
                next(parts, None)
        elif part in ATTRIBUTES:
            kept.append(part)
    return ";".join(kept)


def _trimmed(parameters: str) -> str:
    """An SGR without asking for the default colours, which are there after a reset."""
    return ";".join(part for part in _groups(parameters) if part not in ("39", "49"))


def _groups(parameters: str) -> list[str]:
    """The parameters, with those of one colour kept together."""
    groups: list[str] = []
    parts = iter(parameters.split(";"))
    for part in parts:
        if part in ("38", "48"):
            mode = next(parts, "")
            groups.append(";".join([part, mode, *(next(parts, "0") for _ in range(1 if mode == "5" else 3))]))
        else:
            groups.append(part)
    return groups


def is_ascii(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal can be sent ASCII alone, as its locale says."""
    if environment.get("TERM") == "linux":  # the console's font has few of the shapes
        return True
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    return locale in ("C", "POSIX") or (bool(locale) and "utf" not in locale.lower())
