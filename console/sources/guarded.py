"""A source that lives in this process, behind a guard: whatever a stranger's code raises or answers harms it alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Any

from console.errors import AndonError, Exit, PluginError, SourceMalformed
from console.model import Alert, Event, Exemplar, Frame, Gpu, LogLine, Reading, Silence, Thing, TraceSpan
from console.sources.types import ProbeAnswer, ProfileGroup, Progress, SourceStatus

MOST_ITEMS = 60_000  # taken of an answer without a length: more than the collector keeps, and no more
ONE: dict[str, type[Any]] = {
    "read": Frame,
    "select": Frame,
    "coverage": float,
    "probe": ProbeAnswer,
    "check": SourceStatus,
    "progress": Progress,
    "silence": str,
}
MANY: dict[str, type[Any]] = {
    "collect": Reading, "ingest": Reading, "signals": str, "profiles": ProfileGroup, "exemplars": Exemplar,
    "slices": str, "outputs": str, "events": Event, "gpus": Gpu,
    "logs": LogLine, "spans": TraceSpan, "alerts": Alert, "silences": Silence, "objects": Thing,
}  # fmt: skip


def guarded(source: Any, name: str, plugin: str) -> Any:
    """The source with just those coroutines of types.py that it has; what it raises outside of andon's family is a
    PluginError, and an answer of another shape than it should have a SourceMalformed.

    Its `troubles` are the calls that did not answer when they were last made, and why.
    """
    troubles: dict[str, AndonError] = {}
    methods: dict[str, Any] = {
        call: _noting(troubles, call, _guard(getattr(source, call), name, call, plugin))
        for call in (*ONE, *MANY, "unsilence", "close")
        if callable(getattr(source, call, None))
    }
    return type("GuardedSource", (), methods | {"troubles": troubles})()


def _noting(
    troubles: dict[str, AndonError], call: str, method: Callable[..., Awaitable[Any]]
) -> Callable[..., Awaitable[Any]]:
    async def noting_call(self: object, *arguments: Any) -> Any:
        try:
            answer = await method(self, *arguments)
        except AndonError as error:
            if error.exit is Exit.UNREACHABLE:  # what asked wrongly, or found nothing, is no trouble of the source
                troubles[call] = error
            raise
        troubles.pop(call, None)
        return answer

    return noting_call


def _guard(method: Callable[..., Awaitable[Any]], name: str, call: str, plugin: str) -> Callable[..., Awaitable[Any]]:
    async def guarded_call(_self: object, *arguments: Any) -> Any:
        try:
            return _checked(await method(*arguments), name, call)
        except (AndonError, GeneratorExit):
            raise
        except BaseException as error:  # SystemExit would end the daemon
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            raise PluginError(
                f"plugin {plugin} failed: source {name}: {type(error).__name__}: {error}",
                f"mend it, or leave it out with [plugins] disable = [{plugin!r}]",
            ) from error

    return guarded_call


def _checked(answer: Any, name: str, call: str) -> Any:
    if call in ONE:
        fits = isinstance(answer, ONE[call])
    elif call in MANY:
        answer = answer if isinstance(answer, Sequence) else [*islice(answer, MOST_ITEMS)]
        fits = all(isinstance(item, MANY[call]) for item in answer) and (MANY[call] is not Reading or _numbers(answer))
    else:
        fits = True
    if not fits:
        raise SourceMalformed(f"source {name}: its {call} answer is not what it should be", "mend the plugin")
    return answer


def _numbers(readings: Sequence[Reading]) -> bool:
    return all(isinstance(number, int | float) for reading in readings for number in (reading.time, reading.value))
