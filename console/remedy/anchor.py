"""The head of the audit log, kept where whoever can write the store cannot: then a cut tail, or a log that was written
anew from its first line, does not fit.
"""

from __future__ import annotations

import os
import re
import syslog
from pathlib import Path
from typing import Literal

from console.errors import ConfigError
from console.store.audit import Head

_LINE = re.compile(r"(?P<number>\d{1,12}) (?P<hash>[0-9a-f]{64})")
MOST_BYTES = 64 << 20
NEITHER = ""  # the hash of no line: where two are kept of one number, the log was written anew in between

Anchor = Path | Literal["syslog"] | None


def keep(anchor: Anchor, head: Head) -> None:
    """Put a head beside those before. ConfigError where it cannot be written: what is not anchored is said."""
    if anchor is None:
        return
    if anchor == "syslog":
        syslog.openlog("andon", 0, syslog.LOG_AUTHPRIV)
        syslog.syslog(syslog.LOG_NOTICE, f"audit head {head.number} {head.hash}")
        return
    try:
        with os.fdopen(os.open(anchor, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w") as file:
            file.write(f"{head.number} {head.hash}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigError(f"the audit log's head cannot be kept in {anchor}: {error.strerror}", "") from error


def anchors(anchor: Anchor) -> dict[int, str]:
    """The hashes by number that were kept in a file; none of syslog, which only its own readers can read.

    ConfigError where the file cannot be read or holds something else.
    """
    if anchor is None or anchor == "syslog":
        return {}
    found: dict[int, str] = {}
    try:
        with Path(anchor).open("rb") as file:
            text = file.read(MOST_BYTES).decode("ascii", "replace")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{anchor} cannot be read: {error.strerror}", "it holds the heads of the audit log") from None
    for line in text.splitlines():
        told = _LINE.fullmatch(line)
        if told is None:
            raise ConfigError(f"{anchor} holds what is no head of an audit log", "it was changed by somebody else")
        number, hash_ = int(told["number"]), told["hash"]
        found[number] = hash_ if found.get(number, hash_) == hash_ else NEITHER
    return found
