"""The prometheus source against a server that answers as told. What a real one says is in tests/real."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from pages import VLLM, plugin

from console.errors import SourceDenied, SourceError, SourceMalformed, SourcePartial, UsageError
from console.model import Labels, Query, Span, Window
from console.plugins import load_plugins
from console.sources.opening import from_argument
from console.sources.site import AT_ONCE
from console.sources.types import Checkable, SignalReader, Speaking

MODULE = plugin("prometheus")
SERIES = sys.modules["andon_plugins._prometheus_series"]  # as the source itself has it
BLOCK, REMEMBERED = plugin("_prometheus_past").BLOCK, SERIES.REMEMBERED
NAMES = ["up", "vllm:num_requests_waiting", "vllm:num_requests_running", "vllm:time_to_first_token_seconds_bucket"]
WINDOW = Window((Span(0.0, 600.0),))


def recent(seconds: float) -> Window:
    now = time.time()
    return Window((Span(now - seconds, now),))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.001)


class Answers:
    """A stand-in for Prometheus: keeps what it was asked, answers with one series of the query's own steps."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.names: Any = NAMES
        self.newest: float | None = time.time()
        self.ahead = self.held_back = 0.0
        self.series = self.once = self.pages = 4
        self.samples = 20  # in five minutes
        self.metric: dict[str, str] = {"model_name": "tiny"}
        self.number = "1"
        self.more: dict[str, Any] = {}  # beside the data
        self.pause: asyncio.Event | None = None
        self.given_up = asyncio.Event()
        self.at_once = self.most_at_once = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if self.pause and request.path.endswith("query_range"):
                await self.pause.wait()
        except asyncio.CancelledError:
            self.given_up.set()
            raise
        finally:
            self.at_once -= 1
        return web.json_response({"status": "success", "data": await self.data(request), **self.more})

    async def data(self, request: web.Request) -> Any:
        if request.path.endswith("values"):
            among = request.query["match[]"].partition('"')[2].rpartition('"')[0].split("|")
            return [name for name in self.names if name in among]
        told = request.query or await request.post()
        now = time.time() + self.ahead
        match str(told["query"]).partition("(")[0]:
            case "vector":
                numbers = {"": now - self.held_back}
            case "count":
                numbers = {"": self.series}
            case "label_replace":
                numbers = {"all": 4, "once": self.once, "targets": 4, "pages": self.pages, "samples": self.samples}
            case "max" if request.path.endswith("query"):
                numbers = {} if self.newest is None else {"": self.newest}
            case _:
                start, end, step = (float(str(told[key])) for key in ("start", "end", "step"))
                points = [[moment, self.number] for moment in np.arange(start, end + step / 2, step).tolist()]
                return {"result": [{"metric": self.metric, "values": points}]}
        return {
            "result": [
                {"metric": {"andon": name} if name else {}, "value": [now, str(number)]}
                for name, number in numbers.items()
            ]
        }

    def ranges(self) -> list[web.Request]:
        return [request for request in self.asked if request.path.endswith("query_range")]

    def counted(self) -> int:
        return sum(request.query.get("query", "").startswith("count(") for request in self.asked)

    def named(self) -> list[web.Request]:
        return [request for request in self.asked if request.path.endswith("values")]


@asynccontextmanager
async def serving(handler: Any, prefix: str = "", **options: Any) -> AsyncIterator[Any]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.0, handle_signals=False, handler_cancellation=True)
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
        frame = await source.read(Query("model.queue.depth", recent(600), 60, Labels.of(model="tiny"), ("model",)))
    assert frame.times.size == 10 and np.ptp(np.diff(frame.times)) < 1e-6
    assert [series.key.labels for series in frame.series] == [Labels.of(model="tiny")]
    [asked] = answers.ranges()
    assert asked.path == "/prom/api/v1/query_range"
    assert asked.query["query"] == (
        'sum by (model_name) (avg_over_time(vllm:num_requests_waiting{model_name="tiny"}[59999ms]))'
    )


async def test_more_steps_than_one_query_may_have_are_asked_in_pieces() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        frame = await source.read(Query("model.queue.depth", Window((Span(0.0, 25_000.0),)), 1.0))
    assert len(answers.ranges()) == 3
    assert frame.times.size == 25_000 and not np.isnan(frame.series[0].values).any()


async def test_a_busy_server_is_asked_a_few_questions_at_a_time() -> None:
    answers = Answers()
    answers.pause = asyncio.Event()
    async with serving(answers.answer) as source:
        spans = tuple(Span(day * 86400.0, day * 86400.0 + 600) for day in range(12))
        reading = asyncio.create_task(source.read(Query("model.queue.depth", Window(spans), 60.0)))
        await until(lambda: answers.at_once == AT_ONCE)
        answers.pause.set()
        await reading
    assert answers.most_at_once == AT_ONCE


async def test_names_are_asked_for_once_a_day_of_windows_and_not_for_ever() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        for day in range(REMEMBERED + 8):
            for hour in range(3):
                span = Span(day * 86400.0 + hour * 3600.0, day * 86400.0 + hour * 3600.0 + 600.0)
                await source.read(Query("model.kv.usage", Window((span,)), 60.0))
        assert len(source._names._kept) == REMEMBERED
    assert len(answers.named()) == 3 * (REMEMBERED + 8)


async def test_just_after_midnight_what_yesterday_had_is_still_known() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        await source.signals()
    starts = [float(request.query["start"]) for request in answers.named()]
    assert starts and max(starts) <= time.time() - SERIES.DAY


async def test_only_names_that_dialects_speak_of_are_asked_for() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        assert await source.signals() == ["model.queue.depth", "model.requests.running", "model.ttft"]
    first, *more = [request.query["match[]"] for request in answers.named()]
    assert first.startswith('{__name__=~"') and set(VLLM.detectors()) == set(first[12:-2].split("|"))
    assert all(len(each) < 4_000 for each in more) and all("vllm:num_requests_running" not in each for each in more)


# ── what is past ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_baseline_that_slides_with_the_clock_is_asked_for_once() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        for second in range(0, 300, 15):
            spans = tuple(Span(day * 86400.0 + second, day * 86400.0 + 600 + second) for day in range(100, 107))
            frame = await source.read(Query("model.queue.depth", Window(spans, "seasonal"), 60.0))
            assert frame.times.size == 70 and not np.isnan(frame.series[0].values).any()
            assert (abs(frame.times[9::10] - [span.end for span in spans]) < 60).all()
    assert len(answers.ranges()) == 7
    assert len(answers.asked) == 7 + 7


async def test_what_is_still_new_is_asked_for_each_time_and_ends_where_its_window_does() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        for _look in range(2):
            window = recent(600)
            frame = await source.read(Query("model.queue.depth", window, 60.0))
            assert frame.times[-1] == pytest.approx(window.end)
            await asyncio.sleep(0.002)
    assert len(answers.ranges()) == 2


async def test_of_a_long_window_only_what_is_new_is_asked_again() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        for _look in range(2):
            frame = await source.read(Query("model.queue.depth", recent(86400), 60.0))
            assert frame.times.size == 1440 and not np.isnan(frame.series[0].values).any()
    steps = [(float(each.query["end"]) - float(each.query["start"])) / 60 + 1 for each in answers.ranges()]
    assert sum(steps) < 1440 + 5 * BLOCK


async def test_what_is_kept_is_bounded_in_bytes_and_what_was_asked_stays_right() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        source._past._most_bytes = 20_000
        for day in range(100):
            query = Query("model.queue.depth", Window((Span(day * 86400.0, day * 86400.0 + 3600),)), 60.0)
            frame = await source.read(query)
            assert not np.isnan(frame.series[0].values).any()
        assert 0 < source._past.bytes <= 20_000


async def test_what_two_ask_at_once_is_asked_once() -> None:
    answers = Answers()
    answers.pause = asyncio.Event()
    query = Query("model.queue.depth", recent(600), 60.0)
    async with serving(answers.answer) as source:
        both = asyncio.gather(source.read(query), source.read(query))
        await until(lambda: bool(answers.ranges()))
        answers.pause.set()
        one, other = await both
    assert len(answers.ranges()) == 1
    np.testing.assert_array_equal(one.series[0].values, other.series[0].values)


async def test_what_nobody_waits_for_any_more_is_hung_up_on() -> None:
    answers = Answers()
    answers.pause = asyncio.Event()
    query = Query("model.queue.depth", recent(600), 60.0)
    async with serving(answers.answer, timeout=1_000) as source:  # so that no deadline hangs up for us
        one, other = (asyncio.create_task(source.read(query)) for _reader in range(2))
        await until(lambda: bool(answers.ranges()))
        one.cancel()
        await asyncio.wait([one])
        assert not answers.given_up.is_set()  # the other still waits
        other.cancel()
        await asyncio.wait_for(answers.given_up.wait(), 20)
        assert one.cancelled() and source._api._flights == {}
        answers.pause.set()
        assert (await source.read(query)).series  # whoever asks now is answered


async def test_a_long_question_is_posted() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        frame = await source.read(Query("model.queue.depth", recent(600), 60.0, Labels.of(model="x" * 3_000)))
    [asked] = answers.ranges()
    assert asked.method == "POST" and frame.series


# ── how much ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_million_series_are_counted_and_not_read() -> None:
    answers = Answers()
    answers.series = 1_203_881  # of any metric: no more than counted are those of the exporter, too
    async with serving(answers.answer) as source:
        with pytest.raises(
            SourceError, match=r"model\.ttft is 1,203,881 series on prom, more than the 200,000"
        ) as error:
            await source.read(Query("model.ttft", recent(600), 60.0))
    assert "`where`" in error.value.hint and "max_series" in error.value.hint
    assert answers.ranges() == [] and answers.counted() == 2  # once each, however often one looks


async def test_a_count_that_it_tried_in_vain_is_not_asked_for_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SERIES, "LONG_SECONDS", 0.0)
    answers = Answers()

    async def answer(request: web.Request) -> web.Response:
        if request.query.get("query", "").startswith("count("):
            answers.asked.append(request)
            return web.json_response({"error": "query timed out"}, status=503)
        return await answers.answer(request)

    async with serving(answer) as source:
        for _look in range(3):
            with pytest.raises(SourceError, match=r"answered 503 .*: query timed out"):
                await source.read(Query("model.ttft", recent(600), 60.0))
    assert answers.counted() == 1


async def test_more_label_sets_than_anyone_reads_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "MOST_ANSWERED", 0)
    answers = Answers()
    async with serving(answers.answer) as source:
        with pytest.raises(SourceError, match=r"model\.queue\.depth by model is more than 0 series on prom"):
            await source.read(Query("model.queue.depth", recent(600), 60.0, by=("model",)))
    assert answers.ranges()[0].query["limit"] == "1"


async def test_series_are_counted_now_and_then_and_not_each_time() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        for _look in range(10):
            await source.read(Query("model.queue.depth", recent(600), 60.0))
            await asyncio.sleep(0.002)
        assert source.asked == len(answers.asked)
    assert len(answers.asked) == 10 + 7  # its clock, names thrice, the exporter's pages twice, series once


# ── copies, clocks, parts ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_target_that_two_jobs_scrape_counts_once() -> None:
    answers = Answers()
    answers.pages = 2
    async with serving(answers.answer) as source:
        await source.read(Query("model.queue.depth", recent(600), 60.0))
        await source.read(Query("model.queue.depth", recent(600), 60.0, by=("job",)))
    folded, apart = (each.query["query"] for each in answers.ranges())
    assert folded.startswith("sum by () (max without (job) (avg_over_time(")
    assert apart.startswith("sum by (job) (avg_over_time(")


async def test_what_two_servers_of_a_pair_have_sent_counts_once() -> None:
    answers = Answers()
    answers.once = 2
    async with serving(answers.answer, copies=["prometheus"]) as source:
        await source.read(Query("model.queue.depth", recent(600), 60.0))
    [asked] = answers.ranges()
    assert asked.query["query"].startswith("sum by () (max without (prometheus) (avg_over_time(")


async def test_nobodys_label_breaks_out_of_the_list_of_copies() -> None:
    with pytest.raises(UsageError, match="is not the name of a label"):
        async with serving(Answers().answer, copies=["a) (b"]):
            pass


async def test_a_counter_is_read_no_finer_than_it_is_scraped() -> None:
    answers = Answers()
    answers.samples = 5
    async with serving(answers.answer) as source:
        frame = await source.read(Query("model.ttft", recent(600), 15.0))
        gauge = await source.read(Query("model.queue.depth", recent(600), 15.0))
    assert (frame.step, gauge.step) == (60.0, 15.0)


@pytest.mark.parametrize("ahead", [600.0, -600.0])
async def test_a_clock_that_is_wrong_is_told_and_windows_are_asked_for_by_it(ahead: float) -> None:
    answers = Answers()
    answers.ahead, answers.newest = ahead, time.time() + ahead
    window = recent(600)
    async with serving(answers.answer) as source:
        frame = await source.read(Query("model.queue.depth", window, 60.0))
        status = await source.check()
    assert float(answers.ranges()[0].query["end"]) == pytest.approx(window.end + ahead, abs=3)
    assert frame.times[-1] == pytest.approx(window.end, abs=0.01)
    way = "ahead of" if ahead > 0 else "behind"
    assert status.state == "ok"
    assert re.fullmatch(rf"its clock is (599|600|601) s {way} ours; windows are asked for by its own", status.reason)
    assert status.newest == pytest.approx(time.time(), abs=30)


async def test_newest_samples_that_are_held_back_are_not_made_up() -> None:
    answers = Answers()
    answers.held_back = 29.6
    window = recent(600)
    async with serving(answers.answer) as source:
        frame = await source.read(Query("model.queue.depth", window, 60.0))
        status = await source.check()
    assert frame.times[-1] == pytest.approx(window.end - 30, abs=5)
    assert frame.times.size == 10 and "holds back the newest 30 s" in status.reason


async def test_what_has_no_time_of_its_own_is_no_server_of_metrics() -> None:
    answers = Answers()
    answers.held_back = time.time() - 3
    async with serving(answers.answer) as source:
        with pytest.raises(SourceMalformed, match="has 3 for its time"):
            await source.check()


@pytest.mark.parametrize(
    "more",
    [
        {"warnings": ["No StoreAPIs matched: store-2 rpc error\nUnavailable"]},
        {"isPartial": True},
    ],
)
async def test_a_part_of_an_answer_is_no_answer_unless_that_is_allowed(more: dict[str, Any]) -> None:
    answers = Answers()
    answers.more = more
    query = Query("model.queue.depth", recent(600), 60.0)
    async with serving(answers.answer) as source:
        with pytest.raises(SourcePartial, match="partial: prom answers without some of its parts"):
            await source.read(query)
    async with serving(answers.answer, accept_partial=True) as source:
        assert (await source.read(query)).series


async def test_hints_about_a_query_are_no_missing_parts() -> None:
    answers = Answers()
    answers.more = {"warnings": ["PromQL info: metric might not be a counter"], "isPartial": False}
    async with serving(answers.answer) as source:
        assert (await source.read(Query("model.queue.depth", recent(600), 60.0))).series


# ── what it has, and how it is ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_signal_that_nobody_exports_is_an_empty_frame_without_a_query() -> None:
    answers = Answers()
    async with serving(answers.answer) as source:
        frame = await source.read(Query("model.confidence", WINDOW, 60))
        assert frame.series == () and frame.times.size == 10
        with pytest.raises(UsageError, match="no signal"):
            await source.read(Query("model.nonsense", WINDOW, 60))
    assert answers.ranges() == []


async def test_check_tells_the_dialects_and_what_is_missing() -> None:
    async with serving(Answers().answer) as source:
        status = await source.check()
    assert (status.state, status.reason, status.dialects) == ("ok", "", ("vllm",))
    assert (
        dict(status.missing)["model.kv.usage"]
        == "vllm:kv_cache_usage_perc: it is not there, or says that it is not supported"
    )


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
        with pytest.raises(SourceMalformed, match="does not answer like a Prometheus: could not convert"):
            await source.read(Query("model.queue.depth", WINDOW, 60))


@pytest.mark.parametrize(
    "result", ["none", [1], [{"metric": 1, "values": []}], [{"metric": {}, "value": [1]}], [{"values": [[1]]}], None]
)
async def test_an_answer_of_another_shape_is_malformed(result: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        names = request.path.endswith("values")
        return web.json_response({"data": NAMES if names else {"result": result}})

    async with serving(handler) as source:
        with pytest.raises(SourceMalformed, match="does not answer like a Prometheus"):
            await source.read(Query("model.queue.depth", WINDOW, 60))


@pytest.mark.parametrize(
    ("url", "kind", "its"),
    [
        ("http://prom:9090", "prometheus", "http://prom:9090"),
        ("https://metrics.example/select/0/prometheus", "prometheus", "https://metrics.example/select/0/prometheus"),
        ("prometheus+https://metrics.example/metrics", "prometheus", "https://metrics.example/metrics"),
        ("http://model:8000/metrics", "metrics", "http://model:8000/metrics"),
    ],
)
def test_what_a_command_line_may_call_a_prometheus(url: str, kind: str, its: str) -> None:
    config = from_argument(f"prom={url}", load_plugins())
    assert (config.kind, config.options["url"]) == (kind, its)


@pytest.mark.parametrize("url", ["ftp://prom:9090", "prometheus+ftp://prom", "prom:9090", "prometheus+"])
def test_what_is_no_http_address_is_no_prometheus(url: str) -> None:
    [kind] = MODULE.andon_sources()
    assert kind.from_url(url) is None
