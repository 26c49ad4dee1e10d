"""The source kind `logs`: lines that services wrote to files of this host, rotated and compressed ones among them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from console.errors import ConfigError, SourceDenied, SourceError, SourceMalformed
from console.model import LogLine
from console.sources.log_lines import Names
from console.sources.log_pieces import COMPRESSED, newest_timed, section_of
from console.sources.log_reading import Speech, read_lines
from console.sources.types import LogRequest, SourceStatus

MOST_FILES = 500
ROTATED = re.compile(r"[.-](?:\d{1,4}|\d{8}(?:[-_T]?\d{4,6})?)(?:\.gz)?$|\.gz$")
ENDINGS = re.compile(r"\.(?:log|jsonl|json|ndjson|txt|out|err)$")
WITHOUT_A_TIME = "its lines must have a time; where they are JSON and call it otherwise, name it: fields = {time = …}"


class LogFiles:
    """A LogReader over files. Big ones are never read whole, and a line's time is what finds it."""

    def __init__(self, name: str, paths: Sequence[str], labels: Mapping[str, str], speech: Speech) -> None:
        self.name = name
        self._paths = tuple(paths)
        self._labels = labels
        self._speech = speech

    def logs(self, request: LogRequest) -> Sequence[LogLine]:
        """Lines of the span, oldest first; of more than are wanted an even thinning.

        A label that the source was not given is not asked for: its lines could have it.
        Raises SourceError and SourceDenied where a file cannot be read, SourceMalformed where no line has a time.
        """
        if any(self._labels.get(label, value) != value for label, value in request.where):
            return []
        changed = self._found()
        with self._in_words():
            sections = [
                section_of(path, request.span, lambda raw, near=at: self._speech.read(raw, near).time)  # type: ignore[misc]
                for path, at in changed.items()
                if at >= request.span.start  # nothing in it can be younger
            ]
            found = read_lines([each for each in sections if each.size > 0], request, self._speech, changed)
        if not found.is_timed:
            raise SourceMalformed(f"source {self.name}: no line of {self._shown} has a time", WITHOUT_A_TIME)
        if found.factor <= 1.0:
            return found.lines
        return [replace(line, stands_for=found.factor) for line in found.lines]

    def check(self) -> SourceStatus:
        """How many files there are, and when the newest line was written. Raises as `logs` does."""
        began = time.monotonic()
        changed = self._found()
        with self._in_words():
            plain = {path: at for path, at in changed.items() if not path.endswith(COMPRESSED)}
            times = [newest_timed(path, lambda raw, near=at: self._speech.read(raw, near).time)  # type: ignore[misc]
                     for path, at in plain.items()]  # fmt: skip
            size = sum(Path(path).stat().st_size for path in changed)
        newest = max((at for at in times if at is not None), default=None)
        if newest is None and plain and size:
            raise SourceMalformed(f"source {self.name}: no line of {self._shown} has a time", WITHOUT_A_TIME)
        reason = f"{len(changed)} {'file' if len(changed) == 1 else 'files'}, {size / (1 << 20):,.1f} MiB"
        return SourceStatus(self.name, "logs", "ok", reason, newest=newest, seconds=time.monotonic() - began)

    def _found(self) -> dict[str, float]:
        """When each file was last written to; those that were rotated away are among them."""
        found: dict[str, float] = {}
        with self._in_words():
            for pattern in self._paths:
                rotated = (path for path in _globbed(f"{pattern}[.-]*") if ROTATED.search(path.name))
                for path in (*_globbed(pattern), *rotated):
                    if path.is_file():  # no pipe
                        found[str(path)] = path.stat().st_mtime
                    if len(found) > MOST_FILES:
                        raise SourceError(
                            f"source {self.name}: {self._shown} are more than {MOST_FILES} files", "narrow the glob"
                        )
        if not found:
            raise SourceError(f"source {self.name}: there is no file {self._shown}", "check its path")
        return dict(sorted(found.items()))

    @property
    def _shown(self) -> str:
        return ", ".join(self._paths)

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            raise SourceDenied(
                f"source {self.name}: {error.filename} may not be read", "give this user the right to read it"
            ) from None
        except OSError as error:  # also a file that is rotated away in this moment: the next question finds it
            where = error.filename or self._shown
            raise SourceError(f"source {self.name}: {where} cannot be read: {error.strerror}", "try again") from None


def open_logs(
    name: str,
    path: str | list[str],
    service: str | None = None,
    model: str | None = None,
    labels: Mapping[str, str] | None = None,
    zone: str | None = None,
    fields: Mapping[str, str] | None = None,
) -> LogFiles:
    """The source from its options as plain values. Raises ConfigError for a time zone that nobody knows."""

    def service_of(file: str) -> str:
        return service or stem(file)

    speech = Speech(_zone(name, zone), service_of, Names(dict(fields or {})), is_fixed=service is not None)
    known = dict(labels or {}) | ({"model": model} if model else {})
    return LogFiles(name, [path] if isinstance(path, str) else path, known, speech)


def stem(path: str) -> str:
    """Whose log a file is, by its name.

    >>> stem("/var/log/cart.log.2.gz")
    'cart'
    """
    name = Path(path).name
    return ENDINGS.sub("", ROTATED.sub("", name)) or name


def _globbed(pattern: str) -> Iterable[Path]:
    path = Path(pattern)
    return Path(path.anchor).glob(str(path.relative_to(path.anchor)))


def _zone(name: str, zone: str | None) -> tzinfo | None:
    if zone is None:
        return None
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"source {name}: there is no time zone {zone!r}", "such as UTC or Europe/Berlin") from None
