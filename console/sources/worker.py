"""A child process that may hang, flood or die, and the patience for it: deadline, kill, back-off, restart on demand."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from console.errors import FAMILY, AndonError, SourceError
from console.library import PACKAGE
from console.sources.calls import Opening, line
from console.sources.spool import clear_away

CALL_SECONDS = 8.0  # less than the 10 s of whoever asks, who would go away and leave the child hung
START_SECONDS = 15.0  # a cold interpreter on a busy machine, and the source's own opening
WAIT_SECONDS = 60.0  # behind the questions of others, each of which has its own deadline
MOST_REST_SECONDS = 60.0
MOST_LINE_BYTES = 32 << 20
STDERR_BYTES = 4096
KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
# Of numpy's own threads small sums gain nothing: on a busy machine they take twenty times as long, and 30 MB a core.
SET_ENVIRONMENT = {"PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"}
NOT_FOR_SHOW = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[^\x20-\x7e\xa0-\U0010ffff]")


class Worker:
    """One source's child process. It answers one question at a time, and is started when there is one.

    Every way in which it can fail is a SourceError of one sentence; the next question finds a fresh process, after a
    rest that doubles with every failure in a row: 1, 2, 4 … 60 s.
    """

    def __init__(self, opening: Opening, *, seconds: float = CALL_SECONDS, rest_seconds: float = 1.0) -> None:
        self.name = opening.name
        self.able: tuple[str, ...] = ()  # what the source can do, known once it was opened
        self._opening = opening
        self._seconds = seconds
        self._rest_seconds = rest_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._stuck: asyncio.subprocess.Process | None = None  # one that not even kill -9 could end
        self._stderr: asyncio.Task[None] | None = None
        self._last_words = b""
        self._turn = asyncio.Lock()
        self._ids = itertools.count(1)
        self._failures = 0
        self._rests_until = 0.0
        self._trouble = ""

    async def ask(self, call: str, arguments: list[Any]) -> Any:
        """The answer in plain JSON types. Raises SourceError, or what the source raised out of andon's family."""
        async with self._its_turn():
            if self._process is None:
                await self._start()
            answer = await self._exchange({"call": call, "args": arguments}, self._seconds)
            self._failures = 0
        if not answer["ok"]:
            raise _error(answer)
        return answer["result"]

    async def start(self) -> None:
        """Open the source; afterwards `able` is known. Raises as `ask` does."""
        async with self._its_turn():
            await self._start()

    async def close(self) -> None:
        """End the process; a call that is under way fails."""
        await self._kill()

    @contextlib.asynccontextmanager
    async def _its_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise SourceError(f"source {self.name} is still busy with an earlier question", "ask again later") from None
        try:
            yield
        finally:
            self._turn.release()

    async def _start(self) -> None:
        rest = self._rests_until - time.monotonic()
        if rest > 0:
            raise SourceError(f"source {self.name} rests for {rest:.2g} s more: it {self._trouble}", "ask again then")
        if self._stuck is not None and self._stuck.returncode is None:
            raise SourceError(f"source {self.name} hangs in the kernel", "look for a stuck driver or mount")
        self._last_words = b""
        self._process = await self._spawn()
        self._stderr = asyncio.create_task(self._listen(self._process))
        is_open = False
        try:
            answer = await self._exchange({"open": asdict(self._opening)}, START_SECONDS)
            is_open = answer["ok"]
        finally:
            if not is_open:
                await self._kill()
        if not is_open:
            self._rest("could not be opened")
            raise _error(answer)
        self.able = tuple(answer["result"])

    async def _spawn(self) -> asyncio.subprocess.Process:
        kept = {
            name: value for name, value in os.environ.items()
            if name in KEPT_ENVIRONMENT or name.startswith(self._opening.environment)
        }  # fmt: skip
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "console.sources.inside",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                limit=MOST_LINE_BYTES, start_new_session=True,
                env={**kept, **SET_ENVIRONMENT, "PYTHONPATH": str(PACKAGE.parent)},
            )  # fmt: skip
        except OSError as error:
            raise SourceError(
                f"source {self.name} cannot be started: {error.strerror}", "look at the limits of this machine"
            ) from None

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Keep the end of what the process says on stderr, and let the rest go."""
        assert process.stderr is not None
        while words := await process.stderr.read(65536):
            self._last_words = (self._last_words + words)[-STDERR_BYTES:]

    async def _exchange(self, question: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Put one question and wait for its answer, for so long and no longer."""
        assert self._process is not None
        try:
            async with asyncio.timeout(seconds):
                return await _converse(self._process, {"id": next(self._ids), **question})
        except TimeoutError:
            trouble = f"did not answer within {seconds:g} s"
        except (EOFError, ConnectionError):
            trouble = ""
        except (json.JSONDecodeError, KeyError, TypeError):
            trouble = "answered what makes no sense"
        except ValueError:  # StreamReader's word for a line above its limit
            trouble = f"answered with more than {MOST_LINE_BYTES >> 20} MiB"
        code = await self._kill()
        trouble = trouble or _end_in_words(code)
        rest = self._rest(trouble)
        said = shown(self._last_words)
        raise SourceError(
            f"source {self.name} {trouble} and was cut off" + (f"; it said: {said}" if said else ""),
            f"it is started again when it is next asked, after a rest of {rest:g} s",
        )

    def _rest(self, trouble: str) -> float:
        """Note a failure; the seconds until the next start."""
        self._trouble = trouble
        rest: float = min(MOST_REST_SECONDS, self._rest_seconds * 2.0**self._failures)
        self._failures = min(self._failures + 1, 16)
        self._rests_until = time.monotonic() + rest
        return rest

    async def _kill(self) -> int | None:
        """End the process and what it started; its exit code. One that hangs in the kernel is left behind."""
        process, self._process = self._process, None
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it was gone already
            os.killpg(process.pid, signal.SIGKILL)
        if self._stderr is not None:
            await asyncio.wait([self._stderr], timeout=0.5)
            self._stderr.cancel()
        try:
            code = await asyncio.wait_for(process.wait(), 1.0)
        except TimeoutError:
            self._stuck = process
            return None
        await asyncio.to_thread(clear_away)
        return code


async def _converse(process: asyncio.subprocess.Process, question: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line(question))
    await process.stdin.drain()
    while text := await process.stdout.readline():
        answer: dict[str, Any] = json.loads(text)
        if answer["id"] == question["id"]:  # others belong to askers that were cancelled
            return answer
    raise EOFError


def _end_in_words(code: int | None) -> str:
    if code is None:
        return "was ended"
    return f"died ({signal.strsignal(-code)})" if code < 0 else f"ended with code {code}"


def _error(answer: dict[str, Any]) -> AndonError:
    error = answer["error"]
    return FAMILY.get(error["kind"], SourceError)(error["message"], error["hint"])


def shown(words: bytes) -> str:
    """The last line of what a stranger's code said, without control sequences, at most 200 characters."""
    lines = (NOT_FOR_SHOW.sub("", line).strip() for line in words.decode(errors="replace").splitlines())
    return next((line for line in reversed([*lines]) if line), "")[:200]
