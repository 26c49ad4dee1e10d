"""GPUs: the fleet says which is sick and why, and one of them says all that is known of it, however its driver is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from consoles import HOSTILE, TellingClient, board, gpu, incident, running, settled, source, text_of

from console.errors import DaemonUnreachable
from console.tui.app import Console
from console.tui.panels import fleet, gpus, health
from console.tui.screens.card import Card
from console.tui.screens.gpu_one import OneGpu

SICK = {
    "gpu.up": 1.0,
    "gpu.utilization": 0.22,
    "gpu.memory.used": 60 * 2**30,
    "gpu.memory.total": 80 * 2**30,
    "gpu.temperature": 91.0,
    "gpu.power": 300.0,
    "gpu.clock.sm": 345e6,
    "gpu.throttle.reasons": float(0x48),
    "gpu.ecc.errors:uncorrected": 53_626.0,
    "gpu.ecc.errors:corrected": 3.0,
    "gpu.rows.pending": 1.0,
    "gpu.recovery.action": 1.0,
    "gpu.xid": 79.0,
    "gpu.pcie.link.width": 8.0,
    "gpu.pcie.link.width.max": 16.0,
    "gpu.nvlink.up": 17.0,
    "gpu.nvlink.links": 18.0,
    "gpu.nvlink.errors:crc": 16_087_951.0,
}
REASON = "its driver asks for a reset; new uncorrected memory errors; too hot: the hardware slows it down"
SIZES = [(80, 24), (120, 40), (200, 50)]


def sick(number: int = 3, **changes: Any) -> dict[str, Any]:
    return gpu(number, **{"state": "degraded", "reason": REASON, "values": SICK} | changes)


def told(**changes: Any) -> dict[str, Any]:
    """What the operation `gpu` answers."""
    whole = {
        "gpu": sick(),
        "facts": {"driver": "580.95.05", "serial": "1651"},
        "processes": [
            {"pid": 4242, "user": "ana", "command": "python train.py --lr 0.1 " + "x" * 150, "container": "0f3a",
             "pod": "b7-1", "memory": 40 * 2**30, "utilization": 0.21, "kind": "compute"},
            {"pid": 7, "user": "", "command": "Xorg", "container": "", "pod": "", "memory": None, "utilization": None,
             "kind": "graphics"},
        ],
        "links": [{"link": "0", "up": True, "errors": {"crc": 0}}, {"link": "5", "up": False, "errors": {"crc": 9}}],
        "history": {"gpu.utilization": [0.1, 0.2], "gpu.power": [100.0, None], "gpu.temperature": [60.0]},
        "note": "",
    }  # fmt: skip
    return whole | changes


def client_of(tmp_path: Path, answer: Any = None, **changes: Any) -> TellingClient:
    client = TellingClient(tmp_path, board(**{"gpus": [gpu(0), gpu(1), sick()]} | changes))
    client.answers["gpu"] = told() if answer is None else answer
    return client


async def show_sick(app: Console, pilot: Any) -> None:
    """From the board to the third GPU of the fleet."""
    await pilot.press("2", "down", "down", "enter")
    await pilot.pause(0.15)


# ── the fleet ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", SIZES)
async def test_the_fleet_says_which_gpu_is_sick_and_why(tmp_path: Path, size: tuple[int, int]) -> None:
    async with running(client_of(tmp_path), size=size) as (app, pilot):
        await pilot.press("2")
        await pilot.pause(0.1)
        shown = text_of(app)
    assert "1 degraded, 2 ok; by host and number" in shown
    assert "▲ 3" in shown
    assert "▲ n1/3: its driver asks for a reset; new uncorrected memory errors" in shown
    assert "60/80 GiB" in shown
    assert all(len(line) <= size[0] for line in shown.splitlines())


async def test_there_is_more_to_see_where_there_is_more_room(tmp_path: Path) -> None:
    async with running(client_of(tmp_path), size=(200, 50)) as (app, pilot):
        await pilot.press("2")
        await pilot.pause(0.1)
        shown = text_of(app)
    for words in ("300 W", "345 MHz", "heat, slowed", "53.6k lost", "1 down", "79", "512/700 W"):
        assert words in shown


async def test_s_sorts_by_one_thing_after_the_other(tmp_path: Path) -> None:
    hosts = [
        gpu(n, host=f"n{n}", values={"gpu.temperature": 50.0 + n, "gpu.utilization": 0.9 - n / 10}) for n in range(3)
    ]
    async with running(client_of(tmp_path, gpus=[*hosts, sick(9, host="z")])) as (app, pilot):
        await pilot.press("2")
        first = []
        for _ in range(len(fleet.ORDERS)):
            await pilot.pause(0.05)
            first.append(next(line.split()[0] for line in text_of(app).splitlines()[3:]))
            await pilot.press("home", "s")
    assert first == ["n0", "z", "n0", "z", "z"]


async def test_a_hung_driver_leaves_the_last_picture_with_its_age(tmp_path: Path) -> None:
    stale = [gpu(0, state="stale", age=47.0, reason="no new samples")]
    client = client_of(tmp_path, gpus=stale, sources=[source("gpus", state="unreachable", reason="did not answer")])
    async with running(client) as (app, pilot):
        await pilot.press("2")
        await pilot.pause(0.1)
        shown = text_of(app)
    assert "◌" in shown
    assert "stale 47 s" in shown
    assert "90%" in shown
    assert "source gpus: did not answer" in shown


async def test_without_any_gpu_it_says_how_to_see_one(tmp_path: Path) -> None:
    client = client_of(tmp_path, gpus=[], hints=["look from the machine that has GPUs: ssh NODE andon"])
    async with running(client, size=(80, 24)) as (app, pilot):
        await pilot.press("2")
        await pilot.pause(0.1)
        assert "ssh NODE andon" in text_of(app)
        await pilot.press("enter", "s", "space")


async def test_the_cord_and_the_incident_of_a_gpu(tmp_path: Path) -> None:
    async with running(client_of(tmp_path, incidents=[incident("I-7", subject="n1/0")])) as (app, pilot):
        await pilot.press("2")
        await pilot.pause(0.05)
        assert (app.screen.subject(), app.screen.incident()) == ("n1/0", "I-7")  # type: ignore[attr-defined]


async def test_ten_thousand_gpus_and_hostile_ones(tmp_path: Path) -> None:
    many = [gpu(n, host=name, name=name, reason=name, state="degraded") for n, name in enumerate(HOSTILE)]
    many += [gpu(n, host="big") for n in range(10_000)]
    async with running(client_of(tmp_path, gpus=many), size=(80, 24)) as (app, pilot):
        await pilot.press("2", "end")
        await pilot.pause(0.05)
        assert "9999" in text_of(app)
        await pilot.press("home", "s", "s")
        await pilot.pause(0.05)
        assert not set(text_of(app)) & set("\x1b\x07\x9b\r\t\u202e")


def test_a_host_is_cut_where_it_tells_least_and_its_number_never() -> None:
    row = gpu(7, host="rack7-node12.example.org")
    assert gpus.place(row, 30)[0] == "● rack7-node12.example.org/7"
    assert gpus.place(row, 16)[0] == "● rack7-node12/7"
    assert gpus.place(row, 10)[0] == "● …ode12/7"
    assert gpus.place(gpu(3, host="10.0.0.12"), 10)[0].endswith("0.12/3")


# ── one GPU ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", SIZES)
async def test_one_gpu_says_what_is_bad_and_what_to_do(tmp_path: Path, size: tuple[int, int]) -> None:
    async with running(client_of(tmp_path), size=size) as (app, pilot):
        await show_sick(app, pilot)
        shown = text_of(app)
    for words in (
        "n1/3",
        "▲ degraded",
        "▲ its driver asks for",
        "a reset",
        "drain the node",
        "4242",
        "ana",
        "use",
        "power",
    ):
        assert words in shown
    assert all(len(line) <= size[0] for line in shown.splitlines())


async def test_what_does_not_fit_is_read_with_the_arrow_keys(tmp_path: Path) -> None:
    async with running(client_of(tmp_path), size=(80, 24)) as (app, pilot):
        await show_sick(app, pilot)
        assert "more lines: Tab" in text_of(app)
        assert "580.95.05" not in text_of(app)
        await pilot.press("tab", "end")
        await pilot.pause(0.05)
        assert "580.95.05" in text_of(app)
        assert "link 5: down; crc 9" in text_of(app)
        await pilot.press("home", "pagedown", "pageup", "j", "k")


async def test_it_is_asked_while_it_is_on_top_and_not_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.tui.screens.gpu_one.EVERY", 0.05)
    client = client_of(tmp_path)
    async with running(client) as (app, pilot):
        await show_sick(app, pilot)
        await pilot.pause(0.3)
        assert ("gpu", {"host": "n1", "gpu": "3", "source": "gpus"}) in client.asked
        assert len(client.asked) >= 3
        await pilot.press("question_mark")
        await pilot.pause(0.1)
        asked = len(client.asked)
        await pilot.pause(0.3)
        assert len(client.asked) - asked <= 1
        await pilot.press("escape")
        await pilot.pause(0.3)
        assert len(client.asked) - asked >= 2
        await pilot.press("escape")
        await pilot.pause(0.1)
        asked = len(client.asked)
        await pilot.pause(0.2)
        assert len(client.asked) == asked


async def test_enter_on_a_process_shows_all_of_it_to_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(Console, "copy", lambda _self, words: copied.append(words))
    async with running(client_of(tmp_path), size=(80, 24)) as (app, pilot):
        await show_sick(app, pilot)
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert isinstance(app.screen, Card)
        await pilot.press("down", "y")
        await pilot.pause(0.05)
        assert isinstance(app.screen, OneGpu)
        await pilot.press("enter")
        await pilot.pause(0.05)
        await pilot.press("escape")
        await pilot.pause(0.05)
        assert isinstance(app.screen, OneGpu)
    assert "pid=4242" in copied[0]
    assert "x" * 150 in copied[0]
    assert "pod=b7-1" in copied[0]


async def test_a_refusal_is_said_and_the_board_goes_on(tmp_path: Path) -> None:
    client = client_of(tmp_path, DaemonUnreachable("the GPU went away", "look at its host"))
    async with running(client) as (app, pilot):
        await show_sick(app, pilot)
        shown = text_of(app)
        assert "✖ the GPU went away. look at its host" in shown
        assert "▲ degraded" in shown
        client.tell(board(gpus=[gpu(0), gpu(1), sick(reason="it does not answer")]))
        await settled(app, pilot)
        assert "it does not answer" in text_of(app)


async def test_processes_that_cannot_be_seen_any_more_stay_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.tui.screens.gpu_one.EVERY", 0.05)
    monkeypatch.setattr("console.tui.screens.gpu_one.OLD", 0.0)
    client = client_of(tmp_path)
    async with running(client) as (app, pilot):
        await show_sick(app, pilot)
        client.answers["gpu"] = told(processes=[], facts={}, links=[], note="gpus did not answer within 5 s")
        await pilot.pause(0.3)
        shown = text_of(app)
    assert "4242" in shown
    assert "gpus did not answer within 5 s" in shown


async def test_a_source_that_sees_no_processes_says_so(tmp_path: Path) -> None:
    client = client_of(
        tmp_path, told(processes=[], links=[], note="dcgm tells numbers alone: no processes and no links")
    )
    async with running(client) as (app, pilot):
        await show_sick(app, pilot)
        assert "dcgm tells numbers alone" in text_of(app)


@pytest.mark.parametrize(
    "answer", [{}, {"gpu": None, "facts": None, "processes": None, "links": None, "history": None}, []]
)
async def test_whatever_is_missing_of_one_gpu_is_missing(tmp_path: Path, answer: Any) -> None:
    async with running(
        client_of(tmp_path, answer or {"note": None}, gpus=[gpu(0, values={}, spark=None)]), size=(80, 24)
    ) as (app, pilot):
        await pilot.press("2", "enter")
        await pilot.pause(0.1)
        assert "n1/0" in text_of(app)


async def test_hostile_processes(tmp_path: Path) -> None:
    hostile = [
        {"pid": n, "user": words, "command": words, "container": words, "pod": words} for n, words in enumerate(HOSTILE)
    ]
    answer = told(processes=hostile, facts={words: words for words in HOSTILE}, note=HOSTILE[3])
    async with running(client_of(tmp_path, answer), size=(80, 24)) as (app, pilot):
        await show_sick(app, pilot)
        assert not set(text_of(app)) & set("\x1b\x07\x9b\r\t\u202e")
        await pilot.press("down", "down", "down", "enter")
        await pilot.pause(0.03)
        assert isinstance(app.screen, Card)
        await pilot.press("escape", "end", "enter")


# ── what the counters say ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_worst_comes_first_and_every_finding_says_what_to_do() -> None:
    found = health.checks(sick())
    states = [check.state for check in found]
    assert states == sorted(states, key=health.WORST_FIRST.index)
    bad = {check.what: check for check in found if check.state == "degraded"}
    assert set(bad) == {"its driver asks for", "bad memory rows", "clock", "PCIe", "NVLink"}
    assert all(check.why for check in bad.values())
    assert bad["clock"].value == "345 MHz, held by heat, slowed"


def test_a_well_gpu_has_nothing_bad_and_what_is_not_told_is_named() -> None:
    row = gpu(0)
    assert all(check.state in ("ok", "no_data") for check in health.checks(row))
    words = "\n".join("".join(text for text, _look in line) for line in health.lines(row, 80))
    assert "not told: " in words
    assert "NVLink" in words


@pytest.mark.parametrize(
    ("values", "what", "state"),
    [
        ({"gpu.up": 0.0}, "answers", "degraded"),
        ({"gpu.recovery.action": 2.0}, "its driver asks for", "degraded"),
        ({"gpu.rows.failed": 1.0}, "bad memory rows", "degraded"),
        ({"gpu.xid.recent:79": 2.0}, "driver errors (XID)", "inconclusive"),
        ({"gpu.xid": 0.0}, "driver errors (XID)", "ok"),
        ({"gpu.temperature": 92.0}, "temperature", "inconclusive"),
        ({"gpu.memory.used": 79.0, "gpu.memory.free": 1.0}, "memory", "inconclusive"),
        ({"gpu.throttle.reasons": 4.0}, "clock", "ok"),
        ({"gpu.nvlink.up": 4.0, "gpu.nvlink.errors:crc": 3.0}, "NVLink", "inconclusive"),
    ],
)
def test_each_counter_by_itself(values: dict[str, float], what: str, state: str) -> None:
    assert {check.what: check.state for check in health.checks({"values": values})}[what] == state
