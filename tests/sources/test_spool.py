"""The spool: a private, bounded folder that outlives nobody."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from console.errors import SourceError
from console.sources.spool import Spool, clear_away


@pytest.fixture(autouse=True)
def _own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_nobody_else_may_look_into_it() -> None:
    spool = Spool(100)
    path = Path(spool.put("a", [b"12", b"34"]))
    assert path.read_bytes() == b"1234"
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    spool.close()
    assert not spool.folder.exists()


def test_what_was_used_longest_ago_makes_room() -> None:
    spool = Spool(10)
    for key in "abc":
        spool.put(key, [b"123"])
    assert spool.path("a") is not None  # used just now
    assert spool.make_room(3)
    spool.put("d", [b"123"])
    assert [key for key in "abcd" if spool.path(key)] == ["a", "c", "d"]
    assert sorted(path.name for path in spool.folder.iterdir()) == ["a", "c", "d", "lock"]
    assert spool.held == 9


def test_what_is_asked_for_at_once_is_kept_and_more_than_fits_is_not_taken() -> None:
    spool = Spool(10)
    spool.put("a", [b"12345"])
    assert not spool.make_room(6, keep=["a"])
    assert spool.path("a") is not None
    assert spool.make_room(6)
    assert spool.path("a") is None


def test_what_cannot_be_written_is_an_error_of_one_sentence() -> None:
    spool = Spool(10)
    shutil.rmtree(spool.folder)
    with pytest.raises(SourceError, match="rows cannot be written"):
        spool.put("a", [b"1"])
    spool.close()


def test_what_a_killed_process_left_is_cleared_away_and_what_others_use_is_not(tmp_path: Path) -> None:
    living = Spool(10)
    code = "import os, tempfile; from console.sources.spool import Spool; s = Spool(9); s.put('a', [b'1']); os._exit(1)"
    subprocess.run([sys.executable, "-c", code], env={"TMPDIR": str(tmp_path)}, check=False)
    assert len([*tmp_path.glob("andon-spool-*")]) == 2
    clear_away()
    assert [*tmp_path.glob("andon-spool-*")] == [living.folder]


def test_a_process_that_ends_removes_its_own(tmp_path: Path) -> None:
    code = "from console.sources.spool import Spool; Spool(9).put('a', [b'1'])"
    subprocess.run([sys.executable, "-c", code], env={"TMPDIR": str(tmp_path)}, check=True)
    assert not [*tmp_path.iterdir()]
