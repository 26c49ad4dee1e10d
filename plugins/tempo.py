"""The source kind `tempo`: spans of distributed traces from a Tempo.

Tempo's search gives the first traces that it comes upon, so a span of time is searched stretch by stretch; each trace
that is found is then asked for by its id.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from andon_plugins._otlp_spans import spans_of
from andon_plugins._tempo_query import traceql
from pydantic import BaseModel, Field, ValidationError

from console.errors import SourceError, SourceMalformed
from console.model import Span, TraceSpan
from console.plugins import SourceType, hookimpl
from console.sources.site import Site, SiteOptions
from console.sources.types import SourceStatus, TraceRequest

STRETCHES = 6  # of a span of time
AT_ONCE = 8  # traces
LEAST_TRACES = 12
SPANS_A_TRACE = 20  # reckoned with before any is known
LOOK_SECONDS = 15.0  # for the traces of one request; then those that came must do
HOUR = 3600.0
STALE_SECONDS = 900.0
TRACE_ID = re.compile(r"[0-9a-fA-F]{1,32}")

# What common labels may be called among attributes.
NAMES: Mapping[str, tuple[str, ...]] = {
    "model": ("resource.service.name", "span.gen_ai.request.model", "span.model", "span.model_name", "resource.model"),
    "workload": ("resource.service.name", "resource.k8s.deployment.name", "resource.k8s.statefulset.name"),
    "service": ("resource.service.name",),
    "namespace": ("resource.k8s.namespace.name", "resource.service.namespace"),
    "pod": ("resource.k8s.pod.name", "resource.service.instance.id"),
    "host": ("resource.host.name", "resource.k8s.node.name"),
}


class TempoOptions(SiteOptions):
    """Where it is, and what common labels are called among its attributes."""

    labels: dict[str, str] = Field(default_factory=dict)  # {model = "resource.service.name"}
    most_traces: int = Field(default=100, ge=1, le=2_000)  # of one request


class _Hit(BaseModel):
    traceID: str  # noqa: N815 - as Tempo spells it
    startTimeUnixNano: int = 0  # noqa: N815


class _Hits(BaseModel):
    traces: list[_Hit] | None = None


class Tempo:
    """A TraceReader over a Tempo."""

    def __init__(self, name: str, options: TempoOptions) -> None:
        self.name = name
        self._options = options
        self._site = Site(name, options)

    async def spans(self, request: TraceRequest) -> Sequence[TraceSpan]:
        """The spans of traces that began in the span of time, evenly over it, in order of start.

        Raises the errors of `fetch`, and SourceMalformed for an answer that is none of Tempo's.
        """
        wanted = min(self._options.most_traces, max(LEAST_TRACES, request.most // SPANS_A_TRACE))
        query = traceql(self._conditions(request.where))
        each = math.ceil(wanted / STRETCHES)
        hits = await asyncio.gather(*(self._search(query, span, each) for span in _stretches(request.span, STRETCHES)))
        # One of each stretch in turn: whichever come in time are spread evenly.
        ids = [id_ for turn in zip_longest(*hits) for id_ in turn if id_ is not None]
        found: list[TraceSpan] = []
        deadline = time.monotonic() + LOOK_SECONDS
        for at in range(0, min(len(ids), wanted), AT_ONCE):
            traces = await asyncio.gather(
                *(self._trace(id_, request.most) for id_ in list(dict.fromkeys(ids))[at : at + AT_ONCE])
            )
            for spans in traces:
                if len(found) + len(spans) <= request.most:  # whole traces only
                    found += spans
            if len(found) >= request.most or time.monotonic() > deadline:
                break
        return sorted(found, key=lambda span: span.start)

    async def check(self) -> SourceStatus:
        """Whether it finds traces, and how old the newest is. Raises as `spans` does."""
        began, now = time.monotonic(), time.time()
        answer = await self._hits("{}", Span(now - HOUR, now), 20)
        newest = max((hit.startTimeUnixNano / 1e9 for hit in answer), default=None)
        is_stale = newest is None or now - newest > STALE_SECONDS
        reason = "no trace within the last hour" if newest is None else "it finds traces"
        return SourceStatus(self.name, "tempo", "stale" if is_stale else "ok", reason, newest=newest,
                            seconds=time.monotonic() - began)  # fmt: skip

    async def close(self) -> None:
        """Hang up."""
        await self._site.close()

    def _conditions(self, where: Iterable[tuple[str, str]]) -> list[tuple[str, tuple[str, ...]]]:
        given = self._options.labels
        return [
            (value, (given[label],) if label in given else NAMES.get(label, (f"resource.{label}", f"span.{label}")))
            for label, value in where
        ]

    async def _search(self, query: str, span: Span, most: int) -> list[str]:
        """Ids of traces that began in a stretch; the search itself knows whole seconds."""
        hits = await self._hits(query, span, most)
        return [hit.traceID for hit in hits if span.start <= hit.startTimeUnixNano / 1e9 < span.end]

    async def _hits(self, query: str, span: Span, most: int) -> Sequence[_Hit]:
        params = {"q": query, "start": str(math.floor(span.start)), "end": str(math.ceil(span.end)), "limit": str(most),
                  "spss": "1"}  # fmt: skip
        try:
            return _Hits.model_validate_json(await self._site.get("api/search", params)).traces or ()
        except ValidationError:
            raise self._not_tempo() from None

    async def _trace(self, id_: str, most: int) -> list[TraceSpan]:
        if not TRACE_ID.fullmatch(id_):  # it becomes part of a path
            raise self._not_tempo()
        try:
            body = await self._site.get(f"api/traces/{id_}", {})
        except SourceMalformed:
            return []  # one trace beyond all measure costs no other
        except SourceError as error:
            if " answered 404 " in error.message:
                return []  # it went meanwhile
            raise
        try:
            return await asyncio.to_thread(spans_of, body, most)
        except ValueError:
            raise self._not_tempo() from None

    def _not_tempo(self) -> SourceMalformed:
        return SourceMalformed(
            f"{self.name} does not answer like a Tempo", "check its URL, and its prefix if it has one"
        )


def _stretches(span: Span, many: int) -> Iterable[Span]:
    width = span.seconds / many
    return [Span(span.start + at * width, span.start + (at + 1) * width) for at in range(many)]


def _from_url(url: str) -> Mapping[str, Any] | None:
    """`tempo+http://…`, or an address with the usual port and no path."""
    if url.startswith("tempo+"):
        return {"url": url.removeprefix("tempo+")}
    return {"url": url} if re.match(r"https?://[^/]+:3200/?$", url) else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """Tempo."""
    return [SourceType("tempo", "Traces in a Tempo", TempoOptions, Tempo, from_url=_from_url)]
