"""Texts as counts: identical ones look identical, a new topic is seen and said, and nobody's name is kept."""

import numpy as np
import pytest

from console.analysis.columns.movers import said
from console.analysis.columns.texts import text_facets
from console.analysis.columns.vocabulary import FEWEST_TEXTS, words_of
from console.analysis.drift import drift
from console.model import ColumnProfile, Profile, Verdict

PARTS = {
    "billing": ("invoice", "amount", "paid", "twice", "refund", "card", "charged", "month", "money", "bank"),
    "delivery": ("parcel", "late", "courier", "address", "arrived", "tracking", "door", "week", "broken", "box"),
    "account": ("password", "login", "email", "reset", "link", "account", "locked", "code", "phone", "sign"),
    "thanks": ("thanks", "great", "service", "happy", "quick", "answer", "friendly", "team", "helped", "lot"),
}
NEW = ("robot", "gripper", "conveyor", "torque", "sensor", "axis", "firmware", "stuck", "alarm", "plant")
COMMON = ("the", "my", "is", "and", "was", "to", "it", "of", "for", "with", "you", "please", "not", "have")


def texts_of(rows: int, seed: int, new: float = 0.0, topics: tuple[str, ...] = tuple(PARTS)) -> list[str]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(rows):
        own = NEW if rng.random() < new else PARTS[topics[rng.integers(len(topics))]]
        size = int(rng.integers(6, 20))
        words = np.where(rng.random(size) < 0.5, rng.choice(own, size), rng.choice(COMMON, size))
        found.append(" ".join(words.tolist()))
    return found


def profile(texts: list[str], like: Profile | None = None) -> Profile:
    column = ColumnProfile("prompt", "text", "VARCHAR", len(texts))
    known = [one for one in like.columns if one.of] if like else ()
    return Profile((column, *text_facets("prompt", texts, ["en"] * len(texts), known)), len(texts))


@pytest.fixture(scope="module")
def baseline() -> Profile:
    return profile(texts_of(4000, seed=1))


def facet(of: Profile, side: str) -> ColumnProfile:
    found = of.column(f"prompt [{side}]")
    assert found is not None
    return found


def test_a_text_is_seen_from_six_sides_each_a_column_of_its_own(baseline: Profile) -> None:
    sides = [one.name for one in baseline.columns if one.of == "prompt"]
    assert sides == [
        "prompt [length]", "prompt [words]", "prompt [language]", "prompt [vocabulary]", "prompt [unseen words]",
        "prompt [topic]",
    ]  # fmt: skip


def test_every_facet_counts_each_text_at_most_once(baseline: Profile) -> None:
    now = profile(texts_of(500, seed=2), baseline)
    for one in now.columns[1:]:
        assert sum(one.counts) + one.missing == one.rows <= 500


def test_what_is_learned_is_counted_on_other_texts_than_taught_it(baseline: Profile) -> None:
    assert facet(baseline, "length").rows == 4000
    assert facet(baseline, "topic").rows == 2000


def test_the_same_texts_are_counted_the_same_in_the_baselines_bins(baseline: Profile) -> None:
    texts = texts_of(300, seed=3)
    assert profile(texts, baseline) == profile(texts, baseline)
    assert [one.name for one in profile(texts, baseline).columns] == [one.name for one in baseline.columns]
    for one in profile(texts, baseline).columns:
        known = baseline.column(one.name)
        assert known is not None
        assert (one.edges, one.categories, one.basis) == (known.edges, known.categories, known.basis)


def test_identical_texts_raise_nothing(baseline: Profile) -> None:
    verdicts = [
        drift(profile(texts_of(rows, seed), baseline), baseline).verdict
        for rows in (50, 400, 2000)
        for seed in range(10, 15)
    ]
    assert set(verdicts) == {Verdict.OK}


def test_a_new_topic_in_five_percent_of_the_texts_is_seen(baseline: Profile) -> None:
    found = drift(profile(texts_of(3000, seed=20, new=0.05), baseline), baseline)
    drifted = [one.name for one in found.columns if one.verdict is Verdict.DEGRADED]
    assert "prompt [unseen words]" in drifted
    assert "prompt" in drifted


def test_topics_that_change_their_shares_are_seen_and_said(baseline: Profile) -> None:
    now = profile(texts_of(1500, seed=21, topics=("billing", "billing", "delivery", "account")), baseline)
    found = drift(now, baseline)
    assert {one.name for one in found.columns if one.verdict is Verdict.DEGRADED} >= {
        "prompt [topic]", "prompt [vocabulary]"
    }  # fmt: skip
    more, fewer = said(facet(baseline, "topic"), facet(now, "topic")).split("; ")
    assert any(word in more for word in PARTS["billing"])
    assert any(word in fewer for word in PARTS["thanks"])


def test_what_did_not_change_for_sure_is_not_said(baseline: Profile) -> None:
    now = profile(texts_of(1000, seed=22), baseline)
    assert said(facet(baseline, "vocabulary"), facet(now, "vocabulary")) == ""


def test_a_length_at_which_texts_are_cut_is_named(baseline: Profile) -> None:
    now = profile([text[:60] for text in texts_of(1000, seed=23)], baseline)
    assert any("60" in issue.text for issue in drift(now, baseline).integrity if "[length]" in issue.text)


def test_a_new_language_is_named(baseline: Profile) -> None:
    texts = texts_of(600, seed=24)
    now = text_facets("prompt", texts, ["de"] * 60 + ["en"] * 540, [one for one in baseline.columns if one.of])
    found = drift(Profile((baseline.columns[0], *now), 600), baseline)
    assert any("'de'" in issue.text for issue in found.integrity)


def test_no_word_of_few_texts_and_nothing_with_a_digit_or_an_at_is_kept() -> None:
    texts = texts_of(2000, seed=5)
    for at in range(FEWEST_TEXTS - 1):
        texts[2 * at] += " Wilhelmine"
    texts = [f"{text} anna.berg@example.org a4711b 4111-1111 <anna@berg>" for text in texts]
    kept = " ".join(f"{one.basis} {one.categories} {one.heavy}" for one in profile(texts).columns[1:5])
    assert "wilhelmine" not in kept
    assert "anna" not in kept
    assert "4711" not in kept


def test_a_baseline_of_texts_stays_small(baseline: Profile) -> None:
    assert sum(len(repr(one)) for one in baseline.columns) < 100_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't panic, state-of-the-art!", {"don't", "panic", "state-of-the-art"}),
        ("см. счёт №42", {"см", "счёт"}),
        ("हिन्दी में", {"हिन्दी", "में"}),
        ("今天停了。", {"今天", "天停", "停了"}),
        ("x=1; http://a.b/c user_name 3rd", set()),
    ],
)
def test_words_in_every_script(text: str, words: set[str]) -> None:
    assert set(words_of([text]).names) == words


def test_texts_without_words_and_windows_without_texts_do_not_raise(baseline: Profile) -> None:
    known = [one for one in baseline.columns if one.of]
    for texts in ([], [""], ["", "12345", "\n\t"], ["\udce4 \x00"]):
        assert len(text_facets("prompt", texts, [], known)) == len(known)
        fresh = text_facets("prompt", texts, [])
        assert text_facets("prompt", ["and more of it"], ["en"], fresh)
