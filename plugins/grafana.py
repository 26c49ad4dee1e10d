"""The source kind `grafana`: annotations as events, and regions by when they began."""

from __future__ import annotations

import fnmatch
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from html import unescape
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from console.errors import SourceMalformed
from console.model import Event, Span
from console.plugins import SourceType, hookimpl
from console.sources.site import Site, SiteOptions
from console.sources.types import SourceStatus
from console.words import lapse

PATH = "api/annotations"
MOST_ANNOTATIONS = 1_000  # of one answer
MOST_QUESTIONS = 5  # where there are more: the span is asked for in pieces, from its end
MOST_TITLE, MOST_DETAIL = 200, 2_000  # characters
DEPLOYS = {"deploy*": "deploy", "release*": "deploy", "rollback*": "rollback", "config*": "config", "flag*": "flag"}
TAG = re.compile(r"<[^<>]{0,200}>")


class GrafanaOptions(SiteOptions):
    """A Grafana, and how its annotations are read."""

    tags: list[str] = Field(default_factory=list)  # only annotations that have all of these
    kinds: dict[str, str] = Field(default_factory=lambda: dict(DEPLOYS))  # by a glob of a tag: what kind of event it is
    target_tag: str = "model"  # a tag `model:fraud` or `model=fraud` says whom it is about
    org: int | None = None  # the number of the organisation


class _Annotation(BaseModel):
    id: int
    time: float  # milliseconds
    timeEnd: float | None = None  # noqa: N815 - as Grafana writes it
    text: str | None = ""
    tags: list[str] | None = None
    alertName: str | None = ""  # noqa: N815
    newState: str | None = ""  # noqa: N815
    dashboardUID: str | None = ""  # noqa: N815


_ANNOTATIONS = TypeAdapter(list[_Annotation])


class Grafana:
    """An EventReader over a Grafana's annotations."""

    def __init__(self, name: str, options: GrafanaOptions) -> None:
        self.name = name
        self._options = options
        self._site = Site(name, options)
        self._headers = {} if options.org is None else {"X-Grafana-Org-Id": str(options.org)}

    async def events(self, span: Span, kinds: Sequence[str]) -> Sequence[Event]:
        """The annotations that began in the span, oldest first; of very many the newest.

        Raises the errors of `fetch`, and SourceMalformed for an answer that is none of Grafana's.
        """
        found: dict[int, _Annotation] = {}
        end = span.end
        for _question in range(MOST_QUESTIONS):
            page = await self._ask(span.start, end, MOST_ANNOTATIONS)
            is_news = any(each.id not in found for each in page)
            found |= {each.id: each for each in page}
            if len(page) < MOST_ANNOTATIONS or not is_news:
                break
            end = min(each.timeEnd or each.time for each in page) / 1000  # the order that they come in
        events = [self._event(each) for each in found.values()]
        chosen = (each for each in events if span.start <= each.time < span.end and (not kinds or each.kind in kinds))
        return sorted(chosen, key=lambda event: event.time)

    async def check(self) -> SourceStatus:
        """How new the newest annotation is. Raises as `events` does."""
        began = time.monotonic()
        now = time.time()
        newest = max((each.time / 1000 for each in await self._ask(0.0, now, 1)), default=None)
        reason = "no annotation yet" if newest is None else f"newest annotation {lapse(max(0.0, now - newest))} ago"
        return SourceStatus(self.name, "grafana", "ok", reason, newest=newest, seconds=time.monotonic() - began)

    async def close(self) -> None:
        """Hang up."""
        await self._site.close()

    async def _ask(self, start: float, end: float, limit: int) -> list[_Annotation]:
        query = [("from", f"{max(start, 0.0) * 1000:.0f}"), ("to", f"{end * 1000:.0f}"), ("limit", str(limit))]
        query += [("tags", tag) for tag in self._options.tags]
        body = await self._site.ask("GET", f"{PATH}?{urlencode(query)}", headers=self._headers)
        try:
            return _ANNOTATIONS.validate_json(body)
        except ValidationError:
            raise SourceMalformed(
                f"source {self.name}: {PATH} does not answer as Grafana does", "check its url"
            ) from None

    def _event(self, annotation: _Annotation) -> Event:
        tags = annotation.tags or []
        lines = _plain(annotation.text or "").splitlines()
        said = [line.strip() for line in lines if line.strip()]
        alert = annotation.alertName or ""
        title = said[0] if said else f"{alert} {annotation.newState or ''}".strip() or ", ".join(tags) or "annotation"
        lasted = (annotation.timeEnd or annotation.time) - annotation.time
        more = [*said[1:], *([f"lasted {lapse(lasted / 1000)}"] if lasted > 0 else [])]
        more += [f"tags {', '.join(tags)}"] if tags else []
        return Event(
            annotation.time / 1000, self._kind(tags, is_alert=bool(alert)), self._target(tags), title[:MOST_TITLE],
            id=str(annotation.id), detail="\n".join(more)[:MOST_DETAIL], source=self.name,
        )  # fmt: skip

    def _kind(self, tags: Sequence[str], *, is_alert: bool) -> str:
        for tag in tags:
            for pattern, kind in self._options.kinds.items():
                if fnmatch.fnmatch(tag.casefold(), pattern.casefold()):
                    return kind
        return "alert" if is_alert else "annotation"

    def _target(self, tags: Sequence[str]) -> str:
        for tag in tags:
            name, _sign, value = tag.replace("=", ":", 1).partition(":")
            if value and name.strip().casefold() == self._options.target_tag.casefold():
                return value.strip()[:MOST_TITLE]
        return ""


def _plain(text: str) -> str:
    """Text without the HTML that annotations may hold."""
    return unescape(TAG.sub(" ", text[: 4 * MOST_DETAIL].replace("<br", "\n<br")))


def _from_url(url: str) -> Mapping[str, Any] | None:
    """`grafana+https://host`."""
    return {"url": url.removeprefix("grafana+")} if url.startswith("grafana+http") else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """Annotations of a Grafana."""
    return (SourceType("grafana", "Annotations of a Grafana", GrafanaOptions, Grafana, from_url=_from_url),)
