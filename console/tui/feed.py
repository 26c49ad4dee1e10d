"""The daemon, as the console hears of it: one thread that listens to the board, a few that ask questions.

Threads, because the client blocks: whatever hangs there, the screen goes on, and `q` leaves at once. Everything is
handed to the console in its own loop, the newest only.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from console.errors import AndonError, DaemonUnreachable
from console.service.client import Client
from console.tui.shapes import answer_of, board_of

RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
START_EVERY = 15.0  # seconds between two attempts to start a daemon
ASKING = 3  # questions at once
WAITING = 32  # questions that wait
TOPIC = "board"
NOBODY = (FileNotFoundError, NotADirectoryError, ConnectionRefusedError)  # there is no daemon to wait for

Answered = Callable[[Any], None]
Refused = Callable[[AndonError], None]


@dataclass(slots=True)
class Picture:
    """The newest state of the board, and how the line to the daemon is."""

    board: Mapping[str, Any] = field(default_factory=dict)
    arrived: float | None = None  # monotonic seconds; None: nothing came yet
    trouble: str = ""  # why nothing comes now
    hint: str = ""


class Feed:
    """Listens until `close`. `on_news` is called in the loop, never twice for what one call can tell."""

    def __init__(self, client: Client, start: Callable[[], object], on_news: Callable[[Picture], None]) -> None:
        self.picture = Picture()
        self._client = client
        self._start = start
        self._on_news = on_news
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()  # Textual's timers need to know whose they are
        self._is_told = threading.Event()  # news are on their way to the loop already
        self._closed = threading.Event()
        self._questions: queue.Queue[_Question] = queue.Queue(WAITING)
        self._newest: dict[str, int] = {}

    def open(self) -> None:
        """Begin to listen and to answer."""
        threading.Thread(target=self._listen, name="feed", daemon=True).start()
        for number in range(ASKING):
            threading.Thread(target=self._answer, name=f"ask {number}", daemon=True).start()

    def close(self) -> None:
        """Tell nobody anything any more; the threads end by themselves, or with the process."""
        self._closed.set()

    def ask(
        self, op: str, then: Answered, refused: Refused, *, slot: str, timeout: float, args: Mapping[str, Any]
    ) -> None:
        """Ask the daemon one thing. Of several questions in one slot only the newest is answered."""
        self._newest[slot] = number = self._newest.get(slot, 0) + 1
        try:
            self._questions.put_nowait(_Question(slot, number, op, args, timeout, then, refused))
        except queue.Full:
            refused(DaemonUnreachable("the daemon is slow to answer", "wait a moment"))

    # ── in threads of their own ──────────────────────────────────────────────────────────────────────────────────────

    def _listen(self) -> None:
        failures, started = 0, float("-inf")
        why_not: AndonError | None = None  # why no daemon could be started
        while not self._closed.is_set():
            try:
                for board in self._client.subscribe(TOPIC):
                    failures = 0
                    self._tell(Picture(board_of(board), time.monotonic()))
                    if self._closed.is_set():
                        return
            except AndonError as error:
                is_nobody = isinstance(error.__cause__, NOBODY)
                self._trouble(why_not if why_not is not None and is_nobody else error)
                if is_nobody and time.monotonic() - started >= START_EVERY:
                    started = time.monotonic()
                    why_not = self._start_daemon()
                    continue
            self._closed.wait(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
            failures += 1

    def _start_daemon(self) -> AndonError | None:
        self._trouble(DaemonUnreachable("no daemon runs yet: starting one", ""))
        try:
            self._start()
        except AndonError as error:
            self._trouble(error)
            return error
        return None

    def _trouble(self, error: AndonError) -> None:
        self._tell(Picture(self.picture.board, self.picture.arrived, error.message, error.hint))

    def _answer(self) -> None:
        while not self._closed.is_set():
            question = self._questions.get()
            if question.number != self._newest.get(question.slot):
                continue
            try:
                said = self._client.request(question.op, timeout=question.timeout, **question.args)
                answer = answer_of(question.op, said)
            except AndonError as error:
                self._in_loop(self._give, question, question.refused, error)
            else:
                self._in_loop(self._give, question, question.then, answer)

    def _tell(self, picture: Picture) -> None:
        self.picture = picture
        if not self._is_told.is_set():
            self._is_told.set()
            self._in_loop(self._news)

    def _in_loop(self, call: Callable[..., object], *arguments: Any) -> None:
        if not self._closed.is_set():
            try:
                self._loop.call_soon_threadsafe(call, *arguments, context=self._context)
            except RuntimeError:  # the loop has ended; so does the process
                self._closed.set()

    # ── in the loop ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _news(self) -> None:
        self._is_told.clear()
        if not self._closed.is_set():
            self._on_news(self.picture)

    def _give(self, question: _Question, to: Callable[[Any], None], answer: Any) -> None:
        if question.number == self._newest.get(question.slot) and not self._closed.is_set():
            to(answer)


@dataclass(frozen=True, slots=True)
class _Question:
    slot: str
    number: int
    op: str
    args: Mapping[str, Any]
    timeout: float
    then: Answered
    refused: Refused
