"""GPUs out of answers, thousands of them: what they gain, how they differ from their siblings, and finding any one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import numpy as np
import pytest
from household import Clock, ask
from nouns import NOON

from console.errors import UsageError
from console.model import Frame, Kind, Labels, Reading, Series, SeriesKey
from console.service.board import MOST_ROWS, read_board
from console.service.gpu_faults import RECENT_SECONDS
from console.service.gpus import Gpus
from console.service.house import House
from console.service.live import Live
from console.service.siblings import LOOK_SECONDS
from console.signals.catalogue import find_signal
from console.signals.codes import Code, CodeBook

Open = Callable[..., Awaitable[House]]
BOOK = CodeBook("gpu.xid", "XID", "a sheet", {
    79: Code("fell off the bus", "restart the node"), 31: Code("page fault", "restart the application", "inconclusive"),
    63: Code("a row was marked", "nothing", "ok"),
})  # fmt: skip


def answer(signal: str, told: Mapping[int, float], time: float = NOON, **labels: str) -> Frame:
    """One signal of GPUs by number, eight to a host."""
    kind = find_signal(signal).kind
    series = [
        Series(
            SeriesKey(
                signal, Labels.of(host=f"n{n // 8}", gpu=str(n % 8), uuid=f"u{n}", device_model="H", **labels), kind
            ),
            np.array([value]),
        )
        for n, value in told.items()
    ]
    return Frame(np.array([time]), 60.0, tuple(series))


def take(gpus: Gpus, time: float = NOON, source: str = "prom", **signals: Mapping[int, float]) -> None:
    """What one round brings: `gpu_power={0: 300.0}` is gpu.power of GPU 0."""
    names = {name.replace("_", "."): told for name, told in signals.items()}
    for signal, told in names.items():
        gpus.take(source, signal, answer(signal, told, time))
    for _gpu in gpus.settle(source, names.keys(), time):
        pass


def only(gpus: Gpus, now: float = NOON) -> dict[str, Any]:
    (row,) = gpus.rows(now, lambda _source: 60.0)
    return row


def test_a_counter_of_an_answer_is_what_it_gained_and_no_total() -> None:
    gpus = Gpus()
    frame = answer("gpu.ecc.errors", {0: 3.0}, kind="uncorrected")
    gpus.take("prom", "gpu.ecc.errors", frame)
    assert [*gpus.settle("prom", {"gpu.ecc.errors"}, NOON)]
    row = only(gpus)
    assert row["values"] == {}
    assert row["rates"] == {"gpu.ecc.errors:uncorrected": 3 / 60}
    assert row["reason"].startswith("new uncorrected memory errors: restart what ran on it")
    gpus.take("prom", "gpu.ecc.errors", answer("gpu.ecc.errors", {0: 0.0}, NOON + 60, kind="uncorrected"))
    assert [*gpus.settle("prom", {"gpu.ecc.errors"}, NOON + 60)]
    assert only(gpus, NOON + 60)["state"] == "degraded", "for a while"
    gpus.take("prom", "gpu.power", answer("gpu.power", {0: 300.0}, NOON + RECENT_SECONDS + 1))
    assert [*gpus.settle("prom", {"gpu.power"}, NOON + RECENT_SECONDS + 1)]
    assert only(gpus, NOON + RECENT_SECONDS + 1)["state"] == "ok"


def test_a_share_of_time_held_down_by_heat_is_said_as_that() -> None:
    gpus = Gpus()
    gpus.take("prom", "gpu.throttle.time", answer("gpu.throttle.time", {0: 7.2}, cause="thermal"))
    gpus.take("prom", "gpu.throttle.time", answer("gpu.throttle.time", {0: 30.0}, cause="power"))
    assert [*gpus.settle("prom", {"gpu.throttle.time"}, NOON)]
    assert only(gpus)["faults"] == [
        "heat held its clocks down 12% of the time: look at its fans, its heat sink and the airflow"
    ]


def test_a_reading_and_an_answer_of_one_gpu_do_not_write_over_each_other() -> None:
    gpus = Gpus()
    key = SeriesKey("gpu.power", Labels.of(host="n0", gpu="0", uuid="u0"), Kind.GAUGE)
    gpus.note("nvml", [Reading(key, NOON, 300.0)])
    take(gpus, NOON + 1, gpu_power={0: 250.0}, gpu_temperature={0: 60.0})
    assert only(gpus)["values"] == {"gpu.power": 300.0, "gpu.temperature": 60.0}
    take(gpus, NOON + 90, gpu_power={0: 250.0})  # the first one has been silent for long
    assert only(gpus, NOON + 90)["values"]["gpu.power"] == 250.0


@pytest.mark.parametrize(
    ("code", "state", "said"),
    [
        (79, "degraded", "fell off the bus (XID 79): restart the node"),
        (31, "inconclusive", "page fault (XID 31): restart the application"),
        (63, "ok", ""),
        (888, "degraded", "not in andon's table (XID 888): look it up with the vendor; the table is from a sheet"),
    ],
)
def test_an_error_code_is_said_with_its_meaning_and_what_to_do(code: int, state: str, said: str) -> None:
    gpus = Gpus({"gpu.xid": BOOK})
    take(gpus, gpu_xid={0: 0.0})
    take(gpus, NOON + 60, gpu_xid={0: float(code)})
    row = only(gpus, NOON + 60)
    assert (row["state"], row["reason"]) == (state, said)
    assert row["code"]["words"].endswith(f"(XID {code})")


def test_a_code_that_was_there_at_first_sight_is_not_news() -> None:
    gpus = Gpus({"gpu.xid": BOOK})
    take(gpus, gpu_xid={0: 79.0})
    take(gpus, NOON + 60, gpu_xid={0: 79.0})
    row = only(gpus, NOON + 60)
    assert (row["state"], row["code"]["action"]) == ("ok", "restart the node")


def test_codes_that_an_exporter_counts_by_code_are_news_at_once() -> None:
    gpus = Gpus({"gpu.xid": BOOK})
    gpus.take("prom", "gpu.xid.recent", answer("gpu.xid.recent", {0: 1.0}, xid="79"))
    gpus.take("prom", "gpu.xid.recent", answer("gpu.xid.recent", {0: 2.0}, xid="31"))
    assert [*gpus.settle("prom", {"gpu.xid.recent"}, NOON)]
    assert only(gpus)["faults"] == [
        "fell off the bus (XID 79): restart the node",
        "page fault (XID 31): restart the application",
    ]


@pytest.mark.parametrize(
    ("told", "said", "state"),
    [
        ({"gpu_fabric_health": 2.0}, "its fabric is not healthy", "degraded"),
        ({"gpu_fabric_state": 4.0}, "it could not join its fabric", "degraded"),
        ({"gpu_fabric_state": 3.0, "gpu_fabric_health": 1.0}, "", "ok"),
        ({"gpu_recovery_action": 4.0}, "its driver asks to drain it and for a reset", "degraded"),
        ({"gpu_pcie_replays": 60.0}, "60 PCIe packets a minute are sent again", "inconclusive"),
        ({"gpu_pcie_replays": 3.0}, "", "ok"),
    ],
)
def test_what_a_number_says_is_wrong(told: dict[str, float], said: str, state: str) -> None:
    gpus = Gpus()
    take(gpus, **{name: {0: value} for name, value in told.items()})
    row = only(gpus)
    assert row["reason"].startswith(said) and row["state"] == state
    assert bool(row["reason"]) == bool(said)


def test_a_slower_generation_matters_under_load_alone() -> None:
    for busy, state in ((0.1, "ok"), (0.9, "inconclusive")):
        gpus = Gpus()
        for signal, value in (("link.generation", 1.0), ("link.generation.max", 5.0)):
            gpus.take("prom", f"gpu.pcie.{signal}", answer(f"gpu.pcie.{signal}", {0: value}))
        take(gpus, gpu_utilization={0: busy})
        assert only(gpus)["state"] == state


# ── siblings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def looked(rounds: int, odd: Mapping[str, float], *, busy: float = 0.95, count: int = 8) -> list[dict[str, Any]]:
    """Rows of one host after so many looks, GPU 3 being odd."""
    usual = {"gpu.utilization": busy, "gpu.clock.sm": 1.98e9, "gpu.temperature": 61.0, "gpu.power": 520.0,
             "gpu.memory.utilization": 0.8}  # fmt: skip
    live = Live()
    for number in range(rounds):
        time = NOON + number * (LOOK_SECONDS + 1)
        for signal, value in usual.items():
            told = {n: value * (1 + n / 1000) for n in range(count)}
            live.take("prom", signal, answer(signal, told | ({3: odd[signal]} if signal in odd else {}), time))
        assert len([*live.gpus.settle("prom", usual.keys(), time)]) == count
        live.compare(time)
        live.compare(time)  # a look without new samples is none
    return live.gpus.rows(time, lambda _source: 60.0)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"gpu.clock.sm": 1.2e9}, "clock 1200 MHz, its siblings 1986 MHz"),
        ({"gpu.temperature": 84.0}, "84 °C hot, its siblings 61 °C"),
        ({"gpu.power": 200.0}, "draws 200 W, its siblings 522 W"),
        ({"gpu.utilization": 0.02}, "busy 2% of the time, its siblings 95%"),
        ({"gpu.memory.utilization": 0.3}, "memory 30% full, its siblings' 80%"),
    ],
)
def test_who_is_unlike_its_siblings_twice_in_a_row_is_worth_a_look(odd: dict[str, float], said: str) -> None:
    assert {row["state"] for row in looked(1, odd)} == {"ok"}
    rows = looked(2, odd)
    assert [row["gpu"] for row in rows if row["state"] == "inconclusive"] == ["3"]
    assert rows[3]["reason"].startswith(said)
    assert rows[3]["unlike"][0][1], "it says what to do"


def test_idle_gpus_have_low_clocks_and_that_is_well() -> None:
    assert {row["state"] for row in looked(2, {"gpu.clock.sm": 3e8}, busy=0.0)} == {"ok"}


def test_too_few_siblings_say_nothing() -> None:
    assert {row["state"] for row in looked(2, {"gpu.clock.sm": 3e8}, count=4)} == {"ok"}


def test_those_that_do_the_same_work_are_siblings_wherever_they_are() -> None:
    live = Live()
    for time in (NOON, NOON + 10):
        for job, numbers in (("train", range(0, 40, 8)), ("serve", range(1, 41, 8))):
            clocks = {n: 1.98e9 if n else 9e8 for n in numbers}
            live.take("prom", "gpu.clock.sm", answer("gpu.clock.sm", clocks, time, gpu_job=job))
            busy = dict.fromkeys(clocks, 0.9)
            live.take("prom", "gpu.utilization", answer("gpu.utilization", busy, time, gpu_job=job))
        assert len([*live.gpus.settle("prom", {"gpu.clock.sm", "gpu.utilization"}, time)]) == 10
        live.compare(time)
    rows = live.gpus.rows(NOON + 10, lambda _source: 60.0)
    assert [(row["host"], row["job"]) for row in rows if row["reason"]] == [("n0", "train")]


# ── thousands ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def crowd(opened: Open, clock: Clock) -> House:
    """A house that has seen a thousand GPUs, number 777 of which is not well and 500 of which idle."""
    house = await opened("steady")
    gpus = house.live.gpus
    busy = {n: 0.9 if n % 2 else 0.01 for n in range(1000)}
    take(gpus, clock.now, gpu_utilization=busy, gpu_temperature={n: 50.0 + n / 100 for n in range(1000)})
    take(gpus, clock.now, gpu_rows_failed={777: 1.0})
    return house


async def test_the_board_carries_the_worst_and_says_how_many_there_are(crowd: House) -> None:
    board = await read_board(crowd)
    assert len(board["gpus"]) == MOST_ROWS
    assert (board["gpus"][0]["host"], board["gpus"][0]["gpu"]) == ("n97", "1")
    assert [row["host"] for row in board["gpus"][1:9]] == ["n0"] * 8, "then the first"
    fleet = board["fleet"]
    assert (fleet["gpus"], fleet["hosts"], fleet["busy"]) == (1000, 125, 500)
    assert fleet["states"] == {"ok": 999, "degraded": 1}
    assert fleet["unwell"] == [{"host": "n97", "gpus": 1}]
    assert (fleet["allocatable"], fleet["requested"]) == (None, None)


async def test_what_work_was_given_is_told_by_who_gives_it(crowd: House, clock: Clock) -> None:
    for signal, value in (("host.gpus.allocatable", 8.0), ("host.gpus.requested", 6.0)):
        series = [Series(SeriesKey(signal, Labels.of(host=h), Kind.GAUGE), np.array([value])) for h in ("n0", "n1")]
        crowd.live.take("prom", signal, Frame(np.array([clock.now]), 60.0, tuple(series)))
    fleet = (await read_board(crowd))["fleet"]
    assert (fleet["allocatable"], fleet["requested"]) == (16, 12)


async def test_any_of_them_is_found_and_all_can_be_paged_through(crowd: House) -> None:
    found = await ask(crowd, "gpu.page", filter="host=n12 !host=n120")
    assert (found["of"], found["first"]) == (1000, 0)
    hosts = {row["host"] for row in found["rows"]}
    assert "n12" in hosts and "n120" not in hosts
    assert [row["uuid"] for row in (await ask(crowd, "gpu.page", filter="u777"))["rows"]] == ["u777"]
    assert (await ask(crowd, "gpu.page", filter="replaced"))["total"] == 1, "by what is wrong with it"
    seen = []
    for first in range(0, 1000, 200):
        page = await ask(crowd, "gpu.page", order="host and number", first=first, count=200)
        assert (page["total"], page["first"]) == (1000, first)
        seen += [row["uuid"] for row in page["rows"]]
    assert seen == [f"u{n}" for n in range(1000)]
    hottest = await ask(crowd, "gpu.page", order="temperature", count=1)
    assert hottest["rows"][0]["uuid"] == "u999"
    assert (await ask(crowd, "gpu.page", first=5000))["rows"] == []


async def test_a_page_of_what_is_no_order_or_too_long_is_refused(crowd: House) -> None:
    with pytest.raises(UsageError, match="no order"):
        await ask(crowd, "gpu.page", order="colour")
    with pytest.raises(UsageError, match="count"):
        await ask(crowd, "gpu.page", count=100_000)
