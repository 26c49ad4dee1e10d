"""The source kind `loki`: lines of logs from a Loki, or from what speaks its query API.

Where a span holds more lines than are wanted, it is cut into stretches and the newest lines of each are taken; how many
there are is reckoned from how close together those lie.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from itertools import pairwise
from typing import Any

from andon_plugins._loki_query import label, logql
from pydantic import BaseModel, Field, ValidationError

from console.errors import SourceDenied, SourceError, SourceMalformed
from console.model import LogLine, Span
from console.plugins import SourceType, hookimpl
from console.sources.log_lines import LONGEST_BODY, written
from console.sources.site import Site, SiteOptions
from console.sources.types import LogRequest, SourceStatus

STRETCHES = 12  # of a span that holds too much
REMEMBERED = 256  # which stream label a common label is
REMEMBERED_SECONDS = 300.0
HOUR = 3600.0
NANO = 1_000_000_000
STALE_SECONDS = 900.0
LEAST_FACTOR = 1.02  # lines that one stands for where there are more: it says that they were thinned

# What common labels may be called among stream labels, the likeliest first: promtail, Alloy, OpenTelemetry, Docker.
NAMES: Mapping[str, tuple[str, ...]] = {
    "model": ("model", "model_name", "service_name", "app", "app_kubernetes_io_name", "job", "container"),
    "workload": ("workload", "deployment", "service_name", "app", "app_kubernetes_io_name", "job", "container"),
    "service": ("service_name", "service", "app", "app_kubernetes_io_name", "container", "job", "compose_service"),
    "namespace": ("namespace", "k8s_namespace_name", "kubernetes_namespace_name", "service_namespace"),
    "pod": ("pod", "k8s_pod_name", "kubernetes_pod_name", "pod_name", "instance"),
    "container": ("container", "k8s_container_name", "container_name", "compose_service"),
    "host": ("host", "hostname", "node_name", "node", "k8s_node_name", "instance"),
}
SEVERITIES = ("level", "severity", "severity_text", "detected_level", "loglevel")
TRACES = ("trace_id", "traceid", "traceID", "traceId")
ALL = ("service_name", "app", "namespace", "job", "container", "filename")  # one of them every stream has

# What Loki says when it is asked too much, and what helps.
HINTS = (
    ("too many outstanding requests", "it is busy with others; ask again, or for a shorter window"),
    ("max entries limit", "set the source's `most_lines` to its max_entries_limit_per_query"),
    ("exceeds the limit", "ask for a shorter window"),
    ("limit", "it bounds what one query may read: narrow `where`, or raise that limit"),
    ("no org id", "it wants a tenant: headers = {X-Scope-OrgID = \"…\"}"),
)  # fmt: skip
_ENTRIES = re.compile(r"max entries limit.*\(\d+ > (\d+)\)")


class LokiOptions(SiteOptions):
    """Where it is, and what its stream labels are called."""

    labels: dict[str, str] = Field(default_factory=dict)  # common label -> stream label: {model = "app"}
    only: dict[str, str] = Field(default_factory=dict)  # stream labels that all lines must have
    most_lines: int = Field(default=5_000, ge=10)  # of one query: its max_entries_limit_per_query


class _Stream(BaseModel):
    stream: dict[str, str]
    values: list[list[Any]]


class _Streams(BaseModel):
    result: list[_Stream]


class _Queried(BaseModel):
    data: _Streams


class _Listed(BaseModel):
    data: list[str] | None = None


class Loki:
    """A LogReader over a Loki."""

    def __init__(self, name: str, options: LokiOptions) -> None:
        self.name = name
        self._options = options
        self._most = options.most_lines
        self._site = Site(name, options)
        self._known: OrderedDict[tuple[str, str], tuple[float, str | None]] = OrderedDict()

    async def logs(self, request: LogRequest) -> Sequence[LogLine]:
        """Lines of the span, oldest first; of more than are wanted an even choice.

        A label is looked for under the usual names of stream labels; where none has its value, there is no line.
        Raises the errors of `fetch`, and SourceMalformed for an answer that is none of Loki's.
        """
        names = await self._labels(request.span) if not self._options.only else ()
        matchers: dict[str, str] = dict(self._options.only)
        for common, value in request.where:
            found = await self._stream_label(common, value, request.span)
            if found is None:
                return []
            matchers[found] = value
        anything = next((name for name in ALL if name in names), names[0] if names else ALL[0])
        query = logql(matchers, anything, request.words, grave=request.grave)
        whole = await self._stretch(query, request.span, min(request.most, self._most))
        if whole.is_all:
            return whole.lines
        many = max(STRETCHES, math.ceil(request.most / self._most))
        each = max(1, request.most // many)
        answers = await asyncio.gather(*(self._stretch(query, span, each) for span in _stretches(request.span, many)))
        return [line for answer in answers for line in answer.lines]

    async def check(self) -> SourceStatus:
        """What streams it has labels for, and when the newest line was written. Raises as `logs` does."""
        began, now = time.monotonic(), time.time()
        span = Span(now - HOUR, now + 60)
        names = await self._labels(span)
        anything = next((name for name in ALL if name in names), names[0] if names else "")
        newest = None
        if anything or self._options.only:
            last = await self._stretch(logql(self._options.only, anything), span, 1)
            newest = last.lines[-1].time if last.lines else None
        is_stale = newest is None or now - newest > STALE_SECONDS
        reason = "no line within the last hour" if newest is None else f"labels {', '.join(sorted(names)[:12])}"
        return SourceStatus(self.name, "loki", "stale" if is_stale else "ok", reason, newest=newest,
                            seconds=time.monotonic() - began)  # fmt: skip

    async def close(self) -> None:
        """Hang up."""
        await self._site.close()

    # ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _stream_label(self, common: str, value: str, span: Span) -> str | None:
        """The stream label that a common label is: the one it was given, else the first that has this value."""
        if common in self._options.labels:
            return self._options.labels[common]
        key, now = (common, value), time.monotonic()
        if key in self._known and now - self._known[key][0] < REMEMBERED_SECONDS:
            return self._known[key][1]
        names = await self._labels(span)
        found = None
        for candidate in dict.fromkeys((*NAMES.get(common, ()), label(common))):
            if candidate in names and value in await self._values(candidate, value, span):
                found = candidate
                break
        self._known[key] = now, found
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found

    async def _labels(self, span: Span) -> Sequence[str]:
        answer = await self._ask("labels", {"start": _nanos(span.start), "end": _nanos(span.end)}, _Listed)
        return answer.data or ()

    async def _values(self, name: str, value: str, span: Span) -> Sequence[str]:
        """The values of a label; newer ones than 2.9 answer those of the streams asked about alone."""
        params = {"start": _nanos(span.start), "end": _nanos(span.end), "query": logql({name: value}, name)}
        return (await self._ask(f"label/{label(name)}/values", params, _Listed)).data or ()

    # ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _stretch(self, query: str, span: Span, most: int) -> _Stretch:
        """The newest lines of a span, and how many each of them stands for."""
        params = {"query": query, "start": _nanos(span.start), "end": _nanos(span.end), "direction": "backward"}
        try:
            answer = await self._ask("query_range", {**params, "limit": str(most)}, _Queried)
        except SourceError as error:
            allowed = _ENTRIES.search(error.message)
            if allowed is None or not 0 < int(allowed[1]) < most:
                raise
            self._most = most = int(allowed[1])
            answer = await self._ask("query_range", {**params, "limit": str(most)}, _Queried)
        lines = await asyncio.to_thread(self._read, answer.data.result, span)
        return _stretch(lines[-most:], span, most)

    def _read(self, streams: Sequence[_Stream], span: Span) -> list[LogLine]:
        lines = (line for stream in streams for line in self._lines(stream))
        return sorted((line for line in lines if span.start <= line.time < span.end), key=lambda line: line.time)

    def _lines(self, stream: _Stream) -> Iterable[LogLine]:
        named = stream.stream
        service = next((named[name] for name in NAMES["service"] if named.get(name)), "")
        for value in stream.values:
            try:
                at, text = int(value[0]) / NANO, str(value[1])
                beside = value[2] if len(value) > 2 and isinstance(value[2], dict) else {}
            except (ValueError, IndexError, TypeError):
                raise self._not_loki() from None
            told = written(text[: 4 * LONGEST_BODY], UTC, at)
            labels = named | {str(key): str(item) for key, item in beside.items()}
            severity = next((labels[name] for name in SEVERITIES if labels.get(name, "unknown") != "unknown"), "")
            trace = next((labels[name] for name in TRACES if labels.get(name)), "")
            yield LogLine(at, service or told.service, severity or told.severity, told.body, trace or told.trace)

    async def _ask(self, path: str, params: Mapping[str, str], shape: type[Any]) -> Any:
        try:
            body = await self._site.get(f"loki/api/v1/{path}", params)
        except SourceMalformed:
            raise
        except SourceError as error:
            hint = next((hint for words, hint in HINTS if words in error.message), error.hint)
            raise (SourceDenied if isinstance(error, SourceDenied) else SourceError)(error.message, hint) from None
        try:
            return shape.model_validate_json(body)
        except ValidationError:
            raise self._not_loki() from None

    def _not_loki(self) -> SourceMalformed:
        return SourceMalformed(
            f"{self.name} does not answer like a Loki", "check its URL, and its prefix if it has one"
        )


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Lines of a span, and whether they are all of them."""

    lines: Sequence[LogLine]
    is_all: bool


def _stretch(lines: Sequence[LogLine], span: Span, most: int) -> _Stretch:
    if len(lines) < most:
        return _Stretch(lines, is_all=True)
    # There are more, most likely: as close together as these, the newest ones.
    factor = max(LEAST_FACTOR, span.seconds / max(span.end - lines[0].time, 1e-6))
    return _Stretch([replace(line, stands_for=factor) for line in lines], is_all=False)


def _stretches(span: Span, many: int) -> Iterable[Span]:
    edges = [span.start + span.seconds * at / many for at in range(many + 1)]
    return [Span(start, end) for start, end in pairwise(edges)]


def _nanos(at: float) -> str:
    """Nanoseconds, of which a float knows no more than the microseconds."""
    return str(round(at * 1e6) * 1000)


def _from_url(url: str) -> Mapping[str, Any] | None:
    """`loki+http://…`, or an address with the usual port and no path."""
    if url.startswith("loki+"):
        return {"url": url.removeprefix("loki+")}
    return {"url": url} if re.match(r"https?://[^/]+:3100/?$", url) else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """Loki."""
    return [SourceType("loki", "Logs in a Loki", LokiOptions, Loki, from_url=_from_url)]
