"""The source kind `mlflow`: versions, aliases and stages of an MLflow registry (REST API 2.0) as events.

Versions say when they were made. Aliases do not say when they moved (seen with MLflow 3.17: no time stamp changes), so
that is told from one look to the next; the first look tells nothing of them.
"""

from __future__ import annotations

import asyncio
import fnmatch
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, Field, ValidationError

from console.errors import SourceMalformed
from console.model import Event, Span
from console.plugins import SourceType, hookimpl
from console.sources.differing import Change, Looks
from console.sources.site import Site, SiteOptions
from console.sources.types import SourceStatus

API = "api/2.0/mlflow"
PAGE = 100  # of one answer
MOST_MODELS = 2_000
MOST_VERSIONS = 1_000  # of one span
MOST_MOVES = 1_000  # that are remembered
MOST_CHARACTERS = 300  # of any one text
KIND = "model_version"


class MlflowOptions(SiteOptions):
    """A tracking server with its registry."""

    models: list[str] = Field(default_factory=lambda: ["*"])  # names or globs of those that are watched


class _Tag(BaseModel):
    key: str
    value: str = ""


class _Version(BaseModel):
    name: str
    version: str
    creation_timestamp: float  # milliseconds, as all of them
    last_updated_timestamp: float | None = None
    current_stage: str = "None"
    source: str = ""
    run_id: str = ""
    status: str = ""
    user_id: str = ""
    tags: list[_Tag] = []


class _Alias(BaseModel):
    alias: str
    version: str


class _Model(BaseModel):
    name: str
    aliases: list[_Alias] = []
    latest_versions: list[_Version] = []  # the newest of each stage


class _Page(BaseModel):
    next_page_token: str | None = None


class _Versions(_Page):
    model_versions: list[_Version] = []


class _Models(_Page):
    registered_models: list[_Model] = []


Answer = TypeVar("Answer", bound=_Page)


class Mlflow:
    """An EventReader over a registry."""

    def __init__(self, name: str, options: MlflowOptions) -> None:
        self.name = name
        self._models = options.models
        self._site = Site(name, options)
        self._looks = Looks(name)
        self._moves: deque[Event] = deque(maxlen=MOST_MOVES)
        self._turn = asyncio.Lock()  # two looks at once would tell a move twice

    async def events(self, span: Span, kinds: Sequence[str]) -> Sequence[Event]:
        """Versions made in the span, and the aliases and stages seen to move in it, oldest first.

        Raises the errors of `fetch`, and SourceMalformed for what is no registry.
        """
        async with self._turn:
            await self._look()
        if kinds and KIND not in kinds:
            return []
        found = [_made(each, self.name) for each in await self._versions(span)]
        found += [event for event in self._moves if span.start <= event.time < span.end]
        return sorted(found, key=lambda event: event.time)

    async def check(self) -> SourceStatus:
        """How many models and aliases there are, and when the newest version was made. Raises as `events` does."""
        began = time.monotonic()
        models = await self._registered()
        page = await self._ask(_Versions, "model-versions/search", max_results="1", order_by="creation_timestamp DESC")
        newest = page.model_versions[0].creation_timestamp / 1000 if page.model_versions else None
        reason = f"{len(models)} models, {sum(len(each.aliases) for each in models)} aliases"
        return SourceStatus(self.name, "mlflow", "ok", reason, newest=newest, seconds=time.monotonic() - began)

    async def close(self) -> None:
        """Hang up."""
        await self._site.close()

    async def _look(self) -> None:
        models = await self._registered()
        values = {f"{each.name}@{one.alias}": one.version for each in models for one in each.aliases}
        stages = [one for each in models for one in each.latest_versions if one.current_stage != "None"]
        values |= {f"{one.name}/{one.current_stage}": one.version for one in stages}
        told = {f"{one.name}/{one.current_stage}": one.last_updated_timestamp for one in stages}
        for change in self._looks.see(values, time.time()):
            updated = told.get(change.name)
            self._moves.append(_moved(change, None if updated is None else updated / 1000, self.name))

    async def _registered(self) -> list[_Model]:
        """The models that are watched. Raises SourceMalformed for more than MOST_MODELS."""
        found: list[_Model] = []
        token: str | None = ""
        while token is not None:
            page = await self._ask(_Models, "registered-models/search", max_results=str(PAGE), page_token=token)
            found += page.registered_models
            token = page.next_page_token or None
            if len(found) > MOST_MODELS:
                raise SourceMalformed(f"source {self.name}: it has more than {MOST_MODELS:,} models",
                                      "name those to watch: models = [\"fraud-*\"]")  # fmt: skip
        return [each for each in found if self._is_watched(each.name)]

    async def _versions(self, span: Span) -> list[_Version]:
        """Those made in the span, the newest MOST_VERSIONS of them."""
        found: list[_Version] = []
        token: str | None = ""
        seen = 0
        while token is not None and seen < MOST_VERSIONS:
            page = await self._ask(_Versions, "model-versions/search", max_results=str(PAGE),
                                   order_by="creation_timestamp DESC", page_token=token)  # fmt: skip
            made = [(each.creation_timestamp / 1000, each) for each in page.model_versions]
            found += [each for when, each in made if span.start <= when < span.end and self._is_watched(each.name)]
            seen += len(made)
            is_past = not made or made[-1][0] < span.start
            token = None if is_past else page.next_page_token or None
        return found

    def _is_watched(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self._models)

    async def _ask(self, answer: type[Answer], path: str, **parameters: str) -> Answer:
        asked = {name: value for name, value in parameters.items() if value}
        body = await self._site.get(f"{API}/{path}?{urlencode(asked)}")
        try:
            return answer.model_validate_json(body)
        except ValidationError:
            raise SourceMalformed(
                f"source {self.name}: {path} does not answer as an MLflow registry does", "check its url"
            ) from None


def _made(version: _Version, source: str) -> Event:
    status = "" if version.status in ("", "READY") else f" ({version.status.lower()})"
    tags = ", ".join(f"{tag.key}={tag.value}" for tag in version.tags)
    said = (("run", version.run_id), ("source", version.source), ("by", version.user_id), ("tags", tags))
    detail = "\n".join(f"{word} {_cut(text)}" for word, text in said if text)
    return Event(version.creation_timestamp / 1000, KIND, _cut(version.name),
                 f"version {_cut(version.version)} registered{status}",
                 id=_cut(f"{version.name}/{version.version}"), detail=detail, source=source)  # fmt: skip


def _moved(change: Change, told: float | None, source: str) -> Event:
    """An alias (`name@alias`) or a stage (`name/stage`) that stands for another version."""
    model, sign, what = change.name.rpartition("@" if "@" in change.name else "/")
    before, after = change.before or "none", change.after or "none"
    detail = "" if told else f"moved within the {change.seen - change.since:.0f} s before it was seen"
    title = f"{'alias' if sign == '@' else 'stage'} {_cut(what)}: version {_cut(before)} → {_cut(after)}"
    return Event(change.at(told), KIND, _cut(model), title, id=_cut(change.name), detail=detail, source=source)


def _cut(text: str) -> str:
    return text[:MOST_CHARACTERS]


def _from_url(url: str) -> Mapping[str, Any] | None:
    """`mlflow+http://host:5000`."""
    return {"url": url.removeprefix("mlflow+")} if url.startswith("mlflow+http") else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """An MLflow registry."""
    return (SourceType("mlflow", "Versions, aliases and stages of an MLflow registry", MlflowOptions, Mlflow,
                       from_url=_from_url),)  # fmt: skip
