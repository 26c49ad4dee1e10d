"""Real engines that hold the same rows: a PostgreSQL of our own on loopback, ClickHouse in this process, Spark."""

from __future__ import annotations

import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PASSWORD = "hush hush"


@contextmanager
def postgres_server() -> Iterator[str]:
    """Its URL, with a password. Unprivileged: where we are root it runs as nobody, for it refuses root."""
    found = [*glob.glob("/usr/lib/postgresql/*/bin/initdb"), *filter(None, [shutil.which("initdb")])]
    assert found, "make test-real installs PostgreSQL"
    tools = Path(found[0]).resolve().parent
    as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = Path(tempfile.mkdtemp(prefix="andon-postgres-"))
    try:
        (home / "password").write_text(PASSWORD)
        if as_nobody:
            for path in (home, home / "password"):
                shutil.chown(path, "nobody")
        initdb = [str(tools / "initdb"), "-D", f"{home}/data", "-U", "andon", "-E", "UTF8", "--no-locale",
                  "--no-sync", "--auth=scram-sha-256", f"--pwfile={home}/password"]  # fmt: skip
        subprocess.run([*as_nobody, *initdb], check=True, cwd=home, stdout=subprocess.DEVNULL, timeout=120)
        serve = [str(tools / "postgres"), "-D", f"{home}/data", "-p", str(port), "-c", "listen_addresses=127.0.0.1",
                 "-c", "unix_socket_directories=", "-c", "fsync=off"]  # fmt: skip
        server = subprocess.Popen([*as_nobody, *serve], cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            url = f"postgres://andon:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}/postgres"
            _wait(url)
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # the fast way: it does not wait for who is connected
            server.wait(30)
    finally:
        shutil.rmtree(home, ignore_errors=True)


class ClickHouse:
    """An Engine: Ibis writes its SQL, and chdb, which is ClickHouse itself, answers in this process."""

    dialect = "clickhouse"

    def __init__(self) -> None:
        from chdb.session import Session

        self.session = Session()

    def table(self, name: str) -> Any:
        import ibis
        from ibis.backends.sql.datatypes import ClickHouseType

        columns = json.loads(self.session.query(f"DESCRIBE {name}", "JSONCompact").data())["data"]
        database, table = name.split(".")
        types = {column: ClickHouseType.from_string(kind) for column, kind, *_rest in columns}
        return ibis.table(types, name=table, database=database)

    def answer(self, expression: Any) -> Any:
        import ibis

        return self.session.query(str(ibis.to_sql(expression, dialect="clickhouse")), "ArrowTable")


def spark_session(folder: Path) -> Any:
    """Spark in one thread of a process of its own."""
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1", "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1", "spark.driver.memory": "1g", "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(folder),
    }  # fmt: skip
    return SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()


def _wait(url: str) -> None:
    import psycopg

    for _ in range(300):
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("PostgreSQL did not come up")
