"""Sources used from another event loop than the one they live on: their calls are made there, and awaited here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from console.sources.estate import Estate


def bridged(estate: Estate, loop: asyncio.AbstractEventLoop) -> Estate:
    """The same sources, to be called from any other loop than `loop`, theirs. Those with `any_loop` need no bridge."""

    def table(items: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _Bridge(item, loop) for name, item in items.items()}

    return Estate(
        readers=[reader if getattr(reader, "any_loop", False) else _Bridge(reader, loop) for reader in estate.readers],
        tables=table(estate.tables),
        events=table(estate.events),
        probers=table(estate.probers),
        logs=table(estate.logs),
        traces=table(estate.traces),
        alerts=table(estate.alerts),
        objects=table(estate.objects),
        silencers=table(estate.silencers),
        sources=table(estate.sources),
        models=estate.models,
        failed=estate.failed,
        dataset=estate.dataset,
    )


def bridge(call: Callable[..., Any], loop: asyncio.AbstractEventLoop) -> Callable[..., Coroutine[Any, Any, Any]]:
    """A coroutine function that makes its calls on `loop`."""

    async def over(*arguments: Any, **named: Any) -> Any:
        future = asyncio.run_coroutine_threadsafe(_whole(call(*arguments, **named)), loop)
        return await asyncio.wrap_future(future)

    return over


class _Bridge:
    """A source whose coroutines run on the loop that owns it; it has the methods that the source has, and no others.

    They are its own attributes: from Python 3.12 on a protocol is not looked for behind `__getattr__`.
    """

    def __init__(self, source: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._source = source
        for name in dir(source):
            if not name.startswith("_") and callable(method := getattr(source, name)):
                setattr(self, name, bridge(method, loop))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


async def _whole(found: Any) -> Any:
    return await found
