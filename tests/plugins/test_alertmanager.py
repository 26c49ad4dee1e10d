"""The alertmanager source against a server that answers as told; tests/real asks a real one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from pages import plugin

from console.errors import SourceDenied, SourceError, SourceMalformed, UsageError
from console.model import Matcher, Silence, Span
from console.plugins import load_plugins
from console.sources.opening import from_argument
from console.sources.types import AlertReader, Checkable, EventReader, Silencer

MODULE = plugin("alertmanager")


def row(name: str = "Slow", state: str = "active", **changes: Any) -> dict[str, Any]:
    whole = {
        "labels": {"alertname": name, "model": "glove"},
        "annotations": {"summary": f"{name} it is", "runbook_url": "https://r/x"},
        "startsAt": "2026-05-01T10:00:00.123456789Z",
        "endsAt": "2026-05-01T10:05:00Z",
        "fingerprint": f"f-{name}",
        "generatorURL": "http://prom/graph",
        "status": {"state": state, "silencedBy": [], "inhibitedBy": []},
    }
    return whole | changes


class Answers:
    """A stand-in: what each path answers, and what it was asked."""

    def __init__(self) -> None:
        self.body: dict[str, Any] = {
            "alerts": [row()],
            "silences": [],
            "status": {"versionInfo": {"version": "0.25.0"}},
        }
        self.asked: list[tuple[str, str, bytes]] = []
        self.status = 200
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path, await request.read()))
        await self.goes_on.wait()
        body = self.body.get(request.path.rpartition("/")[2], {"silenceID": "s-1"})
        if request.method == "POST":
            body = self.body.get("made", {"silenceID": "s-1"})
        return web.Response(status=self.status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[tuple[Answers, Any]]:
    answers, app = Answers(), web.Application()
    app.router.add_route("*", "/{path:.*}", answers.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.0, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    source = MODULE.Alertmanager("am", MODULE.AlertmanagerOptions(url=url, **options))
    try:
        yield answers, source
    finally:
        await source.close()
        await runner.cleanup()


async def test_it_can_do_what_the_board_needs() -> None:
    async with serving() as (_answers, source):
        for able in (AlertReader, Silencer, EventReader, Checkable):
            assert isinstance(source, able)


async def test_an_alert_has_its_state_text_and_pages() -> None:
    async with serving() as (answers, source):
        answers.body["alerts"] = [
            row("Quiet", "suppressed", status={"state": "suppressed", "silencedBy": ["s-1"]}),
            row("Kept", "suppressed", status={"state": "suppressed", "inhibitedBy": ["x"]}),
            row("Slow"),
        ]
        found = await source.alerts()
    assert [(each.labels.value("alertname"), each.state) for each in found] == [
        ("Slow", "firing"), ("Quiet", "silenced"), ("Kept", "inhibited"),
    ]  # fmt: skip
    first = found[0]
    assert (first.id, first.text, first.url) == ("f-Slow", "Slow it is", "http://prom/graph")
    assert first.started == 1777629600.123456
    assert first.annotations.value("runbook_url") == "https://r/x"
    assert found[1].silences == ("s-1",)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'"x"', b"[" * 5000, json.dumps({"data": []}).encode(), b"\xff\xfe"]
)
async def test_garbage_is_the_sources_own_state(body: bytes) -> None:
    async with serving() as (answers, source):
        answers.body["alerts"] = answers.body["silences"] = answers.body["status"] = body
        for ask in (source.alerts, source.silences, source.check):
            with pytest.raises(SourceMalformed):
                await ask()


async def test_rows_that_are_odd_become_what_they_can() -> None:
    odd = [
        5,
        {},
        {"labels": {"alertname": 3, "deep": {"a": 1}, "\ud800": "\ud800"}, "startsAt": "yesterday", "status": 7},
        row(labels=None, annotations=[1], fingerprint=None, startsAt="9999-12-31T23:59:59Z", generatorURL="data:x"),
    ]
    async with serving() as (answers, source):
        answers.body["alerts"] = json.dumps(odd).encode()
        with pytest.raises(SourceMalformed):  # half a character is not JSON to every parser
            await source.alerts()
        del odd[2]["labels"]["\ud800"]  # type: ignore[index]
        answers.body["alerts"] = odd
        found = await source.alerts()
        answers.body["silences"] = [{"matchers": [None, {}], "status": None}, {"matchers": 3}]
        kept = await source.silences()
    assert [each.state for each in found] == ["firing"] * 3
    assert found[1].labels.value("alertname") == "3"
    assert found[2].url == ""
    assert len({each.id for each in found}) == 2  # those without labels are one and the same
    assert [len(each.matchers) for each in kept] == [1, 0]


async def test_a_hundred_thousand_alerts_in_one_answer_are_cut_and_said() -> None:
    rows = [{"labels": {"alertname": "A", "n": str(n)}, "fingerprint": str(n)} for n in range(100_000)]
    rows += [row("Late")]
    async with serving() as (answers, source):
        answers.body["alerts"] = json.dumps(rows).encode()
        found = await source.alerts()
        status = await source.check()
    assert len(found) == MODULE.MOST_ALERTS
    assert "80001 more are not read" in status.reason


async def test_an_answer_without_end_is_cut_off() -> None:
    async with serving(max_bytes=10_000) as (answers, source):
        answers.body["alerts"] = [row(str(number)) for number in range(100)]
        with pytest.raises(SourceMalformed, match="more than 10,000 bytes"):
            await source.alerts()


async def test_one_that_is_down_slow_or_closed_says_so() -> None:
    async with serving(timeout=0.2) as (answers, source):
        answers.status = 403
        with pytest.raises(SourceDenied):
            await source.alerts()
        answers.status = 503
        with pytest.raises(SourceError, match="503"):
            await source.alerts()
        answers.status = 200
        answers.goes_on.clear()
        with pytest.raises(SourceError, match=r"more than 0\.2 s"):
            await source.alerts()
        answers.goes_on.set()
    with pytest.raises(SourceError, match="cannot be reached"):
        async with asyncio.timeout(10):
            gone = MODULE.Alertmanager("am", MODULE.AlertmanagerOptions(url="http://127.0.0.1:1"))
            try:
                await gone.alerts()
            finally:
                await gone.close()


async def test_a_silence_says_everything_and_gives_its_id() -> None:
    matchers = (Matcher("alertname", 'a"b'), Matcher("model", "g.*", is_equal=False, is_regex=True))
    async with serving() as (answers, source):
        assert await source.silence(Silence(matchers, 1_780_000_000.0, 1_780_003_600.0, "ada", "why")) == "s-1"
        method, path, body = answers.asked[-1]
        answers.body["made"] = {"silence": 3}
        with pytest.raises(SourceMalformed):
            await source.silence(Silence(matchers, 1.0, 2.0, "ada", "why"))
    assert (method, path) == ("POST", "/api/v2/silences")
    assert json.loads(body) == {
        "matchers": [
            {"name": "alertname", "value": 'a"b', "isRegex": False, "isEqual": True},
            {"name": "model", "value": "g.*", "isRegex": True, "isEqual": False},
        ],
        "startsAt": "2026-05-28T20:26:40.000000Z",
        "endsAt": "2026-05-28T21:26:40.000000Z",
        "createdBy": "ada",
        "comment": "why",
    }


async def test_an_id_cannot_reach_another_path() -> None:
    async with serving() as (answers, source):
        with pytest.raises(UsageError, match="has no silence"):
            await source.unsilence("../alerts")
        assert all(method == "GET" for method, _path, _body in answers.asked)
        answers.body["silences"] = [{"id": "../alerts", "status": {"state": "active"}, "matchers": []}]
        await source.unsilence("../alerts")
    assert answers.asked[-1][0] == "DELETE"
    assert answers.asked[-1][1].startswith("/api/v2/silence/")


async def test_what_is_gone_has_ended_and_what_was_cut_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    always = Span(0.0, 1e12)
    async with serving() as (answers, source):
        answers.body["alerts"] = [row("One"), row("Two")]
        assert len(await source.events(always, ())) == 2
        answers.body["alerts"] = [row("Two")]
        told = [each.title for each in await source.events(always, ("alert",))]
        assert "One no longer fires" in told and len(told) == 3
        assert await source.events(always, ("deploy",)) == []
        monkeypatch.setattr(MODULE, "MOST_ALERTS", 1)
        answers.body["alerts"] = [row("Three"), row("Two")]
        assert "Two no longer fires" not in [each.title for each in await source.events(always, ())]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("alertmanager+https://am.example/x", "alertmanager"),
        ("http://am.example:9093", "alertmanager"),
        ("http://am.example:9093/prefix", "alertmanager"),
    ],
)
def test_a_command_line_means_it_by_its_port_or_its_name(url: str, kind: str) -> None:
    found = from_argument(f"am={url}", load_plugins())
    assert (found.kind, found.options["url"]) == (kind, url.removeprefix("alertmanager+"))


@pytest.mark.parametrize(
    "url", ["http://am.example:9090", "http://h:99999999", "ftp://h:9093", "alertmanager+file:///x"]
)
def test_and_takes_no_other(url: str) -> None:
    assert MODULE._from_url(url) is None
