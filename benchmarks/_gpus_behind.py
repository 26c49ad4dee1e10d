"""What it costs to show GPUs that live behind a server of queries: questions, the server's time, andon's memory.

The server is a real VictoriaMetrics, the GPUs are samples that were handed to it.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from gpufleet import in_milliseconds, samples
from vmserver import is_installed, tell, victoria

from console.config import SourceConfig
from console.errors import DaemonUnreachable
from console.plugins import load_plugins
from console.service.client import Client
from console.service.fleet import Fleet, asked
from console.service.live import Live
from console.service.sightings import Sightings
from console.sources.opening import close, open_estate

SIZES = (100, 1_000, 10_000)
SIGNALS = 12
ROUNDS = 4
SCRAPE, HISTORY = 15, 120  # seconds
MOST_SECONDS, MOST_MEGABYTES = 2.0, 300.0
DAEMON_SECONDS = 45.0
SETTLE_SECONDS = 6.0  # until the server's own counters have caught up
SPENT = re.compile(r'vm_request_duration_seconds_sum\{[^}]*path="/api/v1/(?:query|query_range)"[^}]*\} (\S+)')
ASKED = re.compile(r'vm_http_requests_total\{[^}]*path="/api/v1/(?!import)[^"]*"[^}]*\} (\S+)')


@dataclass(frozen=True, slots=True)
class Refresh:
    """Of all GPU signals at once."""

    questions: float
    query_seconds: float  # that the server took for them, added up
    server_cpu: float
    seconds: float  # from the first question until all is judged
    cpu: float  # andon's

    @property
    def times(self) -> tuple[float, ...]:
        return self.query_seconds, self.server_cpu, self.seconds, self.cpu


def behind() -> bool:
    """Print what a refresh costs at each size, and the daemon's memory at the largest; whether the goals are met."""
    if not is_installed():
        print("there is no victoria-metrics here (Debian's package will do): nothing was measured")
        return True
    print(f"GPUs × {SIGNALS} signals behind VictoriaMetrics; one refresh of all of them, the mean of {ROUNDS}")
    heads = ("GPUs", "questions", "query time", "server CPU", "until shown", "andon CPU", "daemon RSS")
    print("  " + "".join(f"{head:>13}" for head in heads))
    questions, is_met = set(), True
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder, victoria(Path(folder)) as url, _told(url, size):
            found = asyncio.run(_refreshes(url, size))
            megabytes = _daemon_memory(url, size, Path(folder)) if size == SIZES[-1] else None
        cells = [f"{size:,}", f"{found.questions:g}", *(f"{seconds:.2f} s" for seconds in found.times)]
        cells += [] if megabytes is None else [f"{megabytes:.0f} MB"]
        print("  " + "".join(f"{cell:>13}" for cell in cells), flush=True)
        questions.add(found.questions)
        is_met = found.query_seconds <= MOST_SECONDS and (megabytes or 0.0) <= MOST_MEGABYTES
    is_met = is_met and len(questions) == 1
    goal = f"at most {MOST_SECONDS:g} s of query time and {MOST_MEGABYTES:g} MB, and as many questions at every size"
    print(f"goal: {goal}: {'met' if is_met else 'missed'}")
    return is_met


@contextmanager
def _told(url: str, size: int) -> Iterator[None]:
    """While the block runs, samples come as if they were scraped."""
    began = time.time()
    for back in range(HISTORY, -1, -SCRAPE):
        tell(url, in_milliseconds(samples(size, began - back)))
    is_over = threading.Event()

    def go_on() -> None:
        while not is_over.wait(SCRAPE):
            tell(url, in_milliseconds(samples(size, time.time())))

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    yield
    is_over.set()
    thread.join(30)


async def _refreshes(url: str, size: int) -> Refresh:
    """The plugin and the fleet, in this process: rounds that ask for everything."""
    plugins = load_plugins()
    estate = await open_estate((SourceConfig("vm", "prometheus", {"url": url}),), plugins)
    live = Live(plugins.by_name("andon_codes", "signal"))
    fleet = Fleet(asked(estate), live, Sightings(), time.time)

    async def one() -> None:
        fleet._again["vm"], fleet._slow["vm"] = 0.0, float("-inf")
        fleet.look()
        await asyncio.gather(*fleet._running.values())

    (server,) = (child for child in psutil.Process().children() if child.name().startswith("victoria"))
    try:
        await one()  # in which the plugin gets to know the server
        await asyncio.sleep(SETTLE_SECONDS)
        before, began, cpu, busy = _counted(url), time.monotonic(), time.process_time(), _cpu(server)
        for _round in range(ROUNDS):
            await one()
        took, cpu, busy = time.monotonic() - began, time.process_time() - cpu, _cpu(server) - busy
        await asyncio.sleep(SETTLE_SECONDS)
        after = _counted(url)
        assert len(live.gpus) == size, fleet.health
    finally:
        await fleet.close()
        await close(estate)
    sums = (after["asked"] - before["asked"], after["spent"] - before["spent"], busy, took, cpu)
    return Refresh(*(each / ROUNDS for each in sums))


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _counted(url: str) -> Mapping[str, float]:
    """What the server counts of questions: how many, and the time that they took."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        "spent": sum(float(value) for value in SPENT.findall(text)),
        "asked": sum(float(value) for value in ASKED.findall(text)),
    }


def _daemon_memory(url: str, size: int, folder: Path) -> float:
    """Megabytes of the daemon and its children at their most, while a screen looks at the board."""
    config = folder / "config.toml"
    config.write_text(f'[sources.vm]\nkind = "prometheus"\nurl = "{url}"\n')
    data = folder / "data"
    command = [sys.executable, "-P", "-m", "console.cli", "--config", str(config), "--data", str(data), "daemon"]
    daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most, seen, until = 0.0, 0, time.monotonic() + DAEMON_SECONDS
    try:
        for board in _boards(Client(data), until):
            seen = max(seen, int((board.get("fleet") or {}).get("gpus") or 0))
            family = [psutil.Process(daemon.pid), *psutil.Process(daemon.pid).children(recursive=True)]
            most = max(most, sum(each.memory_info().rss for each in family) / 1e6)
    finally:
        daemon.terminate()
        daemon.wait(20)
    assert seen == size, f"the board showed {seen} GPUs"
    return most


def _boards(client: Client, until: float) -> Iterator[Mapping[str, object]]:
    """The board as a screen gets it, until the time is over."""
    while time.monotonic() < until:
        try:
            for board in client.subscribe("board"):
                yield board
                if time.monotonic() > until:
                    return
        except DaemonUnreachable:
            time.sleep(0.2)
