"""The settings: one TOML file, checked whole, with defaults that need no file at all."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.errors import ConfigError

DURATION = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>ms|s|m|h|d|w)")
UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def duration(text: str) -> float:
    """Seconds of `15m`, `1h30m`, `7d`; ConfigError for anything else.

    >>> duration("1h30m")
    5400.0
    """
    parts = list(DURATION.finditer(text))
    if not parts or "".join(part.group() for part in parts) != text:
        raise ConfigError(f"{text!r} is not a duration", "write it like 15s, 15m, 1h30m, 7d or 1w")
    return sum(float(part["number"]) * UNIT_SECONDS[part["unit"]] for part in parts)


DEFAULT_INTERVAL = "15s"
DEFAULT_STORE_MB = 2048
DEFAULT_DAYS = 36


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One configured source: its kind decides which options it takes."""

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    isolated: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set."""

    path: Path | None = None
    data: Path = Path()
    interval: float = duration(DEFAULT_INTERVAL)
    retention_days: int = DEFAULT_DAYS
    store_megabytes: int = DEFAULT_STORE_MB
    socket_group: str | None = None  # a Unix group that may talk to the daemon; None: the owner alone
    clock: Path | None = None  # a file that holds the time as epoch seconds: the practice line's clock
    watch: bool = True  # evaluate triggers after each collection
    sources: tuple[SourceConfig, ...] = ()
    plugin_dirs: tuple[Path, ...] = ()
    plugins_disabled: tuple[str, ...] = ()
    playbook_dirs: tuple[Path, ...] = ()
