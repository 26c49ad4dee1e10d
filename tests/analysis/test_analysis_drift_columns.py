"""What is said of one column: by which word, and when nothing is."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from console.analysis.columns.faults import column_issues
from console.analysis.columns.heavy import heavy_values
from console.analysis.columns.nulls import usual_shift
from console.analysis.columns.odd import Level, at_least, is_more
from console.analysis.drift import drift
from console.analysis.profiles import merged
from console.model import ColumnProfile, Profile, Verdict


def numeric(values, like=None, name="light", kind="numeric"):
    values = np.asarray(values, float)
    finite = values[np.isfinite(values)]
    edges = like.edges if like else tuple(np.unique(np.quantile(finite, np.arange(1, 20) / 20)).tolist())
    counts = np.bincount(np.searchsorted(edges, finite), minlength=len(edges) + 1)
    heavy, sampled = heavy_values(values)
    return ColumnProfile(
        name, kind, "DOUBLE", values.size, int(np.isnan(values).sum()), int(np.isinf(values).sum()), edges, (),
        tuple(counts.tolist()), finite.min(), finite.max(), finite.mean(), heavy=heavy, sampled=sampled,
    )  # fmt: skip


def texts(values, like=None, name="colour", kind="categorical"):
    held = [value for value in values if value is not None]
    categories = like.categories if like else tuple(sorted(set(held), key=lambda one: -held.count(one))[:20])
    counts = [held.count(one) for one in categories]
    heavy, sampled = heavy_values(values)
    return ColumnProfile(
        name, kind, "VARCHAR", len(values), len(values) - len(held), categories=categories,
        counts=(*counts, len(held) - sum(counts)), heavy=heavy, sampled=sampled,
    )  # fmt: skip


def said(current, baseline, history=()):
    found = list(column_issues(current, baseline, history, Level()))
    return [(issue.check, issue.verdict) for issue in found], " ".join(issue.text for issue in found)


@pytest.fixture
def rng():
    return np.random.default_rng(11)


# ── values that many rows share ──────────────────────────────────────────────────────────────────────────────────────


def test_a_default_within_the_range_is_a_spike_with_its_value(rng):
    baseline = numeric(rng.normal(10, 3, 5000))
    now = rng.normal(10, 3, 2000)
    now[:80] = 0.0
    checks, text = said(numeric(now, baseline), baseline)
    assert checks == [("sentinel", Verdict.DEGRADED)]
    assert "exactly 0" in text and "4.0%" in text


def test_a_column_of_few_values_may_say_any_of_them_more_often(rng):
    baseline = numeric(rng.poisson(1.5, 5000))
    assert said(numeric(rng.poisson(1.8, 2000), baseline), baseline)[0] == []
    now = rng.poisson(1.5, 2000).astype(float)
    now[:60] = 77.0
    checks, text = said(numeric(now, baseline), baseline)
    assert checks == [("novelty", Verdict.DEGRADED)] and "77, which it never was" in text


# ── categories ───────────────────────────────────────────────────────────────────────────────────────────────────────


def colours(rng, n, names=("gray", "white", "dark blue")):
    return rng.choice(names, n, p=[0.5, 0.3, 0.2]).tolist()


def test_a_new_category_is_named(rng):
    baseline = texts(colours(rng, 5000))
    checks, text = said(texts([*colours(rng, 1960), *["purple"] * 40], baseline), baseline)
    assert checks == [("novelty", Verdict.DEGRADED)] and "'purple'" in text and "2.0%" in text


@pytest.mark.parametrize("spelled", [("GRAY", "WHITE", "DARK BLUE"), (" gray", "white ", "dark_blue")])
def test_the_same_categories_in_other_letters_are_known(rng, spelled):
    baseline = texts(colours(rng, 5000))
    checks, text = said(texts(colours(rng, 2000, spelled), baseline), baseline)
    assert [check for check, _verdict in checks] == ["novelty"]
    assert "in other letters" in text and "was 'gray'" in text


def test_categories_that_come_and_go_in_bursts_are_not_new(rng):
    def week(name):
        return [*colours(rng, 150), *([name] * 18 if name else [])]

    baseline = texts([one for number in range(12) for one in week(f"fog {number}" if number % 3 == 0 else "")])
    history = [texts(week(f"fog {number}" if number % 3 == 0 else ""), baseline) for number in range(12)]
    assert said(texts(week("smoke"), baseline), baseline, history)[0] == []
    assert said(texts(week("smoke"), baseline), baseline)[0] == [("novelty", Verdict.DEGRADED)]


def test_categories_listed_by_luck_are_no_drift(rng):
    names = [f"user {number}" for number in range(1000)]
    baseline = texts(list(rng.choice(names, 2000)))
    assert baseline.counts[-1] > 0
    for _ in range(5):
        now = texts(list(rng.choice(names, 5000)), baseline)
        assert drift(Profile((now,), 5000), Profile((baseline,), 2000)).verdict is not Verdict.DEGRADED


# ── constants, ranges, units ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_rare_flag_that_is_not_raised_is_not_stuck(rng):
    baseline = numeric(np.repeat([0.0, 1.0], [4980, 20]))
    assert said(numeric(np.zeros(200), baseline), baseline)[0] == []
    alternating = numeric(rng.integers(0, 2, 5000).astype(float))
    assert said(numeric(np.zeros(200), alternating), alternating)[0] == [("constant", Verdict.DEGRADED)]


def test_a_flag_that_was_always_off_is_mentioned_when_it_is_on():
    baseline = numeric(np.zeros(5000), ColumnProfile("f", "numeric", "DOUBLE", 0, edges=(math.nextafter(0, -1), 0.0)))
    now = np.zeros(500)
    assert said(numeric(now, baseline), baseline)[0] == []
    now[:40] = 3.0
    checks, text = said(numeric(now, baseline), baseline)
    assert checks == [("range", Verdict.INCONCLUSIVE)] and "always 0" in text


def test_a_heavy_tail_reaches_far_by_itself_and_a_light_one_does_not():
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(40):
        baseline = numeric(rng.standard_cauchy(2000))
        alarms += said(numeric(rng.standard_cauchy(2000), baseline), baseline)[0] != []
    assert alarms == 0
    baseline = numeric(rng.normal(size=2000))
    assert said(numeric(np.append(rng.normal(size=2000), 200.0), baseline), baseline)[0] == [
        ("range", Verdict.DEGRADED)
    ]


def test_some_rows_in_another_unit_are_told_with_their_share(rng):
    baseline = numeric(rng.lognormal(-2, 0.5, 5000))
    now = rng.lognormal(-2, 0.5, 2000)
    now[:80] *= 1000
    checks, text = said(numeric(now, baseline), baseline)
    assert checks == [("unit", Verdict.DEGRADED)] and "×1,000" in text and "of the rows" in text


def test_times_and_flags_are_judged_as_numbers_and_categories_are(rng):
    ages = numeric(rng.exponential(60, 5000), kind="datetime")
    assert said(numeric(rng.exponential(60, 2000), ages, kind="datetime"), ages)[0] == []
    assert said(numeric(rng.exponential(60e3, 2000), ages, kind="datetime"), ages)[0] == [("unit", Verdict.DEGRADED)]
    flags = texts(list(rng.choice(["true", "false"], 5000)), kind="boolean")
    stuck = texts(["true"] * 2000, flags, kind="boolean")
    assert said(stuck, flags)[0] == [("constant", Verdict.DEGRADED)]
    found = drift(
        Profile((numeric(rng.exponential(90, 2000), ages, kind="datetime"), stuck), 2000), Profile((ages, flags), 5000)
    )
    assert {column.name: column.verdict for column in found.columns} == dict.fromkeys(
        ("light", "colour"), Verdict.DEGRADED
    )


# ── swaps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_columns_that_changed_places_are_named(rng):
    def rows(n):
        return {"a": rng.normal(10, 1, n), "b": rng.normal(400, 90, n), "c": rng.exponential(3, n)}

    base = {name: numeric(values, name=name) for name, values in rows(5000).items()}
    now = rows(2000)
    swapped = now | {"a": now["b"], "b": now["a"]}
    for table, expected in ((swapped, ["columns a and b changed places"]), (now, [])):
        current = Profile(tuple(numeric(table[name], one, name=name) for name, one in base.items()), 2000)
        found = drift(current, Profile(tuple(base.values()), 5000))
        assert [issue.text for issue in found.integrity if issue.check == "swapped"] == expected
    moved = now | {"a": now["a"] + 50}
    current = Profile(tuple(numeric(moved[name], one, name=name) for name, one in base.items()), 2000)
    assert all(issue.check != "swapped" for issue in drift(current, Profile(tuple(base.values()), 5000)).integrity)


def test_swapped_texts_are_named_too(rng):
    a, b = texts(colours(rng, 5000), name="a"), texts(list(rng.choice(["x", "y"], 5000)), name="b")
    now_a = texts(list(rng.choice(["x", "y"], 2000)), a, name="a")
    now_b = texts(colours(rng, 2000), b, name="b")
    found = drift(Profile((now_a, now_b), 2000), Profile((a, b), 5000))
    assert "swapped" in [issue.check for issue in found.integrity]


# ── families, order, laws ────────────────────────────────────────────────────────────────────────────────────────────


def test_many_facets_raise_no_more_alarms_than_one_column():
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(30):
        base = [replace(numeric(rng.normal(size=1000), name=f"prompt [{at}]"), of="prompt") for at in range(20)]
        now = [replace(numeric(rng.normal(size=300), one, name=one.name), of="prompt") for one in base]
        alarms += drift(Profile(tuple(now), 300), Profile(tuple(base), 1000)).verdict is not Verdict.OK
    assert alarms <= 1


def test_the_facet_that_moved_speaks_and_the_others_do_not(rng):
    base = [replace(numeric(rng.normal(size=3000), name=f"prompt [{at}]"), of="prompt") for at in range(8)]
    now = [
        replace(numeric(rng.normal(one.name == "prompt [3]", 1, 1000), one, name=one.name), of="prompt") for one in base
    ]
    found = drift(Profile(tuple(now), 1000), Profile(tuple(base), 3000))
    assert found.columns[0].name == "prompt [3]" and found.columns[0].verdict is Verdict.DEGRADED
    assert [column.name for column in found.columns if column.verdict is not Verdict.OK] == ["prompt [3]"]


def test_the_order_of_columns_changes_no_verdict(rng):
    base = [numeric(rng.normal(size=3000), name=f"c{at}") for at in range(8)]
    now = [numeric(rng.normal(0.4 * at, 1, 800), one, name=one.name) for at, one in enumerate(base)]
    there = drift(Profile(tuple(now), 800), Profile(tuple(base), 3000))
    back = drift(Profile(tuple(now[::-1]), 800), Profile(tuple(base[::-1]), 3000))
    assert {one.name: one for one in there.columns} == {one.name: one for one in back.columns}
    assert there.columns[0].name == back.columns[0].name == "c7"


def test_a_small_sure_move_is_seen_and_does_not_page(rng):
    baseline = numeric(rng.normal(size=200_000))
    found = drift(Profile((numeric(rng.normal(0.09, 1, 200_000), baseline),), 200_000), Profile((baseline,), 200_000))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "less than the 5% that matter" in found.columns[0].reason


def test_one_wild_value_does_not_speak_for_the_shift_of_all(rng):
    baseline = numeric(rng.normal(10, 1, 5000))
    now = rng.normal(10.5, 1, 2000)
    now[3] = 1e9
    [column] = drift(Profile((numeric(now, baseline),), 2000), Profile((baseline,), 5000)).columns
    assert column.shift == pytest.approx(0.5, abs=0.15)
    assert column.verdict is Verdict.DEGRADED and column.issues[0].check == "range"


# ── odds ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("now, before", [((3, 50), (25, 5000)), ((40, 2000), (0, 5000)), ((700, 2000), (1500, 5000))])
def test_the_odds_of_odd_rows_are_fishers(now, before):
    table = [[now[0], now[1] - now[0]], [before[0], before[1] - before[0]]]
    assert at_least(now, before) == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue, rel=1e-6)


def test_odd_rows_in_bursts_count_as_bursts():
    assert is_more((8, 168), (2, 2016), [], Level())
    assert not is_more((8, 168), (2, 2016), [], Level(), burst=8)
    assert at_least((0, 10), (5, 10)) == 1.0


def test_a_mean_is_held_against_past_means_on_both_scales():
    past = [9.8, 10.1, 10.0, 9.9, 10.2, 10.0]
    assert usual_shift(10.1, 10.0, past) > 0.1 and usual_shift(12.0, 10.0, past) < 0.001
    rain = [0.01, 1.0, 0.1, 0.02, 3.0, 0.5]
    assert usual_shift(9.0, 0.8, rain) > 0.05
    assert usual_shift(1.0, 0.0, [0.0, 0.0, 0.1, 0.0]) is None
    assert usual_shift(1.0, 1.0, [1.0, 2.0]) is None


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_a_constant_column_changes_no_p_value(seed):
    rng = np.random.default_rng(seed)
    base = [numeric(rng.normal(size=2000), name=f"c{at}") for at in range(3)]
    now = [numeric(rng.normal(0.2 * at, 1, 500), one, name=one.name) for at, one in enumerate(base)]
    still = numeric(np.full(2000, 7.0), name="still")
    alone = drift(Profile(tuple(now), 500), Profile(tuple(base), 2000))
    beside = drift(Profile((*now, numeric(np.full(500, 7.0), still, name="still")), 500), Profile((*base, still), 2000))
    kept = {one.name: (one.p_sampling, one.verdict) for one in beside.columns if one.name != "still"}
    assert kept == {one.name: (one.p_sampling, one.verdict) for one in alone.columns}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31))
def test_shards_of_a_window_in_any_order_are_the_window(seed):
    rng = np.random.default_rng(seed)
    baseline = numeric(rng.normal(size=3000))
    rows = rng.normal(0.3, 1, 900)
    shards = [Profile((numeric(part, baseline),), part.size) for part in np.split(rows, [100, 450])]
    whole = drift(Profile((numeric(rows, baseline),), 900), Profile((baseline,), 3000)).columns[0]
    for order in (shards, shards[::-1]):
        found = drift(merged(order), Profile((baseline,), 3000)).columns[0]
        assert (found.p_sampling, found.effect, found.verdict) == (whole.p_sampling, whole.effect, whole.verdict)
        assert found.shift == pytest.approx(whole.shift)
