"""Reading a case folder, whole or in parts, and what is wrong with one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from console.analysis.rank import rank
from console.errors import NoData, SourceMalformed, UsageError
from console.sources import telemetry
from console.sources.cases import read_case
from console.sources.telemetry import series_key, time_of

ABOUT = {"onset": 100.0, "windows": {"baseline": [[0, 90]], "current": [[100, 200]]}}


def a_case(folder: Path, about: Any = None, **files: str) -> Path:
    (folder / "case.json").write_text(json.dumps(ABOUT if about is None else about))
    for name, text in files.items():
        (folder / (name + (".csv" if name == "metrics" else ".jsonl"))).write_text(text)
    return folder


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_every_part_may_be_missing_but_the_case_itself(tmp_path: Path) -> None:
    case = read_case(a_case(tmp_path))
    assert (case.metrics, case.logs, case.spans, case.events, case.notes) == (None, None, None, (), ())
    with pytest.raises(UsageError, match=r"no case\.json"):
        read_case(tmp_path / "elsewhere")


def test_a_table_is_read_by_the_names_in_its_head(tmp_path: Path) -> None:
    head = 'time,"latency{service=""a,b"",stat=""p95""}",latency{service="c"}\n'
    case = read_case(a_case(tmp_path, metrics=head + "120,1.5,\n0,,2\n60,nan,inf\n"))
    assert case.metrics is not None
    assert case.metrics.times.tolist() == [0, 60, 120]
    first, second = case.metrics.series
    assert first.key == series_key('latency{stat="p95",service="a,b"}')
    assert np.array_equal(first.values, [math.nan, math.nan, 1.5], equal_nan=True)
    assert np.array_equal(second.values, [2, math.nan, math.nan], equal_nan=True)
    assert case.metrics.step == 60


def test_columns_that_stand_there_twice_and_broken_lines_are_skipped_and_told(tmp_path: Path) -> None:
    case = read_case(a_case(tmp_path, metrics="time,a,a\n0,1,9\nnonsense\n10,x,2\n20,1\n"))
    assert case.metrics is not None
    assert len(case.metrics.series) == 1
    assert np.array_equal(case.metrics.series[0].values, [1, math.nan], equal_nan=True)
    assert len(case.notes) == 2
    assert "2 lines skipped" in case.notes[0]


@pytest.mark.parametrize("text", ["", "time,a\n", "time,a\n500,1\n"])
def test_a_table_without_rows_in_the_windows_is_no_table(tmp_path: Path, text: str) -> None:
    assert read_case(a_case(tmp_path, metrics=text)).metrics is None


def test_what_lies_outside_both_windows_is_not_kept_and_ends_belong_to_windows(tmp_path: Path) -> None:
    rows = [{"time": time, "service": "a", "severity": "info", "body": str(time)} for time in (200, 0, 90, 95, 201)]
    case = read_case(a_case(tmp_path, logs=lines(*rows)))
    assert case.logs is not None
    assert case.logs.bodies == ("0", "90", "200")
    assert case.logs.times.tolist() == [0, 90, 200]
    assert case.logs.severities == ("INFO",)


def test_a_line_names_the_span_that_it_was_written_in(tmp_path: Path) -> None:
    spans = [
        {"trace": "t", "span": "00000000000000aa", "parent": None, "service": "a", "name": "GET", "start": 1, "end": 3},
        {
            "trace": "t",
            "span": "00000000000000bb",
            "parent": "00000000000000aa",
            "service": "b",
            "start": 2,
            "end": 2.5,
        },
        {"trace": "u", "span": "s", "parent": "gone", "service": "b", "start": 0.5, "error": True},
    ]
    logs = [
        {"time": 1, "service": "a", "body": "SpanID: 00000000000000aa served"},
        {"time": 2, "service": "b", "body": "no span here"},
        {"time": 3, "service": "b", "body": "in a field", "span_id": "00000000000000bb"},
    ]
    case = read_case(a_case(tmp_path, spans=lines(*spans), logs=lines(*logs)))
    assert case.spans is not None
    assert case.logs is not None
    assert case.spans.parent.tolist() == [-1, -1, 1]
    assert case.spans.failed.tolist() == [True, False, False]
    assert math.isnan(case.spans.ends[0])
    assert case.logs.span.tolist() == [1, -1, 2]


def test_lines_that_are_no_objects_are_skipped_and_counted(tmp_path: Path) -> None:
    text = '{"time": 1, "service": "a", "body": "x"}\n{"time": \n[1]\n\n{"service": "no time"}\n{"time": null}\n'
    case = read_case(a_case(tmp_path, logs=text))
    assert case.logs is not None
    assert len(case.logs.bodies) == 1
    assert case.notes == ("logs.jsonl: 2 lines skipped that are no JSON objects",)


def test_too_many_lines_are_thinned_out_evenly_and_traces_stay_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "MOST_LINES", 50)
    logs = lines(*({"time": time, "service": "a", "body": str(time)} for time in range(90)))
    spans = lines(
        *(
            {
                "trace": f"t{at // 2}",
                "span": f"s{at}",
                "parent": f"s{at - 1}" if at % 2 else None,
                "start": at,
                "end": at,
            }
            for at in range(80)
        )
    )
    case = read_case(a_case(tmp_path, logs=logs, spans=spans))
    assert case.logs is not None
    assert case.spans is not None
    assert len(case.logs.bodies) == 45
    assert (case.spans.parent < 0).sum() * 2 == case.spans.starts.size < 50
    assert len(case.notes) == 2


def test_one_endless_trace_is_cut_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "MOST_LINES", 50)
    rows = [{"span": str(at), "start": at, "end": at, "error": "false", "parent": [1]} for at in range(80)]
    spans = read_case(a_case(tmp_path, spans=lines(*rows))).spans
    assert spans is not None
    assert spans.starts.size < 50
    assert not spans.failed.any()


def test_too_many_rows_are_thinned_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "MOST_VALUES", 2_000)
    text = "time,a\n" + "".join(f"{index / 100},{index}\n" for index in range(5_000))
    case = read_case(a_case(tmp_path, metrics=text))
    assert case.metrics is not None
    assert 500 <= case.metrics.times.size <= 1_000


def test_windows_are_taken_from_the_onset_where_they_are_missing(tmp_path: Path) -> None:
    case = read_case(a_case(tmp_path, {"onset": "1970-01-01T00:01:40Z"}, metrics="time,a\n10,1\n150,2\n"))
    assert case.metrics is not None
    assert (case.baseline.end, case.current.start) == (100, 100)
    assert case.metrics.times.tolist() == [10, 150]


def test_a_case_that_says_neither_onset_nor_windows_tells_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(NoData) as told:
        read_case(a_case(tmp_path, {"violated": None}))
    assert "onset" in told.value.hint


@pytest.mark.parametrize(
    "about", [[1], {"windows": {"current": [["x"]]}}, {"windows": {"current": 3}}, {"windows": [1]}]
)
def test_a_case_of_another_layout_is_malformed(tmp_path: Path, about: Any) -> None:
    with pytest.raises(SourceMalformed):
        read_case(a_case(tmp_path, about))


def test_a_case_that_is_no_json_is_malformed(tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text("{")
    with pytest.raises(SourceMalformed, match="not JSON"):
        read_case(tmp_path)


def test_a_window_may_be_one_pair_and_times_without_a_zone_are_utc(tmp_path: Path) -> None:
    about = {"windows": {"current": ["1970-01-01T00:00:10", 20], "baseline": [0, 5]}}
    case = read_case(a_case(tmp_path, about))
    assert case.current.start == 10
    assert case.baseline.start == 0


@pytest.mark.parametrize("time", [1e300, -1e308, 1_700_000_000_000, "1e400", "nan"])
def test_a_number_beyond_the_calendar_is_no_time(time: float | str) -> None:
    assert time_of(time) is None


def test_a_window_that_ends_before_it_begins_is_malformed(tmp_path: Path) -> None:
    with pytest.raises(SourceMalformed, match="ends before it begins"):
        read_case(a_case(tmp_path, {"windows": {"current": [200, 100], "baseline": [0, 100]}}))


def test_nothing_before_the_incident_blames_nobody(tmp_path: Path) -> None:
    heads = 'time,cpu{service="cart"}\n' + "100,1\n" * 50
    assert rank(read_case(a_case(tmp_path, {"onset": 100}, metrics=heads))).candidates == ()
