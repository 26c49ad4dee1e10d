"""Flags in files and behind addresses: what two looks tell, in every format, and what a broken one does not."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from pages import plugin
from siteserver import FAULTS, NOWHERE, site

from console.config import SourceConfig
from console.errors import SourceDenied, SourceError, SourceMalformed
from console.model import Event, Span
from console.plugins import load_plugins
from console.sources.opening import from_argument, open_source

MODULE = plugin("flags")
ALWAYS = Span(0.0, 1e12)


def flag_file(path: Path, **options: Any) -> Any:
    return MODULE.FlagFile("flags", MODULE.FlagFileOptions(path=str(path), **options))


def titles(source: Any) -> list[str]:
    return [event.title for event in source.events(ALWAYS, ())]


def flagd(state: str = "ENABLED", variant: str = "on", **more: Any) -> dict[str, Any]:
    flag = {"state": state, "variants": {"on": True, "off": False}, "defaultVariant": variant, **more}
    return {"$schema": "https://flagd.dev/schema/v0/flags.json", "flags": {"checkout-v2": flag}}


def unleash(enabled: bool, share: int = 100, version: int = 1) -> dict[str, Any]:
    strategy = {
        "name": "flexibleRollout",
        "parameters": {"rollout": str(share), "stickiness": "default", "groupId": "x"},
    }
    flag = {
        "name": "checkout-v2",
        "enabled": enabled,
        "strategies": [strategy],
        "lastSeenAt": f"2026-01-0{version}T00:00:00Z",
    }
    return {"version": version, "features": [flag]}


CHANGES = [
    ({"checkout-v2": False}, {"checkout-v2": True}, "checkout-v2: off → on"),
    ({"checkout-v2": "blue"}, {"checkout-v2": "green"}, "checkout-v2: blue → green"),
    ({"timeout": 5}, {"timeout": 50}, "timeout: 5 → 50"),
    ({"a": {"enabled": False}}, {"a": {"enabled": True, "percentage": 25}}, "a: off → on (25 %)"),
    ({"a": 1}, {"a": 1, "b": True}, "b: not there → on"),
    ([{"key": "a", "on": True}], [{"key": "a", "on": False}], "a: on → off"),
    (flagd(), flagd(variant="off"), "checkout-v2: on → off"),
    (flagd(), flagd("DISABLED"), "checkout-v2: on → off"),
    (flagd(), flagd(targeting={"if": [True, "on"]}), "checkout-v2: on, by other rules"),
    (unleash(False), unleash(True, 25), "checkout-v2: off → on (25 %)"),
    (unleash(True, 5), unleash(True, 50), "checkout-v2: on (5 %) → on (50 %)"),
    ({"flags": {"a": {"on": False, "version": 1}}}, {"flags": {"a": {"on": True, "version": 2}}}, "a: off → on"),
    ({"api_key": "hunter2"}, {"api_key": "hunter3"}, "api_key: •••, by other rules"),
]


@pytest.mark.parametrize(("before", "after", "said"), CHANGES)
def test_a_flag_that_changed_is_told_in_words(tmp_path: Path, before: Any, after: Any, said: str) -> None:
    path = tmp_path / "flags.json"
    path.write_text(json.dumps(before))
    source = flag_file(path)
    assert titles(source) == []
    path.write_text(json.dumps(after))
    assert titles(source) == titles(source) == [said]


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        (
            "f.yaml",
            "checkout: off\nbeta: {enabled: false}\n",
            "checkout: on\nbeta: {enabled: false}\n",
            "checkout: off → on",
        ),
        ("f.yml", "flags:\n  a:\n    state: ENABLED\n", "flags:\n  a:\n    state: DISABLED\n", "a: on → off"),
        ("f.toml", "checkout = false\n", "checkout = true\n", "checkout: off → on"),
        ("f.toml", "[a]\nenabled = true\n", "[a]\nenabled = false\n", "a: on → off"),
    ],
)
def test_files_may_be_yaml_or_toml(tmp_path: Path, name: str, before: str, after: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(before)
    source = flag_file(path)
    titles(source)
    path.write_text(after)
    assert titles(source) == [said]


def test_what_only_tells_of_use_or_revision_is_no_change(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    path.write_text(json.dumps(unleash(True, version=1)))
    source = flag_file(path)
    titles(source)
    path.write_text(json.dumps(unleash(True, version=2)))
    assert titles(source) == []


def test_a_change_is_told_at_the_files_time_and_with_its_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "flags.json"
    path.write_text('{"fraud-v2": false}')
    source = flag_file(path, targets={"fraud-*": "fraud"})
    now = 1_795_000_000.0
    monkeypatch.setattr(MODULE.time, "time", lambda: now)
    titles(source)
    path.write_text('{"fraud-v2": true}')
    os.utime(path, (now + 5, now + 5))
    now += 15
    [event] = source.events(ALWAYS, ("flag",))
    assert event == Event(1_795_000_005.0, "flag", "fraud", "fraud-v2: off → on", id="fraud-v2",
                          detail="seen 15 s after the look before", source="flags")  # fmt: skip
    assert source.events(ALWAYS, ("deploy",)) == []


@pytest.mark.parametrize("skew", [-86400.0, 86400.0])
def test_a_file_whose_clock_is_wrong_is_told_between_our_looks(tmp_path: Path, skew: float) -> None:
    path = tmp_path / "flags.json"
    path.write_text('{"a": false}')
    source = flag_file(path)
    began = time.time()
    titles(source)
    path.write_text('{"a": true}')
    os.utime(path, (began + skew, began + skew))
    [event] = source.events(ALWAYS, ())
    assert began <= event.time <= time.time()


def test_a_flag_that_says_when_it_was_changed_is_believed_within_reason(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    path.write_text('{"a": {"enabled": false}}')
    source = flag_file(path)
    titles(source)
    at = time.time()
    path.write_text(json.dumps({"a": {"enabled": True, "updatedAt": round(at * 1000)}}))
    [event] = source.events(ALWAYS, ())
    assert event.time == pytest.approx(at, abs=0.01)


BROKEN = {
    "f.json": [b"", b"  \n", b'{"a": tr', b"\xff\xfe\x00", b"<html>", b"[" * 100_000, b"7", b'"x"', b"null", b"[1, 2]"],
    "f.yaml": [b"a: [1\n", b"a: &x 1\nb: *x\n", b"a: !!python/object:os.system x\n", b"\x00", b"- 1\n- 2\n"],
    "f.toml": [b"a = ", b"\xff", b"[a\n"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BROKEN.items() for text in texts])
def test_a_broken_file_is_the_sources_state_and_removes_nothing(tmp_path: Path, name: str, text: bytes) -> None:
    good = {"f.json": '{"a": 1, "b": 2}', "f.yaml": "a: 1\nb: 2\n", "f.toml": "a = 1\nb = 2\n"}[name]
    path = tmp_path / name
    path.write_text(good)
    source = flag_file(path)
    titles(source)
    path.write_bytes(text)
    with pytest.raises(SourceMalformed):
        titles(source)
    path.write_text(good)
    assert titles(source) == []


def test_half_a_file_that_reads_well_removes_nothing_until_it_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "flags.yaml"
    whole = "".join(f"flag{n}: on\n" for n in range(1000))
    path.write_text(whole)
    source = flag_file(path)
    titles(source)
    path.write_text(whole[: whole.index("flag50: o") + 9])  # the last one reads as `o`
    assert titles(source) == []
    path.write_text(whole)
    assert titles(source) == []
    path.write_text("flag0: on\n")
    assert titles(source) == []
    assert len(titles(source)) == 999


def test_references_that_blow_up_and_floods_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    path.write_text(json.dumps({f"f{n}": {"a": [1] * 50} for n in range(5000)}))
    with pytest.raises(SourceMalformed, match="too many"):
        titles(flag_file(path))
    path.write_text("[" * 60 + "]" * 60)
    with pytest.raises(SourceMalformed, match="nested deeper"):
        titles(flag_file(path))
    path.write_bytes(b" " * (MODULE.MOST_BYTES + 1))
    with pytest.raises(SourceMalformed, match="larger than"):
        titles(flag_file(path))


def test_odd_values_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    path.write_text(
        '{"a": {"percentage": 1e999, "updatedAt": 1e999}, "b": {"rollout": [1]}, "c": NaN, "\\u001b[2J": 1, "": 2}'
    )
    source = flag_file(path)
    titles(source)
    huge, more = "9" * 400, '"b": {"rollout": "x"}, "c": 1, "\\u001b[2J": 2, "": 2'
    path.write_text(f'{{"a": {{"percentage": {huge}, "updatedAt": {huge}}}, {more}}}')
    events = source.events(ALWAYS, ())
    assert len(events) == 4 and all(event.time <= time.time() for event in events)
    assert all(len(event.title) < 500 for event in events)


def test_a_file_that_is_not_there_or_not_ours_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match=r"source flags: .* cannot be read: No such file"):
        titles(flag_file(tmp_path / "none.json"))
    (tmp_path / "flags.ini").write_text("a=1")
    with pytest.raises(SourceMalformed, match=r"\.ini is no format of flags"):
        titles(flag_file(tmp_path / "flags.ini"))

    def deny(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(SourceDenied):
        titles(flag_file(tmp_path / "flags.ini"))


async def test_a_file_is_read_in_a_child_and_says_how_it_is(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    path.write_text('{"a": false}')
    source = await open_source(SourceConfig("flags", "flag_file", {"path": str(path)}), load_plugins())
    try:
        assert [*await source.events(ALWAYS, ())] == []
        path.write_text('{"a": true}')
        assert [event.title for event in await source.events(ALWAYS, ())] == ["a: off → on"]
        assert (await source.check()).reason == "1 flags"
    finally:
        await source.close()


async def test_an_address_is_looked_at_in_the_same_way() -> None:
    answers: dict[str, Any] = {"/": unleash(False)}
    async with site(answers) as told:
        source = MODULE.FlagApi("flags", MODULE.FlagApiOptions(url=f"{told.url}/"))
        assert await source.events(ALWAYS, ()) == []
        answers["/"] = unleash(True, 25)
        [event] = await source.events(ALWAYS, ())
        assert (event.title, event.target) == ("checkout-v2: off → on (25 %)", "checkout-v2")
        assert (await source.check()).reason == "1 flags"
        await source.close()


@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_fails_is_the_sources_own_state(fault: str) -> None:
    async with site({"/": {"a": 1}}) as told:
        told.fault = fault
        url = NOWHERE if fault == "down" else told.url
        options = MODULE.FlagApiOptions(url=url, timeout=0.05 if fault == "slow" else 10.0, max_bytes=1 << 16)
        source = MODULE.FlagApi("flags", options)
        if fault == "other":  # whatever is an object of values may be flags
            assert await source.events(ALWAYS, ()) == []
            return
        with pytest.raises(SourceError) as raised:
            await source.events(ALWAYS, ())
        assert type(raised.value) is FAULTS[fault]


def test_urls_on_the_command_line_are_taken() -> None:
    plugins = load_plugins()
    assert from_argument("f=flags+/etc/flags.yaml", plugins).kind == "flag_file"
    assert from_argument("f=flags+https://unleash.example/api/client/features", plugins).kind == "flag_api"
