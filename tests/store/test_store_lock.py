from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.errors import DaemonRunning
from console.store.lock import StoreLock
from console.store.store import Store

HOLD = """
import sys
from pathlib import Path
from console.store.lock import StoreLock
StoreLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_two_writers_on_one_folder_cannot_happen(path: Path) -> None:
    with Store.open(path), pytest.raises(DaemonRunning, match=f"pid {os.getpid()}") as error:
        Store.open(path)
    assert "--data" in error.value.hint


def test_a_reader_needs_no_lock(path: Path) -> None:
    with Store.open(path) as store, Store.open(path, read_only=True) as reader:
        store.settings.set("greeting", {"text": "hello"})
        assert reader.settings.get("greeting") == {"text": "hello"}
        assert reader.settings.get("nothing", 5) == 5


def test_closing_the_store_lets_the_next_one_in(path: Path) -> None:
    Store.open(path).close()
    Store.open(path).close()


def test_a_store_that_does_not_open_lets_go_of_the_folder(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)
    with pytest.raises(Exception, match="damaged"):
        Store.open(path)
    with StoreLock(path.parent):
        pass


def test_a_killed_holder_leaves_no_lock_behind(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DaemonRunning, match=f"pid {holder.pid}"):
            StoreLock(tmp_path).acquire()
        holder.kill()
        holder.wait()
    with StoreLock(tmp_path):
        pass


def test_letting_go_twice_is_no_error(tmp_path: Path) -> None:
    lock = StoreLock(tmp_path)
    lock.acquire()
    lock.release()
    lock.release()
