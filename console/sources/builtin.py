"""The kinds of source that andon brings itself. Each is imported when it is opened: duckdb and psutil cost a command
that reads neither nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from console.plugins import SourceType, hookimpl

TABLE_SUFFIXES = (".jsonl", ".ndjson", ".csv", ".parquet")


def _absolute(path: str) -> str:
    """So that a path means the same in a child process as where it was written."""
    return str(Path(path).expanduser().absolute())


class TableOptions(BaseModel):
    """Rows in files: .jsonl, .csv or .parquet, one or many."""

    model_config = ConfigDict(extra="forbid")

    path: str | list[str]  # a path or a glob, or several
    time: str | None = "time"  # the column of epoch seconds or RFC 3339; None: rows without a time, all in every span
    model: str | None = None  # the model that all rows are about, where no column says so
    label: str | None = None
    prediction: str | None = None
    image: str | None = None  # a column of paths to PGM pictures, relative to the file it stands in
    slices: list[str] = Field(default_factory=list)

    @field_validator("path")
    @classmethod
    def _paths(cls, path: str | list[str]) -> str | list[str]:
        return _absolute(path) if isinstance(path, str) else [_absolute(one) for one in path]


class EventsOptions(BaseModel):
    """A file of events, one JSON object a line: {time, kind, target, id, title, detail}."""

    model_config = ConfigDict(extra="forbid")

    path: str

    @field_validator("path")
    @classmethod
    def _path(cls, path: str) -> str:
        return _absolute(path)


class HostOptions(BaseModel):
    """This machine."""

    model_config = ConfigDict(extra="forbid")

    mounts: list[str] = Field(default_factory=lambda: ["/"])  # whose disk use is read


class MetricsOptions(BaseModel):
    """A metrics page in the Prometheus text format."""

    model_config = ConfigDict(extra="forbid")

    url: str
    dialects: list[str] | Literal["auto"] = "auto"
    headers: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)  # added to every series that lacks them
    max_bytes: int = Field(default=32 << 20, gt=0)
    timeout: float = Field(default=5.0, gt=0)


def _open_table(name: str, options: TableOptions) -> Any:
    from console.sources.tables import Table

    return Table(name, options)


def _open_events(name: str, options: EventsOptions) -> Any:
    from console.sources.events import EventFile

    return EventFile(name, Path(options.path))


def _open_host(name: str, options: HostOptions) -> Any:
    from console.sources.host import Host

    return Host(name, options.mounts)


def _open_metrics(name: str, options: MetricsOptions) -> Any:
    from console.sources.scrape import Scrape

    return Scrape(name, options)


def _table_url(url: str) -> Mapping[str, Any] | None:
    return {"path": url} if "://" not in url and url.endswith(TABLE_SUFFIXES) else None


def _events_url(url: str) -> Mapping[str, Any] | None:
    return {"path": url} if "://" not in url and Path(url).name == "events.jsonl" else None


def _host_url(url: str) -> Mapping[str, Any] | None:
    return {} if url == "host" else None


def _metrics_url(url: str) -> Mapping[str, Any] | None:
    return {"url": url} if re.match(r"https?://[^/]+/(.*/)?metrics([/?].*)?$", url) else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """Kinds of source: what a command line means by a URL is asked in this order."""
    return (
        SourceType("events", "Events from a file", EventsOptions, _open_events, isolated=True, from_url=_events_url),
        SourceType("table", "Rows in files", TableOptions, _open_table, isolated=True, from_url=_table_url),
        SourceType("host", "This machine", HostOptions, _open_host, isolated=True, from_url=_host_url),
        SourceType("metrics", "A metrics page", MetricsOptions, _open_metrics, from_url=_metrics_url),
    )
