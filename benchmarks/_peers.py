"""The programs that people watch machines with today, each refreshing once a second; and andon itself beside them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from _estate import GPUS, Estate
from _world import LOGGED, MODELS
from picture import Picture

NVITOP = Path(__file__).parents[1] / ".venv-peers" / "bin" / "nvitop"


@dataclass(frozen=True, slots=True)
class Program:
    """How it is started, and what only its whole picture has."""

    name: str
    command: list[str]
    words: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_installed(self) -> bool:
        return shutil.which(self.command[0]) is not None

    @property
    def environment(self) -> dict[str, str]:
        return dict(os.environ) | self.env

    def is_painted(self, picture: Picture) -> bool:
        """Whether all of it is on the screen."""
        text = picture.text
        return all(word in text for word in self.words)


def andon(at: Estate) -> Program:
    """The board, whole once all three panels show what they are about."""
    return Program("andon", at.console, ("GPU", *MODELS, LOGGED, f"/{GPUS - 1} ", "live"), at.env)


def peers(at: Estate) -> list[Program]:
    """Those that people compare with."""
    settings = at.folder / "config" / "btop" / "btop.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("update_ms = 1000\n")
    return [
        Program("nvitop", [str(NVITOP), "-m", "full", "--interval", "1"], (f" {GPUS - 1}  H200", "Processes:"), at.env),
        Program("btop", ["btop", "--utf-force"], ("up ", "Cached:", "Command:", "terminate"), at.env),
        Program("htop", ["htop", "-d", "10"], ("Load average:", "Command", "F10Quit"), at.env),
        Program("top", ["top", "-d", "1"], ("load average:", "COMMAND", "root"), at.env),
    ]
