"""The settings as every floor sees them. config_file.py reads them from TOML; none is needed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from console.errors import ConfigError

DURATION = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>ms|s|m|h|d|w)")
UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One configured source: its kind decides which options it takes."""

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None  # what relative paths in its options start from; None: the current folder


@dataclass(frozen=True, slots=True)
class NotifierConfig:
    """One way to tell people: its kind decides which options it takes."""

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None  # as of a source


@dataclass(frozen=True, slots=True)
class ActuatorConfig:
    """One configured way to change things: its kind decides which options it takes."""

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None  # as of a source
    only: tuple[str, ...] = ("*",)  # names or globs of the actions that it is for


@dataclass(frozen=True, slots=True)
class Grouping:
    """When alerts that were sent to us open an incident. Durations are seconds."""

    group_by: tuple[str, ...] = ()  # labels; none: what each alert is about
    once_within: float = 300.0  # of a group's last incident, it opens no other
    once_after: float = 120.0  # a group must have fired for so long
    accumulate_within: float = 30.0  # from a group's first alert on, the others are waited for


@dataclass(frozen=True, slots=True)
class McpConfig:
    """An MCP server whose tools the language model may call: a command, or a URL."""

    name: str
    tools: tuple[str, ...]  # each by its name; nothing else of it is ever called
    command: tuple[str, ...] = ()
    url: str | None = None
    env: tuple[str, ...] = ()  # names of the variables that the command may see beside the usual few
    key_env: str | None = None  # the variable that holds the bearer token for the URL
    seconds: float = 20.0  # for the connection, and for each call


@dataclass(frozen=True, slots=True)
class LlmConfig:
    """A language model that explains, and what one investigation may cost."""

    model: str
    url: str | None = None  # where it answers; None: the SDK's own
    key_env: str | None = None  # the environment variable that holds the key
    calls: int = 12
    tokens: int = 300_000
    dollars: float = 2.0
    seconds: float = 180.0
    dollars_a_day: float = 20.0
    sources: tuple[str, ...] = ("*",)  # names or globs of the sources whose data may be sent
    mask_ips: bool = True
    prices: Mapping[str, float] = field(
        default_factory=dict
    )  # US dollars for a million tokens: see config_file._Prices
    mcp: tuple[McpConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set."""

    path: Path | None = None  # the file it came from; None where there is none
    data: Path = Path()
    interval: float = 15.0  # seconds between collections; 0: only when asked
    retention_days: int = 36
    store_megabytes: int = 2048
    socket_group: str | None = None  # a Unix group that may talk to the daemon; None: the owner alone
    clock: Path | None = None  # a file that holds the time as epoch seconds: the practice line's clock
    watch: bool = True  # evaluate triggers after each collection
    sources: tuple[SourceConfig, ...] = ()
    plugin_dirs: tuple[Path, ...] = ()
    plugins_disabled: tuple[str, ...] = ()
    playbook_dirs: tuple[Path, ...] = ()
    grouping: Grouping = Grouping()
    notifiers: tuple[NotifierConfig, ...] = ()
    actuators: tuple[ActuatorConfig, ...] = ()
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # who may answer a playbook's question: names
    policy: Path | None = None  # who may change what: policy.toml beside the configuration
    signers: Path | None = None  # whose SSH keys sign plans: OpenSSH's allowed_signers, beside the configuration
    anchor: Path | Literal["syslog"] | None = None  # where the head of the audit log is kept beside
    llm: LlmConfig | None = None  # the language model that explains; none: nobody does
    is_llm_forbidden: bool = False  # somebody said that nothing may be told to any
    links: Mapping[str, str] = field(default_factory=dict)  # by name: URLs with {model}, {gpu} … in them


def duration(text: str) -> float:
    """Seconds of `15m`, `1h30m`, `7d`; ConfigError for anything else.

    >>> duration("1h30m")
    5400.0
    """
    parts = list(DURATION.finditer(text))
    if not parts or "".join(part.group() for part in parts) != text:
        raise ConfigError(f"{text!r} is not a duration", "write it like 15s, 15m, 1h30m, 7d or 1w")
    return sum(float(part["number"]) * UNIT_SECONDS[part["unit"]] for part in parts)


def data_folder(config_path: Path | None, data: Path | None) -> Path:
    """The data folder, as the whole configuration would say, for a screen that reads no more of it.

    A file that is wrong is the daemon's to complain about: the platform's folder stands in for what it says.
    """
    import tomllib

    path = (config_path or default_config_path()).absolute()
    if data is not None:
        return data
    try:
        named = tomllib.loads(path.read_text(encoding="utf-8")).get("daemon", {}).get("data")
    except (OSError, ValueError, AttributeError):
        named = None
    return path.parent / Path(named).expanduser() if isinstance(named, str) and named else default_data_dir()


def default_config_path() -> Path:
    """`ANDON_CONFIG`, else config.toml in the platform's configuration folder."""
    import platformdirs

    named = os.environ.get("ANDON_CONFIG")
    return Path(named) if named else platformdirs.user_config_path("andon") / "config.toml"


def default_data_dir() -> Path:
    """The platform's data folder: $XDG_DATA_HOME/andon on Linux."""
    import platformdirs

    return platformdirs.user_data_path("andon")
