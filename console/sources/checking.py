"""Ask every source how it is, each within a deadline and none waiting for another: `andon source check`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from console.config import SourceConfig
from console.errors import AndonError, SourceDenied, SourceMalformed, SourcePartial, UsageError
from console.plugins import Plugins
from console.sources.estate import Estate
from console.sources.opening import close, open_estate
from console.sources.types import Checkable, SourceStatus

CHECK_SECONDS = 15.0


async def check_all(configs: Sequence[SourceConfig], plugins: Plugins, names: Sequence[str] = ()) -> list[SourceStatus]:
    """The state of these sources (of all where no names are given). UsageError for a name nobody configured."""
    unknown = set(names) - {config.name for config in configs}
    if unknown:
        known = ", ".join(config.name for config in configs) or "none is configured"
        raise UsageError(f"there is no source {sorted(unknown)[0]!r}", f"sources: {known}")
    chosen = [config for config in configs if not names or config.name in names]
    estate = await open_estate(chosen, plugins)
    try:
        return list(await asyncio.gather(*(_check(config, estate) for config in chosen)))
    finally:
        await close(estate)


async def check_one(config: SourceConfig, source: object) -> SourceStatus:
    """The state of one open source, whatever becomes of asking it."""
    began = time.monotonic()
    try:
        if not isinstance(source, Checkable):
            return SourceStatus(config.name, config.kind, "ok", "it opened; it has no check of its own")
        status = await asyncio.wait_for(source.check(), CHECK_SECONDS)
    except TimeoutError:
        status = SourceStatus(config.name, config.kind, "unreachable", f"no answer within {CHECK_SECONDS:g} s")
    except AndonError as error:
        status = _failed(config, error)
    return replace(status, seconds=time.monotonic() - began)


async def _check(config: SourceConfig, estate: Estate) -> SourceStatus:
    if config.name in estate.failed:
        return _failed(config, estate.failed[config.name])
    return await check_one(config, estate.sources[config.name])


def _failed(config: SourceConfig, error: AndonError) -> SourceStatus:
    return SourceStatus(config.name, config.kind, _state(error), f"{error.message}; {error.hint}".rstrip("; "))


def _state(error: AndonError) -> Literal["partial", "denied", "malformed", "misconfigured", "unreachable"]:
    match error:
        case UsageError():
            return "misconfigured"
        case SourceDenied():
            return "denied"
        case SourcePartial():
            return "partial"
        case SourceMalformed():
            return "malformed"
    return "unreachable"
