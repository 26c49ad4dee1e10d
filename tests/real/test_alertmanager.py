"""The alertmanager source on a real one: what fires, silences made and ended, and labels that are hard to write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import alertserver
import pytest
from pages import plugin

from console.errors import UsageError
from console.model import Alert, Matcher, Silence, Span
from console.sources.matchers import fits, parse_matchers, shown_matcher

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not alertserver.is_installed(), reason="prometheus-alertmanager is not installed"),
]
MODULE = plugin("alertmanager")
HARD = 'quote " brace {} back\\slash\nline'


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with alertserver.alertmanager(tmp_path_factory.mktemp("am")) as found:
        yield found


@pytest.fixture
async def source(url: str) -> AsyncIterator[Any]:
    opened = MODULE.Alertmanager("am", MODULE.AlertmanagerOptions(url=url))
    yield opened
    await opened.close()


async def alert(source: Any, name: str, state: str) -> Alert:
    """The alert of this name once it is in this state."""
    async with asyncio.timeout(20):
        while True:
            for each in await source.alerts():
                if each.labels.value("alertname") == name and each.state == state:
                    return each  # type: ignore[no-any-return]
            await asyncio.sleep(0.2)


def silence(*matchers: Matcher, seconds: float = 600.0) -> Silence:
    return Silence(matchers, time.time(), time.time() + seconds, "ada", "we know")


async def test_an_alert_is_silenced_and_heard_again(url: str, source: Any) -> None:
    alertserver.send(url, {"alertname": "Hard", "model": HARD}, summary="it is hard")
    told = await alert(source, "Hard", "firing")
    assert (told.labels.value("model"), told.text) == (HARD, "it is hard")
    wanted = (Matcher("alertname", "Hard"), Matcher("model", HARD))
    assert parse_matchers(map(shown_matcher, wanted)) == wanted
    id_ = await source.silence(silence(*wanted))
    quiet = await alert(source, "Hard", "silenced")
    assert quiet.silences == (id_,)
    (kept,) = [each for each in await source.silences() if each.id == id_]
    assert (kept.matchers, kept.author, kept.comment, kept.state) == (wanted, "ada", "we know", "active")
    await source.unsilence(id_)
    assert id_ not in {each.id for each in await source.silences()}
    await alert(source, "Hard", "firing")
    with pytest.raises(UsageError, match="has no silence"):
        await source.unsilence("b1f2f3f4-0000-0000-0000-000000000000")


@pytest.mark.parametrize(
    "text", ["model=glove", "model!=glove", "model=~'gl.*'", "model!~'gl.*'", "model=~'gl'", "team=''", "team=~'(ml)?'"]
)
async def test_our_matchers_fit_what_theirs_fit(url: str, source: Any, text: str) -> None:
    alertserver.send(url, {"alertname": "Fit", "model": "glove"}, {"alertname": "Fit", "model": "boot", "team": "ml"})
    await alert(source, "Fit", "firing")
    matchers = (Matcher("alertname", "Fit"), *parse_matchers([text]))
    ours = {each.id for each in await source.alerts() if fits(matchers, each.labels)}
    id_ = await source.silence(silence(*matchers))
    try:
        async with asyncio.timeout(20):
            while {each.id for each in await source.alerts() if id_ in each.silences} != ours:
                await asyncio.sleep(0.1)
    finally:
        await source.unsilence(id_)


async def test_what_is_no_silence_is_refused_in_words(source: Any) -> None:
    with pytest.raises(UsageError, match="am refused this silence"):
        await source.silence(silence(Matcher("alertname", ".*", is_regex=True)))


async def test_an_alert_that_is_gone_has_ended_on_the_timeline(url: str, source: Any) -> None:
    began = time.time()
    alertserver.send(url, {"alertname": "Short", "model": "glove"}, seconds=2.0)
    await alert(source, "Short", "firing")
    async with asyncio.timeout(30):
        while True:
            told = [each for each in await source.events(Span(began - 60, time.time() + 60), ("alert",))
                    if each.title.startswith("Short")]  # fmt: skip
            if len(told) == 2:
                break
            await asyncio.sleep(0.5)
    assert [(each.target, each.source) for each in told] == [("glove", "am")] * 2
    assert "no longer fires" in told[1].title
    assert told[0].time <= told[1].time


async def test_it_says_how_it_is(source: Any) -> None:
    status = await source.check()
    assert status.state == "ok"
    assert "version 0.2" in status.reason
