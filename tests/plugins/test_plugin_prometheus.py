"""The prometheus source against a server that answers as told. What a real one says is in tests/real."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from pages import VLLM, plugin

from console.errors import ConfigError, SourceDenied, SourceError, SourceMalformed, UsageError
from console.model import Labels, Query, Span, Window
from console.sources.types import Checkable, SignalReader, Speaking

MODULE = plugin("prometheus")
NAMES = ["up", "vllm:num_requests_waiting", "vllm:num_requests_running", "vllm:time_to_first_token_seconds_bucket"]
WINDOW = Window((Span(0.0, 600.0),))


class Answers:
    """A stand-in for Prometheus: keeps what it was asked, answers with one series of the query's own steps."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.names: Any = NAMES
        self.newest: float | None = time.time()
        self.metric: dict[str, str] = {"model_name": "tiny"}
        self.number = "1"
        self.pause = 0.0
        self.at_once = self.most_at_once = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.pause)
        self.at_once -= 1
        match request.path.rpartition("/api/v1/")[2]:
            case "label/__name__/values":
                data = self.names
            case "query":
                value = [] if self.newest is None else [{"metric": {}, "value": [0, str(self.newest)]}]
                data = {"result": value}
            case _:
                start, end, step = (float(request.query[key]) for key in ("start", "end", "step"))
                points = [[moment, self.number] for moment in np.arange(start, end + step / 2, step).tolist()]
                data = {"result": [{"metric": self.metric, "values": points}]}
        return web.json_response({"status": "success", "data": data})

    def ranges(self) -> list[web.Request]:
        return [request for request in self.asked if request.path.endswith("query_range")]


@asynccontextmanager
async def serving(handler: Any, prefix: str = "", **options: Any) -> AsyncIterator[Any]:
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.0, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{prefix}"
    source = MODULE.Prometheus("prom", MODULE.PrometheusOptions(url=url, **options))
    source.speak({"vllm": VLLM})
    try:
        yield source
    finally:
        await source.close()
        await runner.cleanup()


async def test_it_is_a_reader_that_speaks_dialects_and_can_be_checked() -> None:
    async with serving(Answers().answer) as source:
        assert isinstance(source, SignalReader) and isinstance(source, Speaking) and isinstance(source, Checkable)


async def test_a_frame_has_the_windows_steps_and_the_common_labels() -> None:
    answers = Answers()
    async with serving(answers.answer, prefix="/prom/") as source:
        frame = await source.read(Query("model.queue.depth", WINDOW, 60, Labels.of(model="tiny"), ("model",)))
    np.testing.assert_array_equal(frame.times, np.arange(60, 601, 60))
    assert [series.key.labels for series in frame.series] == [Labels.of(model="tiny")]
    [asked] = answers.ranges()
    assert asked.path == "/prom/api/v1/query_range"
    assert (
        asked.query["query"]
        == 'sum by (model_name) (avg_over_time(vllm:num_requests_waiting{model_name="tiny"}[59999ms]))'
    )


async def test_more_steps_than_one_query_may_have_are_asked_in_pieces() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        frame = await source.read(Query("model.queue.depth", Window((Span(0.0, 25_000.0),)), 1.0))
    assert len(answers.ranges()) == 3
    assert frame.times.size == 25_000 and not np.isnan(frame.series[0].values).any()


async def test_a_busy_server_is_asked_a_few_questions_at_a_time() -> None:
    answers = Answers()
    answers.pause = 0.02
    async with serving(answers.answer) as source:
        spans = tuple(Span(day * 86400.0, day * 86400.0 + 600) for day in range(12))
        await source.read(Query("model.queue.depth", Window(spans), 60.0))
    assert answers.most_at_once == MODULE.AT_ONCE


async def test_names_are_asked_for_once_a_window_and_not_for_ever() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        for day in range(MODULE.REMEMBERED + 8):
            for _step in range(2):
                await source.read(Query("model.kv.usage", Window((Span(day, day + 60.0),)), 60.0))
        assert len(source._names) == MODULE.REMEMBERED
    assert len(answers.asked) == MODULE.REMEMBERED + 8


async def test_a_signal_that_nobody_exports_is_an_empty_frame_without_a_query() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        frame = await source.read(Query("model.confidence", WINDOW, 60))
        assert frame.series == () and frame.times.size == 10
        with pytest.raises(UsageError, match="no signal"):
            await source.read(Query("model.nonsense", WINDOW, 60))
    assert answers.ranges() == []


async def test_signals_are_those_whose_metrics_are_there() -> None:
    async with serving(Answers().answer) as source:
        assert await source.signals() == ["model.queue.depth", "model.requests.running", "model.ttft"]


async def test_check_tells_the_dialects_and_what_is_missing() -> None:
    async with serving(Answers().answer) as source:
        status = await source.check()
    assert (status.state, status.reason, status.dialects) == ("ok", "", ("vllm",))
    assert dict(status.missing)["model.kv.usage"] == "it has no vllm:kv_cache_usage_perc"


@pytest.mark.parametrize(
    ("names", "age", "state", "reason"),
    [
        (NAMES, 900.0, "stale", "its newest sample is 900 s old"),
        (NAMES, None, "stale", "it scrapes nothing"),
        (["up"], 0.0, "malformed", "it holds no metrics in a dialect that andon knows"),
    ],
)
async def test_check_says_what_is_wrong(names: list[str], age: float | None, state: str, reason: str) -> None:
    answers = Answers()
    answers.names, answers.newest = names, None if age is None else time.time() - age
    async with serving(answers.answer) as source:
        status = await source.check()
    assert (status.state, status.reason) == (state, reason)


async def test_the_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROM_TOKEN", "s3cret\n")
    answers = Answers()
    async with serving(answers.answer, token_env="PROM_TOKEN") as source:
        await source.signals()
    assert answers.asked[0].headers["Authorization"] == "Bearer s3cret"


def test_a_token_that_is_not_there_is_said_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROM_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="the environment has no PROM_TOKEN"):
        MODULE.Prometheus("prom", MODULE.PrometheusOptions(url="http://127.0.0.1:9090", token_env="PROM_TOKEN"))


@pytest.mark.parametrize(
    ("answer", "kind", "sentence"),
    [
        (web.Response(status=403), SourceDenied, "answered 403"),
        (
            web.json_response({"status": "error", "error": "query timed\nout in \x1b[31mexpression"}, status=503),
            SourceError,
            "answered 503 Service Unavailable: query timed out in",
        ),
        (web.Response(text="upstream gone", status=502), SourceError, "answered 502 Bad Gateway"),
        (web.Response(text="<html>"), SourceMalformed, "does not answer like a Prometheus"),
        (web.json_response([1]), SourceMalformed, "does not answer like a Prometheus"),
    ],
)
async def test_other_answers_are_told_in_one_sentence(
    answer: web.Response, kind: type[SourceError], sentence: str
) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return answer

    async with serving(handler) as source:
        with pytest.raises(SourceError) as caught:
            await source.signals()
    assert type(caught.value) is kind
    assert sentence in caught.value.message and "\n" not in caught.value.message


async def test_a_value_that_is_no_number_is_malformed() -> None:
    answers = Answers()
    answers.number = "many"
    async with serving(answers.answer) as source:
        with pytest.raises(SourceMalformed, match="with what is no number"):
            await source.read(Query("model.queue.depth", WINDOW, 60))


async def test_an_answer_of_another_shape_is_malformed() -> None:
    async def handler(request: web.Request) -> web.Response:
        names = request.path.endswith("values")
        return web.json_response({"data": NAMES if names else {"result": "none"}})

    async with serving(handler) as source:
        with pytest.raises(SourceMalformed, match="does not answer like a Prometheus"):
            await source.read(Query("model.queue.depth", WINDOW, 60))


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("http://prom:9090", {"url": "http://prom:9090"}),
        ("https://prom:9090/", {"url": "https://prom:9090/"}),
        ("prometheus+https://metrics.example/prom", {"url": "https://metrics.example/prom"}),
        ("http://prom:9090/metrics", None),
        ("http://model:8000/metrics", None),
    ],
)
def test_what_a_command_line_may_call_a_prometheus(url: str, options: dict[str, str] | None) -> None:
    [kind] = MODULE.andon_sources()
    assert kind.from_url(url) == options
