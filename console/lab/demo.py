"""The story in one call: black gloves on one line, and what andon says about it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.errors import NoData
from console.lab import standing
from console.lab.episode import episode, find_fault
from console.lab.line import Progress
from console.model import Diagnosis
from console.service.client import Client

STORY = "black_gloves"
SEED = 1
INCIDENT_SECONDS = 120.0
LOOK_SECONDS = 0.2


def demo(on_progress: Progress = lambda _text: None, *, seed: int = SEED, folder: Path | None = None) -> Diagnosis:
    """Play the story; NoData if andon did not notice anything in time."""
    result = episode([find_fault(STORY)], seed, folder=folder, on_progress=on_progress)
    if result.diagnosis is None:
        raise NoData("no incident was opened in twelve minutes of lab time", "run it again; see `andon lab score`")
    return result.diagnosis


@contextmanager
def standing_demo(on_progress: Progress = lambda _text: None, *, seed: int = SEED) -> Iterator[tuple[Path, str]]:
    """The same story on a line that goes on: the daemon's data folder and the incident's id, once it is examined.

    The line and its folder are gone afterwards. NoData if andon did not notice anything in time.
    """
    folder = Path(tempfile.mkdtemp(prefix="andon-demo-"))
    try:
        on_progress("starting a line with a real vision model, and living through weeks of its traffic …")
        line = standing.up(folder, seed=seed)
        fault = find_fault(STORY)
        standing.inject(folder, STORY)
        on_progress(f"fault: {fault.title[:1].lower()}{fault.title[1:]}; waiting for andon to notice …")
        yield line.data, _examined(Client(line.data))
    finally:
        if standing.look(folder) is not None:
            standing.down(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _examined(client: Client) -> str:
    deadline = time.monotonic() + INCIDENT_SECONDS
    while time.monotonic() < deadline:
        for incident in client.request("incident.list"):
            if incident["runs"]:
                return str(incident["id"])
        time.sleep(LOOK_SECONDS)
    raise NoData(f"no incident was opened in {INCIDENT_SECONDS:g} s", "run it again; see `andon lab score`")
