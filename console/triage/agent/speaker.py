"""A model behind its own process, seen from outside: one request at a time, with a deadline, and every way in which
that can fail as a sentence of andon's own family.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from console.errors import SourceBusy, SourceDenied, SourceError, SourceMalformed, SourceUnreached
from console.library import PACKAGE
from console.sources.redact import shown_line
from console.triage.agent.endpoint import LOOKED
from console.triage.agent.spans import BEGINNINGS, are_wanted

KEPT_ENVIRONMENT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "NO_PROXY",
)
MOST_LINE_BYTES = 4 << 20
BUSY_SECONDS = 5.0  # where it does not say how long
CLOSE_SECONDS = 2.0

OnText = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model answers, and as whom it is asked: `key_env` names the variable that holds the key."""

    model: str
    url: str | None = None  # the SDK's own where nothing is said
    key_env: str | None = None
    timeout: float = 60.0  # seconds without a byte


@dataclass(frozen=True, slots=True)
class Reply:
    """One message of the model, as it is to be sent back with the next request."""

    content: tuple[Mapping[str, Any], ...]
    stop_reason: str
    usage: Mapping[str, Any] = field(default_factory=dict)


class Speaker:
    """The process. It is started with the first request, and ended by `close`, a hang or whatever it cannot mend."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._process: asyncio.subprocess.Process | None = None
        self._looked: list[Mapping[str, Any]] = []  # tools that were called since the last request

    async def say(self, request: Mapping[str, Any], on_text: OnText, seconds: float) -> Reply:
        """The model's answer to a request of the Messages API; its text as it comes.

        Raises SourceBusy where it wants to be asked later, SourceDenied, SourceUnreached, SourceMalformed where another
        try is of no use, and SourceError for a hang and all else that may pass.
        """
        try:
            async with asyncio.timeout(seconds):
                process = self._process or await self._start()
                await self._tell_looks(process)
                await _send(process, request)
                return await self._heard(process, on_text)
        except SourceError:  # what the process says itself, and is ready again
            raise
        except TimeoutError:
            await self.close()
            raise SourceError(f"{self._name} did not answer within {seconds:.0f} s", "") from None
        except (OSError, ValueError) as error:  # it is gone, or says what is no line of its own
            await self.close()
            raise SourceError(f"{self._name} broke off: {type(error).__name__}", "") from error
        except BaseException:  # nobody hears it to the end, and the next one to ask must not either
            await self.close()
            raise

    def looked(self, name: str, began: float, ended: float, *, is_refused: bool) -> None:
        """A tool was called, from when to when (epoch seconds): for who collects spans."""
        self._looked.append({"name": name, "began": began, "ended": ended, "is_refused": is_refused})

    async def close(self) -> None:
        """End the process, which is given a moment where it has spans to send."""
        process, self._process = self._process, None
        if process is None:
            return
        if are_wanted() and process.stdin is not None:
            with contextlib.suppress(TimeoutError, OSError):
                await self._tell_looks(process)
                process.stdin.close()
                await asyncio.wait_for(process.wait(), CLOSE_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), CLOSE_SECONDS)

    @property
    def _name(self) -> str:
        return f"the model {self.endpoint.model}"

    async def _start(self) -> asyncio.subprocess.Process:
        traced = [name for name in os.environ if name.startswith(BEGINNINGS)]
        names = [*KEPT_ENVIRONMENT, *traced, *filter(None, [self.endpoint.key_env])]
        kept = {name: os.environ[name] for name in names if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "console.triage.agent.endpoint",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={**kept, "PYTHONPATH": str(PACKAGE.parent), "PYTHONUTF8": "1"}, limit=MOST_LINE_BYTES,
        )  # fmt: skip
        self._process = process
        where = {name: getattr(self.endpoint, name) for name in ("model", "url", "key_env", "timeout")}
        await _send(process, where)
        return process

    async def _tell_looks(self, process: asyncio.subprocess.Process) -> None:
        looks, self._looked = self._looked, []
        for look in looks if are_wanted() else ():
            await _send(process, {LOOKED: look})

    async def _heard(self, process: asyncio.subprocess.Process, on_text: OnText) -> Reply:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            told = json.loads(line)
            if "text" in told:
                on_text(told["text"])
            elif "done" in told:
                done = told["done"]
                return Reply(tuple(done["content"]), str(done.get("stop_reason")), done.get("usage") or {})
            else:
                self._fail(told)
        raise OSError("its process ended")

    def _fail(self, told: Mapping[str, Any]) -> NoReturn:
        said = f"{self._name}: {shown_line(told['message'])}"
        match told["failed"]:
            case "busy":
                raise SourceBusy(said, "", seconds=told["seconds"] or BUSY_SECONDS)
            case "denied":
                raise SourceDenied(said, self._key_hint())
            case "unreached":
                raise SourceUnreached(said, "look at [llm] url")
            case "absent":
                raise SourceMalformed(said, "look at [llm] url and model")
            case "later":
                raise SourceError(said, "")
        raise SourceMalformed(said, "")

    def _key_hint(self) -> str:
        name = self.endpoint.key_env
        if name and not os.environ.get(name):  # a local server needs none: only one that refuses makes it a mistake
            return f"{name} is not set where andon asks from: in the environment that its daemon was started in, if any"
        return f"look at {name or 'the key that [llm] key_env names'}"


async def _send(process: asyncio.subprocess.Process, told: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(told).encode() + b"\n")
    await process.stdin.drain()
