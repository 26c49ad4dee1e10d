"""`curve`: what a screen draws of a signal, on a real store with a past."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from household import Clock, ask

from console.errors import UsageError
from console.service.house import House

Open = Callable[..., Awaitable[House]]
DAY = 86400


@pytest.fixture
async def house(opened: Open, clock: Clock) -> House:
    """Ten minutes of a queue of depth 30 today, and of 1, 2 and 3 at the same time on the days before."""
    clock.set(clock.now - clock.now % 60)
    house = await opened("steady")
    for back, depth in ((3, 3), (2, 2), (1, 1), (0, 30)):
        page = "\n".join(f"depth {depth} {(clock.now - back * DAY - ago) * 1000:.0f}" for ago in range(595, -1, -15))
        await ask(house, "ingest", source="steady", page=page)
    await house.writer.commit()
    return house


async def curve(house: House, clock: Clock, **changes: Any) -> Any:
    asked: dict[str, Any] = {"signal": "model.queue.depth", "stat": "mean", "start": clock.now - 600, "end": clock.now}
    return await ask(house, "curve", **(asked | changes))


async def test_the_baseline_lies_over_the_current_window_with_its_smallest_and_largest(
    house: House, clock: Clock
) -> None:
    told = await curve(house, clock, baseline="seasonal:1dx3", where={"model": "glove"}, steps=10)
    assert (told["stat"], told["unit"], len(told["times"])) == ("mean", "{request}", 10)
    assert told["times"][-1] == clock.now
    assert told["current"] == [30.0] * 10
    assert [told["baseline"], told["low"], told["high"]] == [[2.0] * 10, [1.0] * 10, [3.0] * 10]
    assert "3 × 1d pooled" in told["note"]


async def test_spans_are_laid_to_the_same_time_of_day_or_else_start_to_start(house: House, clock: Clock) -> None:
    half = [clock.now - 2 * DAY - 300, clock.now - 2 * DAY]
    told = await curve(house, clock, baseline=[half], steps=10)
    assert told["baseline"] == [None] * 5 + [2.0] * 5
    long = [clock.now - DAY - 1200, clock.now - DAY]  # two lengths of the current window: only the second has samples
    told = await curve(house, clock, baseline=[long], steps=10)
    assert told["baseline"] == [1.0] * 10
    assert (await curve(house, clock, baseline="offset:1d", steps=1))["baseline"] == [1.0]
    assert (await curve(house, clock, baseline="where:model=glove", steps=1))["baseline"] == [30.0]


async def test_what_is_not_there_is_null_and_says_why(house: House, clock: Clock) -> None:
    told = await curve(house, clock, signal="model.kv.usage", baseline="offset:1d", steps=3)
    assert (told["current"], told["baseline"]) == ([None] * 3, [None] * 3)
    assert "no source has model.kv.usage" in told["note"]
    await ask(house, "baseline.pin", name="now", span="10m")
    told = await curve(house, clock, baseline="pinned:now", steps=2)
    assert told["baseline"] == [None, None]
    assert "in the current window" in told["note"]


async def test_recent_windows_are_drawn_as_finely_as_they_are_known(house: House, clock: Clock) -> None:
    assert len((await curve(house, clock, steps=300))["times"]) == 40  # every 15 s
    assert len((await curve(house, clock, steps=300, baseline="offset:1d"))["times"]) == 10  # minutes are kept


@pytest.mark.parametrize(
    "changes",
    [
        {"signal": "model.qeue.depth"},
        {"stat": "rate"},
        {"stat": "ratio"},
        {"stat": "p42"},
        {"steps": 301},
        {"steps": 0},
        {"start": 2e9},
        {"baseline": "yesterday"},
        {"baseline": [[5.0, 5.0]]},
        {"baseline": [[0.0, 1e6]]},
        {"baseline": "seasonal:1dx41"},
    ],
)
async def test_a_curve_that_cannot_be_drawn_is_a_usage_error(
    house: House, clock: Clock, changes: dict[str, Any]
) -> None:
    with pytest.raises(UsageError):
        await curve(house, clock, **changes)
