import json
from dataclasses import asdict

import numpy as np
import pytest

from console.analysis.columns.broken import broken_relations
from console.analysis.columns.relations import added, relations_of, scores
from console.model import ColumnProfile, Profile

COLOURS = ("red", "green", "blue")


def profile(rows, history=False):
    """Columns of numbers (in 20 even bins of a normal) and of texts, as a window's profile with its relations."""
    edges = np.array([-1.64, -1.28, -1.04, -0.84, -0.67, -0.52, -0.39, -0.25, -0.13, 0.0, 0.13, 0.25, 0.39, 0.52,
                      0.67, 0.84, 1.04, 1.28, 1.64])  # fmt: skip
    codes, columns = {}, []
    for name, values in rows.items():
        if values.dtype.kind == "f":
            bins = np.where(np.isnan(values), np.nan, np.searchsorted(edges, values))
            codes |= scores(name, bins, edges=edges.size)
            columns.append(ColumnProfile(name, "numeric", "DOUBLE", values.size))
        else:
            codes |= scores(name, values.astype(float), categories=COLOURS)
            columns.append(ColumnProfile(name, "categorical", "VARCHAR", values.size, categories=COLOURS))
    return Profile(tuple(columns), len(next(iter(rows.values()))), relations=relations_of(codes))


def rows(rng, n, loose=(), columns=6):
    """Columns that share half of their variance, but for the loose ones."""
    common = rng.normal(size=n)
    return {
        f"c{i}": rng.normal(size=n) if f"c{i}" in loose else (common + rng.normal(size=n)) / np.sqrt(2)
        for i in range(columns)
    }


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_the_column_that_broke_is_named_and_not_its_pairs(rng):
    found = broken_relations(profile(rows(rng, 2000, loose={"c2"})), profile(rows(rng, 5000)))
    assert [issue.column for issue in found] == ["c2"]
    assert found[0].check == "relation"
    assert "c2 no longer goes with" in found[0].text and "and 2 more" in found[0].text


@pytest.mark.parametrize("n", [50, 200, 2000])
def test_nothing_broke_where_only_chance_differs(rng, n):
    baseline = profile(rows(rng, 5000, columns=12))
    assert not any(broken_relations(profile(rows(rng, n, columns=12)), baseline) for _ in range(20))


def test_columns_that_begin_to_go_together_are_named(rng):
    found = broken_relations(profile(rows(rng, 2000)), profile(rows(rng, 5000, loose={"c4"})))
    assert [issue.column for issue in found] == ["c4"]
    assert "now goes with" in found[0].text


def test_categories_have_relations_with_numbers_and_with_each_other(rng):
    def mixed(n, broken):
        colour = rng.integers(0, 3, n)
        shape = colour.copy()
        shape[: n // 5] = rng.permutation(shape[: n // 5])
        size = colour - 1 + rng.normal(size=n)
        if broken == "size":
            size = rng.permutation(size)
        if broken == "shape":
            shape = rng.permutation(shape)
        return profile({"colour": colour, "shape": shape, "size": size / 1.3, "other": rng.normal(size=n)})

    baseline = mixed(5000, "")
    assert broken_relations(mixed(2000, ""), baseline) == ()
    for name in ("size", "shape"):
        assert [issue.column for issue in broken_relations(mixed(2000, name), baseline)] == [name]


def test_missing_values_hide_no_relation_and_make_none(rng):
    def gappy(n, loose=()):
        table = rows(rng, n, loose)
        hole = rng.random(n) < 0.4
        table["c0"][hole] = table["c1"][hole] = np.nan
        return profile(table)

    baseline = gappy(5000)
    assert broken_relations(gappy(2000), baseline) == ()
    assert broken_relations(profile(rows(rng, 2000)), baseline) == ()
    assert [issue.column for issue in broken_relations(gappy(2000, {"c1"}), baseline)] == ["c1"]


def test_a_relation_that_wanders_anyway_is_not_news(rng):
    def wandering(n):
        table = rows(rng, n, {"c0"})
        share = rng.uniform(0.1, 0.9)
        table["c0"] = np.sqrt(share) * table["c1"] + np.sqrt(1 - share) * table["c0"]
        return profile(table)

    history = [wandering(1000) for _ in range(20)]
    baseline = Profile(history[0].columns, 20_000, relations=added(one.relations for one in history))
    alarms = [broken_relations(wandering(1000), baseline, history=history) for _ in range(20)]
    assert sum(map(bool, alarms)) <= 1
    assert sum(bool(broken_relations(wandering(1000), baseline)) for _ in range(20)) >= 10
    loose = broken_relations(profile(rows(rng, 1000, {"c3"})), baseline, history=history)
    assert "c3" in [issue.column for issue in loose]


def test_shards_add_up_in_any_order(rng):
    whole = rows(rng, 3000)
    whole["c0"][:700] = np.nan
    shards = [profile({name: values[at::3] for name, values in whole.items()}).relations for at in range(3)]
    one, other = added(shards), added([None, *shards[::-1]])
    assert one == other
    exact = profile(whole).relations
    assert (one.columns, one.rows, one.gaps, one.missing) == (exact.columns, 3000, ("c0",), (700,))
    assert one.products == pytest.approx(exact.products, abs=0.5)
    assert added([]) is None


def test_no_relations_and_few_rows_say_nothing(rng):
    table = rows(rng, 5000)
    bare = Profile(profile(table).columns, 5000)
    assert broken_relations(bare, profile(table)) == broken_relations(profile(table), bare) == ()
    assert broken_relations(profile(rows(rng, 20, {"c2"})), profile(table)) == ()
    stuck = profile(table | {"c2": np.zeros(5000)})
    assert broken_relations(stuck, profile(table)) == ()  # it does not vary: nothing to go together
    assert relations_of({}).columns == ()


def test_relations_of_two_hundred_columns_stay_small(rng):
    codes = {f"column_{i}": rng.uniform(-1.7, 1.7, 2000) for i in range(200)}
    for values in codes.values():
        values[rng.random(2000) < 0.1] = np.nan
    assert len(json.dumps(asdict(relations_of(codes)), separators=(",", ":"))) < 250_000
