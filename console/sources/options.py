"""What the configuration may say about andon's own kinds of source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, model_validator


def _beside(path: str, info: ValidationInfo) -> str:
    """Absolute, so that it means the same in a child process; relative to the folder that opening.py gives."""
    folder: Path = (info.context or {}).get("folder") or Path.cwd()
    return str(folder.absolute() / Path(path).expanduser())


LocalPath = Annotated[str, AfterValidator(_beside)]
"""A path on this host, relative to the configuration file that names it (to the current folder on a command line)."""


def _beside_or_url(path: str, info: ValidationInfo) -> str:
    return path if "://" in path else _beside(path, info)


TablePath = Annotated[str, AfterValidator(_beside_or_url)]
"""The same, or the URL of objects in a store that fsspec reads, such as s3://bucket/rows-*.parquet."""

HeaderName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\t\x20-\x7e]*$")]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FileLabels(_Options):
    """Labels that come later, in files of their own."""

    path: LocalPath  # or a glob
    key: str  # the column, of both sides, that says which row a label is about
    label: str
    time: str | None = None  # when the label came: of several the newest counts


class TableLabels(_Options):
    """Labels that come later, in another table of the same database."""

    table: str
    key: str
    label: str
    time: str | None = None


class TableOptions(_Options):
    """Rows in files or objects: .jsonl, .csv or .parquet, one or many, all here or all in stores."""

    path: TablePath | list[TablePath]  # a path, a URL or a glob, or several
    time: str | None = "time"  # the column of epoch seconds or RFC 3339; None: rows without a time, all in every span
    model: str | None = None  # the model that all rows are about, where no column says so
    label: str | None = None
    prediction: str | None = None
    image: str | None = None  # a column of paths to PGM pictures, relative to the file it stands in
    slices: list[str] = Field(default_factory=list)
    text: list[str] = Field(default_factory=list)  # columns of free text, where that is not plain
    embedding: list[str] = Field(default_factory=list)  # columns of vectors, where that is not plain
    labels: FileLabels | None = None


class DatabaseOptions(_Options):
    """Rows of one table of a database that Ibis speaks to."""

    url: str | None = None  # as ibis.connect has it, such as postgres://user@host/database
    url_env: str | None = Field(default=None, pattern=r"^ANDON_\w+$")  # the variable that holds it instead
    table: str  # or schema.table
    time: str | None = "time"  # the column of timestamps or epoch seconds; None: rows without a time
    model: str | None = None  # as for rows in files
    label: str | None = None
    prediction: str | None = None
    slices: list[str] = Field(default_factory=list)
    text: list[str] = Field(default_factory=list)
    embedding: list[str] = Field(default_factory=list)
    labels: TableLabels | None = None

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("give either url or url_env")
        return self


class EventsOptions(_Options):
    """A file of events, one JSON object a line: {time, kind, target, id, title, detail}."""

    path: LocalPath


LogField = Literal["time", "severity", "body", "service", "trace"]


class LogsOptions(_Options):
    """Logs in files: plain text, JSON lines or logfmt; what was rotated away or compressed beside them is read, too."""

    path: LocalPath | list[LocalPath]  # a path or a glob, or several
    service: str | None = None  # who writes them; else a line says so, or the file's name does
    model: str | None = None  # the model that they are about
    labels: dict[str, str] = Field(default_factory=dict)  # what else is true of all of them: namespace, host …
    zone: str | None = None  # of times that name none, such as UTC or Europe/Berlin; else this host's
    fields: dict[LogField, str] = Field(default_factory=dict)  # what lines of JSON call these, where not as usual


class HostOptions(_Options):
    """This machine."""

    mounts: list[str] = Field(default_factory=lambda: ["/"])  # whose disk use is read


class MetricsOptions(_Options):
    """A metrics page in the Prometheus text format."""

    url: str
    dialects: list[str] | Literal["auto"] = "auto"
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)  # added to every series that lacks them
    max_bytes: int = Field(default=32 << 20, gt=0)
    timeout: float = Field(default=5.0, gt=0)
