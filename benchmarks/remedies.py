"""What becomes of remedies when things go wrong: killed daemons, ten consoles at once, a log that was tampered with,
every fault of the practice line, and remedies that do not help.

    python -m benchmarks.remedies                      all of it (about half an hour)
    python -m benchmarks.remedies kill --count 200     one part: kill, kube, race, tamper, answers, heal or wrong
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor

from benchmarks import _remedy_answers, _remedy_heal, _remedy_kill, _remedy_kube, _remedy_race, _remedy_tamper

SEED = 5
JOBS = 2
DRAWS = 3  # of a fault that is not named in its time
COUNTS = {"kill": 160, "kube": 40, "race": 1_000, "tamper": 1_000}  # of the others: all there are


def kill(count: int, seed: int) -> str:
    """A daemon killed while it changes a machine."""
    return _remedy_kill.table(_remedy_kill.trials(count, seed))


def kube(count: int, seed: int) -> str:
    """The same, while it changes a real Kubernetes control plane."""
    if reason := _remedy_kube.why_not():
        return reason
    return _remedy_kill.table(_remedy_kube.trials(count, seed))


def race(count: int, _seed: int) -> str:
    """Ten consoles at once."""
    return _remedy_race.table(_remedy_race.races(count))


def tamper(count: int, seed: int) -> str:
    """A thousand ways to change an audit log."""
    return _remedy_tamper.table(*_remedy_tamper.tampered(count, seed))


def answers(count: int, _seed: int) -> str:
    """Every way in which a server may answer, for every action."""
    return _remedy_answers.table(_remedy_answers.trials(count or None))


def heal(count: int, seed: int) -> str:
    """Every fault of the line, mended and seen to be mended."""
    return _healings([(name, "") for name in _remedy_heal.faults()][: count or None], seed)


def wrong(count: int, seed: int) -> str:
    """Every action that can be taken back, as a remedy that does not help."""
    return _healings([(_remedy_heal.UNMOVED, action) for action in _remedy_heal.WRONG][: count or None], seed)


PARTS: Mapping[str, Callable[[int, int], str]] = {
    "tamper": tamper, "race": race, "kill": kill, "kube": kube, "answers": answers, "heal": heal, "wrong": wrong,
}  # fmt: skip


def _healings(wanted: list[tuple[str, str]], seed: int) -> str:
    """What is not named cannot be mended: then the fault is drawn anew, and both are told."""
    found: list[_remedy_heal.Healing] = []
    with ProcessPoolExecutor(JOBS) as pool:
        for again in range(DRAWS):
            asked = [(name, seed + again, action) for name, action in wanted]
            played = list(pool.map(_remedy_heal.healed, *zip(*asked, strict=True)))
            found += played
            wanted = [each for each, one in zip(wanted, played, strict=True) if one.state == _remedy_heal.NOT_NAMED]
            if not wanted:
                break
    return _remedy_heal.table(found)


def main() -> None:
    """Run the parts that are asked for, and print a table of each."""
    parser = argparse.ArgumentParser(description="remedies when things go wrong")
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--count", type=int, default=None)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    for name in options.part or PARTS:
        began = time.monotonic()
        count = COUNTS.get(name, 0) if options.count is None else options.count
        text = PARTS[name](count, options.seed)
        print(f"== {name} ({time.monotonic() - began:.0f} s)\n{text}\n", flush=True)


if __name__ == "__main__":
    main()
