"""Ten consoles that apply one approved plan at the same instant: it is done once, and one of them is told so."""

from __future__ import annotations

import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks._remedy_stage import Stage, staged
from console.errors import AndonError
from console.model import Act

CONSOLES = 10
OF_A_DAEMON = 100  # races


@dataclass(frozen=True, slots=True)
class Race:
    """What became of one."""

    done: int  # times that it was really written
    told: int  # consoles that were told that they did it


def races(count: int) -> list[Race]:
    """So many, over the socket of a real daemon."""
    found: list[Race] = []
    while len(found) < count:
        found += _some(min(OF_A_DAEMON, count - len(found)))
    return found


def table(found: list[Race]) -> str:
    """How many of them ended otherwise than with one act by one console."""
    twice, none = sum(one.done > 1 for one in found), sum(one.done < 1 for one in found)
    told = sum(one.told != 1 for one in found)
    return (
        f"{len(found)} races of {CONSOLES} consoles: {twice} done twice, {none} not done, {told} with not exactly one "
        f"console that was told that it did it"
    )


def _some(count: int) -> list[Race]:
    with tempfile.TemporaryDirectory(prefix="andon-race-") as temporary, staged(Path(temporary) / "stage") as stage:
        hashes = stage.prepare(
            Act("machine.set", "machine", "machine one", {"value": 2}, {"value": 2}), {"value": 2}, count
        )
        stage.start()
        found = []
        with ThreadPoolExecutor(CONSOLES) as pool:
            for number, hash_ in enumerate(hashes, 1):
                id_ = f"P-{number}"
                stage.client.request("plan.approve", plan=id_, hash=hash_)
                before = len(stage.written())
                start = threading.Barrier(CONSOLES)
                told = [*pool.map(lambda _console, id_=id_, start=start: _apply(stage, id_, start), range(CONSOLES))]
                stage.settled(60.0, id_)
                found.append(Race(len(stage.written()) - before, sum(told)))
        return found


def _apply(stage: Stage, id_: str, start: threading.Barrier) -> bool:
    start.wait()
    try:
        return bool(stage.client.request("plan.apply", plan=id_, timeout=60.0)["state"] == "applied")
    except AndonError:
        return False
