"""Merging profiles: shards and days add up, whatever their order."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.analysis.profiles import merged
from console.model import ColumnProfile, Profile, Relations
from console.wire import dump, load

EDGES = (0.0, 1.5)
CATEGORIES = ("a", "b")
COUNT = st.integers(0, 1000)


@st.composite
def shards(draw: st.DrawFn) -> Profile:
    rows = draw(st.integers(1, 10_000))
    columns = [draw(numbers(rows)), draw(texts(rows))]
    known = draw(st.sampled_from([columns, columns[:1], columns[::-1], []]))
    start = draw(st.none() | st.integers(0, 100))
    return Profile(
        tuple(known), rows, start, None if start is None else start + 1, draw(COUNT), draw(st.none() | st.floats(0, 9))
    )


@st.composite
def numbers(draw: st.DrawFn, rows: int) -> ColumnProfile:
    counts = draw(st.tuples(COUNT, COUNT, COUNT))
    ends = sorted(draw(st.tuples(st.floats(-9, 9), st.floats(-9, 9), st.floats(-9, 9)))) if any(counts) else [None] * 3
    return ColumnProfile(
        "x", "numeric", draw(st.sampled_from(["DOUBLE", "VARCHAR", "NULL"])), rows, draw(COUNT), draw(COUNT), EDGES,
        counts=counts, minimum=ends[0], mean=ends[1], maximum=ends[2], unparsable=draw(COUNT),
        heavy=draw(st.sampled_from([(), (("-999", 7),), (("-999", 2), ("0", 5))])), sampled=draw(COUNT),
    )  # fmt: skip


@st.composite
def texts(draw: st.DrawFn, rows: int) -> ColumnProfile:
    counts = draw(st.tuples(COUNT, COUNT, COUNT))
    return ColumnProfile("c", "categorical", "VARCHAR", rows, categories=CATEGORIES, counts=counts)


def rounded(profile: Profile) -> Profile:
    """Means are the same but for their last digits."""
    columns = (replace(one, mean=None if one.mean is None else round(one.mean, 6)) for one in profile.columns)
    return replace(profile, columns=tuple(columns))


@given(st.lists(shards(), min_size=1, max_size=5), st.randoms())
@settings(max_examples=60, deadline=None)
def test_shards_add_up_in_any_order_and_in_any_grouping(parts: list[Profile], order: object) -> None:
    whole = rounded(merged(parts))
    shuffled = list(parts)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rounded(merged(shuffled)) == whole
    assert rounded(reduce(lambda one, other: merged([other, one]), parts)) == whole
    assert rounded(merged([merged(parts[: len(parts) // 2 or 1]), *parts[len(parts) // 2 or 1 :]])) == whole


@given(shards(), shards())
@settings(max_examples=30, deadline=None)
def test_no_row_is_lost(one: Profile, other: Profile) -> None:
    both = merged([one, other])
    assert both.rows == one.rows + other.rows
    assert both.duplicates == one.duplicates + other.duplicates
    assert all(column.rows == both.rows for column in both.columns)


def test_a_column_that_a_shard_does_not_have_is_missing_in_all_its_rows() -> None:
    there = Profile((ColumnProfile("x", "numeric", "DOUBLE", 10, missing=1, edges=EDGES, counts=(4, 5, 0)),), 10)
    [x] = merged([there, Profile((), 30)]).columns
    assert (x.rows, x.missing, x.counts) == (40, 31, (4, 5, 0))


def test_a_facet_is_of_a_sample_and_nothing_is_missing_in_it() -> None:
    facet = ColumnProfile("note [length]", "numeric", "DOUBLE", 10, edges=EDGES, counts=(4, 6, 0), of="note")
    [merged_facet] = merged([Profile((facet,), 1000), Profile((), 30)]).columns
    assert merged_facet == facet


@pytest.mark.parametrize(
    "other", [{"edges": (0.0, 2.0)}, {"kind": "datetime"}, {"basis": "other words"}], ids=["edges", "kind", "basis"]
)
def test_what_is_counted_into_other_bins_cannot_be_added(other: dict[str, object]) -> None:
    x = ColumnProfile("x", "numeric", "DOUBLE", 10, edges=EDGES, counts=(4, 6, 0))
    with pytest.raises(ValueError, match="column x is not counted into the same bins"):
        merged([Profile((x,), 10), Profile((replace(x, **other),), 10)])  # type: ignore[arg-type]


def test_nothing_is_no_profile() -> None:
    with pytest.raises(ValueError, match="no profile"):
        merged([])


def test_relations_and_the_newest_row_are_those_of_all_shards() -> None:
    relations = Relations(("x",), 100, (100.0,), (3.0,))
    both = merged([Profile((), 1, newest=5.0, relations=relations), Profile((), 1, newest=9.0, relations=relations)])
    assert (both.newest, both.relations) == (9.0, Relations(("x",), 200, (200.0,), (6.0,)))


def test_two_hundred_columns_take_less_than_a_megabyte_and_come_back_as_they_were() -> None:
    heavy = tuple((f"{-999.25 * i}", 123_456 + i) for i in range(10))
    edges = tuple(1.0123456789012345 * i for i in range(-9, 10))
    named = tuple(f"a category of some length {i}" for i in range(20))
    columns = tuple(
        ColumnProfile(f"a column's name {i}", "numeric", "DOUBLE", 10**9, edges=edges, counts=(123_456_789,) * 20,
                      minimum=-1.2345678901234567, maximum=9.87654321e12, mean=0.12345678901234567, heavy=heavy)
        if i % 5
        else ColumnProfile(f"a column's name {i}", "categorical", "VARCHAR", 10**9, categories=named,
                           counts=(123_456_789,) * 21, heavy=tuple((name, 10**6) for name in named[:10]))
        for i in range(200)
    )  # fmt: skip
    scores = 200 * 201 // 2
    relations = Relations(tuple(f"a column's name {i}" for i in range(200)), 20_000, (-12345.6,) * scores, (0.1,) * 200)
    profile = Profile(columns, 10**9, 0.0, 1.0, 17, 1.0, relations)
    written = orjson.dumps(dump(profile))
    assert len(written) < 1_000_000
    assert load(Profile, orjson.loads(written)) == profile
