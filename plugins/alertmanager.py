"""The source kind `alertmanager`: which alerts fire, what keeps them quiet, silences to make and to end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from console.errors import SourceError, SourceMalformed, UsageError
from console.model import Alert, Event, Matcher, Silence, Span
from console.plugins import SourceType, hookimpl
from console.sources.alerts import alert_of, event_of, moment
from console.sources.aside import aside
from console.sources.site import Site, SiteOptions
from console.sources.types import SourceStatus

API = "api/v2"
PORT = 9093
MOST_ALERTS = 20_000  # kept of one answer, those that fire first
MOST_SILENCES = 5_000
MOST_ENDED = 2_000  # alerts of which it is remembered when they were gone
MOST_MATCHERS = 50  # of one silence
JSON = {"Content-Type": "application/json"}


class AlertmanagerOptions(SiteOptions):
    """Where it is, and how it lets us in."""


class Alertmanager:
    """One Alertmanager, or a cluster of them behind one address."""

    def __init__(self, name: str, options: AlertmanagerOptions) -> None:
        self.name = name
        self._site = Site(name, options)
        self._firing: dict[str, Alert] = {}  # at the last look, for what has ended since
        self._ended: dict[tuple[str, float], tuple[Alert, float]] = {}
        self._left_out = 0

    async def alerts(self) -> Sequence[Alert]:
        """Those that fire, the silenced and inhibited ones too. Raises the errors of `Site.get`."""
        body = await self._site.get(f"{API}/alerts")
        found, self._left_out = await aside(lambda: _alerts(body, self.name))
        self._note_ends(found, time.time())
        return found

    async def silences(self) -> Sequence[Silence]:
        """Those that have not ended."""
        body = await self._site.get(f"{API}/silences")
        return await aside(lambda: _silences(body, self.name))

    async def silence(self, silence: Silence) -> str:
        """Make one; its id. UsageError where it is refused."""
        asked = {
            "matchers": [
                {"name": each.label, "value": each.value, "isRegex": each.is_regex, "isEqual": each.is_equal}
                for each in silence.matchers
            ],
            "startsAt": _written(silence.start),
            "endsAt": _written(silence.end),
            "createdBy": silence.author,
            "comment": silence.comment,
        }
        answer = _read(await self._change("POST", f"{API}/silences", json.dumps(asked).encode()))
        if not isinstance(answer, dict) or not isinstance(answer.get("silenceID"), str):
            raise SourceMalformed(f"{self.name} did not say which silence it made", "see `andon alert silences`")
        return answer["silenceID"]

    async def unsilence(self, id_: str) -> None:
        """End one. UsageError where there is none of that id."""
        if not any(each.id == id_ for each in await self.silences()):
            raise UsageError(f"{self.name} has no silence {id_[:60]}", "`andon alert silences` shows them")
        await self._change("DELETE", f"{API}/silence/{quote(id_, safe='')}")

    async def events(self, span: Span, kinds: Sequence[str]) -> Sequence[Event]:
        """When alerts began and, since this was opened, when they were gone: it lists none that have ended."""
        if kinds and "alert" not in kinds:
            return []
        firing = await self.alerts()
        told = [event_of(alert, alert.started, has_ended=False) for alert in firing]
        told += [event_of(alert, alert.started, has_ended=False) for alert, _gone in self._ended.values()]
        told += [event_of(alert, gone, has_ended=True) for alert, gone in self._ended.values()]
        return sorted((each for each in told if span.start <= each.time < span.end), key=lambda each: each.time)

    async def check(self) -> SourceStatus:
        """Whether it answers, which version it is, and how many alerts there are."""
        told = _read(await self._site.get(f"{API}/status"))
        version = told.get("versionInfo", {}).get("version") if isinstance(told, dict) else None
        if not isinstance(version, str):
            raise SourceMalformed(f"{self.name} does not answer as an Alertmanager does", "check its url")
        found = await self.alerts()
        firing = sum(each.state == "firing" for each in found)
        more = f"; {self._left_out} more are not read" if self._left_out else ""
        reason = f"version {version[:40]}, {firing} alerts fire, {len(found) - firing} are kept quiet{more}"
        return SourceStatus(self.name, "alertmanager", "ok", reason)

    async def close(self) -> None:
        """Hang up."""
        await self._site.close()

    async def _change(self, method: Any, path: str, body: bytes | None = None) -> bytes:
        try:
            return await self._site.ask(method, path, body=body, headers=JSON if body else None)
        except SourceError as error:
            if " answered 400 " in error.message or " answered 422 " in error.message:
                raise UsageError(
                    f"{self.name} refused this silence",
                    "each needs an end after its start, a comment, and a matcher that does not fit an empty value",
                ) from None
            raise

    def _note_ends(self, found: Sequence[Alert], now: float) -> None:
        """What is gone since the last look has ended; not where an answer was cut, which says nothing of the rest."""
        firing = {alert.id: alert for alert in found}
        if not self._left_out:
            for id_, alert in self._firing.items():
                if id_ not in firing or firing[id_].started > alert.started:
                    self._ended[id_, alert.started] = alert, now
        self._firing = firing
        for old in [*self._ended][:-MOST_ENDED]:
            del self._ended[old]


def _alerts(body: bytes, source: str) -> tuple[list[Alert], int]:
    """The alerts of an answer, those that fire first, and how many were left out."""
    rows = _rows(body, source)
    rows.sort(key=lambda row: _state(row) != "firing")
    kept = rows[:MOST_ALERTS]
    return [alert_of(row, _state(row), source, _texts(_status(row).get("silencedBy"))) for row in kept], len(
        rows
    ) - len(kept)


def _state(row: Mapping[str, Any]) -> Any:
    status = _status(row)
    if status.get("silencedBy"):
        return "silenced"
    return "inhibited" if status.get("inhibitedBy") or status.get("state") == "suppressed" else "firing"


def _status(row: Mapping[str, Any]) -> Mapping[str, Any]:
    status = row.get("status")
    return status if isinstance(status, Mapping) else {}


def _silences(body: bytes, source: str) -> list[Silence]:
    found = [_silence(row, source) for row in _rows(body, source) if _status(row).get("state") != "expired"]
    return sorted(found, key=lambda each: each.end)[:MOST_SILENCES]


def _silence(row: Mapping[str, Any], source: str) -> Silence:
    matchers = row.get("matchers")
    return Silence(
        matchers=tuple(
            Matcher(
                str(each.get("name", ""))[:200],
                str(each.get("value", ""))[:2000],
                each.get("isEqual") is not False,  # releases before 0.22 do not say
                each.get("isRegex") is True,
            )
            for each in (matchers if isinstance(matchers, list) else [])[:MOST_MATCHERS]
            if isinstance(each, Mapping)
        ),
        start=moment(row.get("startsAt")) or 0.0,
        end=moment(row.get("endsAt")) or 0.0,
        author=str(row.get("createdBy", ""))[:200],
        comment=str(row.get("comment", ""))[:2000],
        id=str(row.get("id", ""))[:200],
        state="pending" if _status(row).get("state") == "pending" else "active",
        source=source,
    )


def _rows(body: bytes, source: str) -> list[dict[str, Any]]:
    told = _read(body)
    if not isinstance(told, list):
        raise SourceMalformed(f"{source} does not answer as an Alertmanager does", "check its url")
    return [row for row in told if isinstance(row, dict)]


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise SourceMalformed("the answer is not JSON", "check the url: is it an Alertmanager?") from None


def _texts(told: Any) -> tuple[str, ...]:
    return tuple(str(each)[:200] for each in told[:20]) if isinstance(told, list) else ()


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _from_url(url: str) -> Mapping[str, Any] | None:
    scheme, _plus, rest = url.partition("+")
    if scheme == "alertmanager" and rest.startswith(("http://", "https://")):
        return {"url": rest}
    try:
        parts = urlsplit(url)
        is_usual = parts.scheme in ("http", "https") and parts.port == PORT
    except ValueError:
        return None
    return {"url": url} if is_usual else None


@hookimpl
def andon_sources() -> Iterable[SourceType]:
    """Kinds of source."""
    return [
        SourceType("alertmanager", "Alerts and silences of an Alertmanager", AlertmanagerOptions, Alertmanager,
                   from_url=_from_url),
    ]  # fmt: skip
