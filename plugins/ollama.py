"""The source kind `ollama`: which models an Ollama server holds, how much memory they take, and for how long.

Ollama has no Prometheus page (as of 2026-08), so its API is asked: /api/ps, /api/tags and /api/version. How fast it
answers, only each answer itself says: put a proxy before it for that (LiteLLM has such a page).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from console.errors import SourceMalformed
from console.model import Kind, Labels, Reading, SeriesKey
from console.plugins import SourceType, hookimpl
from console.signals.spoken import Spoken, Way
from console.sources.site import Site, SiteOptions
from console.sources.types import SourceStatus

PORT = 11434
MOST_MODELS = 1_000  # of one answer
FOREVER = 10 * 365 * 86_400.0  # a model that is to stay has its end centuries from now
GIVEN = ("model.loaded", "model.info")
OF_LOADED = ("model.up", "model.memory.gpu", "model.memory.used", "model.expires")
LACKS = (
    ("model.requests", "Ollama counts none; put a proxy with a metrics page before it"),
    ("model.latency", "only each answer itself tells its durations; put a proxy before it"),
    ("model.ttft", "only each answer itself tells its durations; put a proxy before it"),
)

Answer = TypeVar("Answer", bound=BaseModel)


class OllamaOptions(SiteOptions):
    """Where it is, and how it lets us in."""


class _Details(BaseModel):
    parameter_size: str = ""
    quantization_level: str = ""


class _Model(BaseModel):
    name: str
    size: float = Field(default=0.0, ge=0)  # bytes
    size_vram: float = Field(default=0.0, ge=0)  # of them on GPUs
    digest: str = ""
    expires_at: str = ""
    details: _Details | None = None


class _Models(BaseModel):
    models: list[_Model] | None  # null where there is none, but always said


class _Version(BaseModel):
    version: str = ""


class Ollama:
    """One server."""

    def __init__(self, name: str, options: OllamaOptions) -> None:
        self.name = name
        self._site = Site(name, options)
        parts = urlsplit(options.url)
        self._instance = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

    async def collect(self, now: float) -> Sequence[Reading]:
        """What it holds now. Raises the errors of `Site.get`, and SourceMalformed for what is no Ollama."""
        loaded, known, version = await asyncio.gather(
            self._ask("api/ps", _Models), self._ask("api/tags", _Models), self._ask("api/version", _Version)
        )
        return [*self._loaded(loaded.models or [], now), *self._known(known.models or [], version.version, now)]

    async def check(self) -> SourceStatus:
        """Whether it answers, which version it is, and how many models it holds and knows."""
        began = time.monotonic()
        now = time.time()
        readings = await self.collect(now)
        has = {reading.series.signal for reading in readings}
        known = sum(reading.series.signal == "model.info" for reading in readings)
        held = next(reading.value for reading in readings if reading.series.signal == "model.loaded")
        missing = tuple((signal, "/api/ps") for signal in OF_LOADED if signal not in has)
        spoken = Spoken(
            "ollama", "Ollama's API", tuple(signal for signal in (*GIVEN, *OF_LOADED) if signal in has),
            (Way("no model is loaded; the first request loads one", missing),) if missing else (), LACKS,
        )  # fmt: skip
        return SourceStatus(
            self.name, "ollama", "ok", f"{held:g} of {known} models are loaded", ("ollama",), tuple(sorted(has)),
            spoken.missing, (spoken,), now, time.monotonic() - began,
        )  # fmt: skip

    async def close(self) -> None:
        """Hang up."""
        await self._site.close()

    def _loaded(self, models: Sequence[_Model], now: float) -> Iterator[Reading]:
        yield self._gauge("model.loaded", len(models), now)
        for model in models[:MOST_MODELS]:
            yield self._gauge("model.up", 1.0, now, model=model.name)
            yield self._gauge("model.memory.gpu", model.size_vram, now, model=model.name)
            yield self._gauge("model.memory.used", max(0.0, model.size - model.size_vram), now, model=model.name)
            left = _seconds_left(model.expires_at, now)
            if left is not None:
                yield self._gauge("model.expires", left, now, model=model.name)

    def _known(self, models: Sequence[_Model], version: str, now: float) -> Iterator[Reading]:
        for model in models[:MOST_MODELS]:
            details = model.details or _Details()
            yield self._gauge(
                "model.info", 1.0, now, model=model.name, digest=model.digest[:12], server=version,
                parameters=details.parameter_size, quantization=details.quantization_level,
            )  # fmt: skip

    def _gauge(self, signal: str, value: float, now: float, **labels: str) -> Reading:
        named = {name: text for name, text in labels.items() if text}
        return Reading(SeriesKey(signal, Labels.of(named, instance=self._instance), Kind.GAUGE), now, value)

    async def _ask(self, path: str, shape: type[Answer]) -> Answer:
        body = await self._site.get(path)
        try:
            return shape.model_validate_json(body)
        except ValidationError:
            raise SourceMalformed(
                f"{self.name} does not answer /{path} like an Ollama", "check its URL; its port is usually 11434"
            ) from None


def _seconds_left(text: str, now: float) -> float | None:
    """Until a model is put out of memory; None where it stays or where that is no time."""
    try:
        left = datetime.fromisoformat(text).timestamp() - now
    except (ValueError, OverflowError, OSError):
        return None
    return None if left > FOREVER else max(0.0, left)


def _from_url(url: str) -> Mapping[str, Any] | None:
    """`ollama+http://…`, or an address with the usual port and no path."""
    if url.startswith("ollama+"):
        return {"url": url.removeprefix("ollama+")}
    return {"url": url} if re.match(rf"https?://[^/]+:{PORT}/?$", url) else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """Ollama."""
    return [SourceType("ollama", "An Ollama server's API", OllamaOptions, Ollama, from_url=_from_url)]
