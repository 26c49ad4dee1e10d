"""Is this folder on a disk of this host? SQLite's write-ahead log needs shared memory, and a network has none."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import psutil

from console.errors import StoreError

NETWORK = frozenset(
    {
        "9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs",
        "nfs", "nfs3", "nfs4", "ocfs2", "pvfs2", "smb2", "smb3", "smbfs", "webdav",
        "fuse.ceph-fuse", "fuse.cephfs", "fuse.davfs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.goofys", "fuse.juicefs",
        "fuse.mount-s3", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs",
    }
)  # fmt: skip

Mount = tuple[str, str]
"""(mount point, file system type)"""


def mounts() -> list[Mount]:
    """What is mounted where, in the order it was mounted; nothing is touched, so a dead server cannot hang this."""
    return [(partition.mountpoint, partition.fstype) for partition in psutil.disk_partitions(all=True)]


def filesystem_of(path: Path, table: Iterable[Mount]) -> str:
    """The type of the file system that a path lies on; empty where the table does not say.

    >>> filesystem_of(Path("/srv/andon/andon.db"), [("/", "ext4"), ("/srv", "nfs4")])
    'nfs4'
    """
    deepest, kind = -1, ""
    for point, fstype in table:
        if path.is_relative_to(point) and len(Path(point).parts) >= deepest:  # the later of two on one point covers it
            deepest, kind = len(Path(point).parts), fstype
    return kind


def refuse_network(path: Path, table: Iterable[Mount] | None = None) -> None:
    """StoreError where the path lies on a network file system."""
    kind = filesystem_of(path.resolve(), mounts() if table is None else table)
    if kind.lower() in NETWORK:
        raise StoreError(
            f"{path} lies on a network file system ({kind}), where the store's write-ahead log is not safe",
            "give --data a folder on a disk of this host",
        )
