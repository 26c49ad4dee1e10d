"""Processes that cannot outlive the lab: each holds one end of a pipe and ends when the other end is gone.

The kernel closes the pipe however the lab ends, by Ctrl-C or by kill -9, so nothing has to clean up after it.

    python -m console.lab.leash 5 console.lab.station --port 0      (5: the reading end)
"""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import console
from console.errors import AndonError

GRACE_SECONDS = 3.0
READY_SECONDS = 20.0
# One thread for numpy: a station tied to a core shows what happens on that core.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


@dataclass(slots=True)
class Leash:
    """Everything one lab has started."""

    log: Path  # what they write goes here
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _ends: tuple[int, int] = field(default_factory=os.pipe)

    def start(
        self, module: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start `python -m module arguments…` in a group of its own, out of reach of the terminal's Ctrl-C."""
        reading = self._ends[0]
        package = str(Path(console.__file__).parent.parent)
        paths = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
        with self.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [sys.executable, "-P", "-m", "console.lab.leash", str(reading), module, *arguments],
                pass_fds=(reading,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                env={**os.environ, **ENVIRONMENT, "PYTHONPATH": paths, **(environment or {})},
            )
        self.processes.append(process)
        return process

    def wait_for(self, process: subprocess.Popen[bytes], ready: Path, what: str) -> str:
        """The text of the file that a process writes once it is ready, such as its port."""
        deadline = time.monotonic() + READY_SECONDS
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AndonError(f"the lab's {what} did not start", f"see {self.log}")
            time.sleep(0.01)
        return ready.read_text()

    def end(self, processes: Sequence[subprocess.Popen[bytes]] | None = None) -> None:
        """End these processes, or all: asked first, then not asked."""
        ending = list(self.processes if processes is None else processes)
        for process in ending:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for process in ending:
            try:
                process.wait(max(deadline - time.monotonic(), 0.01))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            self.processes.remove(process)

    def __enter__(self) -> Leash:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        for end in self._ends:
            os.close(end)


def ready(path: Path, text: str) -> None:
    """Tell whoever waits that this process is ready; the file appears whole."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.rename(path)


def _end_with(reading: int) -> None:
    while os.read(reading, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def main(arguments: Sequence[str]) -> None:
    """Run a module in this process, tied to the pipe."""
    reading, module, *rest = arguments
    threading.Thread(target=_end_with, args=(int(reading),), daemon=True).start()
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
