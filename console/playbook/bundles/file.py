"""A bundle as one SQLite file: the same bytes for the same content, and nothing in it is trusted when it is read.

The file is read whole into memory and opened there: no lock, no journal, nothing beside it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from console.clock import YEAR_10000
from console.errors import BundleError
from console.model import Diagnosis, Incident, Profile, Record, Span, Symptom, Transcript
from console.playbook.bundles.bundle import CALLS, FORMAT, Bundle, Failure, Held, Told
from console.playbook.bundles.packing import Allowance, noun, packed, packed_answer, plain, unpacked, unpacked_answer
from console.playbook.bundles.questions import is_question
from console.wire import dump, encode

APPLICATION_ID = 0x616E6462  # "andb" in the file's header
MOST_FILE = 64 * 2**20  # bytes
MOST_ROWS = 50_000
MOST_NAMED = 1_000  # sources, symptoms, playbooks …
PAGE = 1024  # bytes: small, for most bundles are
WRITER = slice(96, 100)  # of the header: which SQLite wrote it, which is nobody's business
SPARE_SQLITE = struct.pack(">I", 3_040_000)

TABLES = {
    "head": "CREATE TABLE head (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "likes": "CREATE TABLE likes (digest TEXT PRIMARY KEY, kind TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID",
    "held": "CREATE TABLE held (number INTEGER PRIMARY KEY, place TEXT NOT NULL, name TEXT NOT NULL,"
    " call TEXT NOT NULL, question BLOB NOT NULL, answer BLOB, failure BLOB)",
}
HEAD: Mapping[str, Any] = {
    "origin": str,
    "now": float,
    "interval": float,
    "andon": str,
    "created": float,
    "symptoms": tuple[Symptom, ...],
    "inputs": dict[str, dict[str, str]],
    "incident": Incident | None,
    "diagnosis": Diagnosis | None,
    "playbooks": dict[str, str],
    "answers": dict[str, str],
    "pins": dict[str, tuple[Span, ...]],
    "excluded": tuple[Span, ...],
    "sources": tuple[Told, ...],
    "models": dict[str, str],
    "failed": dict[str, Failure],
    "left_out": tuple[str, ...],
    "transcripts": tuple[Transcript, ...],
}
SPARED = frozenset({"transcripts"})  # what stands there only where there is something of it


def save(bundle: Bundle, path: Path) -> None:
    """Write the file, readable by its owner alone: all of it or nothing. BundleError where it cannot be written.

    A device or a pipe is written to, never replaced.
    """
    data = to_bytes(bundle)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BundleError(
            f"{path} cannot be written: {error.strerror}", "name a file in a folder that is yours"
        ) from error


def load(path: Path) -> Bundle:
    """The bundle in a file; BundleError for one that is not there, no bundle, broken or too big."""
    data = read(path)
    try:
        return from_bytes(data)
    except BundleError as error:
        raise BundleError(f"{path}: {error.message}", error.hint) from error


def read(path: Path) -> bytes:
    """What is in a file; BundleError where it cannot be read, is too big, or is none: a pipe may never end."""
    hint = "name a bundle: FILE.andon"
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BundleError(f"{path} is no file", hint)
            data = file.read(MOST_FILE + 1)
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}", hint) from error
    except ValueError as error:  # a name with a NUL in it
        raise BundleError(f"{str(path)!r} cannot be read: {error}", hint) from error
    if len(data) > MOST_FILE:
        raise BundleError(f"{path} is larger than {MOST_FILE // 2**20} MB", "no bundle is that large")
    return data


def to_bytes(bundle: Bundle) -> bytes:
    """The file of a bundle."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("BEGIN")
        for table in TABLES.values():
            connection.execute(table)
        given = {name: getattr(bundle, name) for name in sorted(HEAD)}
        told = (
            (name, packed(plain(HEAD[name], value))) for name, value in given.items() if value or name not in SPARED
        )
        connection.executemany("INSERT INTO head VALUES (?, ?)", told)
        likes = ((name, type(like).__name__, packed(dump(like))) for name, like in sorted(bundle.likes.items()))
        connection.executemany("INSERT INTO likes VALUES (?, ?, ?)", likes)
        connection.executemany("INSERT INTO held VALUES (?, ?, ?, ?, ?, ?, ?)", map(_row, enumerate(bundle.held, 1)))
        connection.execute("COMMIT")
        data = bytearray(connection.serialize())
    data[WRITER] = SPARE_SQLITE
    if len(data) > MOST_FILE:
        raise BundleError(f"the bundle is larger than {MOST_FILE // 2**20} MB", "ask for less: shorter windows")
    return bytes(data)


def from_bytes(data: bytes) -> Bundle:
    """The bundle of a file."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection, _worded():
        if not data.startswith(b"SQLite format 3\0"):
            raise _none("it is no file of that kind")
        connection.deserialize(data)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA query_only = ON")
        _check(connection)
        allowance = Allowance()
        rows = dict(connection.execute("SELECT key, value FROM head LIMIT 100").fetchall())
        if set(rows) | SPARED != set(HEAD):
            raise _none("it does not say what it is about")
        head = {name: noun(kind, unpacked(rows[name], allowance)) for name, kind in HEAD.items() if name in rows}
        _check_head(head)
        return Bundle(
            **head,
            likes={
                name: noun({"Profile": Profile, "Record": Record}.get(kind, Profile), unpacked(body, allowance))
                for name, kind, body in connection.execute("SELECT * FROM likes ORDER BY digest LIMIT ?", (MOST_ROWS,))
            },
            held=tuple(
                _held(row, allowance)
                for row in connection.execute(
                    "SELECT place, name, call, question, answer, failure FROM held ORDER BY number LIMIT ?",
                    (MOST_ROWS,),
                )
            ),
        )


def _row(numbered: tuple[int, Held]) -> tuple[Any, ...]:
    number, held = numbered
    answer = None if held.failure else packed_answer(held.call, held.answer)
    failure = packed(dump(held.failure)) if held.failure else None
    return number, held.place, held.name, held.call, packed(dict(held.question)), answer, failure


def _held(row: tuple[Any, ...], allowance: Allowance) -> Held:
    place, name, call, asked, answer, failure = row
    if call not in CALLS.get(place, ()):
        raise _none(f"it says that {str(place)[:40]!r} was asked {str(call)[:40]!r}")
    question = noun(dict[str, Any], unpacked(asked, allowance))
    if not isinstance(name, str) or not is_question(call, question):
        raise _none(f"it holds a question to {place} that nobody asks")
    if failure is not None:
        return Held(place, name, call, question, failure=noun(Failure, unpacked(failure, allowance)))
    if answer is None:
        raise _none("it has a question without an answer")
    return Held(place, name, call, question, unpacked_answer(call, answer, allowance))


def _check(connection: sqlite3.Connection) -> None:
    """That this is a bundle this andon knows, with the tables of a bundle and nothing else."""
    ((application,),) = connection.execute("PRAGMA application_id").fetchall()
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    if application != APPLICATION_ID:
        raise _none("it is another program's database")
    if version > FORMAT:
        raise BundleError(f"the bundle was written by a newer andon (format {version})", "upgrade andon")
    schema = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    if version != FORMAT or sorted(schema) != sorted(("table", name, sql) for name, sql in TABLES.items()):
        raise _none("its tables are not those of a bundle")
    if connection.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
        raise _none("it is damaged")
    ((rows,),) = connection.execute("SELECT (SELECT count(*) FROM held) + (SELECT count(*) FROM likes)").fetchall()
    if rows > MOST_ROWS:
        raise _none(f"it has {rows:,} rows, and no bundle has more than {MOST_ROWS:,}")


def _check_head(head: Mapping[str, Any]) -> None:
    """That what it says of itself can be so: times that a calendar has, and sources that there are."""
    if head["origin"] not in ("recorded", "simulated"):
        raise _none("it does not say where it comes from")
    if not all(0 <= head[name] < YEAR_10000 for name in ("now", "created", "interval")):
        raise _none("it stands at no time that a calendar has")
    if max(len(head[name]) for name in ("sources", "symptoms", "inputs", "playbooks", "failed")) > MOST_NAMED:
        raise _none(f"it names more than {MOST_NAMED:,} sources, symptoms or playbooks")
    for name in ("incident", "diagnosis"):  # a daemon takes them in, and tells them on as JSON, which has no NaN
        noun(HEAD[name], json.loads(encode(plain(HEAD[name], head[name]))))
    for source in head["sources"]:
        if not set(source.calls) <= set(CALLS.get(source.place, ())):
            raise _none(f"it has a source of a kind that there is not: {source.place[:40]!r}")


@contextmanager
def _worded() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, TypeError) as error:  # a text where bytes should be is the file's doing, too
        raise _none(f"it is damaged: {error}") from error


def _none(why: str) -> BundleError:
    return BundleError(f"this is no bundle: {why[:300]}", "`andon incident export ID` writes one")
