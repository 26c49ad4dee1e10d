"""The source kind `jaeger`: spans of distributed traces from a Jaeger, or from what speaks its query API.

That API is asked about one service at a time; whole traces come back, whichever services they pass through.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from console.errors import SourceMalformed
from console.model import Span, TraceSpan
from console.plugins import SourceType, hookimpl
from console.sources.site import Site, SiteOptions
from console.sources.types import SourceStatus, TraceRequest

STRETCHES = 6  # of a span of time
MOST_SERVICES = 8  # that are asked about where none is named
LEAST_TRACES = 12
SPANS_A_TRACE = 20  # reckoned with before any is known
HOUR = 3600.0
MICRO = 1_000_000
STALE_SECONDS = 900.0
MOST_CHARACTERS = 200  # of a name
ABOUT_A_SERVICE = ("service", "workload", "model")  # labels whose value may be a service's name
ITSELF = re.compile(r"jaeger(-|$)")


class JaegerOptions(SiteOptions):
    """Where it is, and what common labels are called among its tags."""

    labels: dict[str, str] = Field(default_factory=dict)  # common label -> tag: {model = "model.name"}
    services: list[str] = Field(default_factory=list)  # to ask about where none is named, those where requests come in
    most_traces: int = Field(default=100, ge=1, le=2_000)  # of one request


class _Tag(BaseModel):
    key: str
    value: Any = None


class _Reference(BaseModel):
    refType: str = ""  # noqa: N815 - as Jaeger spells it
    spanID: str = ""  # noqa: N815


class _JaegerSpan(BaseModel):
    traceID: str  # noqa: N815
    spanID: str  # noqa: N815
    operationName: str = ""  # noqa: N815
    references: list[_Reference] | None = None
    parentSpanID: str = ""  # noqa: N815 - old ones
    startTime: int  # noqa: N815 - microseconds
    duration: int
    tags: list[_Tag] | None = None
    processID: str = ""  # noqa: N815


class _Process(BaseModel):
    serviceName: str = "unknown"  # noqa: N815


class _Trace(BaseModel):
    spans: list[_JaegerSpan]
    processes: dict[str, _Process] = {}


class _Traces(BaseModel):
    data: list[_Trace] | None = None


class _Listed(BaseModel):
    data: list[str] | None = None


class Jaeger:
    """A TraceReader over a Jaeger."""

    def __init__(self, name: str, options: JaegerOptions) -> None:
        self.name = name
        self._options = options
        self._site = Site(name, options)

    async def spans(self, request: TraceRequest) -> Sequence[TraceSpan]:
        """The spans of traces that began in the span of time, evenly over it, in order of start.

        Raises the errors of `fetch`, and SourceMalformed for an answer that is none of Jaeger's.
        """
        services, tags = await self._asked(request.where)
        wanted = min(self._options.most_traces, max(LEAST_TRACES, request.most // SPANS_A_TRACE))
        each = math.ceil(wanted / STRETCHES)  # of each service: they may all stand in the same traces
        answers = await asyncio.gather(
            *(
                self._traces(service, tags, span, each)
                for span in _stretches(request.span, STRETCHES)
                for service in services
            )
        )
        found: dict[str, list[TraceSpan]] = {}
        count = 0
        for trace in (trace for turn in _in_turn(answers) for trace in turn):
            is_new = trace[0].trace not in found and len(found) < wanted
            if is_new and count + len(trace) <= request.most:
                found[trace[0].trace] = trace
                count += len(trace)
        return sorted((span for trace in found.values() for span in trace), key=lambda span: span.start)

    async def check(self) -> SourceStatus:
        """Which services it knows, and how old the newest trace is. Raises as `spans` does."""
        began, now = time.monotonic(), time.time()
        services = await self._services()
        asked = (self._options.services or services)[:1]
        traces = [trace for name in asked for trace in await self._traces(name, {}, Span(now - HOUR, now), 20)]
        newest = max((span.start for trace in traces for span in trace), default=None)
        is_stale = newest is None or now - newest > STALE_SECONDS
        reason = f"{len(services)} services" if services else "it knows no service"
        return SourceStatus(self.name, "jaeger", "stale" if is_stale else "ok", reason, newest=newest,
                            seconds=time.monotonic() - began)  # fmt: skip

    async def close(self) -> None:
        """Hang up."""
        await self._site.close()

    async def _asked(self, where: Iterable[tuple[str, str]]) -> tuple[Sequence[str], dict[str, str]]:
        """The services to ask about, and the tags to ask for."""
        named: list[str] = []
        tags: dict[str, str] = {}
        known = await self._services()
        for label, value in where:
            if label in ABOUT_A_SERVICE and label not in self._options.labels and value in known:
                named.append(value)
            elif label == "service":
                return (), {}  # nobody of that name
            else:
                tags[self._options.labels.get(label, label)] = value
        return named or self._options.services or known[:MOST_SERVICES], tags

    async def _services(self) -> list[str]:
        try:
            listed = _Listed.model_validate_json(await self._site.get("api/services", {})).data or ()
        except ValidationError:
            raise self._not_jaeger() from None
        return sorted(name for name in listed if not ITSELF.match(name))

    async def _traces(self, service: str, tags: Mapping[str, str], span: Span, most: int) -> list[list[TraceSpan]]:
        params = {
            "service": service,
            "start": str(math.floor(span.start * MICRO)),
            "end": str(math.ceil(span.end * MICRO)),
            "limit": str(most),
            **({"tags": json.dumps(tags)} if tags else {}),
        }
        body = await self._site.get("api/traces", params)
        try:
            traces = await asyncio.to_thread(_read, body)
        except ValidationError:
            raise self._not_jaeger() from None
        return [trace for trace in traces if trace and span.start <= min(each.start for each in trace) < span.end]

    def _not_jaeger(self) -> SourceMalformed:
        return SourceMalformed(
            f"{self.name} does not answer like a Jaeger", "check its URL, and its prefix if it has one"
        )


def _read(body: bytes) -> list[list[TraceSpan]]:
    return [
        [_span(span, trace.processes) for span in trace.spans] for trace in _Traces.model_validate_json(body).data or ()
    ]


def _span(span: _JaegerSpan, processes: Mapping[str, _Process]) -> TraceSpan:
    references = span.references or ()
    parent = next((each.spanID for each in references if each.refType == "CHILD_OF"), "")
    tags = {tag.key: tag.value for tag in span.tags or ()}
    is_error = str(tags.get("error", "")).lower() == "true" or tags.get("otel.status_code") == "ERROR"
    start = span.startTime / MICRO
    return TraceSpan(
        trace=span.traceID,
        id=span.spanID,
        parent=parent or span.parentSpanID or next((each.spanID for each in references), ""),
        service=processes.get(span.processID, _Process()).serviceName[:MOST_CHARACTERS],
        operation=span.operationName[:MOST_CHARACTERS],
        start=start,
        end=start + max(span.duration, 0) / MICRO,
        failed=is_error,
    )


def _in_turn(answers: Sequence[Sequence[list[TraceSpan]]]) -> Iterable[list[list[TraceSpan]]]:
    """The first of each answer, then the second of each, …: what does not fit is missing evenly."""
    longest = max((len(answer) for answer in answers), default=0)
    return ([answer[at] for answer in answers if at < len(answer)] for at in range(longest))


def _stretches(span: Span, many: int) -> Iterable[Span]:
    width = span.seconds / many
    return [Span(span.start + at * width, span.start + (at + 1) * width) for at in range(many)]


def _from_url(url: str) -> Mapping[str, Any] | None:
    """`jaeger+http://…`, or an address with the usual port and no path."""
    if url.startswith("jaeger+"):
        return {"url": url.removeprefix("jaeger+")}
    return {"url": url} if re.match(r"https?://[^/]+:16686/?$", url) else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """Jaeger."""
    return [SourceType("jaeger", "Traces in a Jaeger", JaegerOptions, Jaeger, from_url=_from_url)]
