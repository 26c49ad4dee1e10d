from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.analysis.columns.bins import aligned
from console.analysis.drift import drift
from console.analysis.slices import counts_onset, explaining_slice
from console.model import ColumnProfile, Profile, Verdict

BASELINE = np.random.default_rng(0).normal(10, 1, 5000)
EDGES = tuple(np.quantile(BASELINE, np.arange(1, 20) / 20).tolist())
COLOURS = ("gray", "white", "blue")


def numeric(values, name="brightness", edges=EDGES, unparsable=0):
    values = np.asarray(values, float)
    finite = values[np.isfinite(values)]
    counts = np.bincount(np.searchsorted(edges, finite), minlength=len(edges) + 1)
    ends = (finite.min(), finite.max(), finite.mean()) if finite.size else (None, None, None)
    return ColumnProfile(
        name, "numeric", "DOUBLE", values.size, int(np.isnan(values).sum()), int(np.isinf(values).sum()),
        edges, (), tuple(counts.tolist()), *ends, unparsable=unparsable,
    )  # fmt: skip


def categorical(counts, name="colour", categories=COLOURS):
    return ColumnProfile(name, "categorical", "VARCHAR", sum(counts), categories=categories, counts=tuple(counts))


def table(*columns, **more):
    return Profile(columns, columns[0].rows, **more)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def only(current, baseline=BASELINE, **more):
    found = drift(table(numeric(current)), table(numeric(baseline)), **more)
    return found.columns[0]


# ── shape and location ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rows", [2000, 200, 50])
def test_clean_rows_are_ok_however_few(rng, rows):
    assert only(rng.normal(10, 1, rows)).verdict is Verdict.OK


def test_a_moved_mean_is_told_in_the_columns_own_unit(rng):
    found = only(rng.normal(10.5, 1, 2000))
    assert found.verdict is Verdict.DEGRADED
    assert found.shift == pytest.approx(0.5, abs=0.1)
    assert found.wasserstein == pytest.approx(0.5, abs=0.15)
    assert found.p_sampling < 1e-10
    assert found.psi > 0.2 and 0 < found.js < 1 and found.ks == pytest.approx(0.2, abs=0.05)
    assert found.issues == ()


def test_a_sure_but_tiny_shift_is_below_what_matters(rng):
    found = only(rng.normal(10.05, 1, 200_000), rng.normal(10, 1, 200_000))
    assert found.p_sampling < 0.01
    assert found.verdict is Verdict.OK
    assert "matter" in found.reason


def test_identical_windows_raise_no_alarm_in_a_hundred(rng):
    found = [
        drift(
            table(*(numeric(rng.normal(10, 1, 500), f"c{i}") for i in range(10))),
            table(*(numeric(BASELINE, f"c{i}") for i in range(10))),
        )
        for _ in range(100)
    ]
    assert sum(one.verdict is Verdict.DEGRADED for one in found) <= 2


def test_a_column_that_wobbles_anyway_is_not_news_and_a_larger_move_is(rng):
    past = [table(numeric(rng.normal(rng.normal(10, 0.4), 1, 1000))) for _ in range(8)]
    usual = only(rng.normal(10.4, 1, 1000), history=past)
    assert usual.verdict is Verdict.OK
    assert usual.p_sampling < 0.01 < usual.p_usual
    assert usual.wobble > 5
    assert only(rng.normal(10.4, 1, 1000)).verdict is Verdict.DEGRADED  # without a past nobody could know
    assert only(rng.normal(14, 1, 1000), history=past).verdict is Verdict.DEGRADED


def test_step_and_creep_are_two_lines(rng):
    baseline, trailing = table(numeric(BASELINE)), table(numeric(rng.normal(11, 1, 5000)))
    crept = drift(table(numeric(rng.normal(11, 1, 2000))), baseline, trailing=trailing).columns[0]
    assert (crept.verdict, crept.line) == (Verdict.DEGRADED, "creep")
    stepped = drift(table(numeric(rng.normal(13, 1, 2000))), baseline, trailing=trailing).columns[0]
    assert (stepped.verdict, stepped.line) == (Verdict.DEGRADED, "step")
    assert stepped.shift == pytest.approx(2, abs=0.1)


def test_moved_shares_of_categories_are_drift(rng):
    found = drift(table(categorical([100, 700, 200, 0])), table(categorical([2500, 1500, 1000, 0]))).columns[0]
    assert found.verdict is Verdict.DEGRADED
    assert found.ks is None and found.wasserstein is None
    assert found.effect == pytest.approx(0.4, abs=0.05)


# ── integrity ────────────────────────────────────────────────────────────────────────────────────────────────────────


def some(values, share, odd):
    values = values.copy()
    values[: int(share * values.size)] = odd
    return values


CLEAN = np.random.default_rng(6).normal(10, 1, 2000)
BROKEN = {
    "all missing": (CLEAN * np.nan, "missing"),
    "30 % missing": (some(CLEAN, 0.3, np.nan), "missing"),
    "5 % infinite": (some(CLEAN, 0.05, np.inf), "range"),
    "unit": (CLEAN * 1000, "unit"),
    "unit, smaller": (CLEAN / 1000, "unit"),
    "unit of a part": (np.where(np.arange(2000) < 600, CLEAN * 1000, CLEAN), "unit"),
    "smaller unit of a part": (np.where(np.arange(2000) < 600, CLEAN / 1000, CLEAN), "unit"),
    "stuck": (np.full(2000, 9.5), "constant"),
    "sentinel in 2 %": (some(CLEAN, 0.02, -999), "range"),
    "one wild value": (np.append(CLEAN, 1e9), "range"),
    "3 % of rows ×100": (np.where(np.arange(2000) < 60, CLEAN * 100, CLEAN), "unit"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_columns_are_named_with_what_broke(name):
    values, check = BROKEN[name]
    found = only(values)
    assert found.verdict is Verdict.DEGRADED
    assert check in [issue.check for issue in found.issues]
    assert all(issue.column == "brightness" and "brightness" in issue.text for issue in found.issues)


def test_a_unit_is_seen_around_zero_too():
    centred = BASELINE - 10
    edges = tuple(e - 10 for e in EDGES)
    found = drift(table(numeric((CLEAN - 10) * 1000, edges=edges)), table(numeric(centred, edges=edges)))
    assert [issue.check for issue in found.integrity] == ["unit"]


def test_a_vanished_column_is_an_issue_and_never_an_exception():
    found = drift(table(categorical([500, 300, 200, 0])), table(numeric(BASELINE), categorical([2500, 1500, 1000, 0])))
    assert found.verdict is Verdict.DEGRADED
    gone, kept = found.columns
    assert (gone.name, gone.verdict) == ("brightness", Verdict.DEGRADED)
    assert gone.issues[0].check == "schema" and "vanished" in gone.reason
    assert kept.verdict is Verdict.OK
    assert [issue.check for issue in found.integrity] == ["schema"]


def test_a_new_column_is_said():
    found = drift(table(numeric(CLEAN), categorical([2000, 0, 0, 0])), table(numeric(BASELINE)))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.integrity[0].text == "column colour is new"


def test_numbers_that_became_text():
    text = replace(categorical([0, 0, 0, 2000]), name="brightness")
    found = drift(table(text), table(numeric(BASELINE)))
    assert [issue.check for issue in found.integrity] == ["type"]
    assert found.columns[0].verdict is Verdict.DEGRADED
    some_text = drift(table(numeric(CLEAN, unparsable=60)), table(numeric(BASELINE)))
    assert [issue.check for issue in some_text.integrity] == ["type"]


@pytest.mark.parametrize("counts", [(980, 590, 390, 40), (0, 0, 0, 2000)])
def test_categories_nobody_knew_are_novelty(counts):
    found = drift(table(categorical(counts)), table(categorical([2500, 1500, 1000, 0])))
    assert [issue.check for issue in found.integrity] == ["novelty"]
    assert found.verdict is Verdict.DEGRADED


def test_names_of_rows_are_not_categories():
    names = categorical([2000], "id", ()), categorical([5000], "id", ())
    assert drift(table(names[0]), table(names[1])).verdict is Verdict.OK


def test_one_category_where_there_were_three_is_stuck():
    found = drift(table(categorical([2000, 0, 0, 0])), table(categorical([2500, 1500, 1000, 0])))
    assert [issue.check for issue in found.integrity] == ["constant"]


def test_missing_values_that_come_and_go_anyway_are_not_news(rng):
    past = [table(numeric(some(rng.normal(10, 1, 1000), share, np.nan))) for share in (0.05, 0.3, 0.15, 0.4, 0.2, 0.1)]
    now = some(CLEAN, 0.25, np.nan)
    assert only(now, history=past).verdict is Verdict.OK
    assert only(now).verdict is Verdict.DEGRADED


def test_no_rows_at_all_is_a_finding_and_no_column_is_judged():
    found = drift(table(numeric([])), table(numeric(BASELINE)))
    assert found.verdict is Verdict.DEGRADED
    assert found.integrity[0].check == "volume"
    assert found.columns[0].verdict is Verdict.NO_DATA


def test_too_few_rows_are_no_data():
    found = drift(table(numeric(CLEAN[:8])), table(numeric(BASELINE)))
    assert found.verdict is Verdict.NO_DATA
    assert found.columns[0].reason.startswith("too few")


def test_volume_is_learned_from_the_past_or_from_the_windows_length(rng):
    past = [table(numeric(rng.normal(10, 1, n))) for n in (980, 1010, 1000, 1030, 990)]
    checks = {
        rows: [issue.verdict for issue in drift(table(numeric(rng.normal(10, 1, rows))), table(numeric(BASELINE)),
                                                history=past).integrity if issue.check == "volume"]
        for rows in (300, 950, 4000)
    }  # fmt: skip
    assert checks == {300: [Verdict.DEGRADED], 950: [], 4000: [Verdict.INCONCLUSIVE]}
    hour, day = {"start": 0.0, "end": 3600.0}, {"start": -86400.0, "end": 0.0}
    thin = drift(table(numeric(CLEAN[:60]), **hour), table(numeric(BASELINE), **day))
    assert [issue.check for issue in thin.integrity] == ["volume"]
    assert drift(table(numeric(CLEAN[:200]), **hour), table(numeric(BASELINE), **day)).integrity == ()


def test_duplicates_and_late_rows_are_told():
    window = {"start": 0.0, "end": 3600.0}
    calm = table(numeric(CLEAN), newest=3590.0, **window)
    late = table(numeric(CLEAN), duplicates=500, newest=1800.0, **window)
    assert [issue.check for issue in drift(late, calm).integrity] == ["duplicates", "freshness"]
    assert drift(calm, calm).integrity == ()


# ── bins, slices, onset ──────────────────────────────────────────────────────────────────────────────────────────────


def test_columns_counted_otherwise_meet_on_what_they_share():
    a, b = numeric(CLEAN, edges=EDGES), numeric(CLEAN, edges=EDGES[::2])
    left, right = aligned(a, b)
    assert left.edges == right.edges == EDGES[::2]
    assert left.counts == right.counts
    left, right = aligned(categorical([5, 3, 2, 1]), categorical([4, 2, 9], categories=("blue", "gray")))
    assert (left.categories, left.counts, right.counts) == (("gray", "blue"), (5, 2, 4), (2, 4, 9))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31))
def test_swapping_the_sides_turns_the_shift_and_keeps_the_distances(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(10 + rng.normal(), 1, 700), rng.normal(10, 1, 700)
    there, back = only(a, b), only(b, a)
    assert there.shift == pytest.approx(-back.shift)
    assert there.p_sampling == pytest.approx(back.p_sampling, rel=1e-6, abs=1e-12)
    for name in ("psi", "js", "ks", "effect"):
        assert getattr(there, name) == pytest.approx(getattr(back, name), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31))
def test_an_untouched_column_beside_it_changes_no_verdict_of_ok(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(10 + rng.choice([0, 1]), 1, 500)
    alone = only(values)
    same = numeric(BASELINE, "still")
    beside = drift(table(numeric(values), same), table(numeric(BASELINE), same)).columns
    assert beside[0].verdict is alone.verdict
    assert beside[1].verdict is Verdict.OK


def test_the_slice_that_moved_is_named(rng):
    before = {line: table(numeric(rng.normal(10, 1, 1000))) for line in "ABC"}
    after = {line: table(numeric(rng.normal(12 if line == "B" else 10, 1, 500))) for line in "ABC"}
    share = explaining_slice("brightness", before, after)
    assert share.value == "B"
    assert share.share > 0.9


def test_a_new_slice_that_brings_the_drift_is_named(rng):
    before = {line: table(numeric(rng.normal(10, 1, 1000))) for line in "AB"}
    after = before | {"C": table(numeric(rng.normal(14, 1, 1000)))}
    assert explaining_slice("brightness", before, after).value == "C"


def test_what_moves_everywhere_has_no_slice(rng):
    before = {line: table(numeric(rng.normal(10, 1, 1000))) for line in "ABC"}
    after = {line: table(numeric(rng.normal(12, 1, 1000))) for line in "ABC"}
    assert explaining_slice("brightness", before, after) is None
    still = {line: table(numeric(rng.normal(10, 1, 1000))) for line in "ABC"}
    assert explaining_slice("brightness", before, still) is None
    assert explaining_slice("brightness", {"A": before["A"]}, {"A": after["A"]}) is None
    assert explaining_slice("nothing", before, after) is None


def test_the_onset_of_counts_is_the_step_that_began_it(rng):
    baseline = table(numeric(BASELINE))
    steps = [(60.0 * i, table(numeric(rng.normal(10 if i < 37 else 10.8, 1, 20)))) for i in range(60)]
    found = counts_onset("brightness", baseline, steps[::-1])
    assert abs(found - 37 * 60) <= 120
    still = [(60.0 * i, table(numeric(rng.normal(10, 1, 20)))) for i in range(60)]
    assert counts_onset("brightness", baseline, still) is None
    assert counts_onset("brightness", baseline, []) is None
    assert counts_onset("nothing", baseline, still) is None


def test_missing_values_have_an_onset_too(rng):
    baseline = table(numeric(BASELINE))
    steps = [(60.0 * i, table(numeric(some(rng.normal(10, 1, 20), 0.5 * (i >= 10), np.nan)))) for i in range(30)]
    assert abs(counts_onset("brightness", baseline, steps) - 600) <= 120


def test_few_rows_that_moved_far_are_seen_past_a_calm_history(rng):
    history = [table(numeric(rng.normal(10, 1, 44))) for _ in range(20)]
    moved = np.concatenate([rng.normal(10, 1, 22), rng.normal(14, 1, 22)])
    found = drift(table(numeric(moved)), table(numeric(BASELINE)), history=history)
    assert found.columns[0].verdict is Verdict.DEGRADED


def test_a_wobble_as_large_as_the_past_ones_is_usual(rng):
    history = [table(numeric(rng.normal(10 + wobble, 1, 500))) for wobble in rng.normal(0, 0.5, 20)]
    alarms = 0
    for wobble in rng.normal(0, 0.5, 40):
        found = drift(table(numeric(rng.normal(10 + wobble, 1, 500))), table(numeric(BASELINE)), history=history)
        alarms += found.columns[0].verdict is Verdict.DEGRADED
    assert alarms <= 2


def test_the_slice_that_moved_wins_over_a_larger_one_that_holds_it(rng):
    def sides(moved, slices, share):
        """Profiles by slice: a tenth of the rows of line-1 alone moved; a camera sees half of every line."""
        return {
            name: table(
                numeric(np.concatenate([rng.normal(10, 1, round(n * (1 - part))), rng.normal(16, 1, round(n * part))]))
            )
            for name, n, part in ((name, n, share[name] if moved else 0.0) for name, n in slices.items())
        }

    lines, cameras = {"1": 300, "2": 300, "3": 300}, {"a": 450, "b": 450}
    by_line = [sides(moved, lines, {"1": 0.5, "2": 0.0, "3": 0.0}) for moved in (False, True)]
    by_camera = [sides(moved, cameras, {"a": 0.03, "b": 0.3}) for moved in (False, True)]
    line = explaining_slice("brightness", *by_line)
    camera = explaining_slice("brightness", *by_camera)
    assert line is not None and line.value == "1" and line.rows == pytest.approx(1 / 3, abs=0.01)
    assert line.share > 0.9  # two calm lines have noise, and noise explains nothing
    assert camera is None or camera.excess < line.excess
