"""A stand-in for Loki on loopback: it checks requests strictly, reads LogQL for itself and holds lines of its own.

There is no Loki here to ask. What it accepts and answers is Loki's documented HTTP API (3.x): an unknown path or
parameter, or a query that is not of the grammar, is refused.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

PARAMETERS = {
    "query_range": {"query", "start", "end", "limit", "direction"},
    "labels": {"start", "end"},
    "values": {"start", "end", "query"},
}
STRING = re.compile(r'"((?:[^"\\\n\x00-\x1f]|\\(?:[abfnrtv\\"]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}))*)"')
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass
class Said:
    """One line, with its stream."""

    time: float
    text: str
    stream: dict[str, str]
    beside: dict[str, str] = field(default_factory=dict)


@dataclass
class LokiStand:
    """What it holds, how it fails meanwhile, and what it was asked."""

    lines: Sequence[Said]
    most: int = 5_000
    fault: str = ""
    url: str = ""
    tenant: str = ""
    queries: list[dict[str, str]] = field(default_factory=list)
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.tenant and request.headers.get("X-Scope-OrgID") != self.tenant:
            return web.Response(status=401, text="no org id\n")
        match self.fault:
            case "slow":
                await self.ending.wait()
            case "429":
                return web.Response(status=429, text="too many outstanding requests\n")
            case "500" | "503":
                return web.Response(status=int(self.fault), text="rpc error: context canceled\n")
            case "garbage":
                return web.Response(body=b"\x00\xff<html>\x1b[2J")
            case "half":
                return web.Response(text='{"status": "success", "data": {"resul')
            case "other":
                return web.json_response(
                    {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}}]}}
                )
            case "odd values":
                return web.json_response({"data": {"result": [{"stream": {}, "values": [["soon"]]}]}})
        found = re.fullmatch(r"/loki/api/v1/(?:(labels|query_range)|label/([^/]+)/values)", request.path)
        if found is None or request.method != "GET":
            return web.Response(status=404, text="404 page not found\n")
        what = found[1] or "values"
        unknown = set(request.query) - PARAMETERS[what]
        if unknown or len(request.query) != len(set(request.query)):
            return web.Response(status=400, text=f"unknown parameter {sorted(unknown)}\n")
        params = dict(request.query)
        self.queries.append({"what": what, **params})
        start, end = (int(params[name]) for name in ("start", "end"))
        try:
            chosen = [line for line in self.lines if start <= round(line.time * 1e9) < end]
            if "query" in params:
                matches = read_logql(params["query"])
                chosen = [line for line in chosen if matches.has(line)]
        except ValueError as error:
            return web.Response(status=400, text=f"parse error: {error}\n")
        if what == "labels":
            return web.json_response(
                {"status": "success", "data": sorted({name for line in chosen for name in line.stream})}
            )
        if what == "values":
            values = sorted({line.stream[found[2]] for line in chosen if found[2] in line.stream})
            return web.json_response({"status": "success", **({"data": values} if values else {})})
        limit = int(params["limit"])
        if limit > self.most:
            return web.Response(
                status=400,
                text="max entries limit per query exceeded, "
                f"limit > max_entries_limit_per_query ({limit} > {self.most})\n",
            )
        newest = sorted(chosen, key=lambda line: -line.time)[:limit]
        streams: dict[str, list[list[object]]] = {}
        for line in newest:
            streams.setdefault(json.dumps(line.stream), []).append(
                [str(round(line.time * 1e9)), line.text, *([line.beside] if line.beside else [])]
            )
        result = [{"stream": json.loads(stream), "values": values} for stream, values in streams.items()]
        return web.json_response(
            {"status": "success", "data": {"resultType": "streams", "result": result, "stats": {}}}
        )


@dataclass
class LogQL:
    """A query, understood."""

    matchers: list[tuple[str, str, str]]  # name, operator, value
    filters: list[str]

    def has(self, line: Said) -> bool:
        return all(
            line.stream.get(name, "") == value if how == "=" else bool(re.fullmatch(value, line.stream.get(name, "")))
            for name, how, value in self.matchers
        ) and all(re.search(each, line.text) for each in self.filters)


def read_logql(text: str) -> LogQL:
    """`{name="value",…} |~ "regex" …` and nothing else. Raises ValueError."""
    rest = text

    def take(pattern: re.Pattern[str]) -> str:
        nonlocal rest
        found = pattern.match(rest)
        if found is None:
            raise ValueError(f"unexpected {rest[:20]!r}")
        rest = rest[found.end() :]
        return found[0]

    def string() -> str:
        told = take(STRING)
        return str(json.loads(told))  # what json cannot read of Go's escapes, nobody here writes

    take(re.compile(r"\{"))
    matchers = []
    while True:
        name, how = take(NAME), take(re.compile(r"=~|="))
        matchers.append((name, how, string()))
        if take(re.compile(r"[,}]")) == "}":
            break
    if not any(value and not (how == "=~" and re.fullmatch(value, "")) for _name, how, value in matchers):
        raise ValueError("queries require at least one matcher that does not match empty")
    filters = []
    while rest:
        take(re.compile(r" \|~ "))
        filters.append(string())
    return LogQL(matchers, filters)


@asynccontextmanager
async def loki(lines: Sequence[Said], **options: object) -> AsyncIterator[LokiStand]:
    """The stand-in, with its address in `url`."""
    stand = LokiStand(lines, **options)  # type: ignore[arg-type]
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
