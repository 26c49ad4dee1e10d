"""One daemon per data folder: a lock that dies with its process, and says who holds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.errors import DaemonRunning


@contextmanager
def only_daemon(data: Path) -> Iterator[None]:
    """Hold the data folder while the context lasts. DaemonRunning, naming the other, when one is there already."""
    lock = os.open(data / "andon.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 32).decode("ascii", "replace").strip() or "unknown"
            raise DaemonRunning(
                f"a daemon already runs on {data} (process {holder})",
                "talk to it with `andon status`, or name another --data",
            ) from None
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode("ascii"))
        yield
    finally:
        os.close(lock)  # the file stays: removing it would let two daemons lock two files of one name
