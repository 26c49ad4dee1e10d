"""The GPU screen where there are more of them than the board carries: a page at a time, found by the daemon."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from consoles import TellingClient, board, gpu, running, settled, text_of, until

from console.tui.panels import fleet, health
from console.tui.screens.gpu import Gpus
from console.tui.screens.gpu_one import OneGpu
from console.tui.widgets.table import Table

COUNT = 10_000


def numbered(number: int, **changes: Any) -> dict[str, Any]:
    return gpu(number % 8, host=f"node-{number // 8:04}", uuid=f"GPU-{number}") | changes


def sick() -> dict[str, Any]:
    faults = ["fell off the bus (XID 79): restart the node", "links to other GPUs are down: reset the GPU"]
    return numbered(4242, state="degraded", reason="; ".join(faults), faults=faults)


def page(filter: str = "", order: str = "", first: int = 0, count: int = 100) -> dict[str, Any]:
    """As the daemon answers: by number, the sick one first."""
    rows = [sick(), *(numbered(number) for number in range(COUNT) if number != 4242)]
    found = [row for row in rows if filter in row["host"]]
    return {"of": COUNT, "total": len(found), "first": first, "rows": found[first : first + count]}


def large(**changes: Any) -> dict[str, Any]:
    told = {
        "gpus": COUNT, "hosts": 1250, "states": {"degraded": 1, "ok": COUNT - 1}, "busy": 9000,
        "unwell": [{"host": "node-0530", "gpus": 1}], "allocatable": 10_000.0, "requested": 9_500.0,
    }  # fmt: skip
    return board(gpus=[sick(), *(numbered(number) for number in range(199))], fleet=told | changes)


def client_of(tmp_path: Path, **changes: Any) -> TellingClient:
    client = TellingClient(tmp_path, large(**changes))
    client.answers["gpu.page"] = page
    return client


def asked(client: TellingClient) -> Mapping[str, Any]:
    return next(args for op, args in reversed(client.asked) if op == "gpu.page")


async def test_the_worst_comes_first_and_all_are_counted(tmp_path: Path) -> None:
    async with running(client_of(tmp_path), size=(200, 50)) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: "1/10000" in text_of(app))
        shown = text_of(app)
    assert "1 degraded, 9,999 ok; by trouble; most on node-0530 1; 9,000 of 10,000 in use" in shown
    assert "9,500 of 10,000 given to work" in shown
    assert "node-0530/2: fell off the bus (XID 79): restart the node" in shown


async def test_scrolling_reaches_every_one_of_them(tmp_path: Path) -> None:
    client = client_of(tmp_path)
    async with running(client, size=(80, 24)) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: "1/10000" in text_of(app))
        await pilot.press("G")
        await until(pilot, lambda: "node-1249" in text_of(app))
        assert "10000/10000" in text_of(app)
        assert asked(client)["first"] > 9000
        await pilot.press("enter")
        assert isinstance(app.screen, OneGpu)
        await pilot.press("escape", "g")
        await until(pilot, lambda: "node-0530" in text_of(app))
        assert "1/10000" in text_of(app)


async def test_the_filter_is_the_daemons_and_finds_any_of_them(tmp_path: Path) -> None:
    client = client_of(tmp_path)
    async with running(client, size=(80, 24)) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: "1/10000" in text_of(app))
        await pilot.press("slash", *"node-1111", "enter")
        await until(pilot, lambda: "of 10000, filter node-1111" in text_of(app))
        await until(pilot, lambda: "1/8 of 10000" in text_of(app))
        assert asked(client)["filter"] == "node-1111"
        await pilot.press("escape")
        await until(pilot, lambda: "1/10000" in text_of(app))
        assert isinstance(app.screen, Gpus)
        await pilot.press("slash", *"nowhere")
        await until(pilot, lambda: "none of 10,000 fits 'nowhere'" in text_of(app))
        await pilot.press("escape")
        assert isinstance(app.screen, Gpus), "Esc takes the filter away, not the screen"
        await until(pilot, lambda: "1/10000" in text_of(app))


async def test_another_order_is_asked_for(tmp_path: Path) -> None:
    client = client_of(tmp_path)
    async with running(client) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: "by trouble" in text_of(app))
        await pilot.press("s")
        await until(pilot, lambda: asked(client)["order"] == "use")
        assert set(fleet.ORDERS) == {"host and number", "trouble", "use", "memory", "temperature"}


async def test_the_panel_of_the_board_says_how_many_there_are_and_the_worst_first(tmp_path: Path) -> None:
    for size in ((200, 50), (80, 24)):
        async with running(client_of(tmp_path), size=size) as (app, _pilot):
            lines = text_of(app).splitlines()
        title = next(place for place, line in enumerate(lines) if "GPU 10k" in line)
        first = next(line for line in lines[title:] if "▲" in line)
        assert "0530/2" in first and "fell off" in first


async def test_a_daemon_that_refuses_a_page_is_heard(tmp_path: Path) -> None:
    client = client_of(tmp_path)
    del client.answers["gpu.page"]
    async with running(client) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: "knows no operation" in text_of(app))


async def test_the_fleet_shrinks_to_what_the_board_carries(tmp_path: Path) -> None:
    client = client_of(tmp_path)
    async with running(client) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: "1/10000" in text_of(app))
        client.tell(board())
        await settled(app, pilot)
        await until(pilot, lambda: "1/8" in text_of(app))
        assert app.screen.query_one("#fleet", Table).row is not None


# ── one GPU ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def check(what: str, **row: Any) -> health.Check:
    return next(each for each in health.checks({"values": {}, **row}) if each.what == what)


def test_a_new_code_is_said_with_what_to_do_and_an_old_one_as_that() -> None:
    code = {"words": "fell off the bus (XID 79)", "action": "restart the node", "state": "degraded"}
    new = check("driver errors (XID)", values={"gpu.xid": 79.0}, code=code, reason="fell off the bus (XID 79): restart")
    assert (new.state, new.value, new.why) == ("degraded", "fell off the bus (XID 79)", "restart the node")
    old = check("driver errors (XID)", values={"gpu.xid": 79.0}, code=code, reason="")
    assert (old.state, old.value) == ("inconclusive", "fell off the bus (XID 79)")
    assert "before andon looked" in old.why


def test_what_a_counter_gained_is_said_where_its_total_is_not_known() -> None:
    lost = check("memory errors lost", rates={"gpu.ecc.errors:uncorrected": 0.05})
    assert (lost.state, lost.value) == ("inconclusive", "3 in the last minute")
    assert check("memory errors lost", rates={"gpu.ecc.errors:uncorrected": 0.0}).state == "ok"
    assert check("memory errors lost", values={"gpu.ecc.errors:uncorrected": 7.0}).value == "7"


def test_time_held_down_fabric_bus_and_siblings() -> None:
    held = check("clocks held down", rates={"gpu.throttle.time:thermal": 0.12, "gpu.throttle.time:power": 0.5})
    assert (held.state, held.value) == ("degraded", "heat 12%, power cap 50%")
    assert check("clocks held down", rates={"gpu.throttle.time:power": 0.5}).state == "ok"
    fabric = check("fabric", values={"gpu.fabric.state": 3.0, "gpu.fabric.health": 2.0})
    assert (fabric.state, fabric.value) == ("degraded", "joined, not healthy")
    bus = {"gpu.pcie.link.width": 16.0, "gpu.pcie.link.generation": 1.0, "gpu.pcie.link.generation.max": 5.0}
    assert check("PCIe", values=bus).state == "ok", "it idles"
    assert check("PCIe", values=bus | {"gpu.utilization": 0.9}).state == "inconclusive"
    unlike = check("beside siblings", unlike=[["clock 1200 MHz, its siblings 1986 MHz", "see what holds it down"]])
    assert (unlike.state, unlike.why) == ("inconclusive", "see what holds it down")
    asks = check("its driver asks for", values={"gpu.recovery.action": 7.0})
    assert (asks.state, asks.value) == ("degraded", "a reboot of the system")


async def test_one_gpu_says_the_gravest_first_and_fits_a_small_terminal(tmp_path: Path) -> None:
    values = {
        "gpu.utilization": 0.9, "gpu.up": 1.0, "gpu.xid": 79.0, "gpu.nvlink.up": 17.0, "gpu.nvlink.links": 18.0,
        "gpu.rows.pending": 1.0, "gpu.fabric.health": 2.0, "gpu.temperature": 84.0, "gpu.recovery.action": 2.0,
    }  # fmt: skip
    code = {"words": "fell off the bus (XID 79)", "action": "restart the node", "state": "degraded"}
    row = sick() | {"values": values, "code": code, "unlike": [["84 °C hot, its siblings 61 °C", "look at its fans"]]}
    client = client_of(tmp_path)
    client.answers["gpu"] = {"gpu": row, "facts": {}, "processes": [], "links": [], "history": {}, "note": "numbers"}
    client.answers["gpu.page"] = {"of": COUNT, "total": COUNT, "first": 0, "rows": [row]}
    async with running(client, size=(80, 24)) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: "1/10000" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "asks for" in text_of(app))
        shown = text_of(app).splitlines()
    assert len(shown) == 24 and all(len(line) <= 80 for line in shown)
    whole = "\n".join(shown)
    assert "fell off the bus (XID 79): restart the node (and 1 more, below)" in " ".join(whole.split())
    assert whole.index("a reboot of the node") < whole.index("driver errors (XID)")
