"""The kinds of source that andon brings itself. Each is imported when it is opened: duckdb and psutil cost a command
that reads neither nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from console.plugins import SourceType, hookimpl
from console.sources.engines import named_in
from console.sources.options import (
    DatabaseOptions,
    EventsOptions,
    HostOptions,
    LogsOptions,
    MetricsOptions,
    TableOptions,
)

# What the drivers of object stores read: credentials, regions, endpoints, and the way out of the house.
STORES = ("AWS_", "AZURE_", "FSSPEC_", "GCSFS_", "GOOGLE_", "S3_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
          "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")  # fmt: skip
# What drivers of databases read, and the variables that a source may name for its URL.
DATABASES = ("ANDON_", "PG", "JAVA_HOME", "SPARK_", *STORES)
TABLE_SUFFIXES = (".jsonl", ".ndjson", ".csv", ".parquet")


def _open_table(name: str, options: TableOptions) -> Any:
    from console.sources.growing import Growing

    return Growing(name, options)


def _open_database(name: str, options: DatabaseOptions) -> Any:
    from console.sources.newer import GrowingDatabase

    return GrowingDatabase(name, options)


def _open_events(name: str, options: EventsOptions) -> Any:
    from console.sources.events import EventFile

    return EventFile(name, Path(options.path))


def _open_logs(name: str, options: LogsOptions) -> Any:
    from console.sources.log_files import open_logs

    return open_logs(name, **options.model_dump())


def _open_host(name: str, options: HostOptions) -> Any:
    from console.sources.host import Host

    return Host(name, options.mounts)


def _open_metrics(name: str, options: MetricsOptions) -> Any:
    from console.sources.scrape import Scrape

    return Scrape(name, options)


def _table_url(url: str) -> Mapping[str, Any] | None:
    is_page = url.startswith(("http://", "https://"))
    return {"path": url} if url.endswith(TABLE_SUFFIXES) and not is_page else None


def _database_url(url: str) -> Mapping[str, Any] | None:
    return None if (found := named_in(url)) is None else dict(zip(("url", "table"), found, strict=True))


def _events_url(url: str) -> Mapping[str, Any] | None:
    return {"path": url} if "://" not in url and Path(url).name == "events.jsonl" else None


def _logs_url(url: str) -> Mapping[str, Any] | None:
    """A path or a glob that ends like a log's, or `logs:` and any other."""
    if url.startswith("logs:"):
        return {"path": url.removeprefix("logs:")}
    return {"path": url} if "://" not in url and re.search(r"\.log(?:[.-][\w.*?-]+)?$", url) else None


def _host_url(url: str) -> Mapping[str, Any] | None:
    return {} if url == "host" else None


def _metrics_url(url: str) -> Mapping[str, Any] | None:
    return {"url": url} if re.match(r"https?://[^/]+/(.*/)?metrics([/?].*)?$", url) else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """Kinds of source: what a command line means by a URL is asked in this order."""
    return (
        SourceType("events", "Events from a file", EventsOptions, _open_events, isolated=True, from_url=_events_url),
        SourceType(
            "logs",
            "Logs in files",
            LogsOptions,
            _open_logs,
            isolated=True,
            from_url=_logs_url,
            inside="console.sources.log_files:open_logs",
        ),
        SourceType(
            "table",
            "Rows in files, here or in an object store",
            TableOptions,
            _open_table,
            isolated=True,
            from_url=_table_url,
            inside="console.sources.growing:open_table",
            environment=STORES,
        ),
        SourceType(
            "database",
            "Rows in a database, counted there",
            DatabaseOptions,
            _open_database,
            isolated=True,
            from_url=_database_url,
            inside="console.sources.newer:open_database",
            environment=DATABASES,
        ),
        SourceType(
            "host",
            "This machine",
            HostOptions,
            _open_host,
            isolated=True,
            from_url=_host_url,
            live=True,
            inside="console.sources.host:Host",
        ),
        SourceType("metrics", "A metrics page", MetricsOptions, _open_metrics, from_url=_metrics_url),
    )
