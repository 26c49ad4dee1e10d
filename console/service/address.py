"""Where the daemon's socket lies, and how to name it to a kernel that takes no long names."""

from __future__ import annotations

import grp
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.errors import ConfigError, UsageError

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


def listen(path: Path, group: str | None = None) -> socket.socket:
    """A socket that only its owner, or a group as well, can connect to.

    The caller holds the data folder's lock, so a socket that lies there already is a dead daemon's.
    ConfigError for a group that is none, or not ours to give to, and for a place where no socket can be.
    """
    try:
        path.unlink(missing_ok=True)
        return _bound(path, group)
    except OSError as error:
        hint = "check who owns the folder, and [daemon] socket_group"
        raise ConfigError(f"there can be no socket {path}: {error.strerror}", hint) from error


def _bound(path: Path, group: str | None) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with address(path) as name:
            before = os.umask(0o177)  # nobody else gets in, not even between bind and chmod
            try:
                listener.bind(name)
            finally:
                os.umask(before)
        if group is not None:
            _let_in(_group_id(group), path)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _let_in(group: int, path: Path) -> None:
    """The socket for the group, and the way to it: through the folder, but with no look into it."""
    os.chown(path, -1, group)
    path.chmod(0o660)
    os.chown(path.parent, -1, group)
    path.parent.chmod(0o710)


def _group_id(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise ConfigError(f"there is no group {group!r} on this machine", "mend [daemon] socket_group") from None
