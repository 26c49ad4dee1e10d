"""Who is at the other end of a socket: the operator an act is put down to."""

from __future__ import annotations

import pwd
import socket
import struct
from dataclasses import dataclass

_LOCAL_PEERCRED = 0x001  # macOS, <sys/un.h>; Python does not name it
_SOL_LOCAL = 0
_XUCRED = struct.Struct("IIh16I")  # version, uid, number of groups, groups


@dataclass(frozen=True, slots=True)
class Peer:
    """A process that the kernel vouches for."""

    uid: int
    name: str
    pid: int | None = None  # where the kernel says


def peer_of(connection: socket.socket) -> Peer:
    """The peer of a connected Unix socket. OSError when it is gone already."""
    if hasattr(socket, "SO_PEERCRED"):
        pid, uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return Peer(uid, _name(uid), pid)
    _version, uid, *_groups = _XUCRED.unpack(connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED.size))
    return Peer(uid, _name(uid))


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's user needs no entry
        return f"uid {uid}"
