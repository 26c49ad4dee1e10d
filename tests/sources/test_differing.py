"""What two looks at named values tell, and what they must not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import SourceMalformed
from console.sources import differing as module
from console.sources.differing import Change, Looks

VALUES = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xyz"))


def test_the_first_look_tells_nothing_and_the_second_what_differs() -> None:
    looks = Looks("flags")
    assert looks.see({"a": "1", "b": "1"}, 10.0) == ()
    assert looks.see({"a": "1", "b": "2", "c": "1"}, 20.0) == [
        Change("b", "1", "2", 10.0, 20.0),
        Change("c", None, "1", 10.0, 20.0),
    ]
    assert looks.see({"a": "1", "b": "2", "c": "1"}, 30.0) == []


def test_what_is_gone_is_believed_at_the_second_look_that_misses_it() -> None:
    looks = Looks("flags")
    looks.see({"a": "1", "b": "1"}, 10.0)
    assert looks.see({"a": "2"}, 20.0) == ()
    assert looks.see({"a": "2"}, 30.0) == [Change("a", "1", "2", 10.0, 30.0), Change("b", "1", None, 10.0, 30.0)]
    assert looks.see({"a": "2"}, 40.0) == []


def test_what_was_missed_for_a_moment_and_came_back_as_it_was_is_no_change() -> None:
    looks = Looks("flags")
    looks.see({"a": "1", "b": "1"}, 10.0)
    assert [looks.see(values, 20.0) for values in ({}, {"a": "1", "b": "1"}, {}, {"a": "1", "b": "1"})] == [
        (),
        [],
        (),
        [],
    ]


@given(st.lists(VALUES, min_size=1, max_size=8))
def test_all_changes_together_lead_to_what_was_seen_last(seen: list[dict[str, str]]) -> None:
    looks, known = Looks("flags"), dict(seen[0])
    for at, values in enumerate([*seen, seen[-1], seen[-1]]):
        for change in looks.see(values, float(at)):
            assert known.get(change.name) == change.before != change.after
            known = (
                {**known, change.name: change.after}
                if change.after
                else {k: v for k, v in known.items() if k != change.name}
            )
    assert known == seen[-1]


@pytest.mark.parametrize(
    ("told", "when"), [(None, 20.0), (15.0, 15.0), (99.0, 20.0), (1.0, 10.0), (math.nan, 20.0), (math.inf, 20.0)]
)
def test_a_change_lies_between_the_two_looks_whatever_another_clock_says(told: float | None, when: float) -> None:
    assert Change("a", "1", "2", 10.0, 20.0).at(told) == when


def test_a_flood_of_values_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VALUES", 2)
    with pytest.raises(SourceMalformed, match="3 values are too many"):
        Looks("flags").see({"a": "1", "b": "1", "c": "1"}, 1.0)
