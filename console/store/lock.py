"""One writer on one data folder: a lock that the kernel lets go of when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from console.errors import DaemonRunning

LOCK_NAME = "andon.lock"


class StoreLock:
    """Holds DATA/andon.lock. `Store.open` takes it, so whoever has an open writable store has the folder to itself.

    >>> with StoreLock(Path("/var/lib/andon")):  # doctest: +SKIP
    ...     ...

    Raises DaemonRunning, which names the holder's pid.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK_NAME
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock now, or raise DaemonRunning."""
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 32).decode("ascii", "replace").strip()
            os.close(file)
            raise DaemonRunning(
                f"a daemon{f' (pid {holder})' if holder else ''} already runs on {self.path.parent}",
                f"use it, end it with `kill {holder or 'PID'}`, or give --data another folder",
            ) from None
        except OSError:
            os.close(file)
            raise
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file

    def release(self) -> None:
        """Let go; the file stays, because removing it would let two holders in."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> StoreLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
