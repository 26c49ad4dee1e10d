"""What does `andon drift` cost beside the drift tools, on the same two files of rows?

    python benchmarks/drift_speed.py [--rows 1000000] [--runs 3] [--peers evidently,nannyml,alibi] [--peer-runs 1]

50 numeric columns of several shapes and 10 categorical ones, as many rows in the baseline as in the current window,
drawn from one law, as Parquet. Each program runs as a process of its own, as a user starts it, with everything that it
prints by default: CPU seconds (user and system, of the process and its children; median of the runs), seconds on the
clock, and the most memory that they held at once. A peer whose environment is not there is left out, and said.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psutil

ROOT = Path(__file__).resolve().parents[1]
NUMBERS, CATEGORIES = 50, 10
GOALS = {"evidently": 60.0, "nannyml": 10.0}
MOST_MEGABYTES = 600.0
QUIET = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}  # the peers report home otherwise


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run."""

    cpu: float  # seconds
    clock: float
    megabytes: float
    said: str  # the last line of its output


def main() -> int:
    """Print the table; 1 where a goal is missed."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--runs", type=int, default=3)
    asked.add_argument("--peer-runs", type=int, default=1)
    asked.add_argument("--peers", default="evidently,nannyml,alibi")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = [make(Path(folder) / f"{name}.parquet", options.rows, seed) for name, seed in (("a", 0.1), ("b", 0.2))]
        size = sum(file.stat().st_size for file in files) / 1e6
        print(
            f"{options.rows:,} against {options.rows:,} rows, {NUMBERS} + {CATEGORIES} columns, {size:,.0f} MB Parquet"
        )
        andon = [sys.executable, "-m", "console.cli", "--data", folder, "drift"]
        costs = {"andon": measured(andon, files, options.runs)}
        for peer in filter(None, options.peers.split(",")):
            python = ROOT / f".venv-{peer}" / "bin" / "python"
            if not python.exists():
                print(f"{peer} is left out: make .venv-{peer}/.ready", file=sys.stderr)
                continue
            costs[peer] = measured(
                [str(python), str(ROOT / "benchmarks/_drift_once.py"), peer], files, options.peer_runs
            )
    return _told(costs, is_full=options.rows >= 1_000_000)


def make(file: Path, rows: int, seed: float) -> Path:
    """Rows of a known law: normal, skewed, uniform and counting numbers by turns; categories of a long-tailed law."""
    normal = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
    shapes = (normal, f"exp({normal})", "random() * 100", "-ln(1 - random())", f"round(50 + 12 * {normal})")
    columns = [f"({shapes[i % len(shapes)]})::DOUBLE AS x{i}" for i in range(NUMBERS)]
    columns += [
        f"'c' || least(floor(-ln(1 - random()) * {2 + i}), {4 + 3 * i})::INT AS k{i}" for i in range(CATEGORIES)
    ]
    with duckdb.connect() as duck:
        duck.execute("SET threads = 1")  # one stream of random numbers
        duck.execute("SELECT setseed(?)", [seed])
        duck.execute(f"COPY (SELECT {', '.join(columns)} FROM range({rows})) TO '{file}' (FORMAT parquet)")
    return file


def measured(command: list[str], files: list[Path], runs: int) -> list[Cost]:
    """So many runs, one after the other, of files that are in the page cache."""
    for file in files:
        file.read_bytes()
    costs = []
    for _ in range(runs):
        costs.append(_run([*command, *map(str, files)]))
        print(f"  {Path(command[0]).parents[1].name}: {costs[-1].cpu:.2f} CPU s", file=sys.stderr, flush=True)
    return costs


def _run(command: list[str]) -> Cost:
    began = time.monotonic()
    environment = os.environ | QUIET | {"PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=environment)
        watch = _Memory(process.pid)
        _pid, status, used = os.wait4(process.pid, 0)
        watch.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        for file in (output, errors):
            file.seek(0)
        lines = output.read().strip().splitlines()
        if process.returncode not in (0, 1, 3) or not lines:
            raise SystemExit(f"{command[0]} failed: {errors.read()[-2000:]}")
    megabytes = max(used.ru_maxrss * 1024, watch.most) / 1e6
    said = lines[-1] if "_drift_once" in command[1] else lines[0]
    return Cost(used.ru_utime + used.ru_stime, time.monotonic() - began, megabytes, said.strip())


class _Memory:
    """The most that a process and its children hold at once."""

    def __init__(self, pid: int) -> None:
        self.most = 0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.2):
            try:
                whole = psutil.Process(self._pid)
                self.most = max(
                    self.most, sum(one.memory_info().rss for one in [whole, *whole.children(recursive=True)])
                )
            except psutil.Error:
                continue


def _told(costs: dict[str, list[Cost]], *, is_full: bool) -> int:
    own = statistics.median(cost.cpu for cost in costs["andon"])
    missed = False
    print(f"\n{'':12} {'CPU s':>8} {'× andon':>8} {'clock s':>8} {'peak MB':>8}  says")
    for name, runs in costs.items():
        cpu, clock = (statistics.median(values) for values in zip(*((one.cpu, one.clock) for one in runs), strict=True))
        most = max(one.megabytes for one in runs)
        goal = GOALS.get(name, 0.0)
        print(f"{name:12} {cpu:8.2f} {cpu / own:8.1f} {clock:8.1f} {most:8.0f}  {runs[-1].said}", end="")
        print(f"  (goal: {goal:.0f} ×)" if goal and is_full else "")
        missed |= is_full and (cpu / own < goal or (name == "andon" and most > MOST_MEGABYTES))
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
