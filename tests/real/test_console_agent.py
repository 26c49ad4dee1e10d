"""A scripted investigation from end to end in the console, under tmux: begun, seen while it goes on, answered, read,
asked on and interrupted, on a model that is really broken; what it says changes nothing of what was computed.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from messagesserver import KEY, Hangs, Messages, Says, Turn, messages, text, use
from tmuxes import Tmux, is_installed, tmux

from console.lab import standing

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not is_installed(), reason="needs tmux: `make test-real` installs it"),
]

NOTICED_SECONDS = 150.0
READ_SECONDS = 60.0
LLM = """
[llm]
model = "scripted-1"
key_env = "ANDON_TEST_KEY"
url = "{url}"
prices = {{read = 5.0, written = 25.0}}
"""
CLAIMS = [
    {"text": "Requests wait, and nobody adds replicas.", "evidence": ["F1"]},
    {"text": "The latest deploy did it.", "evidence": ["F9999"]},
    {"text": "It costs 47,123 dollars.", "evidence": ["F1"]},
]


def script(asked: Mapping[str, Any]) -> Turn:
    """It looks, tries what it may not, asks the operator and concludes; a question is answered, another one hangs."""
    said = " ".join(block.get("text", "") for block in asked["messages"][-1]["content"])
    if "what now" in said:
        return Hangs()
    if "The operator asks" in said:
        return Says(
            [text("It began then. "), use("conclude", 50, claims=[{"text": "It began then.", "evidence": ["F1"]}])]
        )
    match len(asked["messages"]):
        case 1:
            looks = use("signals", 1, words="queue"), use("topology", 2), use("shell", 3, command="id")
            return Says([text("First the queue. " * 20), *looks])
        case 3:
            return Says([use("ask_operator", 4, question="Was the autoscaler changed today?", answers=["yes", "no"])])
    return Says([use("conclude", 5, claims=CLAIMS, remedies=["scale", "reboot"])])


@pytest.fixture
async def server() -> AsyncIterator[Messages]:
    async with messages(script) as here:
        yield here


@pytest.fixture
async def broken(tmp_path: Path, server: Messages, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """The command line of a console on a broken line, whose daemon has the model; no daemon runs yet."""
    monkeypatch.setenv("ANDON_TEST_KEY", KEY)
    line = await asyncio.to_thread(standing.up, tmp_path, place="site")
    command = [sys.executable, "-m", "console.cli", "--config", str(line.config), "--data", str(line.data)]
    try:
        await asyncio.to_thread(standing.inject, tmp_path, "autoscaler_stuck")
        await until_listed(command)
        line.config.write_text(line.config.read_text() + LLM.format(url=server.url))
        await asyncio.to_thread(subprocess.run, [*command, "daemon", "--stop"], check=True, capture_output=True)
        yield command
    finally:  # the line ends with its daemon; the console has started another one
        await asyncio.to_thread(subprocess.run, [*command, "daemon", "--stop"], capture_output=True)
        if standing.look(tmp_path) is not None:
            await asyncio.to_thread(standing.down, tmp_path)


async def until_listed(command: list[str]) -> None:
    async with asyncio.timeout(NOTICED_SECONDS):
        while True:
            found = await asyncio.to_thread(
                subprocess.run, [*command, "incident", "show", "I-1"], capture_output=True, text=True
            )
            if "likely" in found.stdout:
                return
            await asyncio.sleep(1.0)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_a_scripted_investigation_runs_end_to_end(
    broken: list[str], server: Messages, size: tuple[int, int]
) -> None:
    def played() -> None:
        with tmux(broken, width=size[0], height=size[1]) as terminal:
            seen = watcher(terminal)
            seen("I-1")
            terminal.press_what_says("open")
            seen("▲ I-1 open")
            seen("likely, ")
            before = head(terminal)
            terminal.press("e")
            seen("scripted-1 is at work")
            seen("? it asks: Was the autoscaler changed today?")
            terminal.press("Enter")
            seen("1 … 9 or Enter answers")
            terminal.press("1")
            seen("Requests wait, and nobody adds replicas. [F1]")
            terminal.press("G")
            seen("1 of its claims cited nothing that was found")
            terminal.press("g")
            seen("no finding that it cites has 47,123")
            assert before and head(terminal) == before
            terminal.press("E", "since when?", "Enter")
            seen("It began then. [F1]")
            terminal.press("E", "what now?", "Enter")
            seen("i interrupts it")
            terminal.press("i")
            seen("nothing: it was interrupted; the diagnosis stands")
            terminal.press("q")

    await asyncio.to_thread(played)
    results = server.asked[1]["messages"][-1]["content"]
    assert [bool(each.get("is_error")) for each in results] == [False, False, True]  # there is no shell
    found = await asyncio.to_thread(subprocess.run, [*broken, "transcript", "list"], capture_output=True, text=True)
    assert found.stdout.count("scripted-1") == 3 and "it was interrupted" in found.stdout


def watcher(terminal: Tmux) -> Callable[[str], str]:
    def seen(words: str) -> str:
        return terminal.wait(lambda shown: words in re.sub(r"[\s│]+", " ", shown), READ_SECONDS)

    return seen


def head(terminal: Tmux) -> list[str]:
    """What the numbers say."""
    return [line for line in terminal.text.splitlines()[1:6] if "likely, " in line]
