"""Alerts out of JSON from strangers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model import Labels
from console.sources.alerts import MOST_LABELS, alert_of, delivery, moment, subject_among
from console.wire import dump

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(["labels", "annotations", "startsAt", "endsAt", "status", "fingerprint", "generatorURL", "x"])


@given(st.dictionaries(KEYS, JSON, max_size=8))
def test_whatever_is_in_an_alert_it_is_one_that_can_be_sent_on(data: dict[str, Any]) -> None:
    found = alert_of(data, "resolved", "hook")
    json.dumps(dump(found)).encode()
    assert found.id and found.text
    assert len(found.labels) <= MOST_LABELS


@given(JSON)
def test_whatever_a_webhook_is_it_is_read_or_refused(data: Any) -> None:
    try:
        found = delivery(data, "hook", most=3)
    except ValueError:
        return
    assert len(found.alerts) <= 3


def test_a_delivery_counts_what_was_left_out() -> None:
    found = delivery({"alerts": [{}, {"status": "resolved"}, {}], "truncatedAlerts": 7}, "hook", most=2)
    assert [each.state for each in found.alerts] == ["firing", "resolved"]
    assert found.truncated == 8
    assert delivery({"alerts": [], "truncatedAlerts": True}, "hook", most=2).truncated == 0


@pytest.mark.parametrize("data", [None, [], "x", {}, {"alerts": {}}, {"alerts": [1]}, {"alerts": [[]]}])
def test_what_is_no_webhook_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match=r"webhook|objects"):
        delivery(data, "hook", most=2)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2026-05-28T20:26:40Z", 1780000000.0), ("2026-05-28T22:26:40.123456789+02:00", 1780000000.123456),
     ("0001-01-01T00:00:00Z", None), ("tomorrow", None), (7, None), ("99999-01-01T00:00:00Z", None)],
)  # fmt: skip
def test_times_are_read_or_none(text: Any, seconds: float | None) -> None:
    assert moment(text) == seconds


def test_without_labels_or_words_it_has_an_id_and_a_text_all_the_same() -> None:
    found = alert_of({}, "firing", "hook")
    assert (found.text, found.id) == ("an alert without a name", alert_of({"labels": {}}, "firing", "hook").id)
    assert alert_of({"labels": {"alertname": "Slow"}}, "firing", "hook").text == "Slow"
    assert subject_among(Labels.of(model="", host="n1")) == "n1"


def test_many_long_annotations_do_not_make_an_alert_of_megabytes() -> None:
    long = {f"a{number}": "x" * 5000 for number in range(500)} | {"b": "short"}
    (alert,) = delivery({"alerts": [{"labels": long, "annotations": long}]}, "hook", most=1).alerts
    for kept in (alert.labels, alert.annotations):
        assert 10_000 < sum(len(name) + len(value) for name, value in kept) <= 16_000
