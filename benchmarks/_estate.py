"""What the console looks at while it is measured: a real daemon on a GPU driver's stand-in, a made-up LLM server and a
made-up prediction log, all of whose numbers move every second.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from _world import LOGGED, ROWS, page, row
from fakenvml import build, play
from promserver import free_port

from console.errors import DaemonUnreachable
from console.service.client import Client

ANDON = [sys.executable, "-P", "-m", "console.cli"]
GPUS = 8
READY_SECONDS = 30.0
DAY, MINUTE = 86400.0, 60.0
DAYS = 7  # of the past: this time of day on each of them
AROUND = 20 * MINUTE  # before and after this time of those days
PART = 4_000_000  # bytes of past that are handed over at once
CONFIG = """
[daemon]
interval = "1s"

[sources.gpus]
kind = "nvml"

[sources.serving]
kind = "metrics"
url = "http://127.0.0.1:{port}/metrics"

[sources.predictions]
kind = "table"
path = "predictions.jsonl"
model = "{model}"
prediction = "prediction"
slices = ["line", "camera"]
"""


@dataclass(frozen=True, slots=True)
class Estate:
    """Where everything lies, and the daemon that watches it."""

    folder: Path
    env: dict[str, str]
    daemon: int
    world: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def console(self) -> list[str]:
        """The command that shows the board."""
        return [*ANDON, "--config", str(self.folder / "config.toml"), "--data", str(self.data)]

    def driver(self, **settings: object) -> None:
        """Have the GPU driver's stand-in play this."""
        play(self.folder / "nvml", gpus=GPUS, pids=[self.world], **settings)

    def silence(self) -> None:
        """Let the metrics page never come again."""
        (self.folder / "silent").touch()


@contextmanager
def estate() -> Iterator[Estate]:
    """A fresh one, with a daemon that has its past and has looked at everything at least once."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="andon-bench-")))
        build(folder / "nvml")
        port = free_port()
        (folder / "config.toml").write_text(CONFIG.format(port=port, model=LOGGED))
        (folder / "data").mkdir(mode=0o700)
        now = time.time()
        write_log(folder / "predictions.jsonl", now)
        here = Path(__file__).parent
        command = [sys.executable, str(here / "_world.py"), str(folder), str(port)]
        world = stack.enter_context(running(command, folder, {}))
        env = {"LD_LIBRARY_PATH": str(folder / "nvml"), "PYTHONPATH": str(here.parent)}
        env |= {"XDG_CONFIG_HOME": str(folder / "config"), "XDG_DATA_HOME": str(folder / "share")}
        command = [*ANDON, "--config", str(folder / "config.toml"), "--data", str(folder / "data"), "daemon"]
        play(folder / "nvml", gpus=GPUS, pids=[world])
        client = Client(folder / "data")
        with running(command, folder, env):  # not the daemon that is measured: that one takes no past in
            wait(client)
            for part in past(now):
                client.request("ingest", source="serving", page=part)
        daemon = stack.enter_context(running(command, folder, env))
        wait(client)
        client.request("collect", wait=True, timeout=READY_SECONDS)
        yield Estate(folder, env, daemon, world)


@contextmanager
def running(command: list[str], folder: Path, env: dict[str, str]) -> Iterator[int]:
    """A process that is ended afterwards, with whatever it started; its log lies in the folder."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, env=os.environ | env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    family = psutil.Process(process.pid)
    try:
        yield process.pid
    finally:
        children = family.children(recursive=True) if family.is_running() else []
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        for left in [family, *children]:
            with suppress(psutil.NoSuchProcess):
                left.kill()
        process.wait(5)


def wait(client: Client) -> None:
    """Until a daemon answers; DaemonUnreachable if it does not."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            client.request("status", timeout=2)
            return
        except DaemonUnreachable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def write_log(path: Path, now: float) -> None:
    """The prediction log's past."""
    with path.open("w") as log:
        for start, end in spans(now):
            log.writelines(json.dumps(row(start + at / ROWS)) + "\n" for at in range(round((end - start) * ROWS)))


def past(now: float) -> Iterator[str]:
    """The metrics page's past, a page a minute, in parts."""
    part: list[str] = []
    size = 0
    for start, end in spans(now):
        for minute in range(int((end - start) / MINUTE)):
            part.append(page(start + minute * MINUTE, stamped=True))
            size += len(part[-1])
            if size > PART:
                yield "".join(part)
                part, size = [], 0
    if part:
        yield "".join(part)


def spans(now: float) -> list[tuple[float, float]]:
    """The stretches of the past that are written, oldest first."""
    same = [(now - day * DAY - AROUND, now - day * DAY + AROUND) for day in range(DAYS, 0, -1)]
    return [*same, (now - 3 * AROUND, now - 2)]
