"""A terminal in tmux, used as a person uses it: keys in, the picture out."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from shlex import join


def is_installed() -> bool:
    return shutil.which("tmux") is not None


@dataclass(frozen=True, slots=True)
class Tmux:
    """One window of one size, on a tmux server of its own."""

    name: str

    @property
    def text(self) -> str:
        """What it shows."""
        return self._tmux("capture-pane", "-p", "-t", "0").stdout

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: Enter, Escape, Space, or the character itself."""
        for key in keys:
            self._tmux("send-keys", "-t", "0", key)

    def wait(self, seen: Callable[[str], bool], seconds: float) -> str:
        """What it shows once `seen` holds; AssertionError with the picture where it never does."""
        deadline = time.monotonic() + seconds
        while not seen(text := self.text):
            assert time.monotonic() < deadline, f"not seen within {seconds:g} s:\n{text}"
            time.sleep(0.1)
        return text

    def press_what_says(self, word: str) -> str:
        """The key that the screen's last line gives for a word, pressed as a newcomer would."""
        line = self.text.rstrip().splitlines()[-1]
        found = re.search(rf"(\S+) {re.escape(word)}(?:  |$)", line + "  ")
        assert found, f"the last line names no key to {word}: {line!r}"
        self.press({"↑": "Up", "↓": "Down", "Esc": "Escape"}.get(found[1], found[1]))
        return found[1]

    def _tmux(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["tmux", "-L", self.name, *arguments], capture_output=True, text=True, timeout=10, check=False
        )


@contextmanager
def tmux(command: Sequence[str], *, width: int, height: int) -> Iterator[Tmux]:
    """A window in which a command runs, gone afterwards."""
    terminal = Tmux(f"andon-test-{uuid.uuid4().hex[:8]}")
    size = ("-x", str(width), "-y", str(height))
    terminal._tmux("-f", "/dev/null", "new-session", "-d", *size, f"{join(command)}; sleep 5")
    try:
        yield terminal
    finally:
        terminal._tmux("kill-server")
