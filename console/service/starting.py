"""Starting a daemon in the background and waiting until it answers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import console
from console.errors import DaemonUnreachable
from console.service.client import Client

START_SECONDS = 20.0
LOOK_SECONDS = 0.05
LOG_NAME = "daemon.log"
TAIL_LINES = 5


def start_daemon(config_path: Path | None, data: Path, *, timeout: float = START_SECONDS) -> int:
    """Start the daemon of `data`, detached from this terminal, and wait until its socket answers; its process id.

    Its log goes to DATA/daemon.log. DaemonUnreachable, with the log's end, when it dies or stays silent.
    """
    options = ["--data", str(data.resolve())]
    if config_path is not None:
        options = ["--config", str(config_path.resolve()), *options]
    # -P: nothing is ever loaded from the current folder; so a checkout must be named.
    command = [sys.executable, "-P", "-m", "console.cli", *options, "daemon"]
    return start(command, data, timeout=timeout)


def start(command: list[str], data: Path, *, timeout: float = START_SECONDS) -> int:
    """Start `command` as the daemon of `data`; see `start_daemon`."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = data / LOG_NAME
    package = str(Path(console.__file__).parent.parent)
    paths = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    with log.open("wb") as output:
        daemon = subprocess.Popen(  # noqa: S603 - our own program, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": paths},
        )
    client = Client(data)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if daemon.poll() is not None:
            raise DaemonUnreachable(f"the daemon ended at once (exit {daemon.returncode}): {_tail(log)}", f"see {log}")
        try:
            client.request("status", timeout=2.0)
        except DaemonUnreachable:
            time.sleep(LOOK_SECONDS)
            continue
        daemon.returncode = 0  # it lives on by itself: no warning that a child was left behind
        return daemon.pid
    daemon.terminate()
    raise DaemonUnreachable(f"the daemon did not answer within {timeout:g} s: {_tail(log)}", f"see {log}")


def _tail(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()[-TAIL_LINES:]
    return " / ".join(line.strip() for line in lines) or "it said nothing"
