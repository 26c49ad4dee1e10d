"""The source kinds `flag_file` and `flag_api`: what becomes of feature flags, as events from one look to the next.

The first look tells nothing: nobody knows since when a flag is as it is. What is broken is the source's own state.
"""

from __future__ import annotations

import asyncio
import fnmatch
import json
import time
import tomllib
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from andon_plugins._flags_reading import Flag, flags_in, words_of
from pydantic import BaseModel, ConfigDict, Field

from console.errors import PlaybookError, SourceDenied, SourceError, SourceMalformed
from console.model import Event, Span
from console.plugins import SourceType, hookimpl
from console.sources.aside import aside
from console.sources.differing import Change, Looks
from console.sources.options import LocalPath
from console.sources.site import Site, SiteOptions
from console.sources.types import SourceStatus

KIND = "flag"
MOST_BYTES = 8 << 20  # of a file
MOST_CHANGES = 2_000  # that are remembered
MOST_NAME = 200  # characters


class FlagFileOptions(BaseModel):
    """A file of flags: .json, .yaml or .toml."""

    model_config = ConfigDict(extra="forbid")

    path: LocalPath
    targets: dict[str, str] = Field(default_factory=dict)  # by a glob of the flag's name: whom it is about


class FlagApiOptions(SiteOptions):
    """An address that answers with flags as JSON."""

    targets: dict[str, str] = Field(default_factory=dict)


class _Told:
    """What was seen to change, as events."""

    def __init__(self, name: str, targets: Mapping[str, str]) -> None:
        self._name = name
        self._targets = targets
        self._looks = Looks(name)
        self._events: deque[Event] = deque(maxlen=MOST_CHANGES)

    def see(self, flags: Mapping[str, Flag], now: float, changed: float | None = None) -> None:
        """Note how the flags stand; `changed` is when the whole of them was last written."""
        for change in self._looks.see({name: flag.state for name, flag in flags.items()}, now):
            flag = flags.get(change.name)
            when = change.at(flag.updated if flag is not None and flag.updated is not None else changed)
            self._events.append(self._event(change, when))

    def between(self, span: Span, kinds: Sequence[str]) -> list[Event]:
        """The changes of a span, oldest first."""
        if kinds and KIND not in kinds:
            return []
        chosen = (event for event in self._events if span.start <= event.time < span.end)
        return sorted(chosen, key=lambda event: event.time)

    def _event(self, change: Change, when: float) -> Event:
        name, before, after = change.name[:MOST_NAME], words_of(change.before), words_of(change.after)
        said = f"{before} → {after}" if before != after else f"{after}, by other rules"
        target = next((whom for glob, whom in self._targets.items() if fnmatch.fnmatchcase(change.name, glob)), name)
        detail = f"seen {change.seen - change.since:.0f} s after the look before"
        return Event(when, KIND, target, f"{name}: {said}", id=name, detail=detail, source=self._name)


class FlagFile:
    """An EventReader over a file. Blocking; runs in a child."""

    def __init__(self, name: str, options: FlagFileOptions) -> None:
        self.name = name
        self._path = Path(options.path)
        self._told = _Told(name, options.targets)

    def events(self, span: Span, kinds: Sequence[str]) -> Sequence[Event]:
        """The changes seen in the span, oldest first.

        Raises SourceError, SourceDenied for a file that cannot be read, SourceMalformed for one without flags.
        """
        flags, changed = self._read()
        self._told.see(flags, time.time(), changed)
        return self._told.between(span, kinds)

    def check(self) -> SourceStatus:
        """How many flags there are and when they were written. Raises as `events` does."""
        began = time.monotonic()
        flags, changed = self._read()
        return SourceStatus(self.name, "flag_file", "ok", f"{len(flags)} flags", newest=changed,
                            seconds=time.monotonic() - began)  # fmt: skip

    def _read(self) -> tuple[dict[str, Flag], float]:
        try:
            with self._path.open("rb") as file:
                data, changed = file.read(MOST_BYTES + 1), self._path.stat().st_mtime
        except PermissionError:
            raise SourceDenied(
                f"source {self.name}: {self._path} may not be read", "give this user the right to read it"
            ) from None
        except OSError as error:
            raise SourceError(
                f"source {self.name}: {self._path} cannot be read: {error.strerror}", "check its path"
            ) from None
        if len(data) > MOST_BYTES:
            raise SourceMalformed(f"source {self.name}: {self._path} is larger than {MOST_BYTES >> 20} MiB", "")
        if not data.strip():
            raise SourceMalformed(f"source {self.name}: {self._path} is empty", "is it being written?")
        return flags_in(_document(data, self._path, self.name), self.name), changed


class FlagApi:
    """An EventReader over an address."""

    def __init__(self, name: str, options: FlagApiOptions) -> None:
        self.name = name
        self._site = Site(name, options)
        self._told = _Told(name, options.targets)
        self._turn = asyncio.Lock()  # looks in the order of what they saw

    async def events(self, span: Span, kinds: Sequence[str]) -> Sequence[Event]:
        """The changes seen in the span, oldest first. Raises the errors of `fetch`, SourceMalformed for no flags."""
        async with self._turn:
            self._told.see(await self._read(), time.time())
        return self._told.between(span, kinds)

    async def check(self) -> SourceStatus:
        """How many flags there are. Raises as `events` does."""
        began = time.monotonic()
        flags = await self._read()
        newest = max((flag.updated for flag in flags.values() if flag.updated is not None), default=None)
        return SourceStatus(self.name, "flag_api", "ok", f"{len(flags)} flags", newest=newest,
                            seconds=time.monotonic() - began)  # fmt: skip

    async def close(self) -> None:
        """Hang up."""
        await self._site.close()

    async def _read(self) -> dict[str, Flag]:
        body = await self._site.get("")
        try:
            return await aside(lambda: flags_in(json.loads(body), self.name))
        except (ValueError, RecursionError):
            raise SourceMalformed(f"source {self.name}: its answer is no JSON", "check its url") from None


def _document(data: bytes, path: Path, source: str) -> Any:
    """What a file says. Raises SourceMalformed where it is not what its suffix says."""
    try:
        match path.suffix.casefold():
            case ".json":
                return json.loads(data)
            case ".toml":
                return tomllib.loads(data.decode())
            case ".yaml" | ".yml":
                from console.playbook.text import read  # plain YAML alone: no tags, no references

                return read(data, path.name).tree
            case suffix:
                raise SourceMalformed(f"source {source}: {suffix or path.name} is no format of flags",
                                      "it must end in .json, .yaml or .toml")  # fmt: skip
    except PlaybookError as error:
        raise SourceMalformed(f"source {source}: {error.message}", "is it being written?") from None
    except (ValueError, RecursionError) as error:
        why = str(error).splitlines()[0][:200]
        raise SourceMalformed(f"source {source}: {path} is broken: {why}", "is it being written?") from None


def _file_url(url: str) -> Mapping[str, Any] | None:
    """`flags+PATH`."""
    is_ours = url.startswith("flags+") and not url.startswith("flags+http")
    return {"path": url.removeprefix("flags+")} if is_ours else None


def _api_url(url: str) -> Mapping[str, Any] | None:
    """`flags+http://…`."""
    return {"url": url.removeprefix("flags+")} if url.startswith("flags+http") else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """Flags in files and behind addresses."""
    return (
        SourceType("flag_file", "Feature flags in a file", FlagFileOptions, FlagFile, isolated=True,
                   from_url=_file_url),
        SourceType("flag_api", "Feature flags that an address answers with", FlagApiOptions, FlagApi,
                   from_url=_api_url),
    )  # fmt: skip
