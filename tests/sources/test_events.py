"""Events from a file that others append to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.errors import SourceDenied, SourceError, SourceMalformed
from console.model import Event, Span
from console.sources import events as module
from console.sources.events import EventFile

ALWAYS = Span(0.0, 1e12)


def log(tmp_path: Path, *lines: Any, end: str = "\n") -> EventFile:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + end)
    return EventFile("changes", path)


def test_an_event_has_its_time_kind_target_and_words(tmp_path: Path) -> None:
    source = log(
        tmp_path,
        {
            "time": "2023-11-14T23:13:20+01:00",
            "kind": "deploy",
            "target": "glove",
            "id": 7,
            "title": "v8",
            "detail": {"a": 1},
        },
    )
    assert source.events(ALWAYS, ()) == [
        Event(1_700_000_000.0, "deploy", "glove", "v8", id="7", detail='{"a":1}', source="changes")
    ]


def test_events_are_chosen_by_span_and_kind_and_come_oldest_first(tmp_path: Path) -> None:
    source = log(
        tmp_path, *({"time": t, "kind": k} for t, k in ((30, "deploy"), (10, "config"), (20, "deploy"), (40, "deploy")))
    )
    assert [event.time for event in source.events(Span(10, 40), ())] == [10, 20, 30]
    assert [event.time for event in source.events(Span(10, 40), ("deploy",))] == [20, 30]
    assert source.events(ALWAYS, ())[0].title == "config"


def test_bad_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    bad = ["<html>", '{"kind": "deploy"}', '{"time": "noon", "kind": "x"}', '{"time": true, "kind": "x"}', "[1]", "7",
           '{"time": "2023-11-14T22:13:20", "kind": "zoneless"}', '{"time": null, "kind": "x"}']  # fmt: skip
    source = log(tmp_path, *bad, {"time": 5, "kind": "deploy"}, "")
    assert len(source.events(ALWAYS, ())) == 1
    status = source.check()
    assert (status.state, status.reason, status.newest) == ("ok", "1 events, 8 lines that are none", 5.0)


@pytest.mark.parametrize(("end", "count"), [("", 2), ('\n{"time": 9, "ki', 2), ("\n", 2)])
def test_a_last_line_that_is_still_being_written_is_no_bad_line(tmp_path: Path, end: str, count: int) -> None:
    source = log(tmp_path, {"time": 1, "kind": "a"}, {"time": 2, "kind": "b"}, end=end)
    assert source.check().reason == f"{count} events"


def test_of_a_long_file_the_newest_part_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TAIL_BYTES", 200)
    monkeypatch.setattr(module, "MOST_EVENTS", 3)
    source = log(tmp_path, *({"time": t, "kind": "deploy"} for t in range(1000)))
    assert [event.time for event in source.events(ALWAYS, ())] == [997, 998, 999]
    assert source.check().reason == "6 events"


def test_endless_texts_are_cut(tmp_path: Path) -> None:
    [event] = log(tmp_path, {"time": 1, "kind": "deploy", "detail": "x" * 10_000}).events(ALWAYS, ())
    assert len(event.detail) == module.MOST_CHARACTERS


def test_an_empty_file_has_no_events(tmp_path: Path) -> None:
    assert log(tmp_path, end="").events(ALWAYS, ()) == []
    assert log(tmp_path, end="").check().newest is None


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match=r"source changes: .* cannot be read: No such file"):
        EventFile("changes", tmp_path / "none.jsonl").events(ALWAYS, ())
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        EventFile("changes", tmp_path).events(ALWAYS, ())
    with pytest.raises(SourceMalformed, match=r"no line of .* is an event"):
        log(tmp_path, "<html>", "<body>").check()

    def deny(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    source = log(tmp_path, {"time": 1, "kind": "a"})
    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(SourceDenied, match="may not be read"):
        source.events(ALWAYS, ())


def test_a_line_nested_too_deep_to_be_told_is_left_out_like_any_other_bad_one(tmp_path: Path) -> None:
    deep = "[" * 900 + "]" * 900
    good = {"time": 1.0, "kind": "deploy"}
    source = log(tmp_path, good, f'{{"time": 2.0, "kind": "deploy", "detail": {deep}}}')
    assert [event.time for event in source.events(ALWAYS, ())] == [1.0]
    assert source.check().reason == "1 events, 1 lines that are none"


def test_a_time_in_milliseconds_is_understood(tmp_path: Path) -> None:
    [event] = log(tmp_path, {"time": 1_700_000_000_500, "kind": "deploy"}).events(ALWAYS, ())
    assert event.time == 1_700_000_000.5
