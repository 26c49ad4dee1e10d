"""Object stores: rows follow their objects as they follow files, through fsspec's own memory: and what is missing."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.config import SourceConfig
from console.errors import SourceDenied, SourceError, UsageError
from console.model import Profile, Span
from console.plugins import load_plugins
from console.sources import calls
from console.sources.at_hand import AtHand
from console.sources.builtin import STORES
from console.sources.growing import Growing
from console.sources.opening import from_argument
from console.sources.options import TableOptions
from console.sources.types import ProfileRequest
from console.sources.worker import Worker

HOUR = 1_700_000_000 // 3600 * 3600
TEN = (Span(HOUR + 600, HOUR + 1200),)
URL = "memory://rows/log-*.jsonl"


def lines(count: int, start: float) -> bytes:
    return b"".join(
        json.dumps({"time": start + i, "x": i % 10, "c": "ab"[i % 2]}).encode() + b"\n" for i in range(count)
    )


def counted(source: Growing, look: float | None, like: Profile | None = None) -> Profile:
    [group] = source.profiles(ProfileRequest(TEN, like=like, look=look))
    return group.profile


@pytest.fixture
def store() -> Iterator[Any]:
    store = pytest.importorskip("fsspec").filesystem("memory")
    yield store
    store.store.clear()


def test_new_objects_and_the_end_of_those_that_grew_are_fetched_and_nothing_else(store: Any) -> None:
    store.pipe("/rows/log-1.jsonl", lines(1000, HOUR))
    source = Growing("log", TableOptions(path=URL))
    like = counted(source, 1.0)
    fetched = source.progress().bytes
    store.pipe("/rows/log-2.jsonl", lines(50, HOUR + 700))
    store.pipe("/rows/log-1.jsonl", lines(1000, HOUR) + lines(30, HOUR + 700))
    after = counted(source, 2.0, like)
    assert (like.rows, after.rows) == (400, 480)
    assert source.progress().bytes - fetched == len(lines(80, HOUR + 700))
    whole = counted(Growing("log", TableOptions(path=URL)), None, like)
    assert [column.counts for column in after.columns] == [column.counts for column in whole.columns]


def test_an_object_that_was_replaced_is_read_again(store: Any) -> None:
    store.pipe("/rows/log-1.jsonl", lines(1000, HOUR))
    source = Growing("log", TableOptions(path=URL))
    like = counted(source, 1.0)
    store.pipe("/rows/log-1.jsonl", lines(900, HOUR + 900))
    assert (like.rows, counted(source, 2.0, like).rows) == (400, 300)
    store.rm("/rows/log-1.jsonl")
    with pytest.raises(SourceError, match="there is no object memory://rows"):
        counted(source, 3.0, like)


def test_parquet_objects_are_fetched_whole(store: Any, tmp_path: Path) -> None:
    duckdb = importlib.import_module("duckdb")
    path = tmp_path / "a.parquet"
    duckdb.connect().sql(
        f"COPY (SELECT {HOUR} + i AS time, i % 7 AS x FROM range(900) r(i)) TO '{path}' (FORMAT parquet)"
    )
    store.pipe("/rows/a.parquet", path.read_bytes())
    source = Growing("log", TableOptions(path="memory://rows/*.parquet"))
    assert counted(source, 1.0).rows == 300


def test_more_than_may_be_fetched_at_once_is_refused(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = importlib.import_module("console.sources.pieces")
    monkeypatch.setattr(pieces, "OBJECT_BYTES", 10_000)
    store.pipe("/rows/log-1.jsonl", lines(1000, HOUR))
    with pytest.raises(SourceError, match="would have to be fetched at once"):
        counted(Growing("log", TableOptions(path=URL)), None)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (PermissionError("key AKIA1234 is not allowed"), SourceDenied, "may not be read"),
        (ImportError("install the driver"), UsageError, "the driver of memory:// is not installed"),
        (ValueError("token=secret"), SourceError, "cannot be read: ValueError"),
    ],
)
def test_what_a_store_says_of_its_errors_is_not_repeated(
    store: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception], said: str
) -> None:
    source = Growing("log", TableOptions(path=URL))

    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(type(store), "glob", fails)
    with pytest.raises(kind, match=said) as raised:
        counted(source, 1.0)
    assert not any(secret in str(raised.value) for secret in ("AKIA", "token"))


def test_a_command_that_looks_once_reads_objects_as_it_reads_files(store: Any, tmp_path: Path) -> None:
    store.pipe("/rows/log-1.jsonl", lines(500, HOUR))
    (tmp_path / "log-1.jsonl").write_bytes(lines(500, HOUR))
    far = AtHand(["memory://rows/log-1.jsonl"], time="time")
    near = AtHand([str(tmp_path / "log-1.jsonl")], time="time")
    assert (far.columns(), far.extent(), far.profile()) == (near.columns(), near.extent(), near.profile())


def test_without_fsspec_an_object_store_is_a_usage_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UsageError, match=r"s3://•••@bucket/a\.jsonl is read through fsspec") as raised:
        Growing("log", TableOptions(path="s3://me:secret@bucket/a.jsonl"))
    assert raised.value.hint == "pip install 'andon[tables]'"


def test_a_url_of_objects_is_a_table_and_one_of_a_page_is_not() -> None:
    plugins = load_plugins((), on_problem=print)
    assert from_argument("rows=s3://bucket/day=*/rows-*.parquet", plugins) == SourceConfig(
        "rows", "table", {"path": "s3://bucket/day=*/rows-*.parquet"}
    )
    with pytest.raises(UsageError, match=r"no kind of source reads 'https://host/rows\.csv'"):
        from_argument("rows=https://host/rows.csv", plugins)
    assert from_argument("prom=https://host/select/0/prometheus", plugins).kind == "prometheus"


async def test_only_a_table_sees_the_credentials_of_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []

    async def spawned(*_: Any, env: dict[str, str], **__: Any) -> None:
        seen.append(env)
        raise OSError

    monkeypatch.setattr("asyncio.create_subprocess_exec", spawned)
    monkeypatch.setenv("AWS_PROFILE", "plant")
    for environment in (STORES, ()):
        opening = calls.Opening("a", "table", "console.sources.builtin", "", {}, "", environment)
        with pytest.raises(SourceError):
            await Worker(opening).start()
    assert ["AWS_PROFILE" in env for env in seen] == [True, False]
