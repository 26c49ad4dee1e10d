"""What a look at the drift of a growing prediction log costs: counted anew each time, and followed.

A log of JSON lines with a week behind it grows by 500 rows a second, and a look comes every minute. Each look is the
daemon's own (`console.service.drift_view.view`, with the shipped playbooks) over a real child process; the CPU time,
the bytes read and the memory are the child's, as the kernel counts them.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb
import psutil

from console.errors import NoData
from console.library import library_dir
from console.playbook.loader import library
from console.plugins import load_plugins
from console.service.drift_view import view
from console.service.following_rows import Memory
from console.sources import worker
from console.sources.calls import Opening
from console.sources.child import Child, open_child
from console.sources.estate import Estate, Situation
from console.sources.options import TableOptions
from console.sources.types import ExemplarRequest, ProfileRequest

DAY = 86400.0
NOW = 1_800_000_000.0
GROWTH = 500  # rows a second
PATIENCE = 600.0  # seconds that a call may take here: counting anew would not be done within the daemon's eight


class Anew:
    """A table that remembers nothing from one look to the next."""

    def __init__(self, table: Any) -> None:
        self.table = table

    async def profiles(self, request: ProfileRequest) -> Any:
        return await self.table.profiles(replace(request, look=None))

    async def exemplars(self, request: ExemplarRequest) -> Any:
        return await self.table.exemplars(replace(request, look=None))

    async def slices(self) -> Any:
        return await self.table.slices()

    async def outputs(self) -> Any:
        return await self.table.outputs()


@dataclass(slots=True)
class Cost:
    """Of one look."""

    cpu: float
    read: float  # bytes
    seconds: float
    verdict: str = ""


class Log:
    """A prediction log of twelve columns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.end = NOW
        self.drawn = 0

    def write(self, rows: int, seconds: float, *, shift: float = 0.0) -> None:
        """So many rows, evenly over the seconds that come next; `shift` moves one column on one line."""
        part = self.path.with_suffix(".part")
        self.drawn += 1
        duckdb.execute(f"SELECT setseed({(self.drawn % 97) / 97})")
        normal = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
        numbers = ", ".join(f"round({k} + {normal}, 4) AS x{k}" for k in range(7))
        duckdb.execute(f"""
            COPY (SELECT round({self.end} + i * {seconds} / {rows}, 3) AS time, 'line-' || (i % 4) AS line,
                         'v' || (random() * 3)::INT AS version, {numbers},
                         round(0.5 + {normal} * 0.1 + CASE WHEN i % 4 = 1 THEN {shift} ELSE 0 END, 4) AS light,
                         (random() < 0.1)::INT AS prediction FROM range({rows}) AS r(i))
            TO '{part}' (FORMAT json)""")
        with part.open("rb") as new, self.path.open("ab") as log:
            while data := new.read(1 << 22):
                log.write(data)
        part.unlink()
        self.end += seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--looks", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-following-") as folder:
        log = Log(Path(folder) / "log.jsonl")
        log.end = NOW - 7.25 * DAY
        log.write(options.rows, 7.25 * DAY)
        asyncio.run(measure(log, options.looks))


async def measure(log: Log, looks: int) -> None:
    size = log.path.stat().st_size
    print(f"a log of {size / 1e6:,.0f} MB over a week; then {GROWTH} rows a second, a look every minute\n")
    followed, anew = await opened(log.path), await opened(log.path)
    memories = Memory(), Memory()

    async def ours() -> Cost:
        return await look(followed, followed, log.end, memories[0])

    async def theirs() -> Cost:
        return await look(anew, Anew(anew), log.end, memories[1])

    first = [await ours()], [await theirs()]
    new, quiet, drifted = [], [], []
    for _ in range(looks):
        new.append(grown(log))
        quiet.append(await ours())
    anew_quiet = [await theirs()]
    for _ in range(10):  # until the current window holds nothing else
        new.append(grown(log, shift=0.3))
        drifted.append(await ours())
    anew_drifted = [await theirs()]
    told = psutil.Process(pid(followed)), psutil.Process(pid(anew))
    table = [
        ("the first look", *first),
        ("a look", quiet, anew_quiet),
        ("a look while a column drifts", drifted[-5:], anew_drifted),
    ]
    print(f"{'':32}{'counted anew':>34}{'followed':>34}{'share':>8}")
    print(f"{'':32}{'CPU s':>10}{'wall s':>10}{'read MB':>14}{'CPU s':>10}{'wall s':>10}{'read MB':>14}{'CPU':>8}")
    for name, costs, before in table:
        after, once = median(costs), median(before)
        figures = "".join(f"{one.cpu:10.3f}{one.seconds:10.2f}{one.read / 1e6:14,.1f}" for one in (once, after))
        print(f"{name:32}{figures}{after.cpu / once.cpu:8.1%}   {after.verdict}, counted anew {once.verdict}")
    print(f"\nnew bytes between two looks: {statistics.median(new) / 1e6:.1f} MB")
    print(f"the child's memory (RSS): {told[1].memory_info().rss / 1e6:.0f} MB counting anew, "
          f"{told[0].memory_info().rss / 1e6:.0f} MB following")  # fmt: skip
    await followed.close()
    await anew.close()


def grown(log: Log, *, shift: float = 0.0) -> int:
    """A minute more; its bytes."""
    before = log.path.stat().st_size
    log.write(60 * GROWTH, 60.0, shift=shift)
    return log.path.stat().st_size - before


async def opened(path: Path) -> Child:
    options = TableOptions(path=str(path), prediction="prediction", slices=["line"]).model_dump(mode="json")
    opening = Opening("log", "table", "console.sources.builtin", "", options, "console.sources.growing:open_table")
    return await open_child(opening, seconds=PATIENCE)


async def look(child: Child, table: Any, now: float, memory: Memory) -> Cost:
    """One look of the daemon, until all rows were read for it."""
    worker.WAIT_SECONDS = PATIENCE
    plugins = load_plugins((), on_problem=print)
    playbooks = library([library_dir("playbooks")], plugins.by_name("andon_step_types"), on_problem=print)
    estate = Estate(tables={"log": table}, models={"log": "glove"})
    cost = Cost(0.0, 0.0, 0.0)
    with counted(child, cost):
        while True:
            try:
                told = await view("glove", Situation(estate, now), playbooks, (), (), memory)
                break
            except NoData as partial:
                print(f"  {partial.message}")
    cost.verdict = told["verdict"]
    return cost


@contextmanager
def counted(child: Child, cost: Cost) -> Iterator[None]:
    process = psutil.Process(pid(child))
    before, read, began = process.cpu_times(), process.io_counters().read_chars, time.monotonic()
    yield
    after = process.cpu_times()
    cost.cpu = after.user + after.system - before.user - before.system
    cost.read = process.io_counters().read_chars - read
    cost.seconds = time.monotonic() - began


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        *(statistics.median(getattr(cost, name) for cost in costs) for name in ("cpu", "read", "seconds")),
        costs[-1].verdict,
    )


def pid(child: Child) -> int:
    process = child.worker._process
    assert process is not None
    return process.pid


if __name__ == "__main__":
    main()
