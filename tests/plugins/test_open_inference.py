"""Golden inputs through a live model, against a real server that speaks the protocol, or fails to."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from console.config import SourceConfig
from console.errors import SourceDenied, SourceError, SourceMalformed
from console.plugins import load_plugins
from console.sources.opening import open_source
from console.sources.types import Checkable, Closable, Prober

Answerer = Callable[[dict[str, Any]], Awaitable[web.StreamResponse]]


class Model:
    """A served model: what it answers can be changed while it runs."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: Answerer = self.double
        self.at_once = self.most_at_once = 0

    async def double(self, request: dict[str, Any]) -> web.StreamResponse:
        data = [2.0 * value for value in request["inputs"][0]["data"]]
        return web.json_response({"outputs": [{"name": "y", "datatype": "FP32", "shape": [len(data)], "data": data}]})

    async def describe(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"name": "glove one"})

    async def infer(self, request: web.Request) -> web.StreamResponse:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            body = await request.json()
            self.asked.append(body)
            return await self.answer(body)
        finally:
            self.at_once -= 1


@pytest.fixture
async def model() -> Model:
    return Model()


@pytest.fixture
async def url(model: Model) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v2/models/glove one/infer", model.infer)
    app.router.add_get("/v2/models/glove one", model.describe)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest.fixture
async def prober(url: str, tmp_path: Path) -> AsyncIterator[Any]:
    opened = []

    async def open_(lines: list[Any], **options: Any) -> Any:
        path = tmp_path / "golden.jsonl"
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
        settings = {"url": url, "model": "glove one", "golden": str(path)} | options
        opened.append(await open_source(SourceConfig("golden", "open_inference", settings), load_plugins()))
        return opened[-1]

    yield open_
    for source in opened:
        await source.close()


def golden(*data: float, answers: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    tensor = {"name": "x", "shape": [len(data)], "datatype": "FP32", "data": list(data)}
    pinned = [2.0 * value for value in data] if answers is None else answers
    return {"id": "g", "inputs": [tensor], "outputs": [{"name": "y", "data": pinned}], **more}


async def test_the_same_answers_exonerate_the_model(prober: Any, model: Model) -> None:
    source = await prober([golden(1.0, 2.0), "", golden(3.0)])
    assert isinstance(source, Prober)
    assert isinstance(source, Checkable)
    assert isinstance(source, Closable)
    answer = await source.probe()
    assert (answer.sent, answer.answered, answer.changed, answer.largest, answer.examples) == (2, 2, 0, 0.0, ())
    assert answer.median_seconds > 0
    assert set(model.asked[0]) == {"id", "inputs"}  # the pinned answers stay at home


async def test_other_answers_are_counted_and_shown(prober: Any) -> None:
    source = await prober([golden(1.0), golden(1.0, 2.0, answers=[2.0, 9.0]), golden(5.0, answers=[10.0005])])
    answer = await source.probe()
    assert (answer.changed, answer.largest) == (1, 5.0)
    assert answer.examples == ("golden input 2: y is 4, pinned 9",)


async def test_a_tolerance_of_its_own_goes_with_each_input(prober: Any) -> None:
    source = await prober([golden(1.0, answers=[2.5], tolerance=0.6), golden(1.0, answers=[2.5], tolerance=0.4)])
    assert (await source.probe()).changed == 1


async def test_nested_data_and_text_are_compared_value_by_value(prober: Any, model: Model) -> None:
    async def nested(_request: dict[str, Any]) -> web.StreamResponse:
        return web.json_response({"outputs": [{"name": "y", "data": [[1.0, None], ["cat", True]]}]})

    model.answer = nested
    source = await prober([golden(0.0, answers=[1.0, None, "cat", 1]), golden(0.0, answers=[[1.0, 3.0], ["dog", 1]])])
    answer = await source.probe()
    assert (answer.changed, answer.largest) == (1, 0.0)
    assert answer.examples == ("golden input 2: y is None, pinned 3",)


async def test_a_lost_output_and_another_shape_are_changes(prober: Any) -> None:
    lost = golden(1.0)
    lost["outputs"][0]["name"] = "z"
    answer = await (await prober([lost, golden(1.0, answers=[2.0, 2.0])])).probe()
    assert answer.examples == ("golden input 1: z is gone", "golden input 2: y has 1 values, pinned 2")


async def test_a_probe_sends_no_more_than_it_may_and_few_at_once(prober: Any, model: Model) -> None:
    async def slowly(request: dict[str, Any]) -> web.StreamResponse:
        await asyncio.sleep(0.01)
        return await model.double(request)

    model.answer = slowly
    answer = await (await prober([golden(1.0)] * 30, limit=12)).probe()
    assert answer.sent == len(model.asked) == 12
    assert model.most_at_once == 4


async def test_some_that_are_not_answered_are_told_beside_those_that_are(prober: Any, model: Model) -> None:
    async def refuse_negatives(request: dict[str, Any]) -> web.StreamResponse:
        if request["inputs"][0]["data"][0] < 0:
            return web.json_response({"error": "too\nlow"}, status=422)
        return await model.double(request)

    model.answer = refuse_negatives
    answer = await (await prober([golden(1.0), golden(-1.0)])).probe()
    assert (answer.sent, answer.answered, answer.changed) == (2, 1, 0)
    assert answer.error == "model glove one answered 422: too low"


async def hang(_request: dict[str, Any]) -> web.StreamResponse:
    await asyncio.sleep(60)
    raise AssertionError


async def html(_request: dict[str, Any]) -> web.StreamResponse:
    return web.Response(text="<html>")


async def deny(_request: dict[str, Any]) -> web.StreamResponse:
    return web.Response(status=403)


async def fail(_request: dict[str, Any]) -> web.StreamResponse:
    return web.Response(status=500, text="<html>")


async def flood(_request: dict[str, Any]) -> web.StreamResponse:
    return web.Response(body=b"x" * (9 << 20))


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (hang, SourceError, "model glove one did not answer within 0.1 s"),
        (html, SourceMalformed, "is none of the Open Inference Protocol"),
        (deny, SourceDenied, "answered 403: we may not ask it"),
        (fail, SourceError, "model glove one answered 500$"),
        (flood, SourceMalformed, "answers with more than 8 MiB"),
    ],
)
async def test_a_server_that_answers_nothing_of_use_is_one_sentence(
    prober: Any, model: Model, answer: Answerer, kind: type, words: str
) -> None:
    model.answer = answer
    with pytest.raises(kind, match=words):
        await (await prober([golden(1.0)], timeout=0.1 if answer is hang else 5.0)).probe()


async def test_a_server_that_is_not_there_is_one_sentence(prober: Any) -> None:
    source = await prober([golden(1.0)], url="http://127.0.0.1:9")
    with pytest.raises(SourceError, match="model glove one cannot be asked"):
        await source.probe()
    with pytest.raises(SourceError, match="cannot be reached"):
        await source.check()


async def test_all_together_have_an_end(prober: Any, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    model.answer = hang
    source = await prober([golden(1.0)] * 9)
    monkeypatch.setattr(sys.modules["andon_plugins.open_inference"], "PROBE_SECONDS", 0.05)
    with pytest.raises(SourceError, match=r"9 golden inputs were still waiting after 0.05 s"):
        await source.probe()


async def test_check_looks_at_the_model_and_the_golden_file(prober: Any) -> None:
    assert (await (await prober([golden(1.0)])).check()).reason == "1 golden inputs for glove one"
    with pytest.raises(SourceError, match="answered 404"):
        await (await prober([golden(1.0)], model="helmet")).check()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "is empty"),
        ([golden(1.0), "<html>"], "line 2, is no request"),
        (['{"inputs": [1]}'], "line 1, is no request"),
        (['{"inputs": [1], "outputs": []}'], "no inputs or no outputs"),
        (['[1]'], "line 1"),
    ],
)  # fmt: skip
async def test_a_golden_file_that_is_none_names_its_line(prober: Any, lines: list[Any], words: str) -> None:
    source = await prober(lines)
    with pytest.raises(SourceMalformed, match=words):
        await source.probe()


async def test_a_golden_file_that_is_not_there_or_too_large_is_one_sentence(prober: Any, tmp_path: Path) -> None:
    source = await prober([golden(1.0)], golden=str(tmp_path / "none.jsonl"))
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        await source.probe()
    with (tmp_path / "large.jsonl").open("wb") as file:
        file.truncate(33 << 20)
    with pytest.raises(SourceMalformed, match="larger than 32 MiB"):
        await (await prober([golden(1.0)], golden=str(tmp_path / "large.jsonl"))).probe()
