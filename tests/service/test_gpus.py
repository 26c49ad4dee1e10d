"""GPUs as the board shows them: who is who, and which numbers are bad in themselves."""

from __future__ import annotations

from typing import Any

import pytest
from nouns import NOON

from console.model import Kind, Labels, Reading, SeriesKey
from console.service.gpu_faults import RECENT_SECONDS
from console.service.gpus import FORGOTTEN_SECONDS, KEPT, Gpus


def reading(signal: str, value: float, time: float = NOON, *, kind: Kind = Kind.GAUGE, **labels: str) -> Reading:
    return Reading(SeriesKey(signal, Labels.of({"host": "node-a", "gpu": "0"} | labels), kind), time, value)


def rows(gpus: Gpus, now: float = NOON, late: float = 5.0) -> list[dict[str, Any]]:
    return gpus.rows(now, lambda _source: late)


def seen(*readings: Reading) -> dict[str, Any]:
    gpus = Gpus()
    gpus.note("rig", readings)
    (only,) = rows(gpus, max(each.time for each in readings))
    return only


def test_a_gpu_has_the_newest_value_of_each_of_its_series() -> None:
    row = seen(
        reading("gpu.utilization", 0.5, uuid="u0", device_model="Tester"),
        reading("gpu.utilization", 0.9, NOON + 1, uuid="u0"),
        reading("gpu.ecc.errors", 3, uuid="u0", kind=Kind.COUNTER, cause="x"),
    )
    assert (row["source"], row["host"], row["gpu"], row["uuid"], row["name"]) == ("rig", "node-a", "0", "u0", "Tester")
    assert row["values"] == {"gpu.utilization": 0.9, "gpu.ecc.errors:x": 3}
    assert (row["state"], row["reason"], row["age"]) == ("ok", "", 0)


def test_two_exporters_of_one_gpu_make_one_row_and_the_number_alone_will_do() -> None:
    gpus = Gpus()
    gpus.note("rig", [reading("gpu.utilization", 0.5, uuid="u0")])
    gpus.note("page", [reading("gpu.power", 300, uuid="u0")])
    gpus.note("other", [reading("gpu.power", 200, host="", gpu="3", instance="node-b:9400")])
    assert [(row["host"], row["gpu"], set(row["values"])) for row in rows(gpus)] == [
        ("node-a", "0", {"gpu.utilization", "gpu.power"}),
        ("node-b", "3", {"gpu.power"}),
    ]
    gpu = gpus.find("node-a", "u0")
    assert gpu is gpus.find("node-a", "0")
    assert gpu is not None
    assert gpu.sources == {"rig", "page"}
    assert gpus.find("node-a", "3") is None


def test_a_gpu_that_tells_its_number_alone_once_it_is_lost_is_the_one_it_was() -> None:
    gpus = Gpus()
    gpus.note("rig", [reading("gpu.up", 1, uuid="u0"), reading("gpu.power", 1, gpu="", uuid="u7")])
    gpus.note("rig", [reading("gpu.up", 0, NOON + 1)])
    assert [(row["gpu"], row["uuid"], row["reason"]) for row in rows(gpus, NOON + 1)] == [
        ("0", "u0", "it does not answer: drain the node; a reset or a reboot may bring it back"),
        ("u7", "u7", ""),
    ]


def test_rows_are_in_the_order_people_count_in() -> None:
    gpus = Gpus()
    places = [("b", "0"), ("a10", "0"), ("a2", "10"), ("a2", "9")]
    gpus.note("rig", [reading("gpu.power", 1, host=host, gpu=gpu) for host, gpu in places])
    assert [(row["host"], row["gpu"]) for row in rows(gpus)] == [("a2", "9"), ("a2", "10"), ("a10", "0"), ("b", "0")]


def test_the_share_of_memory_is_known_where_only_amounts_are_told() -> None:
    assert (
        seen(reading("gpu.memory.used", 30), reading("gpu.memory.free", 10))["values"]["gpu.memory.utilization"] == 0.75
    )
    assert (
        seen(reading("gpu.memory.used", 30), reading("gpu.memory.total", 40))["values"]["gpu.memory.utilization"]
        == 0.75
    )
    assert "gpu.memory.utilization" not in seen(reading("gpu.memory.used", 30))["values"]


def test_the_history_is_short_and_the_spark_shorter() -> None:
    gpus = Gpus()
    for second in range(500):
        gpus.note("rig", [reading("gpu.utilization", second / 1000, NOON + second)])
    (row,) = rows(gpus, NOON + 500)
    assert row["spark"] == "3" * 60, "half of its time, of 8 levels"
    gpu = gpus.find("node-a", "0")
    assert gpu is not None
    assert list(gpu.history["gpu.utilization"]) == pytest.approx([n / 1000 for n in range(500 - KEPT, 500)])


@pytest.mark.parametrize(
    ("signal", "value", "words"),
    [
        ("gpu.up", 0, "does not answer"),
        ("gpu.recovery.action", 1, "asks for a reset"),
        ("gpu.recovery.action", 2, "reboot"),
        ("gpu.recovery.action", 3, "drain"),
        ("gpu.rows.pending", 1, "wait for a reset"),
        ("gpu.rows.failed", 1, "could not be taken out of use"),
        ("gpu.throttle.reasons", 0x40 | 0x4, "too hot, the hardware"),
        ("gpu.throttle.reasons", 0x20, "too hot, the driver"),
        ("gpu.throttle.reasons", 0x80, "power supply"),
        ("gpu.throttle.reasons", 0x08, "the hardware slows it down"),
        ("gpu.xid.recent", 2, "reported an error"),
    ],
)
def test_what_is_bad_in_itself_is_said_in_words(signal: str, value: float, words: str) -> None:
    row = seen(reading(signal, value))
    assert row["state"] == "degraded"
    assert words in row["reason"]
    assert "XID" not in row["reason"]


@pytest.mark.parametrize(
    ("signal", "value"),
    [("gpu.up", 1), ("gpu.recovery.action", 0), ("gpu.throttle.reasons", 0x1 | 0x4), ("gpu.rows.pending", 0)],
)
def test_what_is_usual_is_not(signal: str, value: float) -> None:
    assert seen(reading(signal, value))["state"] == "ok"


def test_uncorrected_memory_errors_are_news_when_they_grow_and_for_a_while() -> None:
    gpus = Gpus()

    def errors(total: float, time: float) -> str:
        series = SeriesKey("gpu.ecc.errors", Labels.of(host="node-a", gpu="0", kind="uncorrected"), Kind.COUNTER)
        gpus.note("rig", [Reading(series, time, total)])
        return str(rows(gpus, time)[0]["reason"])

    assert errors(7, NOON) == ""  # old ones
    assert errors(8, NOON + 15).startswith("new uncorrected memory errors: restart what ran on it")
    assert errors(8, NOON + 15 + RECENT_SECONDS).startswith("new uncorrected memory errors")
    assert errors(8, NOON + 16 + RECENT_SECONDS) == ""
    assert errors(0, NOON + 20 + RECENT_SECONDS) == ""  # the driver was loaded anew


def test_a_code_that_stays_is_old_and_one_that_changes_is_news() -> None:
    gpus = Gpus()
    states = []
    for second, code in enumerate((79, 79, 31)):
        gpus.note("rig", [reading("gpu.xid", code, NOON + second)])
        states.append(rows(gpus, NOON + second)[0]["state"])
    assert states == ["ok", "ok", "degraded"]


def test_fewer_lanes_or_links_than_there_could_be_are_a_fault() -> None:
    lanes = seen(reading("gpu.pcie.link.width", 8), reading("gpu.pcie.link.width.max", 16))
    assert lanes["reason"].startswith("8 PCIe lanes, fewer than it could use: reseat the card")
    assert seen(reading("gpu.pcie.link.width", 16), reading("gpu.pcie.link.width.max", 16))["state"] == "ok"
    assert seen(reading("gpu.pcie.link.width", 8))["state"] == "ok"  # who knows what it could
    links = seen(reading("gpu.nvlink.up", 17), reading("gpu.nvlink.links", 18))
    assert links["reason"].startswith("links to other GPUs are down: reset the GPU")


def test_several_faults_are_all_said_the_gravest_first() -> None:
    row = seen(reading("gpu.throttle.reasons", 0x40), reading("gpu.rows.failed", 1))
    assert row["reason"] == (
        "a bad memory row could not be taken out of use: have the GPU replaced; "
        "too hot, the hardware slows it down: look at its fans, its heat sink and the airflow"
    )


def test_a_gpu_without_new_samples_is_stale_and_then_gone() -> None:
    gpus = Gpus()
    gpus.note("rig", [reading("gpu.up", 0)])
    (row,) = rows(gpus, NOON + 6)
    assert (row["state"], row["age"]) == ("stale", 6)
    assert row["reason"].startswith("no new samples; before that: it does not answer: drain the node")
    assert rows(gpus, NOON + 6, late=45)[0]["state"] == "degraded"
    assert rows(gpus, NOON + FORGOTTEN_SECONDS + 1) == []
    gpus.note("rig", [reading("gpu.up", 1, NOON + FORGOTTEN_SECONDS + 2)])
    assert len(rows(gpus, NOON + FORGOTTEN_SECONDS + 2)) == 1


def test_a_flood_of_gpus_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.service.gpus.MOST_GPUS", 3)
    gpus = Gpus()
    gpus.note("rig", [reading("gpu.power", 1, gpu=str(number)) for number in range(10)])
    gpus.note("rig", [reading("gpu.power", 1, gpu="", uuid="")])  # nobody's
    assert len(gpus) == 3


def test_a_series_that_vanishes_is_no_value_while_others_still_come() -> None:
    gpus = Gpus()
    gpus.note("rig", [reading("gpu.xid.recent", 1, xid="79"), reading("gpu.power", 1)])
    for second in (60, 121):
        gpus.note("rig", [reading("gpu.power", 1, NOON + second)])
    assert rows(gpus, NOON + 121)[0]["values"] == {"gpu.power": 1}
