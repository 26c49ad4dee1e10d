"""What a line says of itself, whatever wrote it."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.sources.log_lines import LONGEST_BODY, Names, is_trouble, written
from console.sources.log_times import moment

NOON = 1_795_348_800.0  # 2026-11-22T12:00:00Z
LATER = NOON + 3600


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T12:00:00Z served",
        "2026-11-22 12:00:00,000 INFO served",  # Python
        "2026-11-22T13:00:00+01:00 served",
        "2026-11-22T13:00:00.000000+0100 served",
        "2026/11/22 12:00:00 [error] 7#7: *1 upstream timed out",  # nginx
        '10.0.0.1 - - [22/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 612',
        "[Sun Nov 22 12:00:00.000000 2026] [core:error] AH00037",  # Apache
        "Nov 22 12:00:00 node-3 kubelet[812]: evicted",
        "<11>Nov 22 12:00:00 node-3 app: lost",
        "E1122 12:00:00.000000       1 reflector.go:138] failed",
        "INFO 11-22 12:00:00 [async_llm.py:261] Added request",
        "1795348800 served",
        "1795348800000 served",
        "[1795348800.000] served",
        '{"time": "2026-11-22T12:00:00Z", "msg": "served"}',
        '{"@timestamp": "2026-11-22T12:00:00.000Z", "message": "served"}',
        '{"ts": 1795348800.0, "msg": "served"}',
        '{"time": 1795348800000, "level": 30, "msg": "served"}',
        '{"Timestamp": "1795348800000000000", "Body": "served"}',
        'time="2026-11-22T12:00:00Z" level=info msg="served"',
        "2026-11-22T12:00:00.000000000Z stdout F served",
    ],
)
def test_the_usual_ways_to_write_a_time_are_all_the_same_time(text: str) -> None:
    assert written(text, UTC, LATER).time == NOON


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "Traceback (most recent call last):", '  File "x.py", line 2026, in f', "user 17952 logged in",
        "2026-13-45 99:99:99 x", "Feb 31 12:00:00 x", "{", "{}", '{"time": true}', '{"time": "soon"}', "179534880012 x",
    ],
)  # fmt: skip
def test_what_is_no_time_is_none(text: str) -> None:
    assert written(text, UTC, LATER).time is None


def test_a_time_without_a_zone_is_that_of_the_source_and_one_without_a_year_lies_before_its_file() -> None:
    berlin = timezone(timedelta(hours=1))
    assert moment("2026-11-22 13:00:00 x", berlin, LATER) == NOON
    new_year = moment("2027-01-01T00:10:00Z")
    assert new_year is not None
    assert moment("Dec 31 23:59:00 x", UTC, new_year) == moment("2026-12-31T23:59:00Z")
    assert moment("Jan  1 00:05:00 x", UTC, new_year) == moment("2027-01-01T00:05:00Z")


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("2026-11-22 12:00:00 ERROR main: boom", "error"),
        ("2026-11-22 12:00:00 [warn] slow", "warn"),
        ("E1122 12:00:00.1 1 x.go:1] failed", "error"),
        ("<11>Nov 22 12:00:00 host app: lost", "error"),
        ('{"level": 50, "msg": "x"}', "error"),
        ('{"PRIORITY": "3", "MESSAGE": "x"}', "error"),
        ('{"severity": "CRITICAL", "message": "x"}', "critical"),
        ("level=warning msg=x", "warning"),
        ("2026-11-22 12:00:00 no errors in this line", ""),
        ('{"log": "2026-11-22 12:00:00 FATAL gone\\n", "stream": "stderr", "time": "2026-11-22T12:00:00Z"}', "fatal"),
    ],
)
def test_a_severity_is_found_where_loggers_write_it(text: str, severity: str) -> None:
    assert written(text, UTC, LATER).severity == severity


def test_message_error_service_and_trace_are_found_under_their_usual_names_and_under_given_ones() -> None:
    line = written('{"msg": "call failed", "err": {"message": "EPIPE"}, "service": {"name": "cart"}, "trace_id": "ab"}',
                   UTC, 0)  # fmt: skip
    assert (line.body, line.service, line.trace) == ("call failed EPIPE", "cart", "ab")
    odd = Names({"body": "what", "service": "who", "time": "when"})
    line = written('{"what": "lost", "who": "pay", "when": 1795348800, "msg": "no"}', UTC, 0, odd)
    assert (line.time, line.body, line.service) == (NOON, "lost", "pay")
    assert written('level=error msg="a \\"b\\"" trace_id=0af7651916cd43dd8448eb211c80319c', UTC, 0).body == 'a "b"'
    assert written("2026-11-22 12:00:00 x trace_id=0af7651916cd43dd8448eb211c80319c y", UTC, 0).trace


@given(st.text(max_size=400) | st.binary(max_size=400).map(lambda raw: raw.decode("utf-8", "replace")))
def test_no_line_is_too_odd_to_be_read(text: str) -> None:
    for odd in (text, f"{{{text}}}", f'{{"msg": {text}}}', f"level={text} msg={text}", f"2026-11-22 12:00:00 {text}"):
        assert len(written(odd, None, NOON).body) <= max(LONGEST_BODY, len(odd))


def test_trouble_is_told_by_severity_or_by_a_word() -> None:
    assert is_trouble("error", "x")
    assert is_trouble("", "connection refused")
    assert not is_trouble("info", "served 3 requests")
