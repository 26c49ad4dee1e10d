"""A private folder for pieces of files, so that DuckDB, which reads whole files, reads no more than is new.

Bounded: what was used longest ago makes room. Gone with its process: at its end, or, where that was killed, by the hand
of whoever killed it, at the latest when the next spool is opened (`clear_away`).
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

from console.errors import SourceError

PREFIX = "andon-spool-"
LOCK = "lock"
PRIVATE = 0o600


class Spool:
    """Pieces by key, at most `most` bytes together."""

    def __init__(self, most: int) -> None:
        self.most = most
        clear_away()
        self.folder = Path(
            tempfile.mkdtemp(prefix=PREFIX)
        )  # 0700; nobody takes it for left behind before it has a lock
        lock = self.folder / f".{LOCK}"
        self._lock = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, PRIVATE)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        lock.rename(self.folder / LOCK)
        self._sizes: OrderedDict[str, int] = OrderedDict()  # the one used longest ago first
        atexit.register(self.close)

    @property
    def held(self) -> int:
        """Bytes that lie there."""
        return sum(self._sizes.values())

    def path(self, key: str) -> str | None:
        """Where a piece lies; None where it does not."""
        if key not in self._sizes:
            return None
        self._sizes.move_to_end(key)
        return str(self.folder / key)

    def make_room(self, size: int, keep: Iterable[str] = ()) -> bool:
        """Let go of what was used longest ago until `size` more bytes fit, but not of `keep`; whether they do."""
        kept = set(keep)
        for key in [key for key in self._sizes if key not in kept]:
            if self.held + size <= self.most:
                break
            self.drop(key)
        return self.held + size <= self.most

    def put(self, key: str, parts: Iterable[bytes]) -> str:
        """Write a piece; its path. Raises SourceError where the disk does not take it."""
        path = self.folder / key
        try:
            with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, PRIVATE), "wb") as file:
                file.writelines(parts)
                self._sizes[key] = file.tell()
        except OSError as error:
            path.unlink(missing_ok=True)
            raise SourceError(
                f"rows cannot be written to {self.folder}: {error.strerror}", "make room there, or set TMPDIR"
            ) from None
        self._sizes.move_to_end(key)
        return str(path)

    def drop(self, key: str) -> None:
        """Let go of a piece, there or not."""
        self._sizes.pop(key, None)
        (self.folder / key).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove everything."""
        atexit.unregister(self.close)
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # closed before
            os.close(self._lock)
        self._lock = -1


def clear_away() -> None:
    """Remove the spools of processes that ended without doing so: nobody holds their lock."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another user's, or removed by another process just now
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
