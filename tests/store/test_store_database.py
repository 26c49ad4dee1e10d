from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.errors import Exit, StoreCorrupt, StoreError, StoreFull, StoreTooNew
from console.model import NO_LABELS, Kind, Reading, SeriesKey, Symptom
from console.store import database as database_module
from console.store.database import Database
from console.store.filesystem import filesystem_of, mounts, refuse_network
from console.store.schema import APPLICATION_ID, MIGRATIONS
from console.store.store import Store

NOW = 1_800_000_000.0
DEPTH = SeriesKey("model.queue.depth", NO_LABELS, Kind.GAUGE)


def readings(count: int) -> list[Reading]:
    return [Reading(DEPTH, NOW - 60 * n, float(n)) for n in range(count, 0, -1)]


def pragma(path: Path, name: str) -> object:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]
    finally:
        connection.close()


# ── making and migrating ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_store_says_whose_it_is_and_is_for_its_owner_alone(path: Path) -> None:
    Store.open(path).close()
    assert pragma(path, "application_id") == APPLICATION_ID
    assert pragma(path, "user_version") == len(MIGRATIONS)
    assert pragma(path, "journal_mode") == "wal"
    assert pragma(path, "auto_vacuum") == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_store_of_the_first_version_is_brought_forward_with_all_it_holds(path: Path) -> None:
    first = Database.open(path, migrations=MIGRATIONS[:1])
    with first.write() as connection:
        connection.execute("INSERT INTO meta VALUES ('kept', '1')")
    first.close()
    second = "ALTER TABLE meta ADD COLUMN since REAL; UPDATE meta SET since = 5.0"
    forward = Database.open(path, migrations=(MIGRATIONS[0], second))
    assert forward.rows("SELECT * FROM meta") == [("kept", "1", 5.0)]
    assert forward.rows("PRAGMA user_version") == [(2,)]
    forward.close()


def test_a_migration_that_fails_leaves_the_version_before_whole(path: Path) -> None:
    Database.open(path, migrations=MIGRATIONS[:1]).close()
    broken = "ALTER TABLE meta ADD COLUMN since REAL; SELECT nonsense FROM nowhere"
    with pytest.raises(StoreError, match="nowhere"):
        Database.open(path, migrations=(MIGRATIONS[0], broken))
    again = Database.open(path, migrations=MIGRATIONS[:1])
    assert again.rows("SELECT count(*) FROM pragma_table_info('meta') WHERE name = 'since'") == [(0,)]
    again.close()


def test_reading_does_not_migrate(path: Path) -> None:
    Database.open(path, migrations=MIGRATIONS[:1]).close()
    with pytest.raises(StoreError, match="older andon"):
        Database.open(path, read_only=True, migrations=(MIGRATIONS[0], "SELECT 1"))


# ── what is in the way ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_newer_store_is_left_alone(path: Path) -> None:
    Database.open(path, migrations=(*MIGRATIONS, "SELECT 1")).close()
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match="newer andon") as error:
        Store.open(path)
    assert "upgrade" in error.value.hint
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database, surely" * 100, b"SQLite format 3\x00" + b"\xff" * 8000])
def test_a_damaged_file_is_left_where_it_is_and_the_way_out_is_said(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreCorrupt, match=r"andon\.db is damaged") as error:
        Store.open(path)
    assert f"mv {path} {path}.damaged" in error.value.hint
    assert error.value.exit is Exit.UNREACHABLE
    assert path.read_bytes() == content


def test_damage_that_shows_only_later_is_named_the_same_way(path: Path) -> None:
    with Store.open(path) as store:
        store.add(readings(3000), NOW)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size // 2))
    with pytest.raises(StoreCorrupt), Store.open(path) as store:
        store.samples._database.rows("SELECT sum(sum), max(sketch) FROM minutes")


def test_another_programs_database_is_not_touched(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program's database"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_store_that_cannot_be_written_says_so(path: Path) -> None:
    Store.open(path).close()
    with (
        Store.open(path, read_only=True) as store,
        pytest.raises(StoreError, match="cannot be written"),
    ):
        store.incidents.open(Symptom("slow"), title="slow", subject="glove", time=NOW)


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"Not a directory|File exists"):
        Store.open(tmp_path / "file" / "andon.db")


def test_a_file_locked_by_a_backup_is_one_sentence_and_nothing_is_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.02)
    with Store.open(path) as store:
        backup = sqlite3.connect(path, isolation_level=None)
        backup.execute("BEGIN IMMEDIATE")
        store.add(readings(3), NOW)
        with pytest.raises(StoreError, match="locked by another process"):
            store.commit()
        backup.execute("ROLLBACK")
        backup.close()
        store.commit()
        assert store.samples._database.rows("SELECT count(*) FROM minutes") == [(3,)]


def test_a_transaction_that_raises_leaves_no_trace_and_the_next_one_works(store: Store) -> None:
    database = store.samples._database
    with pytest.raises(ValueError, match="halfway"), database.write() as connection:
        connection.execute("INSERT INTO meta VALUES ('half', '1')")
        raise ValueError("halfway")
    store.settings.set("whole", 1)
    assert store.settings.get("half") is None
    assert store.settings.get("whole") == 1


# ── a full disk ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_full_disk_loses_nothing_and_the_next_commit_writes_it(store: Store) -> None:
    connection = store.samples._database.connection
    connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the present size instead: no page more
    store.add(readings(2000), NOW)
    for _ in range(2):
        with pytest.raises(StoreFull, match="no room left") as error:
            store.commit()
    assert "free some space" in error.value.hint
    connection.execute("PRAGMA max_page_count = 100000")
    store.commit()
    assert store.samples._database.rows("SELECT count(*), sum(sum) FROM minutes") == [(2000, 2000 * 2001 / 2)]


def test_an_incident_that_finds_no_room_is_refused_whole(store: Store) -> None:
    connection = store.samples._database.connection
    connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreFull):
        store.incidents.open(Symptom("x" * 100_000), title="slow", subject="glove", time=NOW)
    assert store.incidents.list() == ()
    assert not connection.in_transaction


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=768k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a tiny disk takes root")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_disk_that_is_really_full_loses_nothing_either(tiny_disk: Path) -> None:
    with Store.open(tiny_disk / "andon.db") as store:
        store.add(readings(100), NOW)
        store.commit()
        ballast = tiny_disk / "ballast"
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(bytes(4096))
        store.add(readings(4000)[:3900], NOW)
        with pytest.raises(StoreFull):
            store.commit()
        ballast.unlink()
        store.commit()
        assert store.samples._database.rows("SELECT count(*) FROM minutes") == [(4000,)]
        assert store.samples._database.rows("PRAGMA integrity_check") == [("ok",)]


def test_an_input_output_error_counts_as_full_only_where_the_disk_is(path: Path, tiny_disk: Path) -> None:
    class InputOutputError(sqlite3.OperationalError):
        sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE

    with pytest.raises(StoreError, match="cannot be used"), database_module.worded(path):
        raise InputOutputError("disk I/O error")
    with (tiny_disk / "ballast").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    with pytest.raises(StoreFull), database_module.worded(tiny_disk / "andon.db"):
        raise InputOutputError("disk I/O error")


# ── file systems ─────────────────────────────────────────────────────────────────────────────────────────────────────

TABLE = [
    ("/", "ext4"),
    ("/home", "nfs4"),
    ("/home/ann", "ext4"),
    ("/mnt", "ext4"),
    ("/mnt", "fuse.sshfs"),
    ("/homework", "xfs"),
]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/andon.db", "ext4"),
        ("/home/bob/andon.db", "nfs4"),
        ("/home/ann/andon.db", "ext4"),
        ("/homework/andon.db", "xfs"),
        ("/mnt/andon.db", "fuse.sshfs"),
    ],
)
def test_a_path_lies_on_the_deepest_and_latest_mount(path: str, kind: str) -> None:
    assert filesystem_of(Path(path), TABLE) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "lustre", "CIFS"])
def test_a_network_file_system_is_refused(kind: str) -> None:
    with pytest.raises(StoreError, match=f"network file system .{kind}.") as error:
        refuse_network(Path("/data/andon.db"), [("/", "ext4"), ("/data", kind)])
    assert "--data" in error.value.hint


def test_this_hosts_own_disk_is_not_refused(tmp_path: Path) -> None:
    refuse_network(tmp_path / "andon.db")
    assert mounts()
