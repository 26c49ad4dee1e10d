"""The board: live between the rounds for those who look, and helpful where there is nothing to see."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from household import Clock, ask

from console.errors import UsageError
from console.service import house as house_module
from console.service.board import read_board
from console.service.house import House
from console.service.topics import Topic

Open = Callable[..., Awaitable[House]]


def stored(house: House) -> int:
    """Rows for the store that wait to be written."""
    return house.writer.counts["waiting"]


async def test_live_sources_are_shown_between_rounds_and_kept_at_rounds_alone(opened: Open, clock: Clock) -> None:
    house = await opened("rig", "steady")
    await house.show()
    assert (await read_board(house))["gpus"] == []  # nobody looks, so nobody was asked
    changes = house.board.changes(1.0)
    await anext(changes)
    await house.show()
    (gpu,) = (await read_board(house))["gpus"]
    assert (gpu["source"], gpu["values"], gpu["state"]) == ("rig", {"gpu.utilization": 0.5}, "ok")
    assert house.collector.health["steady"].newest is None  # not a live one
    assert stored(house) == 0
    await house.collector.round()
    kept = stored(house)
    clock.set(clock.now + 1)
    await house.show()
    assert stored(house) == kept > 0
    await changes.aclose()
    assert house.board.subscribers == 0


async def test_a_round_keeps_what_a_look_is_just_asking_for(opened: Open) -> None:
    house = await opened("rig")
    look = asyncio.create_task(house.collector.look(patience=1.0))
    await asyncio.sleep(0)
    await house.collector.round()
    await look
    assert stored(house) > 0


async def test_a_live_source_that_hangs_holds_up_nobody_and_is_stale(
    opened: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house_module, "SHOW_SECONDS", 0.02)
    monkeypatch.setattr(house_module, "SETTLE_SECONDS", 0.0)
    house = await opened("rig", "steady")
    await house.collector.round()
    monkeypatch.setenv("RIG", "hangs")
    changes = house.board.changes(1.0)
    await anext(changes)
    for seconds, state in ((1, "ok"), (5, "ok"), (6, "stale")):
        clock.set(1_800_000_000.0 + seconds)
        async with asyncio.timeout(0.5):
            await house.show()
            (gpu,) = (await read_board(house))["gpus"]
            (rig, _steady) = (await read_board(house))["sources"]
        assert (gpu["state"], gpu["age"]) == (state, seconds)
        assert (rig["state"], rig["age"]) == (state, seconds)
    await changes.aclose()
    monkeypatch.delenv("RIG")


async def test_nobody_is_late_by_a_pace_that_nobody_asked_for(opened: Open, clock: Clock) -> None:
    house = await opened("rig")
    await house.collector.round()
    clock.set(clock.now + 100)
    assert (await read_board(house))["gpus"][0]["state"] == "ok"  # asked when somebody says so
    clock.set(clock.now + 300)
    assert (await read_board(house))["gpus"][0]["state"] == "stale"


async def test_a_board_is_read_once_a_second_however_often_it_is_touched() -> None:
    reads = []

    async def read() -> dict[str, int]:
        reads.append(asyncio.get_running_loop().time())
        return {"reads": len(reads)}

    topic = Topic(read, rest=0.1)
    changes = topic.changes(1.0)
    for _ in range(3):
        await anext(changes)
        topic.touch()
    assert topic.subscribers == 1
    await changes.aclose()
    assert topic.subscribers == 0
    assert reads[2] - reads[0] >= 0.2


async def test_a_gpu_is_seen_from_close_by(opened: Open) -> None:
    house = await opened("rig")
    await house.collector.round()
    found = await ask(house, "gpu", host="node-a", gpu="0")
    assert found["gpu"]["values"] == {"gpu.utilization": 0.5}
    assert found["facts"] == {"driver": "1.2"}
    assert [(each["pid"], each["user"], each["kind"]) for each in found["processes"]] == [(7, "ada", "compute")]
    assert found["links"] == [{"link": 0, "up": True, "errors": {"crc": 2.0}}]
    assert found["history"]["gpu.utilization"] == [0.5]
    assert found["note"] == ""
    with pytest.raises(UsageError, match="there is no GPU 9 on node-a"):
        await ask(house, "gpu", host="node-a", gpu="9")


@pytest.mark.parametrize(("how", "why"), [("fails", "no driver"), ("hangs", "rig did not answer within 0.02 s")])
async def test_a_gpu_that_cannot_be_asked_is_shown_as_far_as_it_is_known(
    opened: Open, monkeypatch: pytest.MonkeyPatch, how: str, why: str
) -> None:
    monkeypatch.setattr("console.service.operations.gpus.LOOK_SECONDS", 0.02)
    house = await opened("rig")
    await house.collector.round()
    monkeypatch.setenv("RIG", how)
    found = await ask(house, "gpu", host="node-a", gpu="u0")
    assert (found["gpu"]["gpu"], found["processes"]) == ("0", [])
    assert why in found["note"]


async def test_where_nothing_is_configured_what_is_at_home_is_watched(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIG", "here")
    house = await opened()
    await house.collector.round()
    board = await read_board(house)
    assert [(each["name"], each["state"]) for each in board["sources"]] == [("rig", "ok")]
    assert board["gpus"]
    assert any("kind = " in hint for hint in board["hints"])  # models still have to be named
    assert "reach those elsewhere" not in board["hints"]


async def test_what_is_configured_is_all_there_is(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIG", "here")
    assert [each["name"] for each in (await read_board(await opened("steady")))["sources"]] == ["steady"]


async def test_an_empty_estate_says_what_to_type(opened: Open) -> None:
    hints = (await read_board(await opened()))["hints"]
    assert any("config.toml" in hint for hint in hints)
    assert any("[sources." in hint for hint in hints)
    assert "reach those elsewhere" in hints
    assert any("andon demo" in hint for hint in hints)


async def test_links_reach_the_board(opened: Open) -> None:
    house = await opened("steady", links={"logs": "https://logs/{model}"})
    assert (await read_board(house))["links"] == {"logs": "https://logs/{model}"}
