"""One connection to the store's file: how it is opened and brought up to date, and its errors in andon's words."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from console.errors import StoreCorrupt, StoreError, StoreFull, StoreTooNew
from console.store.filesystem import refuse_network
from console.store.schema import APPLICATION_ID, MIGRATIONS

BUSY_SECONDS = 5.0
WAL_BYTES = 64 * 2**20  # what the log shrinks to after a checkpoint

Row = tuple[Any, ...]


class Database:
    """A connection, shared by threads one at a time, that speaks StoreError."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self.lock = threading.RLock()

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, migrations: Sequence[str] = MIGRATIONS) -> Database:
        """Open the file, making or migrating it unless `read_only`.

        Raises StoreTooNew, StoreCorrupt, StoreFull, or StoreError where it lies on a network or cannot be opened.
        """
        refuse_network(path)
        with worded(path):
            if not read_only:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives the log the same mode
            mode = "ro" if read_only else "rw"
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                _prepare(path, connection, read_only, migrations)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it, or none where anything is raised."""
        with self.lock, worded(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:  # SQLite may have rolled back by itself, for instance on a full disk
                    self.connection.execute("ROLLBACK")
                raise

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of one statement."""
        with self.lock, worded(self.path):
            return self.connection.execute(sql, parameters).fetchall()

    def shrink(self, pages: int) -> None:
        """Give up to so many free pages back to the file system."""
        with self.lock, worded(self.path):
            # A script is stepped to its end; execute() would stop after the first page, since no row comes with it.
            self.connection.executescript(f"PRAGMA incremental_vacuum({pages})")

    def close(self) -> None:
        """Close the connection; closing twice is no error."""
        with self.lock:
            self.connection.close()


def _prepare(path: Path, connection: sqlite3.Connection, read_only: bool, migrations: Sequence[str]) -> None:
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    ((application,),) = connection.execute("PRAGMA application_id").fetchall()
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    if application != APPLICATION_ID and (tables or version or application):
        raise StoreError(f"{path} is another program's database", "give --data another folder, or move that file away")
    if version > len(migrations):
        raise StoreTooNew(
            f"{path} was written by a newer andon (store version {version}, this one knows {len(migrations)})",
            "upgrade andon, or give --data another folder; the file was not touched",
        )
    if read_only:
        if version < len(migrations):
            raise StoreError(
                f"{path} was written by an older andon", "start the daemon once: it brings the file up to date"
            )
        return
    if not tables:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only takes effect before the first table
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing; a power cut, the last moments
    connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    for number, script in enumerate(migrations[version:], start=version + 1):
        _migrate(connection, number, script)
    connection.execute("PRAGMA foreign_keys = ON")  # after the scripts: one that rebuilds a table needs them off


def _migrate(connection: sqlite3.Connection, number: int, script: str) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number};")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def worded(path: Path) -> Iterator[None]:
    """SQLite's and the system's errors as the StoreError family; andon's own mistakes pass as they are."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
        raise
    except sqlite3.Error as error:
        raise _in_words(path, error) from error
    except OSError as error:
        raise StoreError(
            f"{path} cannot be opened: {error.strerror}", "check the folder, or give --data another"
        ) from error


def _in_words(path: Path, error: sqlite3.Error) -> StoreError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the low byte is the primary code
    if code == sqlite3.SQLITE_IOERR and _is_full(path):
        code = sqlite3.SQLITE_FULL
    match code:
        case sqlite3.SQLITE_FULL:
            return StoreFull(
                f"there is no room left for {path}", "free some space: what was not written yet is kept and tried again"
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreCorrupt(
                f"{path} is damaged: {error}",
                f"it was not touched; move it and its -wal and -shm aside (mv {path} {path}.damaged) and start again",
            )
        case sqlite3.SQLITE_READONLY:
            return StoreError(
                f"{path} cannot be written", "check who owns the file and its folder, or give --data another"
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreError(
                f"{path} is locked by another process", "close whatever else has it open, a backup for instance"
            )
        case sqlite3.SQLITE_CANTOPEN:
            return StoreError(f"{path} cannot be opened", "start the daemon once to make it, or check --data")
        case sqlite3.SQLITE_INTERRUPT:
            return StoreError(
                f"reading {path} took too long and was stopped", "ask for a shorter window or a longer step"
            )
        case _:
            return StoreError(f"{path} cannot be used: {error}", "")


def _is_full(path: Path) -> bool:
    try:
        return os.statvfs(path.parent).f_bavail == 0
    except OSError:
        return False
