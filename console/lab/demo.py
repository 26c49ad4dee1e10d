"""The story in one call: black gloves on one line, and what andon says about it."""

from __future__ import annotations

from pathlib import Path

from console.errors import NoData
from console.lab.episode import episode, find_fault
from console.lab.line import Progress
from console.model import Diagnosis

STORY = "black_gloves"


def demo(on_progress: Progress = lambda _text: None, *, seed: int = 1, folder: Path | None = None) -> Diagnosis:
    """Play the story; NoData if andon did not notice anything in time."""
    result = episode(find_fault(STORY), seed, folder=folder, on_progress=on_progress)
    if result.diagnosis is None:
        raise NoData("no incident was opened in twelve minutes of lab time", "run it again; see `andon lab score`")
    return result.diagnosis
