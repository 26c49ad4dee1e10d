"""Where the daemon's socket lies, and how to name it to a kernel that takes no long names."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.errors import UsageError

MOST_BYTES = 103 if sys.platform == "darwin" else 107  # sun_path less its closing zero


def socket_path(data: Path) -> Path:
    """The socket of the daemon of one data folder."""
    return data / "andon.sock"


@contextmanager
def address(path: Path) -> Iterator[str]:
    """A name of `path` that fits into a socket address while the context lasts.

    A longer path is reached through the folder's descriptor where the kernel has /proc. UsageError where it has not.
    """
    if len(os.fsencode(path)) <= MOST_BYTES:
        yield str(path)
        return
    if sys.platform != "linux":
        raise UsageError(f"the data folder's path is too long for a socket: {path}", "choose a shorter one with --data")
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
