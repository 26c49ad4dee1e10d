"""Performance from counts: numbers that row-wise computation gives too, laws of merging, and what it must not say."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from answers import SCORES, of_classes, of_numbers, of_scores, record
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from console.analysis.answers.dispersion import dispersion
from console.analysis.answers.metrics import readings, wilson
from console.analysis.answers.outcomes import (
    added,
    answered,
    carried_over,
    confusion,
    labelled,
    merged,
    shape,
    table_of,
    waiting,
)
from console.analysis.performance import performance
from console.model import Grid, Metric, Outcomes, Performance, Record, StepOutcomes, Verdict
from console.wire import dump, load

BINARY = Grid("classes", ("0", "1"))
PETS = Grid("classes", ("cat", "dog", "owl"))
NUMBERS = Grid("numbers", (), (20.0, 40.0, 60.0, 80.0), centre=50.0)
MOON = 1_700_000_000.0


def scored(n: int, seed: int, *, flip: float = 0.0, harder: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated scores and their labels, some of which are flipped; `harder` below 1: less sure ones."""
    rng = np.random.default_rng(seed)
    score = np.round(1 / (1 + np.exp(-rng.normal(0, 2 * harder, n))), 6)
    label = (rng.random(n) < score).astype(float)
    return score, np.where(rng.random(n) < flip, 1 - label, label)


def binary(n: int, seed: int, *, right: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.3).astype(int)
    said = np.where(rng.random(n) < right, truth, 1 - truth)
    return said.astype(str), truth.astype(str)


def metric(found: Performance, name: str, of: str = "") -> Metric:
    return next(one for one in found.metrics if (one.name, one.of) == (name, of))


def of_binary(n: int, seed: int, *, right: float = 0.9) -> Outcomes:
    return of_classes(*binary(n, seed, right=right), BINARY)


# ── the numbers are those of the rows ────────────────────────────────────────────────────────────────────────────────


def test_metrics_of_scores_are_those_of_the_rows():
    score, label = scored(4000, 1)
    score = np.round(score * 200) / 200  # bins part all values that there are
    found = readings(of_scores(score, label))
    says = score >= 0.5
    tp, fp, fn = (np.sum(says & (label == 1)), np.sum(says & (label == 0)), np.sum(~says & (label == 1)))
    assert found["accuracy", ""].value == pytest.approx(np.mean(says == label))
    assert found["precision", ""].value == pytest.approx(tp / (tp + fp))
    assert found["recall", ""].value == pytest.approx(tp / (tp + fn))
    assert found["f1", ""].value == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert found["brier", ""].value == pytest.approx(np.mean((score - label) ** 2))
    ranks = stats.mannwhitneyu(score[label == 1], score[label == 0])
    assert found["auroc", ""].value == pytest.approx(ranks.statistic / (label.sum() * (1 - label).sum()))


def test_auroc_of_fine_scores_in_bins_is_near_that_of_the_rows():
    score, label = scored(4000, 2)
    exact = stats.mannwhitneyu(score[label == 1], score[label == 0]).statistic / (label.sum() * (1 - label).sum())
    assert readings(of_scores(score, label))["auroc", ""].value == pytest.approx(exact, abs=0.0005)


def test_auroc_has_delongs_error():
    score, label = scored(600, 3)
    score = np.round(score * 200) / 200
    positives, negatives = score[label == 1], score[label == 0]
    beats = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    variance = np.var(beats.mean(axis=1), ddof=1) / positives.size + np.var(beats.mean(axis=0), ddof=1) / negatives.size
    found = readings(of_scores(score, label))["auroc", ""]
    low, high = found.limits(0.1)  # near the value Wilson's limits are its standard error
    assert (high - low) / 0.2 == pytest.approx(math.sqrt(variance), rel=0.01)


def test_metrics_of_classes_are_those_of_the_rows():
    rng = np.random.default_rng(4)
    truth = rng.choice(["cat", "dog", "owl", "elk"], 3000, p=[0.5, 0.3, 0.15, 0.05])
    said = np.where(rng.random(3000) < 0.8, truth, rng.choice(["cat", "dog", "owl", "elk", "emu"], 3000))
    found = readings(of_classes(said, truth, PETS))
    assert found["accuracy", ""].value == pytest.approx(np.mean(said == truth))
    f1 = []
    for pet in PETS.classes:
        hits = np.sum((said == pet) & (truth == pet))
        assert found["precision", pet].value == pytest.approx(hits / np.sum(said == pet))
        assert found["recall", pet].value == pytest.approx(hits / np.sum(truth == pet))
        f1.append(2 * hits / (np.sum(said == pet) + np.sum(truth == pet)))
    assert found["f1", ""].value == pytest.approx(np.mean(f1))


def test_macro_f1_has_the_error_that_resampled_rows_have():
    rng = np.random.default_rng(5)
    truth = rng.choice(["cat", "dog", "owl"], 800, p=[0.5, 0.3, 0.2])
    said = np.where(rng.random(800) < 0.8, truth, rng.choice(["cat", "dog", "owl"], 800))
    drawn = []
    for _ in range(300):
        rows = rng.integers(0, 800, 800)
        drawn.append(readings(of_classes(said[rows], truth[rows], PETS))["f1", ""].value)
    low, high = readings(of_classes(said, truth, PETS))["f1", ""].limits(0.1)
    assert (high - low) / 0.2 == pytest.approx(np.std(drawn), rel=0.12)


def test_metrics_of_numbers_are_those_of_the_rows():
    rng = np.random.default_rng(6)
    label = rng.normal(50, 15, 2000)
    answer = label + rng.normal(-1, 4, 2000)
    found = readings(of_numbers(answer, label, NUMBERS))
    error = answer - label
    assert found["mae", ""].value == pytest.approx(np.abs(error).mean())
    assert found["rmse", ""].value == pytest.approx(math.sqrt(np.mean(error**2)))
    assert found["bias", ""].value == pytest.approx(abs(error.mean())) and found["bias", ""].side == "answers too low"
    assert found["r2", ""].value == pytest.approx(1 - np.mean(error**2) / np.var(label))
    drawn = np.array([
        [one["r2", ""].value, one["rmse", ""].value]
        for rows in rng.integers(0, 2000, (200, 2000))
        for one in [readings(of_numbers(answer[rows], label[rows], NUMBERS))]
    ])  # fmt: skip
    for name, spread in zip(("r2", "rmse"), drawn.std(axis=0), strict=True):
        low, high = found[name, ""].limits(0.1)
        assert (high - low) / 0.2 == pytest.approx(spread, rel=0.2)


@given(st.integers(0, 300), st.integers(1, 300))
def test_wilsons_limits_are_scipys(part, more):
    whole = part + more
    expected = stats.binomtest(part, whole).proportion_ci(method="wilson")
    assert wilson(part / whole, whole, stats.norm.isf(0.025)) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_a_calibrated_model_has_no_calibration_error_and_one_that_is_too_sure_has():
    score, label = scored(20_000, 7)
    found = readings(of_scores(score, label))["calibration", ""]
    assert found.value < 0.02 and found.limits(1.96)[0] == 0
    sure = np.clip(0.5 + 1.5 * (score - 0.5), 0, 1)
    told = readings(of_scores(sure, label))["calibration", ""]
    group = np.minimum((sure * 15).astype(int), 14)
    by_group = [(np.mean(group == at), sure[group == at].mean() - label[group == at].mean()) for at in range(15)]
    assert told.value == pytest.approx(math.sqrt(sum(share * off**2 for share, off in by_group)), abs=0.01)
    assert told.limits(1.96)[0] > 0.05


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.permutations(range(5)), st.sampled_from(["scores", "classes", "numbers"]))
def test_shards_merged_in_any_order_are_all_rows_at_once(order, task):
    score, label = scored(500, 8)
    label[::7] = np.nan
    words = np.array(PETS.classes)

    def count(rows: slice) -> Outcomes:
        match task:
            case "scores":
                return of_scores(score[rows], label[rows])
            case "numbers":
                return of_numbers(100 * score[rows], 100 * label[rows], NUMBERS)
            case _:
                truth = np.where(np.isnan(label), "", words[np.nan_to_num(label).astype(int)])
                return of_classes(words[(3 * score).astype(int)][rows], truth[rows], PETS)

    def shard(at: int) -> Record:
        rows = slice(100 * at, 100 * at + 100)
        return record(count(rows), {"site": {f"s{at % 2}": count(rows)}}, {MOON + at // 2: count(rows)}, 1.0)

    together = merged([shard(at) for at in order])
    np.testing.assert_allclose(table_of(together.whole), table_of(count(slice(None))), rtol=1e-9)
    assert together.whole.rows == 500 and len(together.segments) == 2
    assert [one.start for one in together.steps] == [MOON, MOON + 1, MOON + 2]
    even = next(one.outcomes for one in together.segments if one.value == "s0")
    np.testing.assert_allclose(table_of(even), sum(table_of(shard(at).whole) for at in (0, 2, 4)))


def test_what_was_counted_by_other_grids_does_not_add_up():
    a, b = of_binary(100, 1), of_classes(*binary(100, 2), Grid("classes", ("1", "0")))
    with pytest.raises(ValueError, match="other grids"):
        added([a, b])
    with pytest.raises(ValueError, match="nothing"):
        merged([])
    with pytest.raises(ValueError, match="grid"):
        performance(record(a), record(b))
    with pytest.raises(ValueError, match="lengths"):
        merged([record(a, step=1.0), record(a, step=2.0)])


def test_naming_the_classes_the_other_way_round_swaps_their_metrics_and_changes_no_verdict():
    other = {"cat": "dog", "dog": "cat", "owl": "owl"}
    swap = np.vectorize(other.get)

    def drawn(n: int, seed: int, right: float) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        truth = rng.choice(PETS.classes, n, p=[0.6, 0.3, 0.1])
        return np.where(rng.random(n) < right, truth, rng.choice(PETS.classes, n)), truth

    before, now = drawn(4000, 9, 0.9), drawn(2000, 10, 0.85)
    found = performance(record(of_classes(*now, PETS)), record(of_classes(*before, PETS)))
    swapped = performance(
        record(of_classes(*map(swap, now), PETS)), record(of_classes(*map(swap, before), PETS))
    )  # fmt: skip
    assert swapped.verdict is found.verdict
    for one in found.metrics:
        assert metric(swapped, one.name, other.get(one.of, "")).difference == pytest.approx(one.difference)


def test_swapping_the_windows_turns_a_loss_into_a_gain():
    before, now = record(of_binary(4000, 11)), record(of_binary(4000, 12, right=0.8))
    there, back = performance(now, before), performance(before, now)
    assert (there.verdict, back.verdict) == (Verdict.DEGRADED, Verdict.IMPROVED)
    for one in there.metrics:
        assert metric(back, one.name).interval == pytest.approx((-one.interval[1], -one.interval[0]))


def test_carrying_labels_over_to_the_rows_they_came_from_changes_nothing():
    outcomes = of_scores(*scored(3000, 13))
    np.testing.assert_allclose(table_of(carried_over(outcomes, answered(outcomes))), table_of(outcomes))


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unchanged_model_raises_no_alarm():
    found = [
        performance(record(of_binary(size, 2 * seed)), record(of_binary(5000, 2 * seed + 1)))
        for size in (100, 500, 2000)
        for seed in range(60)
    ]
    assert sum(one.verdict is Verdict.DEGRADED for one in found) <= 3


def test_five_points_of_accuracy_are_seen_with_two_thousand_labels():
    found = [
        performance(record(of_binary(2000, 2 * seed, right=0.85)), record(of_binary(5000, 2 * seed + 1)))
        for seed in range(40)
    ]
    assert sum(one.verdict is Verdict.DEGRADED for one in found) >= 37
    assert all(one.is_worse for one in found if one.verdict is Verdict.DEGRADED)


def test_a_loss_reads_as_a_person_would_say_it():
    found = performance(record(of_binary(2000, 1, right=0.75)), record(of_binary(5000, 2)))
    accuracy = metric(found, "accuracy")
    assert accuracy.text.startswith("accuracy .90 → .75 (−.15, −.17 … −.13)")
    assert found.reason == found.metrics[0].text and found.metrics[0].verdict is Verdict.DEGRADED
    assert dump(found)["task"] == "classes" and load(Performance, dump(found)) == found


def test_few_labels_are_no_good_news():
    found = performance(record(of_binary(20, 1)), record(of_binary(5000, 2)))
    assert found.verdict is Verdict.NO_DATA and found.reason.startswith("too few")
    assert found.is_worse is None
    vague = performance(record(of_binary(150, 1)), record(of_binary(5000, 2)))
    assert vague.verdict is Verdict.INCONCLUSIVE and "too few rows to rule out a loss" in vague.reason


def test_no_rows_at_all_say_nothing():
    empty = of_classes(np.array([]), np.array([]), BINARY)
    for now, before in ((empty, of_binary(500, 1)), (of_binary(500, 1), empty), (empty, empty)):
        found = performance(record(now), record(before))
        assert found.verdict is Verdict.NO_DATA and found.reason.startswith("absent")


def test_a_perfect_model_that_stays_perfect_is_ok():
    truth = np.array(["0", "1"] * 500)
    assert performance(record(of_classes(truth, truth, BINARY)), record(of_classes(truth, truth, BINARY))).verdict is (
        Verdict.OK
    )
    label = np.linspace(0, 100, 1000)
    exact = record(of_numbers(label, label, NUMBERS))
    assert performance(exact, exact).verdict is Verdict.OK
    assert performance(record(of_numbers(label + 5, label, NUMBERS)), exact).verdict is Verdict.DEGRADED


def test_numbers_that_are_further_off_and_on_which_side():
    rng = np.random.default_rng(14)
    label = rng.normal(50, 15, 6000)
    answer = label + rng.normal(0, 4, 6000)
    before = record(of_numbers(answer[:4000], label[:4000], NUMBERS))
    found = performance(record(of_numbers(answer[4000:] - 3, label[4000:], NUMBERS)), before)
    assert found.verdict is Verdict.DEGRADED
    assert metric(found, "bias").text.endswith("answers too low")
    assert metric(found, "bias").verdict is metric(found, "mae").verdict is Verdict.DEGRADED


def test_a_model_that_knows_the_order_and_says_the_wrong_odds_has_lost_its_calibration_alone():
    score, label = scored(4000, 15)
    found = performance(record(of_scores(score**2, label)), record(of_scores(*scored(4000, 16))))
    assert metric(found, "calibration").verdict is Verdict.DEGRADED
    assert metric(found, "auroc").verdict is not Verdict.DEGRADED


def test_it_is_told_whether_the_same_answers_are_wrong_more_often_or_others_are_given():
    before = record(of_scores(*scored(8000, 31)))
    concept = performance(record(of_scores(*scored(3000, 32, flip=0.15))), before)
    harder = performance(record(of_scores(*scored(3000, 33, harder=0.5))), before)
    assert concept.verdict is harder.verdict is Verdict.DEGRADED
    assert any("what is right changed" in note for note in concept.notes)
    assert any("which answers are given" in note for note in harder.notes)


@given(st.data())
def test_no_table_however_odd_breaks_the_judging(data):
    grid = data.draw(st.sampled_from([Grid("scores", ("0", "1"), (0.5,)), BINARY, PETS, Grid("numbers", (), (1.0,))]))
    strata, cells = shape(grid)
    count = st.integers(0, data.draw(st.sampled_from([1, 40, 10_000])))

    def drawn() -> Outcomes:
        table = np.array([[data.draw(count) for _ in range(cells)] for _ in range(strata)], dtype=float)
        if grid.task == "scores":
            table[:, 2] = table[:, [0, 1, 3]].sum(axis=1) * data.draw(st.floats(0, 1))
        if grid.task == "numbers":
            answers = np.repeat([0.5, 1.5], np.minimum(table[:, 0], 50).astype(int))
            return of_numbers(answers, answers + data.draw(st.sampled_from([0.0, 3.0, np.nan])), grid)
        return Outcomes(grid, int(table.sum()), tuple(map(tuple, table.tolist())))

    parts = {name: drawn() for name in "ab"}
    before = record(drawn(), {"site": parts}, {0.0: parts["a"]}, 60.0)
    found = performance(record(drawn(), {"site": {name: drawn() for name in "ab"}}, {0.0: drawn()}, 60.0), before)
    assert load(Performance, dump(found)) == found
    everything = [*found.metrics, *found.estimated, *(one for part in found.segments for one in part.metrics)]
    for one in [*everything, *(part.metric for part in found.disparities)]:
        assert one.interval is None or one.interval[0] <= one.difference <= one.interval[1]
        assert one.p is None or 0 <= one.p <= 1


# ── segments ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def by_site(right: dict[str, float], seed: int, n: int = 1500) -> Record:
    parts = {site: of_binary(n, seed + at, right=one) for at, (site, one) in enumerate(right.items())}
    return record(added(list(parts.values())), {"site": parts})


def test_one_segment_that_got_worse_is_named_and_its_gap_too():
    usual = dict.fromkeys(["north", "south", "east", "west"], 0.9)
    found = performance(by_site(usual | {"east": 0.7}, 100), by_site(usual, 200))
    assert found.verdict is Verdict.DEGRADED
    assert (found.segments[0].value, found.segments[0].verdict) == ("east", Verdict.DEGRADED)
    assert [one.verdict for one in found.segments[1:]].count(Verdict.DEGRADED) == 0
    assert found.disparities[0].value == "east"
    assert {one.metric.name for one in found.disparities if one.metric.verdict is Verdict.DEGRADED} >= {"recall"}
    recall = next(one.metric for one in found.disparities if (one.value, one.metric.name) == ("east", "recall"))
    assert recall.text.startswith("gap of recall to the others ") and recall.text.endswith("below them")


def test_the_others_are_not_blamed_for_lying_above_one_that_fell():
    usual = dict.fromkeys(["north", "south", "east"], 0.9)
    found = performance(by_site(usual | {"east": 0.6}, 100), by_site(usual, 200))
    assert {one.value for one in found.disparities if one.metric.verdict is Verdict.DEGRADED} == {"east"}
    assert found.disparities[0].name == "site=east"


def test_a_gap_that_was_there_before_is_no_news():
    unfair = {"north": 0.95, "south": 0.8, "east": 0.95}
    found = performance(by_site(unfair, 300), by_site(unfair, 400))
    assert found.verdict is Verdict.OK
    assert not [one for one in found.disparities if one.metric.verdict is Verdict.DEGRADED]


def test_a_gap_between_two_values_is_asked_once():
    found = performance(by_site({"a": 0.9, "b": 0.9}, 1), by_site({"a": 0.9, "b": 0.9}, 2))
    assert {one.value for one in found.disparities} == {"a"}


def test_segments_of_few_rows_say_so():
    small = record(of_binary(2000, 1), {"site": {"kiosk": of_binary(10, 2), "hall": of_binary(1990, 3)}})
    found = performance(small, small)
    kiosk = next(one for one in found.segments if one.value == "kiosk")
    assert kiosk.verdict is Verdict.NO_DATA and kiosk.metrics[0].reason.startswith("too few")
    assert found.verdict is Verdict.OK


# ── labels that come late ────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_without_a_label_are_not_wrong_answers():
    score, label = scored(4000, 17)
    label[np.random.default_rng(0).random(4000) < 0.6] = np.nan
    outcomes = of_scores(score, label)
    assert labelled(outcomes).sum() + waiting(outcomes).sum() == 4000
    found = performance(record(outcomes), record(of_scores(*scored(5000, 18))))
    assert found.verdict is Verdict.OK
    assert found.labelling.labelled == (5000, int((~np.isnan(label)).sum())) and not found.labelling.is_selective
    assert found.labelling.text in found.notes and not found.as_labelled


def test_labels_that_come_for_other_rows_first_do_not_mislead():
    score, label = scored(6000, 19)
    late = np.random.default_rng(1).random(6000) < score  # what looks like a positive waits longer
    found = performance(record(of_scores(score, np.where(late, np.nan, label))), record(of_scores(*scored(5000, 20))))
    assert found.labelling.is_selective and "other rows" in found.labelling.text
    assert found.verdict is not Verdict.DEGRADED
    true_recall = np.mean(score[label == 1] >= 0.5)
    low, high = metric(found, "recall").current_interval
    assert low <= true_recall <= high
    as_labelled = next(one for one in found.as_labelled if one.name == "recall")
    assert as_labelled.verdict is Verdict.DEGRADED and as_labelled.current < true_recall - 0.2


# ── no labels ────────────────────────────────────────────────────────────────────────────────────────────────────────


def unlabelled(score: np.ndarray, _label: np.ndarray) -> Outcomes:
    return of_scores(score, np.full(score.size, np.nan))


def test_an_estimate_sees_harder_rows_and_raises_doubt():
    score, label = scored(4000, 21, harder=0.4)
    found = performance(record(unlabelled(score, label)), record(of_scores(*scored(8000, 22))))
    accuracy = next(one for one in found.estimated if one.name == "accuracy")
    assert accuracy.current == pytest.approx(np.mean((score >= 0.5) == label), abs=0.03)
    assert found.verdict is Verdict.INCONCLUSIVE and accuracy.verdict is Verdict.INCONCLUSIVE
    assert "concept drift" in found.reason and "estimated" in found.reason


def test_an_estimate_is_blind_to_concept_drift_says_so_and_never_clears():
    score, label = scored(4000, 23)
    found = performance(record(unlabelled(score, 1 - label)), record(of_scores(*scored(8000, 24))))
    accuracy = next(one for one in found.estimated if one.name == "accuracy")
    assert accuracy.current > 0.7 > np.mean((score >= 0.5) == 1 - label)
    assert found.verdict is Verdict.NO_DATA and found.reason.startswith("absent")
    for one in found.estimated:
        assert one.verdict in (Verdict.NO_DATA, Verdict.INCONCLUSIVE)
        assert "concept drift" in one.text
    assert any("concept drift" in note for note in found.notes)


def test_an_estimate_is_within_its_interval():
    inside = 0
    for seed in range(12):
        score, label = scored(1500, 1000 + seed, harder=0.6)
        found = performance(record(unlabelled(score, label)), record(of_scores(*scored(3000, 2000 + seed))))
        low, high = next(one.current_interval for one in found.estimated if one.name == "accuracy")
        inside += low <= np.mean(np.maximum(score, 1 - score)) <= high  # what calibrated scores are right on average
    assert inside >= 10


def test_answers_where_the_baseline_has_no_label_are_said():
    score, label = scored(4000, 25)
    narrow = (score > 0.3) & (score < 0.7)
    before = of_scores(score[narrow], label[narrow])
    found = performance(record(unlabelled(*scored(2000, 26))), record(before))
    assert any("where the baseline has no label" in note for note in found.notes)


def test_classes_are_estimated_by_what_each_answer_was_worth():
    rng = np.random.default_rng(27)
    truth = rng.choice(PETS.classes, 8000)
    said = np.where((truth == "owl") & (rng.random(8000) < 0.5), "dog", truth)
    now = np.where(rng.random(3000) < 0.8, "dog", "cat")
    found = performance(
        record(of_classes(now, np.array([""] * 3000), PETS)), record(of_classes(said, truth, PETS))
    )  # fmt: skip
    worth = np.mean(truth[said == "dog"] == "dog")
    accuracy = next(one for one in found.estimated if one.name == "accuracy")
    assert accuracy.current == pytest.approx(0.8 * worth + 0.2, abs=0.02)
    assert found.verdict is Verdict.INCONCLUSIVE


def test_nothing_is_estimated_for_numbers():
    rng = np.random.default_rng(28)
    answer = rng.normal(50, 15, 2000)
    late = of_numbers(answer, np.full(2000, np.nan), NUMBERS)
    found = performance(record(late), record(of_numbers(answer, answer + 1, NUMBERS)))
    assert found.verdict is Verdict.NO_DATA and not found.estimated
    assert any("nothing honest" in note for note in found.notes)


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def in_steps(rights: list[float], seed: int, n: int = 100) -> Record:
    steps = {MOON + 60.0 * at: of_binary(n, seed + at, right=one) for at, one in enumerate(rights)}
    return record(added(list(steps.values())), None, steps, 60.0)


def test_the_step_since_when_fewer_answers_are_right():
    found = performance(in_steps([0.9] * 25 + [0.7] * 15, 500), in_steps([0.9] * 60, 600))
    assert found.verdict is Verdict.DEGRADED
    assert found.onset == pytest.approx(MOON + 25 * 60, abs=60)


def test_without_a_loss_there_is_no_onset():
    assert performance(in_steps([0.9] * 30, 700), in_steps([0.9] * 60, 800)).onset is None


def test_a_baseline_that_wanders_is_not_taken_for_a_still_one():
    rng = np.random.default_rng(29)
    wandering = np.clip(0.85 + np.repeat(rng.normal(0, 0.06, 20), 10), 0, 1).tolist()
    still, moving = in_steps([0.85] * 200, 900), in_steps(wandering, 1200)
    assert dispersion(still.steps) == 1.0
    assert dispersion(moving.steps) > 3
    now = in_steps([0.81] * 20, 1500)
    assert performance(now, still).verdict is Verdict.DEGRADED
    assert performance(now, moving).verdict is not Verdict.DEGRADED


def test_few_steps_show_no_dispersion():
    assert dispersion([StepOutcomes(MOON + at, of_binary(100, at, right=0.5 + 0.1 * at)) for at in range(4)]) == 1.0
    assert dispersion([]) == 1.0


def test_a_confusion_of_two_classes_is_that_of_the_rows():
    said, truth = binary(1000, 30)
    table = confusion(of_classes(said, truth, BINARY))
    for (at, one), (to, other) in itertools.product(enumerate("01"), repeat=2):
        assert table[at, to] == np.sum((said == one) & (truth == other))


def test_scores_at_the_threshold_say_the_positive_class():
    outcomes = of_scores(np.array([0.499, 0.5, 0.501]), np.array([1.0, 1.0, 1.0]))
    np.testing.assert_array_equal(confusion(outcomes), [[0, 1], [0, 2]])
    assert SCORES.positive == "1"
