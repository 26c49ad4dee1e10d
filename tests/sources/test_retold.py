"""One change that two sources tell is one suspect; two changes stay two."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from console.model import Event
from console.sources.retold import MOST_DETAIL, NEAR_SECONDS, told_once

SCRIPT = Event(1000.0, "deploy", "fraud", "v8", id="42", detail="by ada", source="events")
CLUSTER = Event(1040.0, "rollout", "shop/Fraud", "revision 9", id="uid-9", detail="image fraud:8", source="cluster")


def test_a_deploy_that_a_script_and_the_cluster_tell_is_one() -> None:
    [event] = told_once([CLUSTER, SCRIPT])
    assert (event.time, event.kind, event.title, event.id, event.source) == (1000.0, "deploy", "v8", "42", "events")
    assert event.detail == "by ada\nalso told by cluster, 40 s later: revision 9\nimage fraud:8"


def test_two_changes_that_one_source_tells_are_two() -> None:
    again = replace(SCRIPT, time=1100.0, id="43", title="v9")
    assert told_once([SCRIPT, again]) == [SCRIPT, again]


def test_each_of_two_deploys_is_told_again_by_the_other_source() -> None:
    scripts = [SCRIPT, replace(SCRIPT, time=1200.0, id="43", title="v9")]
    cluster = [replace(CLUSTER, time=1010.0), replace(CLUSTER, time=1210.0, id="uid-10", title="revision 10")]
    found = told_once([*scripts, *cluster])
    assert [event.title for event in found] == ["v8", "v9"]
    assert "revision 9" in found[0].detail and "revision 10" in found[1].detail


def test_the_stores_copy_of_an_event_is_the_event() -> None:
    assert told_once([SCRIPT, SCRIPT]) == [SCRIPT]


def test_what_lies_far_apart_or_is_about_another_or_of_another_kind_stays_apart() -> None:
    for other in (
        replace(CLUSTER, time=1000.0 + NEAR_SECONDS + 1),
        replace(CLUSTER, target="ocr"),
        replace(CLUSTER, kind="config"),
    ):
        assert len(told_once([SCRIPT, other])) == 2


def test_commits_and_flags_are_one_only_under_one_name() -> None:
    commit = Event(1000.0, "commit", "fraud", "one", id="a" * 40, source="here")
    assert len(told_once([commit, replace(commit, source="mirror")])) == 1
    assert len(told_once([commit, replace(commit, source="mirror", id="b" * 40)])) == 2


def test_a_thousand_tellers_make_no_endless_detail() -> None:
    [event] = told_once(replace(CLUSTER, source=f"s{n}", detail="x" * 100) for n in range(1000))
    assert len(event.detail) <= MOST_DETAIL


@given(
    st.lists(
        st.builds(
            Event,
            st.floats(0, 2000),
            st.sampled_from(["deploy", "rollout", "flag"]),
            st.sampled_from("ab"),
            st.just("t"),
            st.sampled_from(["", "1", "2"]),
            st.just(""),
            st.sampled_from(["x", "y"]),
        )
    )
)
def test_no_change_is_lost_none_is_made_up_and_order_does_not_matter(events: list[Event]) -> None:
    found = told_once(events)
    assert found == told_once(sorted(events, key=lambda event: event.time))
    assert [event.time for event in found] == sorted(event.time for event in found)
    assert {(event.target) for event in found} == {event.target for event in events}
    by_one = {source: len({event for event in events if event.source == source}) for source in "xy"}
    assert max(by_one.values()) <= len(found) <= len(set(events))
