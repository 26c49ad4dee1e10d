"""Answers in databases are counted as those in files, to the row: DuckDB, PostgreSQL, ClickHouse, Spark."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest

pytest.importorskip("ibis", reason="the extra tables is not installed here: make test-real runs this in .venv-tables")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realengines import ClickHouse, postgres_server, spark_session

from console.errors import NoData, SourceMalformed, UsageError
from console.model import Labels, Outcomes, Record, Span
from console.sources.databases import Database
from console.sources.engines import Connected
from console.sources.tables import Table
from console.sources.types import OutcomesRequest, ProfileRequest

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]

START = 1_782_864_000.0
ROWS = f"""SELECT
  {START}::DOUBLE + i AS "time", (i % 4) AS site,
  ['de', 'fr', 'a''b;\\--"', NULL][1 + i * i % 4] AS country, i % 3 = 0 AS paid,
  CASE WHEN i % 53 = 0 THEN NULL WHEN i % 97 = 0 THEN 1.5 WHEN i % 101 = 0 THEN 'nan'::DOUBLE
       ELSE round((sin(i) + 1) / 2, 6) END AS score,
  CASE WHEN i % 7 = 0 THEN NULL ELSE (sin(i) + cos(i * 7) > 0.1)::INTEGER END AS fraud,
  CASE WHEN i % 7 = 0 THEN NULL WHEN i > 1500 AND i % 11 = 0 THEN 'third'
       WHEN sin(i) + cos(i * 7) > 0.1 THEN 'yes' ELSE 'n''o' END AS word,
  CASE WHEN i % 61 = 0 THEN NULL ELSE ['cat', 'dog', 'o"w;l'][1 + (i + (i % 5 = 0)::INT) % 3] END AS pet,
  CASE WHEN i % 9 = 0 THEN NULL ELSE ['cat', 'dog', 'o"w;l'][1 + i % 3] END AS truth,
  i % 30 AS guess_n, CASE WHEN i % 6 = 0 THEN NULL ELSE (i * 7) % 30 END AS n,
  CASE WHEN i % 59 = 0 THEN 'inf'::DOUBLE ELSE 100 + 50 * sin(i) END AS guess,
  CASE WHEN i % 5 = 0 THEN NULL ELSE 100 + 50 * sin(i) + cos(i * 3) END AS price,
  i % 2 = 0 AS said, CASE WHEN i % 11 = 0 THEN NULL ELSE i % 3 = 0 END AS was
FROM range(2000) t(i)"""
COLUMNS = (
    '"time" float8, site int, country text, paid boolean, score float8, fraud int, word text, pet text, truth text, '
    "guess_n int, n int, guess float8, price float8, said boolean, was boolean"
)
PAIRS = [("fraud", "score"), ("word", "score"), ("truth", "pet"), ("n", "guess_n"), ("price", "guess"), ("was", "said")]


def options(**given: Any) -> Any:
    plain: dict[str, Any] = {
        "path": "", "url": "duckdb://", "url_env": None, "table": "rows", "time": "time", "model": None, "label": None,
        "prediction": None, "image": None, "slices": [], "text": [], "embedding": [], "labels": None,
    }  # fmt: skip
    return SimpleNamespace(**{**plain, **given})


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    duckdb.connect().execute(f"COPY ({ROWS}) TO '{path}' (FORMAT parquet)")
    return path


Opened = Callable[[str, Path, Path], Database]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return spark_session(tmp_path_factory.mktemp("spark"))


@pytest.fixture(params=["duckdb", "postgres", "clickhouse", "spark"])
def database(request: pytest.FixtureRequest, parquet: Path, tmp_path: Path) -> Database:
    match request.param:
        case "duckdb":
            with duckdb.connect(f"{tmp_path}/rows.db") as connection:
                connection.execute(f"CREATE TABLE rows AS FROM '{parquet}'")
            return Database("rows", options(url=f"duckdb://{tmp_path}/rows.db"))
        case "postgres":
            import psycopg

            url = request.getfixturevalue("postgres")
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"DROP TABLE IF EXISTS rows; CREATE TABLE rows ({COLUMNS})")
                with connection.cursor().copy("COPY rows FROM STDIN") as copy:
                    for row in duckdb.connect().execute(f"FROM '{parquet}'").fetchall():
                        copy.write_row(row)
            return Database("rows", options(url=url))
        case "clickhouse":
            engine = ClickHouse()
            engine.session.query("CREATE DATABASE IF NOT EXISTS here")
            engine.session.query("DROP TABLE IF EXISTS here.rows")
            engine.session.query(
                f"CREATE TABLE here.rows ENGINE = MergeTree ORDER BY tuple() "
                f"AS SELECT * FROM file('{parquet}', Parquet)"
            )
            return Database("rows", options(table="here.rows"), engine)
        case _:
            import ibis

            spark = request.getfixturevalue("session")
            spark.read.parquet(str(parquet)).createOrReplaceTempView("rows")
            return Database("rows", options(), Connected(ibis.pyspark.connect(spark)), seconds=60.0)


def assert_same(counted: Outcomes, expected: Outcomes) -> None:
    assert counted.grid == expected.grid
    assert (counted.rows, counted.unanswered, counted.outside, counted.odd) == (
        expected.rows, expected.unanswered, expected.outside, expected.odd,
    )  # fmt: skip
    np.testing.assert_allclose(counted.table, expected.table, rtol=1e-9, atol=1e-6)


def assert_same_record(counted: Record, expected: Record) -> None:
    assert_same(counted.whole, expected.whole)
    assert [(one.column, one.value) for one in counted.segments] == [(o.column, o.value) for o in expected.segments]
    for one, other in zip(counted.segments, expected.segments, strict=True):
        assert_same(one.outcomes, other.outcomes)
    assert (counted.step, [one.start for one in counted.steps]) == (
        expected.step,
        [one.start for one in expected.steps],
    )
    for step, same in zip(counted.steps, expected.steps, strict=True):
        assert_same(step.outcomes, same.outcomes)


def test_every_kind_of_answer_is_counted_alike(database: Database, parquet: Path) -> None:
    table = Table("rows", options(path=str(parquet)))
    for target, prediction in pairs_for(database):
        first = (Span(START, START + 1400),)
        request = OutcomesRequest(target, prediction, first, by=("country", "site", "paid"), every=250.0)
        expected = table.outcomes(request)
        again = OutcomesRequest(
            target, prediction, (Span(START + 100, START + 1700.5),), Labels.of(site="1"), ("country", "paid"), 100.0,
            expected,
        )  # fmt: skip
        for asked in (OutcomesRequest(**{**vars_of(request), "spans": (), "like": expected}), again):
            assert_same_record(database.outcomes(asked), table.outcomes(asked))


def test_a_fresh_grid_is_the_files_own(database: Database, parquet: Path) -> None:
    table = Table("rows", options(path=str(parquet)))
    for target, prediction in pairs_for(database):
        request = OutcomesRequest(target, prediction, (Span(START, START + 1400),), by=("country",))
        counted, expected = database.outcomes(request), table.outcomes(request)
        one, other = counted.whole.grid, expected.whole.grid
        assert (one.task, set(one.classes)) == (other.task, set(other.classes))
        if one.task == "scores":
            assert one == other
        if one.task == "numbers":
            assert len(one.edges) == len(other.edges) and math.isclose(one.centre, other.centre)
            np.testing.assert_allclose(one.edges, other.edges, atol=5.0)  # both are rough: DuckDB's by a sketch
        assert [s.value for s in counted.segments] == [s.value for s in expected.segments]
        assert [s.outcomes.rows for s in counted.segments] == [s.outcomes.rows for s in expected.segments]


def pairs_for(database: Database) -> list[tuple[str, str]]:
    """All of them; of Spark, which takes seconds to plan each statement, one."""
    is_slow = database._given is not None and database._given.dialect == "pyspark"
    return [PAIRS[1]] if is_slow else PAIRS


def vars_of(request: OutcomesRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in ("target", "prediction", "spans", "where", "by", "every")}


def test_rows_without_a_label_column_wait_and_wrong_columns_are_named(database: Database) -> None:
    first = database.outcomes(OutcomesRequest("fraud", "score"))
    waiting = database.outcomes(OutcomesRequest("label_to_come", "score", like=first))
    assert (
        sum(row[-1] for row in waiting.whole.table)
        == sum(sum(row[:2]) + row[-1] for row in first.whole.table) + first.whole.odd
    )
    with pytest.raises(UsageError, match="no column 'nothing'"):
        database.outcomes(OutcomesRequest("fraud", "nothing"))
    with pytest.raises(UsageError, match="unlike kinds"):
        database.outcomes(OutcomesRequest("truth", "score"))
    with pytest.raises(NoData):
        database.outcomes(OutcomesRequest("fraud", "score", (Span(1.0, 2.0),)))


LATE = f"""SELECT i AS id, {START} + 3600 + i AS came,
  CASE WHEN i % 13 = 0 THEN NULL ELSE i % 2 END AS y FROM range(80) t(i)
UNION ALL SELECT i, {START} + 9000, 1 FROM range(10) t(i) UNION ALL SELECT i, {START} + 1, 0 FROM range(10) t(i)"""


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
@pytest.mark.parametrize("key", ["BIGINT", "VARCHAR"])
def test_late_labels_meet_their_rows_as_in_files(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str, key: str
) -> None:
    late = {"key": "id", "label": "y", "time": "came"}
    rows = f"SELECT {START} + i AS time, i::{key} AS id, i % 2 AS p FROM range(100) t(i)"
    with duckdb.connect(f"{tmp_path}/rows.db") as connection:
        for name, query in (("rows", rows), ("labels", LATE)):
            connection.execute(f"CREATE TABLE {name} AS {query}")
            connection.execute(f"COPY {name} TO '{tmp_path}/{name}.parquet' (FORMAT parquet)")
    url = f"duckdb://{tmp_path}/rows.db"
    if engine == "postgres":
        import psycopg

        url = request.getfixturevalue("postgres")
        with psycopg.connect(url, autocommit=True) as there, duckdb.connect(f"{tmp_path}/rows.db") as here:
            there.execute("DROP TABLE IF EXISTS rows, labels")
            there.execute(
                f"CREATE TABLE rows (time float8, id {key}, p int); CREATE TABLE labels (id int, came float8, y int)"
            )
            for name in ("rows", "labels"):
                with there.cursor().copy(f"COPY {name} FROM STDIN") as copy:
                    for row in here.execute(f"FROM {name}").fetchall():
                        copy.write_row(row)
    table = Table(
        "rows", options(path=f"{tmp_path}/rows.parquet", labels={**late, "path": f"{tmp_path}/labels.parquet"})
    )
    database = Database("rows", options(url=url, labels={**late, "table": "labels"}))
    asked = OutcomesRequest("y", "p", every=50.0)
    expected = table.outcomes(asked)
    assert expected.whole.rows == 100 and sum(row[-1] for row in expected.whole.table) == 26  # wait
    assert_same_record(database.outcomes(asked), expected)
    with pytest.raises(SourceMalformed, match="its labels have no column 'yy'"):
        Database("rows", options(url=url, labels={**late, "label": "yy", "table": "labels"})).outcomes(asked)


@pytest.mark.parametrize("kind", ["BIGINT", "DOUBLE", "DECIMAL(20, 0)", "HUGEINT"])
@pytest.mark.parametrize("parts", [1, 1_000, 1_000_000, 1_000_000_000])
def test_times_may_be_counted_in_parts_of_a_second(tmp_path: Path, kind: str, parts: int) -> None:
    with duckdb.connect(f"{tmp_path}/rows.db") as connection:
        connection.execute(
            f"CREATE TABLE rows AS SELECT (({START:.0f} + i) * {parts})::{kind} AS time, i % 2 AS y, i % 2 AS p "
            "FROM range(100) t(i)"
        )
    database = Database("rows", options(url=f"duckdb://{tmp_path}/rows.db"))
    record = database.outcomes(OutcomesRequest("y", "p", (Span(START + 10, START + 20),)))
    assert (record.whole.rows, database.check().newest) == (10, START + 99)


NASTY = st.text(st.sampled_from("a'\"\\;`$%{}-/* \n\t€\u0007"), min_size=1, max_size=12)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NASTY, min_size=2, max_size=4, unique_by=str.casefold), st.tuples(NASTY, NASTY, NASTY))
def test_no_name_and_no_value_gets_into_a_statement(
    tmp_path_factory: pytest.TempPathFactory, values: list[str], names: tuple[str, str, str]
) -> None:
    folder = tmp_path_factory.mktemp("nasty")
    table, *columns = (f"{name}{at}" for at, name in enumerate(names))
    table = table.replace(".", "")
    group, answer = columns
    connection = duckdb.connect(f"{folder}/rows.db")

    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    connection.execute(
        f"CREATE TABLE {quoted(table)} ({quoted(group)} VARCHAR, {quoted(answer)} VARCHAR, label VARCHAR)"
    )
    connection.execute("CREATE TABLE victim AS SELECT 1 AS x")
    for at in range(12):
        connection.execute(
            f"INSERT INTO {quoted(table)} VALUES (?, ?, ?)", [values[at % 2], values[at % len(values)], values[0]]
        )
    connection.close()
    database = Database("rows", options(url=f"duckdb://{folder}/rows.db", table=table, time=None))
    record = database.outcomes(OutcomesRequest("label", answer, by=(group,), where=Labels.of({group: values[0]})))
    assert record.whole.rows == 6 and [one.value for one in record.segments] == [values[0]]
    again = database.outcomes(OutcomesRequest("label", answer, by=(group,), like=record))
    assert again.whole.rows == 12
    [group_of_all] = database.profiles(ProfileRequest((), where=Labels.of({group: values[1]})))
    assert group_of_all.profile.rows == 6
    with duckdb.connect(f"{folder}/rows.db", read_only=True) as there:
        assert there.execute("SELECT count(*) FROM victim").fetchone() == (1,)


def test_a_name_that_is_no_table_is_one_sentence(tmp_path: Path) -> None:
    duckdb.connect(f"{tmp_path}/rows.db").close()
    for name in ("x; DROP TABLE rows", "a'b", 'a"b', "a\nb"):
        with pytest.raises(SourceMalformed):
            Database("rows", options(url=f"duckdb://{tmp_path}/rows.db", table=name)).outcomes(
                OutcomesRequest("a", "b")
            )
