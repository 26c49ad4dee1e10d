"""Rows counted where they lie: seconds per million rows, and rows fetched, for each engine.

    .venv-tables/bin/python benchmarks/tables.py [millions of rows, 1 by default]

The first figure fits the bins and counts; the second counts in known bins, as each later look does.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

from realengines import ClickHouse, postgres_server  # noqa: E402

from console.sources.databases import Database  # noqa: E402
from console.sources.types import ProfileRequest  # noqa: E402

COLUMNS = {
    "time": "1782864000 + i * 0.01",
    **{f"x{k}": f"sqrt(i % {1000 + k}) * sin(i * {k + 1})" for k in range(8)},
    "pieces": "(i % 40)::INTEGER",
    "country": "CASE i % 3 WHEN 0 THEN 'de' WHEN 1 THEN 'fr' ELSE 'it' END",
    "paid": "i % 7 = 0",
}


def main() -> None:
    millions = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    rows = int(millions * 1e6)
    with tempfile.TemporaryDirectory() as folder:
        for name, holding in (("duckdb", in_duckdb), ("postgres", in_postgres), ("clickhouse", in_clickhouse)):
            with holding(Path(folder), rows) as database:
                fetched = 0
                ask = database._ask

                def counted(expression: Any, ask: Any = ask) -> Any:
                    nonlocal fetched
                    answer = ask(expression)
                    fetched += answer.num_rows
                    return answer

                database._ask = counted  # type: ignore[method-assign]
                like = None
                for what in ("fresh", "known"):
                    fetched, began = 0, time.perf_counter()
                    [group] = database.profiles(ProfileRequest((), like=like, sampled=like is None))
                    seconds = time.perf_counter() - began
                    assert group.profile.rows == rows
                    like = group.profile
                    print(f"{name:10} {what:5} {seconds / millions:6.2f} s a million rows of {len(COLUMNS)} columns, "
                          f"{fetched:6} rows fetched")  # fmt: skip


def options(url: str, table: str) -> Any:
    return SimpleNamespace(url=url, url_env=None, table=table, time="time", model=None, label=None, prediction=None,
                           slices=[], text=[], embedding=[])  # fmt: skip


def select(rows: int, source: str) -> str:
    return f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in COLUMNS.items())} FROM {source.format(rows)}"


@contextmanager
def in_duckdb(folder: Path, rows: int) -> Iterator[Database]:
    with duckdb.connect(str(folder / "rows.db")) as connection:
        connection.execute(f"CREATE TABLE rows AS {select(rows, 'range({}) t(i)')}")
        connection.execute(f"COPY rows TO '{folder}/rows.parquet'")
    yield Database("duckdb", options(f"duckdb://{folder}/rows.db", "rows"), seconds=3600)


@contextmanager
def in_postgres(_folder: Path, rows: int) -> Iterator[Database]:
    import psycopg

    with postgres_server() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLE rows AS {select(rows, 'generate_series(0, {} - 1) AS t(i)')}")
            connection.execute("ANALYZE rows")
        yield Database("postgres", options(url, "rows"), seconds=3600)


@contextmanager
def in_clickhouse(folder: Path, rows: int) -> Iterator[Database]:
    engine = ClickHouse()
    engine.session.query("CREATE DATABASE here")
    engine.session.query(
        f"CREATE TABLE here.rows ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM file('{folder}/rows.parquet')"
    )
    yield Database("clickhouse", options("", "here.rows"), engine)


if __name__ == "__main__":
    main()
