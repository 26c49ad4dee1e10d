"""From settings to open sources: a broken one is named and stops no other."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from console.config import SourceConfig
from console.errors import AndonError, ConfigError, PluginError, SourceDenied, SourceError, UsageError
from console.model import Span
from console.plugins import Plugins, load_plugins
from console.sources import opening as openings
from console.sources.builtin import andon_sources
from console.sources.child import Child
from console.sources.estate import Estate
from console.sources.opening import close, enlist, from_argument, open_estate, open_source
from console.sources.types import ExemplarRequest, ProfileRequest

PLUGIN = """
from pydantic import BaseModel
from console.errors import SourceDenied
from console.plugins import SourceType, hookimpl

class Options(BaseModel):
    at_open: str = ""

CLOSED = []

class Soft:
    def __init__(self, name, options):
        if options.at_open == "deny":
            raise SourceDenied("the door is shut")
        if options.at_open == "crash":
            raise KeyError("no key")
        self.name = name

    async def read(self, query): ...
    async def signals(self): return [*self.dialects]
    async def probe(self): ...
    async def close(self): CLOSED.append(self.name)
    def speak(self, dialects): self.dialects = dialects

class Hard:
    def __init__(self, name, options):
        pass

    def collect(self, now):
        return []

def read_url(url):
    if url == "crash":
        raise ValueError("bad")
    return {"at_open": "deny"} if url.startswith("soft:") else None

@hookimpl
def andon_sources():
    yield SourceType("soft", "Soft", Options, Soft, from_url=read_url)
    yield SourceType("hard", "Hard", Options, Hard, isolated=True)
    yield SourceType("host", "Another host", Options, Soft)
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Plugins:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "zz_toys.py").write_text(PLUGIN)
    loaded = load_plugins([folder])
    assert not loaded.problems
    return loaded


async def test_an_estate_has_every_source_under_what_it_can_do_and_says_why_others_are_not_there(
    plugins: Plugins, tmp_path: Path
) -> None:
    (tmp_path / "feed.jsonl").write_text(json.dumps({"time": 5.0, "x": 1}) + "\n")
    estate = await open_estate(
        [
            SourceConfig("feed", "table", {"path": str(tmp_path / "feed.jsonl"), "slices": ["az"], "prediction": "x"}),
            SourceConfig("log", "events", {"path": str(tmp_path / "events.jsonl")}),
            SourceConfig("box", "host"),
            SourceConfig("soft", "soft"),
            SourceConfig("hard", "hard"),
            SourceConfig("shut", "soft", {"at_open": "deny"}),
            SourceConfig("typo", "tabel"),
            SourceConfig("worse", "table", {"pth": "x"}),
        ],
        plugins,
    )
    try:
        assert set(estate.sources) == {"feed", "log", "box", "soft", "hard"}
        assert list(estate.tables) == ["feed"]
        assert list(estate.events) == ["log"]
        assert list(estate.probers) == ["soft"]
        assert estate.readers == [estate.sources["soft"]]
        assert {name: type(error) for name, error in estate.failed.items()} == {
            "shut": SourceDenied,
            "typo": ConfigError,
            "worse": ConfigError,
        }
        feed = estate.tables["feed"]
        [group] = await feed.profiles(ProfileRequest((Span(0.0, 10.0),)))
        assert group.profile.rows == 1
        assert await feed.slices() == ("az",)
        assert await feed.outputs() == ("x",)
        again = await feed.profiles(ProfileRequest((Span(0.0, 10.0),), like=group.profile))
        assert again == (group,)
        [shown] = await feed.exemplars(ExemplarRequest("current", (Span(0.0, 10.0),)))
        assert dict(shown.fields) == {"x": "1"}
        assert "vllm" in await estate.sources["soft"].signals()
        [shut] = [error for error in estate.failed.values() if isinstance(error, SourceDenied)]
        assert shut.message == "the door is shut"
    finally:
        await close(estate)
    assert plugins.manager.get_plugin("zz_toys").CLOSED == ["soft"]
    assert estate.sources["feed"].worker._process is None


@pytest.mark.parametrize(
    ("config", "kind", "message", "hint"),
    [
        (SourceConfig("a", "tabel"), ConfigError, "source a: there is no kind 'tabel'", "did you mean 'table'?"),
        (SourceConfig("a", "xyz"), ConfigError, "source a: there is no kind 'xyz'", "known are "),
        (SourceConfig("a", "table", {"pth": "x"}), ConfigError, "has no option 'pth'", "did you mean 'path'?"),
        (SourceConfig("a", "table", {}), ConfigError, "source a: path: Field required", "options are path, time"),
        (
            SourceConfig("a", "metrics", {"url": "http://x/", "timeout": -1}),
            ConfigError,
            "source a: timeout:",
            "options",
        ),
        (
            SourceConfig("a", "soft", {"at_open": "crash"}),
            PluginError,
            "plugin zz_toys failed: opening source a",
            "disable",
        ),
        (
            SourceConfig("a", "table", {"path": "x.xls"}),
            SourceError,
            "table a: its files must be of one kind",
            "end its paths",
        ),
    ],
)
async def test_a_source_that_cannot_be_opened_says_why_in_one_sentence(
    plugins: Plugins, config: SourceConfig, kind: type[AndonError], message: str, hint: str
) -> None:
    with pytest.raises(kind) as raised:
        await open_source(config, plugins)
    assert message in raised.value.message
    assert raised.value.hint.startswith(hint) or hint in raised.value.hint
    assert "\n" not in raised.value.message


async def test_of_two_plugins_with_one_kind_the_first_stays(plugins: Plugins) -> None:
    source = await open_source(SourceConfig("box", "host"), plugins)
    assert isinstance(source, Child)
    await source.close()


@pytest.mark.parametrize(
    ("text", "kind", "options"),
    [
        ("a=/data/feed.parquet", "table", {"path": "/data/feed.parquet"}),
        ("a=feed/*.jsonl", "table", {"path": "feed/*.jsonl"}),
        ("a=/data/events.jsonl", "events", {"path": "/data/events.jsonl"}),
        ("a=host", "host", {}),
        ("a=http://127.0.0.1:8000/metrics", "metrics", {"url": "http://127.0.0.1:8000/metrics"}),
        ("a=https://h/prom/metrics?x=y=z", "metrics", {"url": "https://h/prom/metrics?x=y=z"}),
        (
            "a=http://h:1/base/v2/models/glove?golden=/g.jsonl",
            "open_inference",
            {"url": "http://h:1/base", "model": "glove", "golden": "/g.jsonl"},
        ),
        ("a=soft:x", "soft", {"at_open": "deny"}),
    ],
)
def test_a_url_finds_its_kind_of_source(plugins: Plugins, text: str, kind: str, options: dict[str, Any]) -> None:
    assert from_argument(text, plugins) == SourceConfig("a", kind, options)


@pytest.mark.parametrize("text", ["a", "=x", "a=", "a=gopher://h/", ""])
def test_an_argument_that_is_no_source_is_refused(plugins: Plugins, text: str) -> None:
    with pytest.raises(UsageError) as raised:
        from_argument(text, plugins)
    assert raised.value.hint


def test_a_plugin_that_crashes_over_a_url_is_named(plugins: Plugins) -> None:
    with pytest.raises(PluginError, match="plugin zz_toys failed: reading a URL"):
        from_argument("a=crash", plugins)


async def test_closing_does_not_wait_for_a_source_that_will_not(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stubborn:
        cancelled = False

        async def close(self) -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                Stubborn.cancelled = True
                raise

    monkeypatch.setattr(openings, "CLOSE_SECONDS", 0.05)
    estate = Estate()
    enlist(estate, "stubborn", Stubborn())
    await close(estate)
    await asyncio.sleep(0)
    assert Stubborn.cancelled
    await close(Estate())


async def test_a_source_that_raises_when_closed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        async def close(self) -> None:
            raise OSError("stuck")

    estate = Estate()
    enlist(estate, "broken", Broken())
    await close(estate)
    assert "a source could not be closed: OSError: stuck" in caplog.text


def test_every_kind_that_comes_with_andon_opens_to_what_it_says(tmp_path: Path) -> None:
    settings = {
        "table": {"path": str(tmp_path / "a.csv")},
        "database": {"url": "postgres://me@127.0.0.1:9/x", "table": "rows"},
        "events": {"path": str(tmp_path / "e.jsonl")},
        "host": {},
        "logs": {"path": str(tmp_path / "app.log")},
        "metrics": {"url": "http://127.0.0.1:9/metrics"},
    }
    able = {
        "table": "profiles",
        "database": "profiles",
        "events": "events",
        "host": "collect",
        "logs": "logs",
        "metrics": "collect",
    }
    for offer in andon_sources():
        source = offer.open("a", offer.options.model_validate(settings.pop(offer.kind)))
        assert callable(getattr(source, able[offer.kind]))
        assert callable(source.check)
    assert not settings


def test_paths_mean_the_same_in_a_child_as_where_they_were_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    offers = {offer.kind: offer.options for offer in andon_sources()}
    assert offers["table"].model_validate({"path": ["a.csv", "/b.csv"]}).model_dump()["path"] == [
        f"{tmp_path}/a.csv",
        "/b.csv",
    ]
    assert offers["events"].model_validate({"path": "e.jsonl"}).model_dump()["path"] == f"{tmp_path}/e.jsonl"


async def test_a_relative_path_starts_at_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text('{"time": 5, "kind": "deploy", "target": "glove", "title": "7"}\n')
    estate = await open_estate([SourceConfig("e", "events", {"path": "events.jsonl"}, tmp_path)], load_plugins())
    try:
        (event,) = await estate.events["e"].events(Span(0, 10), ())
        assert event.target == "glove"
    finally:
        await close(estate)
