"""A source in a child process, seen from outside: the coroutines of types.py, over a worker that may fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from console.errors import SourceMalformed
from console.model import Act, Draft, Event, Exemplar, Gpu, LogLine, Reading, Span, Thing
from console.sources.calls import CALLS, Opening, plain
from console.sources.types import (
    ExemplarRequest,
    LogRequest,
    ProbeAnswer,
    ProfileGroup,
    ProfileRequest,
    Progress,
    SourceStatus,
)
from console.sources.worker import CALL_SECONDS, Worker


class Child:
    """An isolated source. It has just those methods that the source has, so it stands where the source would."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    async def close(self) -> None:
        """End the process."""
        await self.worker.close()

    async def _ask(self, call: str, *arguments: Any) -> Any:
        answer = await self.worker.ask(call, [plain(argument) for argument in arguments])
        try:
            return CALLS[call].answer(answer)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise SourceMalformed(f"source {self.worker.name}: its {call} answer has a wrong {where}: {first['msg']}",
                                  "mend the plugin that it comes from") from None  # fmt: skip


class _Collects(Child):
    async def collect(self, now: float) -> Sequence[Reading]:
        answer: Sequence[Reading] = await self._ask("collect", now)
        return answer


class _Counts(Child):
    async def profiles(self, request: ProfileRequest) -> Sequence[ProfileGroup]:
        answer: Sequence[ProfileGroup] = await self._ask("profiles", request)
        return answer

    async def exemplars(self, request: ExemplarRequest) -> Sequence[Exemplar]:
        answer: Sequence[Exemplar] = await self._ask("exemplars", request)
        return answer

    async def slices(self) -> Sequence[str]:
        answer: Sequence[str] = await self._ask("slices")
        return answer

    async def outputs(self) -> Sequence[str]:
        answer: Sequence[str] = await self._ask("outputs")
        return answer


class _Follows(Child):
    async def progress(self) -> Progress:
        answer: Progress = await self._ask("progress")
        return answer


class _Remembers(Child):
    async def events(self, span: Span, kinds: Sequence[str]) -> Sequence[Event]:
        answer: Sequence[Event] = await self._ask("events", span, tuple(kinds))
        return answer


class _Reads(Child):
    async def logs(self, request: LogRequest) -> Sequence[LogLine]:
        answer: Sequence[LogLine] = await self._ask("logs", request)
        return answer


class _Keeps(Child):
    async def objects(self, kind: str, name: str) -> Sequence[Thing]:
        answer: Sequence[Thing] = await self._ask("objects", kind, name)
        return answer


class _Probes(Child):
    async def probe(self) -> ProbeAnswer:
        answer: ProbeAnswer = await self._ask("probe")
        return answer


class _SeesGpus(Child):
    async def gpus(self, gpu: str | None) -> Sequence[Gpu]:
        answer: Sequence[Gpu] = await self._ask("gpus", gpu)
        return answer


class _Checks(Child):
    async def check(self) -> SourceStatus:
        answer: SourceStatus = await self._ask("check")
        return answer


class _Acts(Child):
    async def draft(self, action: str, options: Mapping[str, Any]) -> Draft:
        answer: Draft = await self._ask("draft", action, options)
        return answer

    async def act(self, act: Act, key: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = await self._ask("act", act, key)
        return answer

    async def did(self, act: Act, key: str) -> bool | None:
        answer: bool | None = await self._ask("did", act, key)
        return answer


FACES = {
    "collect": _Collects, "profiles": _Counts, "progress": _Follows, "events": _Remembers, "logs": _Reads,
    "objects": _Keeps, "probe": _Probes, "gpus": _SeesGpus, "check": _Checks, "act": _Acts,
}  # fmt: skip


async def open_child(opening: Opening, *, seconds: float = CALL_SECONDS, rest_seconds: float = 1.0) -> Child:
    """Start the process, open the source in it, and give it the face of what it can do. Raises SourceError and what
    the source raises out of andon's family; `seconds` is the deadline of each later call.
    """
    worker = Worker(opening, seconds=seconds, rest_seconds=rest_seconds)
    await worker.start()
    faces = tuple(face for call, face in FACES.items() if call in worker.able)
    kind: type[Child] = type("IsolatedSource", faces or (Child,), {})
    return kind(worker)
