"""The same rows in files and in databases give the same counts: DuckDB, PostgreSQL, ClickHouse, Spark. Rows do not
travel: counts do, and a bounded sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

pytest.importorskip("ibis", reason="the extra tables is not installed here: make test-real runs this in .venv-tables")

from realengines import ClickHouse, postgres_server, spark_session

from console.errors import SourceDenied, SourceError, SourceMalformed
from console.model import ColumnProfile, Labels, Profile, Span
from console.sources.databases import MARGIN, Database
from console.sources.engines import Connected, connected
from console.sources.newer import GrowingDatabase
from console.sources.sampling import MOST_ROWS
from console.sources.tables import Table
from console.sources.types import ExemplarRequest, ProfileRequest

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]

START = 1_782_864_000  # 2026-07-01
ROWS = f"""SELECT
  TIMESTAMP '2026-07-01 00:00:00.25' + to_microseconds(i::BIGINT * 1700001) AS "time",
  ({START}.25 + i * 1.5)::DOUBLE AS seconds,
  CASE WHEN i % 50 = 0 THEN NULL WHEN i % 97 = 0 THEN 'nan'::DOUBLE WHEN i % 211 = 0 THEN 'inf'::DOUBLE
       WHEN i % 223 = 0 THEN '-inf'::DOUBLE ELSE round(sqrt(i) * sin(i), 3) END AS amount,
  (i * 7919 % 12)::INTEGER AS pieces,
  (i * 104729 % 100000)::BIGINT * 1000000007 AS huge,
  (i % 1000 / 7)::FLOAT AS small,
  CASE WHEN i % 31 = 0 THEN NULL ELSE i % 3 = 0 END AS paid,
  CASE WHEN i % 41 = 0 THEN NULL ELSE ['de', 'fr', 'it', 'es', 'a''b'][1 + i * i % 5] END AS country,
  TIMESTAMP '2026-06-01 00:00:00' + to_seconds(i * 977 % 2500000) + to_microseconds(i) AS born,
  DATE '2026-01-01' + (i % 90)::INTEGER AS day,
  (i % 17)::DECIMAL(12, 2) AS price,
  NULL::DOUBLE AS nothing
FROM range(3000) t(i)"""
COLUMNS = (
    '"time" timestamp, seconds float8, amount float8, pieces int, huge bigint, small real, paid boolean, country text, '
    "born timestamp, day date, price numeric(12, 2), nothing float8"
)


def options(**given: Any) -> Any:
    plain: dict[str, Any] = {
        "path": "", "url": "duckdb://", "url_env": None, "table": "rows", "time": "time", "model": None, "label": None,
        "prediction": None, "image": None, "slices": [], "text": [], "embedding": [],
    }  # fmt: skip
    return SimpleNamespace(**{**plain, **given})


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    duckdb.connect().execute(f"COPY ({ROWS}) TO '{path}' (FORMAT parquet)")
    return path


@pytest.fixture(scope="module")
def postgres(parquet: Path) -> Iterator[str]:
    """The URL of a server that has the rows, and a million more."""
    import psycopg

    with postgres_server() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLE rows ({COLUMNS})")
            with connection.cursor().copy("COPY rows FROM STDIN") as copy:
                for row in duckdb.connect().execute(f"FROM '{parquet}'").fetchall():
                    copy.write_row(row)
            connection.execute(
                f"CREATE TABLE million AS SELECT to_timestamp({START} + i / 100.0) AS time, i % 1000 AS amount, "
                "CASE WHEN i % 3 = 0 THEN 'de' ELSE 'fr' END AS country FROM generate_series(1, 1000000) AS t(i)"
            )
        yield url


def tables_of(parquet: Path, **given: Any) -> Table:
    return Table("rows", options(path=str(parquet), **given))


def assert_same(counted: Profile, expected: Profile, *, dtypes: bool = True) -> None:
    assert (counted.rows, counted.newest) == (expected.rows, expected.newest)
    assert [column.name for column in counted.columns] == [column.name for column in expected.columns]
    for one, other in zip(counted.columns, expected.columns, strict=True):
        assert facts(one, dtypes) == facts(other, dtypes), one.name
        assert (one.mean is None) == (other.mean is None), one.name
        assert one.mean is None or math.isclose(one.mean, other.mean or 0.0, rel_tol=1e-9), one.name


def facts(column: ColumnProfile, dtypes: bool) -> tuple[object, ...]:
    return (
        column.kind, column.dtype if dtypes else None, column.rows, column.missing, column.infinite, column.unparsable,
        column.edges, column.categories, column.counts, column.minimum, column.maximum,
    )  # fmt: skip


def assert_counts_alike(table: Table, database: Database, *, dtypes: bool = True) -> None:
    """Every kind of question, put to both."""
    [group] = table.profiles(ProfileRequest(()))
    like, extent = group.profile, table.extent()
    assert extent is not None and database.extent() == extent
    third = (extent.end - extent.start) / 3
    middle = Span(extent.start + third, extent.end - third)
    for request in (
        ProfileRequest(()),
        ProfileRequest((), like=like),
        ProfileRequest((middle,), like=like, sampled=False),
        ProfileRequest((), like=like, by="country", sampled=False),
        ProfileRequest((), like=like, by="paid", sampled=False),
        ProfileRequest((extent,), like=like, every=third / 4, sampled=False),
        ProfileRequest((), where=Labels.of({"country": "a'b", "paid": "true"}), like=like, sampled=False),
        ProfileRequest((), where=Labels.of({"pieces": "3"}), like=like, sampled=False),
    ):
        expected, counted = table.profiles(request), database.profiles(request)
        assert [(one.value, one.start) for one in counted] == [(one.value, one.start) for one in expected]
        for one, other in zip(counted, expected, strict=True):
            assert_same(one.profile, other.profile, dtypes=dtypes)


@pytest.mark.parametrize("time", ["time", "seconds"])
def test_duckdb_counts_the_same_rows_alike(parquet: Path, tmp_path: Path, time: str) -> None:
    with duckdb.connect(str(tmp_path / "rows.db")) as connection:
        connection.execute(f"CREATE TABLE rows AS FROM '{parquet}'")
    database = Database("rows", options(url=f"duckdb://{tmp_path}/rows.db", time=time))
    assert_counts_alike(tables_of(parquet, time=time), database)


@pytest.mark.parametrize("time", ["time", "seconds"])
def test_postgresql_counts_the_same_rows_alike(parquet: Path, postgres: str, time: str) -> None:
    assert_counts_alike(tables_of(parquet, time=time), Database("rows", options(url=postgres, time=time)))


def test_clickhouse_counts_the_same_rows_alike(parquet: Path) -> None:
    engine = ClickHouse()
    engine.session.query("CREATE DATABASE here")
    engine.session.query(
        f"CREATE TABLE here.rows ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM file('{parquet}', Parquet)"
    )
    database = Database("rows", options(table="here.rows"), engine)
    assert_counts_alike(tables_of(parquet), database, dtypes=False)  # its import gives the times a zone


def test_spark_counts_the_same_rows_alike(parquet: Path, tmp_path: Path) -> None:
    import ibis

    session = spark_session(tmp_path)
    try:
        session.read.parquet(str(parquet)).createOrReplaceTempView("rows")
        database = Database("rows", options(), Connected(ibis.pyspark.connect(session)))
        table = tables_of(parquet)
        [group] = table.profiles(ProfileRequest(()))
        request = ProfileRequest((), like=group.profile, sampled=False)
        [counted], [expected] = database.profiles(request), table.profiles(request)
        assert_same(counted.profile, expected.profile)
    finally:
        session.stop()


def test_of_a_million_rows_a_bounded_number_is_fetched(postgres: str) -> None:
    database = Database("million", options(url=postgres, table="million"), seconds=60)
    fetched = Fetched(database)
    [group] = database.profiles(ProfileRequest(()))
    assert group.profile.rows == 1_000_000
    country = group.profile.column("country")
    assert country is not None
    assert dict(zip(country.categories, country.counts, strict=False)) == {"fr": 666_667, "de": 333_333}
    assert fetched.rows <= MOST_ROWS * MARGIN + 100

    fetched.rows = 0
    database.profiles(ProfileRequest((), like=group.profile, sampled=False))
    assert fetched.rows < 100  # bins alone


def test_what_postgresql_alone_has_is_counted_too(postgres: str) -> None:
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("""CREATE TABLE odd AS SELECT now() AS time,
            CASE WHEN i < 30 THEN 'infinity' ELSE timestamptz '2026-01-01 12:00+02' END AS until,
            '2026-01-0' || 1 + i % 5 AS written, jsonb_build_object('a', i % 2) AS doc, gen_random_uuid() AS id,
            interval '1 day' * i AS lasts, inet '10.0.0.1' AS address FROM generate_series(1, 100) AS t(i)""")
    [group] = Database("odd", options(url=postgres, table="odd")).profiles(ProfileRequest(()))
    columns = {column.name: column for column in group.profile.columns}
    assert (columns["until"].kind, columns["until"].unparsable) == ("datetime", 29)
    assert (columns["written"].kind, columns["written"].unparsable) == ("datetime", 0)
    assert {columns[name].kind for name in ("doc", "id", "address")} == {"categorical"}


def test_at_each_look_only_new_rows_are_counted_and_late_ones_too(postgres: str) -> None:
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE TABLE live (time timestamptz, amount float8)")

        def put(*times: float) -> None:
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO live VALUES (to_timestamp(%s), %s)", [(at, at % 7) for at in times])

        put(*(START + 2 * i for i in range(3600)))
        plain = Database("live", options(url=postgres, table="live"))
        growing = GrowingDatabase("live", options(url=postgres, table="live"), work_seconds=600)
        [group] = plain.profiles(ProfileRequest(()))
        fetched, now = Fetched(growing), START + 7200

        def look(now: float) -> int:
            fetched.rows = 0
            window = ProfileRequest((Span(now - 7200, now),), like=group.profile)
            [seen] = growing.profiles(ProfileRequest(window.spans, like=group.profile, look=now))
            [expected] = plain.profiles(window)
            assert_same(seen.profile, expected.profile)
            return fetched.rows

        look(now)
        look(now + 60)
        put(*(now + 60 + i for i in range(60)))
        assert look(now + 120) < 200  # the sample of the 60, their bins, and rows by minute
        put(now - 100, now + 65, now + 90.5)
        look(now + 180)
        put(now + 160, now + 5000)
        look(now + 240)
        told = growing.progress()
        assert (told.newest, told.ahead) == (now + 160, 1)


def test_a_database_is_only_read_and_not_for_long(postgres: str) -> None:
    from psycopg.errors import ReadOnlySqlTransaction

    database = Database("million", options(url=postgres, table="million"), seconds=0.001)
    with pytest.raises(SourceError, match="million did not answer in time"):
        database.extent()
    engine: Any = connected(postgres, 5)
    with pytest.raises(ReadOnlySqlTransaction):
        engine._connection.con.execute("CREATE TABLE ours (a int)")


def test_what_is_wrong_is_said_without_the_password(postgres: str) -> None:
    wrong = postgres.replace("hush%20hush", "loud%20loud")
    with pytest.raises(SourceDenied, match="password authentication failed") as denied:
        Database("rows", options(url=wrong)).check()
    with pytest.raises(SourceMalformed, match="no table row") as absent:
        Database("rows", options(url=postgres, table="row")).check()
    with pytest.raises(SourceMalformed, match="no time column 'when'") as no_time:
        Database("rows", options(url=postgres, time="when")).check()
    with pytest.raises(SourceError, match="refused") as unreachable:
        Database("rows", options(url="postgres://andon:hush%20hush@127.0.0.1:1/x")).check()
    for raised in (denied, absent, no_time, unreachable):
        said = raised.value.message + raised.value.hint
        assert "hush" not in said and "loud" not in said
    assert "rows" in absent.value.hint


def test_exemplars_are_the_nearest_rows(postgres: str) -> None:
    found = Database("rows", options(url=postgres)).exemplars(
        ExemplarRequest("current", (Span(START, START + 1e6),), column="amount", near=3.0, limit=2)
    )
    values = [float(exemplar.caption.removeprefix("amount ")) for exemplar in found]
    assert len(values) == 2 and all(abs(value - 3.0) < 0.1 for value in values)


class Fetched:
    """Counts the rows of a database's answers."""

    def __init__(self, database: Database) -> None:
        self.rows = 0
        ask = database._ask

        def counted(expression: Any) -> Any:
            answer = ask(expression)
            self.rows += answer.num_rows
            return answer

        database._ask = counted  # type: ignore[method-assign]
