"""Windows: which spans are compared, and in words what was left out."""

from __future__ import annotations

from typing import Any

import pytest

from console.errors import NoData, UsageError
from console.model import Labels, Span, Window
from console.sources.estate import Estate, Situation
from console.sources.windows import baseline_window, current_window, parse_baseline, parse_span

NOW = 1_700_000_000.0
HOUR, DAY, WEEK = 3600.0, 86400.0, 604800.0
CURRENT = Window((Span(NOW - HOUR, NOW),))


def situation(*excluded: Span, **pins: tuple[Span, ...]) -> Situation:
    return Situation(Estate(), NOW, pins=pins, excluded=excluded)


def baseline(spec: dict[str, Any], *excluded: Span, current: Window = CURRENT, **more: Any) -> Window:
    return baseline_window(spec, current, situation(*excluded), **more)


# ── spans ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "seconds"), [("15m", 900), ("24h", DAY), ("7d", WEEK), ("1h30m", 5400), ("2w", 2 * WEEK)]
)
def test_a_length_of_time_ends_now(text: str, seconds: float) -> None:
    assert parse_span(text, NOW) == Span(NOW - seconds, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "2023-11-13T00:00:00Z..2023-11-14T00:00:00Z",
        "2023-11-13T01:00:00+01:00..2023-11-14T00:00:00Z",
        "2023-11-13T00:00:00.000Z .. 2023-11-13T18:00:00-06:00",
    ],
)
def test_both_ends_may_be_said_in_any_zone(text: str) -> None:
    assert parse_span(text, NOW) == Span(1_699_833_600.0, 1_699_920_000.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yesterday", "is not a length of time"),
        ("", "is not a length of time"),
        ("-15m", "is not a length of time"),
        ("0m", "has no length"),
        ("99999999d", "is longer than ten years"),
        ("0001-01-01T00:00:00+14:00..2023-11-14T00:00:00Z", "lies before 1970"),
        ("2023-11-13..2023-11-14T00:00:00Z", "does not say its zone"),
        ("2023-11-13T00:00:00..2023-11-14T00:00:00Z", "does not say its zone"),
        ("2023-11-33T00:00:00Z..2023-11-14T00:00:00Z", "is not a time"),
        ("..", "is not a time"),
        ("2023-11-13T00:00:00Z..2023-11-13T00:00:00Z", "has no length"),
        ("2023-11-14T00:00:00Z..2023-11-13T00:00:00Z", "has no length"),
        ("2033-11-13T00:00:00Z..2033-11-14T00:00:00Z", "lies in the future"),
    ],
)
def test_other_text_is_refused_with_the_forms_there_are(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        parse_span(text, NOW)
    assert raised.value.hint


def test_what_reaches_past_now_is_cut_off_and_said_so() -> None:
    window = current_window("2023-11-14T22:00:00Z..2023-11-14T23:00:00Z", NOW)
    assert window.spans == (Span(NOW - 800, NOW),)
    assert window.note == "ends now, 46m 40s earlier than asked"
    assert current_window("15m", NOW) == Window((Span(NOW - 900, NOW),))


# ── baselines on the command line ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("offset:1d", {"offset": "1d"}),
        ("offset:-1d", {"offset": "-1d"}),
        ("seasonal:1wx4", {"seasonal": {"period": "1w", "count": 4}}),
        ("seasonal:1d", {"seasonal": {"period": "1d", "count": 1}}),
        ("before:onset:ttft", {"before": "onset", "of": "ttft"}),
        ("pinned:good week", {"pinned": "good week"}),
        ("peers", {"peers": True}),
        ("dataset:/data/kept.parquet", {"dataset": "/data/kept.parquet"}),
        ("dataset:s3://kept/rows/*.parquet", {"dataset": "s3://kept/rows/*.parquet"}),
        ("where:track=stable,az=b", {"where": {"track": "stable", "az": "b"}}),
        ("2023-11-13T00:00:00Z..2023-11-14T00:00:00Z", {"span": "2023-11-13T00:00:00Z..2023-11-14T00:00:00Z"}),
    ],
)
def test_a_baseline_is_written_as_in_a_playbook(text: str, spec: dict[str, Any]) -> None:
    assert parse_baseline(text) == spec


@pytest.mark.parametrize(
    "text",
    ["", "1d", "offset", "offset:", "offset:soon", "seasonal:1wxfour", "seasonal:x4", "before:lunch", "before:onset",
     "where:track", "where:=stable", "peers:true", "dataset:", "dataset:kept.csv", "a..b"],
)  # fmt: skip
def test_a_baseline_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_baseline(text)
    assert any(form in raised.value.hint for form in ("offset", "START..END", "dataset"))


# ── baselines of a run ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_offset_lies_as_much_earlier() -> None:
    window = baseline({"offset": "1d"})
    assert (window.kind, window.spans, window.note) == ("offset", (Span(NOW - DAY - HOUR, NOW - DAY),), "")


def test_a_baseline_may_lie_after_the_current_window_and_ends_now() -> None:
    early = Window((Span(NOW - DAY - HOUR, NOW - DAY),))
    assert baseline({"offset": "-2h"}, current=early).spans == (Span(NOW - DAY + HOUR, NOW - DAY + 2 * HOUR),)
    cut = baseline({"offset": "-24h"}, current=Window((Span(NOW - DAY - HOUR, NOW - DAY + HOUR),)))
    assert cut.spans == (Span(NOW - HOUR, NOW),)
    assert cut.note == "1h still to come left out"
    with pytest.raises(NoData, match="still to come"):
        baseline({"offset": "-1d"})


def test_an_offset_shorter_than_the_window_leaves_the_window_itself_out() -> None:
    window = baseline({"offset": "15m"})
    assert window.spans == (Span(NOW - HOUR - 900, NOW - HOUR),)
    assert window.note == "45m in the current window left out"


def test_seasons_are_pooled_and_counted() -> None:
    window = baseline({"seasonal": {"period": "1w", "count": 3}})
    assert window.spans == tuple(Span(NOW - HOUR - k * WEEK, NOW - k * WEEK) for k in (3, 2, 1))
    assert window.note == "3 × 1w pooled"
    assert (window.start, window.end) == (NOW - 3 * WEEK - HOUR, NOW - WEEK)


def test_a_week_is_seven_days_of_utc_across_a_change_of_the_clocks() -> None:
    after = 1_698_742_800.0  # 2023-10-31T09:00:00Z, two days after Europe set its clocks back
    window = baseline({"seasonal": {"period": "1w", "count": 1}}, current=Window((Span(after - HOUR, after),)))
    assert window.end == after - WEEK


def test_time_inside_known_incidents_is_cut_out_and_said_so() -> None:
    begin = NOW - DAY - HOUR
    window = baseline({"offset": "1d"}, Span(begin + 600, begin + 1200), Span(begin - 5, begin + 60), Span(0, 1))
    assert window.spans == (Span(begin + 60, begin + 600), Span(begin + 1200, begin + HOUR))
    assert window.note == "11m inside known incidents left out"


def test_a_season_inside_an_incident_leaves_the_others() -> None:
    window = baseline({"seasonal": {"period": "1w", "count": 2}}, Span(NOW - WEEK - 2 * HOUR, NOW - WEEK))
    assert len(window.spans) == 1
    assert window.note == "2 × 1w pooled; 1h inside known incidents left out"


def test_a_baseline_that_is_all_incident_is_no_data() -> None:
    with pytest.raises(NoData, match="inside known incidents"):
        baseline({"offset": "1d"}, Span(0, NOW))


def test_a_baseline_before_the_onset_may_lie_in_the_current_window() -> None:
    window = baseline({"before": "onset", "of": "ttft"}, onset=NOW - 600)
    assert (window.kind, window.spans) == ("before", (Span(NOW - 600 - HOUR, NOW - 600),))
    with pytest.raises(NoData, match="step ttft found no onset"):
        baseline({"before": "onset", "of": "ttft"})


def test_a_pinned_baseline_has_its_name_and_spans() -> None:
    good = (Span(1.0, 2.0), Span(5.0, 6.0))
    window = baseline_window({"pinned": "good"}, CURRENT, situation(good=good))
    assert (window.kind, window.name, window.spans) == ("pinned", "good", good)
    with pytest.raises(UsageError, match="pinned as 'god'") as raised:
        baseline_window({"pinned": "god"}, CURRENT, situation(good=good))
    assert "good" in raised.value.hint
    with pytest.raises(UsageError) as raised:
        baseline({"pinned": "god"})
    assert "andon baseline pin" in raised.value.hint


def test_a_canarys_siblings_are_taken_at_the_same_time_even_in_an_incident() -> None:
    window = baseline({"where": {"track": "stable"}}, Span(0, NOW))
    assert (window.kind, window.spans, window.where) == ("where", CURRENT.spans, Labels.of(track="stable"))


def test_healthy_siblings_are_looked_at_at_the_same_time() -> None:
    window = baseline({"peers": True}, Span(0, NOW))
    assert (window.kind, window.spans) == ("peers", CURRENT.spans)


def test_a_dataset_has_a_name_and_no_time() -> None:
    window = baseline({"dataset": "/data/kept.csv"})
    assert (window.kind, window.spans, window.name) == ("dataset", (), "/data/kept.csv")
    assert "/data/kept.csv" in window.note


def test_a_baseline_may_be_said_by_both_ends() -> None:
    window = baseline({"span": "2023-11-13T00:00:00Z..2023-11-14T00:00:00Z"})
    assert (window.kind, window.spans) == ("span", (Span(1_699_833_600.0, 1_699_920_000.0),))


@pytest.mark.parametrize(
    "spec",
    [
        {}, {"peers": "yes"}, {"offset": "1d", "pinned": "x"}, {"offset": "1d", "typo": 1}, {"offset": "soon"},
        {"seasonal": "1w"}, {"seasonal": {"period": "1w", "cuont": 2}}, {"seasonal": {"period": "1w", "count": 0}},
        {"seasonal": {"period": "1w", "count": True}}, {"seasonal": {"period": "1w", "count": 1000}}, {"seasonal": {}},
        {"before": "lunch"}, {"where": {}}, {"where": "track=stable"}, {"span": "yesterday"},
    ],
)  # fmt: skip
def test_a_spec_that_makes_no_sense_is_refused_with_a_hint(spec: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as raised:
        baseline(spec)
    assert raised.value.hint


def test_lengths_of_time_are_worded_by_their_two_largest_units() -> None:
    window = baseline({"offset": "1d"}, Span(NOW - DAY - 0.25, NOW - DAY))
    assert window.note == "0.25s inside known incidents left out"
