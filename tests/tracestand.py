"""Stand-ins for Tempo and Jaeger on loopback: they check requests strictly and hold traces of their own.

There is neither here to ask. What they accept and answer are the documented HTTP APIs of both (Tempo 2, Jaeger's query
service); an unknown path or parameter, or a query that is not of the grammar, is refused.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby

from aiohttp import web

from console.model import TraceSpan

STRING = r'"(?:[^"\\\n\x00-\x1f]|\\(?:[abfnrtv\\"]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}))*"'
CONDITION = re.compile(rf'(resource|span|)\.([A-Za-z_][\w.-]*|"(?:[^"\\]|\\[\\"])+")=({STRING})')


@dataclass
class TraceStand:
    """What it holds, how it fails meanwhile, and what it was asked."""

    spans: Sequence[TraceSpan]
    fault: str = ""
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        match self.fault:
            case "slow":
                await self.ending.wait()
            case "429":
                return web.Response(status=429, text="too many requests\n")
            case "500" | "503":
                return web.Response(status=int(self.fault), text="rpc error: queue full\n")
            case "garbage":
                return web.Response(body=b"\x00\xff<html>\x1b[2J")
            case "half":
                return web.Response(text='{"traces": [{"traceI')
            case "other":
                return web.json_response({"traces": {"a": 1}, "data": {"a": 1}})
        self.asked.append({"path": request.path, **request.query})
        try:
            return web.json_response(self.told(request.path, dict(request.query)))
        except LookupError as error:
            return web.Response(status=404, text=f"{error}\n")
        except ValueError as error:
            return web.Response(status=400, text=f"{error}\n")

    def told(self, path: str, params: dict[str, str]) -> object:
        raise NotImplementedError

    @property
    def traces(self) -> dict[str, list[TraceSpan]]:
        ordered = sorted(self.spans, key=lambda span: span.trace)
        return {trace: list(spans) for trace, spans in groupby(ordered, key=lambda span: span.trace)}


def take(params: dict[str, str], *known: str) -> list[str]:
    if unknown := set(params) - set(known):
        raise ValueError(f"unknown parameter {sorted(unknown)}")
    return [params[name] for name in known]


class TempoStand(TraceStand):
    """Tempo: search, and traces by id with ids in base64, as its JSON has them."""

    def told(self, path: str, params: dict[str, str]) -> object:
        if path == "/api/search":
            query, start, end, limit, _spss = take(params, "q", "start", "end", "limit", "spss")
            wanted = read_traceql(query)
            found = [
                {"traceID": trace, "rootServiceName": spans[0].service, "durationMs": 1,
                 "startTimeUnixNano": str(round(min(span.start for span in spans) * 1e9))}
                for trace, spans in self.traces.items()
                if int(start) <= min(span.start for span in spans) <= int(end)
                and all(any(_has(span, either) for span in spans) for either in wanted)
            ]  # fmt: skip
            random.Random(0).shuffle(found)  # it gives what it comes upon first
            return {"traces": found[: int(limit)], "metrics": {}}
        if found_id := re.fullmatch(r"/api/traces/([0-9a-f]+)", path):
            take(params)
            return {"batches": [_batch(span) for span in self.traces[found_id[1]]]}
        raise LookupError("404 page not found")


class JaegerStand(TraceStand):
    """Jaeger: services, and traces of one service."""

    def told(self, path: str, params: dict[str, str]) -> object:
        if path == "/api/services":
            take(params)
            return {"data": sorted({span.service for span in self.spans} | {"jaeger-all-in-one"}), "errors": None}
        if path != "/api/traces":
            raise LookupError("404 page not found")
        tags = json.loads(params.pop("tags", "{}"))
        service, start, end, limit = take(params, "service", "start", "end", "limit")
        found = [
            spans
            for spans in self.traces.values()
            if any(span.service == service and int(start) <= span.start * 1e6 <= int(end) for span in spans)
            and all(any(f"{name}={value}" in span.operation for span in spans) for name, value in tags.items())
        ]
        return {"data": [_jaeger(spans) for spans in found[-int(limit) :]], "total": 0, "errors": None}


def _has(span: TraceSpan, either: Sequence[tuple[str, str]]) -> bool:
    return any(name == "service.name" and value == span.service for name, value in either)


def read_traceql(text: str) -> list[list[tuple[str, str]]]:
    """`{a="x" || b="x"} && {…}` and nothing else: (attribute, value) pairs, of each brace. Raises ValueError."""
    if text == "{}":
        return []
    found = []
    rest = f" && {text}"
    while rest:
        if not rest.startswith(" && {"):
            raise ValueError(f"parse error: unexpected {rest[:20]!r}")
        rest = rest.removeprefix(" && {")
        either: list[tuple[str, str]] = []
        while True:
            condition = CONDITION.match(rest)
            if condition is None:
                raise ValueError(f"parse error: unexpected {rest[:20]!r}")
            either.append((condition[2], str(json.loads(condition[3]))))
            rest = rest[condition.end() :]
            if rest.startswith(" || "):
                rest = rest.removeprefix(" || ")
                continue
            if not rest.startswith("}"):
                raise ValueError(f"parse error: unexpected {rest[:20]!r}")
            rest = rest[1:]
            break
        found.append(either)
    return found


def _batch(span: TraceSpan) -> dict[str, object]:
    def coded(id_: str) -> str:
        return base64.b64encode(id_.encode()).decode()

    told = {
        "traceId": coded(span.trace), "spanId": coded(span.id), "name": span.operation, "kind": "SPAN_KIND_SERVER",
        "startTimeUnixNano": str(round(span.start * 1e9)), "endTimeUnixNano": str(round(span.end * 1e9)),
        "status": {"code": "STATUS_CODE_ERROR", "message": "no"} if span.failed else {},
        **({"parentSpanId": coded(span.parent)} if span.parent else {}),
    }  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": span.service}}]}
    return {"resource": resource, "scopeSpans": [{"scope": {}, "spans": [told]}]}


def _jaeger(spans: Sequence[TraceSpan]) -> dict[str, object]:
    services = sorted({span.service for span in spans})

    def above(span: TraceSpan) -> list[dict[str, str]]:
        return [{"refType": "CHILD_OF", "traceID": span.trace, "spanID": span.parent}] if span.parent else []

    return {
        "traceID": spans[0].trace,
        "spans": [
            {
                "traceID": span.trace, "spanID": span.id, "operationName": span.operation, "logs": [], "warnings": None,
                "references": above(span),
                "startTime": round(span.start * 1e6), "duration": round((span.end - span.start) * 1e6),
                "tags": [{"key": "error", "type": "bool", "value": True}] if span.failed else [],
                "processID": f"p{services.index(span.service)}",
            }
            for span in spans
        ],
        "processes": {f"p{at}": {"serviceName": name, "tags": []} for at, name in enumerate(services)},
        "warnings": None,
    }  # fmt: skip


@asynccontextmanager
async def standing(kind: type[TraceStand], spans: Sequence[TraceSpan], fault: str = "") -> AsyncIterator[TraceStand]:
    """A stand-in, with its address in `url`."""
    stand = kind(spans, fault)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stand.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.0, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stand.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield stand
    finally:
        stand.ending.set()
        await runner.cleanup()
