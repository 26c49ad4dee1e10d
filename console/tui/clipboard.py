"""Text out of the terminal: into the clipboard of the machine the operator sits at, by OSC 52, or into a file."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from console.errors import UsageError

MOST_BYTES = 48 * 1024  # xterm takes 100 kB of base64 and not more; some terminals take less


def copying(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The sequence that puts a text into the clipboard; inside tmux also wrapped, to reach the terminal around it.

    Raises UsageError for more than terminals take.
    """
    data = text.encode()
    if len(data) > MOST_BYTES:
        raise UsageError(f"this is more than {MOST_BYTES // 1024} kB", "write it to a file with w")
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    if environment.get("TMUX"):
        return sequence + "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return sequence


def write_screen(text: str, folder: Path, name: str) -> Path:
    """Keep what a screen shows as a file of its own; UsageError where that cannot be."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    path = folder / f"andon-{name}-{stamp}.txt"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "make room, or copy with y") from error
    return path
