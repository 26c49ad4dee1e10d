"""A source in this process: what its code raises or answers harms nobody but itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from console.errors import NoData, PluginError, SourceDenied, SourceMalformed
from console.model import Kind, Labels, Reading, SeriesKey
from console.sources.guarded import guarded
from console.sources.types import Checkable, Collectable, SignalReader

DEPTH = SeriesKey("model.queue.depth", Labels.of(model="glove"), Kind.GAUGE)


class Toy:
    """Answers what it was made with, or raises it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def collect(self, now: float) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    async def check(self) -> Any:
        return self.answer


def toy(answer: Any) -> Any:
    return guarded(Toy(answer), "belt", "toys")


def test_a_guarded_source_can_do_what_the_source_can() -> None:
    assert isinstance(toy(None), Collectable)
    assert isinstance(toy(None), Checkable)
    assert not isinstance(toy(None), SignalReader)


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(0), KeyboardInterrupt(), asyncio.CancelledError()])
async def test_whatever_a_plugins_source_raises_is_an_error_that_names_the_plugin(error: BaseException) -> None:
    with pytest.raises(PluginError, match=f"plugin toys failed: source belt: {type(error).__name__}"):
        await toy(error).collect(1.0)


async def test_an_error_of_andons_own_family_comes_out_as_itself() -> None:
    with pytest.raises(SourceDenied, match="shut"):
        await toy(SourceDenied("shut", "")).collect(1.0)


async def test_a_source_is_known_by_the_calls_that_it_did_not_answer_when_they_were_last_made() -> None:
    source = toy(SourceDenied("shut", ""))
    assert source.troubles == {}
    with pytest.raises(SourceDenied):
        await source.collect(1.0)
    assert [*source.troubles] == ["collect"] and source.troubles["collect"].message == "shut"
    with pytest.raises(SourceMalformed):
        await source.check()
    assert {*source.troubles} == {"collect", "check"}
    other = toy(NoData("nothing there", ""))
    with pytest.raises(NoData):
        await other.collect(1.0)
    assert other.troubles == {}  # nor has it any for its neighbour's sake


@pytest.mark.parametrize("answer", [["x"], [3], [Reading(DEPTH, "now", 1.0)], [Reading(DEPTH, 1.0, None)]])  # type: ignore[arg-type]
async def test_samples_that_are_none_are_refused_before_anything_is_kept(answer: Any) -> None:
    with pytest.raises(SourceMalformed, match="its collect answer is not what it should be"):
        await toy(answer).collect(1.0)


async def test_a_check_that_answers_nothing_is_refused() -> None:
    with pytest.raises(SourceMalformed, match="its check answer"):
        await toy(None).check()


async def test_a_flood_is_cut_off() -> None:
    def flood() -> Iterator[Reading]:
        while True:
            yield Reading(DEPTH, 1.0, 1.0)

    assert len(await toy(flood()).collect(1.0)) < 100_000


async def test_a_source_that_is_cancelled_is_cancelled() -> None:
    class Slow:
        async def collect(self, now: float) -> Any:
            await asyncio.sleep(60)

    asking = asyncio.create_task(guarded(Slow(), "belt", "toys").collect(1.0))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
