"""A newcomer finds the cause of three faults with nothing but what the screen says, at 80×24 and at 200×50.

What is pressed is read off the screen's last line; the story is written up in docs/first-incident.md.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from tmuxes import Tmux, is_installed, tmux

from console.lab import standing
from console.library import library_dir
from console.playbook.loader import library
from console.plugins import load_plugins

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not is_installed(), reason="needs tmux: `make test-real` installs it"),
]

SIZES = ((80, 24), (200, 50))
NOTICED_SECONDS = 150.0
READ_SECONDS = 60.0


def cause_titles(cause: str) -> set[str]:
    """What the screen has to say: a title that a playbook gives the cause, as far as a narrow screen has it."""
    wrong: list[object] = []
    known = library([library_dir("playbooks")], load_plugins().by_name("andon_step_types"), on_problem=wrong.append)
    return {each.title[:40] for playbook in known.values() for each in playbook.causes if each.id == cause}


def said(terminal: Tmux) -> str:
    """Everything on the screen as one text, whatever was wrapped or boxed."""
    return re.sub(r"[\s│]+", " ", terminal.text)


@pytest.mark.parametrize("fault", ["black_gloves", "wrong_weights", "cpu_hog"])
def test_a_newcomer_reads_the_cause_off_the_screen(fault: str, tmp_path: Path) -> None:
    folder = tmp_path / "line"
    line = standing.up(folder)
    command = [sys.executable, "-m", "console.cli", "--config", str(line.config), "--data", str(line.data)]
    try:
        broken = standing.inject(folder, fault)
        titles = cause_titles(broken.expect["cause"])
        for width, height in SIZES:
            with tmux(command, width=width, height=height) as terminal:
                terminal.wait(lambda text: "▲" in text and "I-1" in text, NOTICED_SECONDS)
                terminal.press_what_says("open")
                terminal.wait(lambda text: " triage " in text.splitlines()[0], READ_SECONDS)
                terminal.wait(
                    lambda _text, terminal=terminal: any(each in said(terminal) for each in titles), READ_SECONDS
                )
                terminal.press_what_says("quit")
    finally:
        standing.down(folder)
