"""What is played for a score, what counts as right, and that nothing an episode does ends the others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from console.lab import scoring
from console.lab.builtin import andon_lab_faults
from console.lab.episode import EpisodeResult
from console.lab.leash import Leash
from console.lab.ranges import drawn, outer, redrawn
from console.lab.registry import Registry
from console.lab.score import summarise, wilson
from console.lab.scoring import Job, _Stage, pairs_of, planned
from console.model import Diagnosis, Verdict
from console.plugins import LabFault


def fault(name: str, place: str = "vision", **known: Any) -> LabFault:
    return (
        LabFault(name, name, lambda _plant, _parameters: None, lambda _plant: None, {"cause": name}, **known)
        if (place == "vision")
        else LabFault(
            name, name, lambda _plant, _parameters: None, lambda _plant: None, {"cause": name}, place=place, **known
        )
    )


FAULTS: Mapping[str, LabFault] = {
    each.name: each
    for each in (
        fault("one"),
        fault("two", excludes=("three",)),
        fault("three"),
        fault("hog", is_alone=True),
        fault("hot", "site"),
        fault("lost", "site"),
    )
}


# ── what is played ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_pairs_are_of_one_place_and_can_be_told_apart() -> None:
    pairs = {(one.name, two.name) for one, two in pairs_of(FAULTS)}
    assert pairs == {
        ("one", "two"),
        ("one", "three"),
        ("one", "hog"),
        ("two", "hog"),
        ("three", "hog"),
        ("hot", "lost"),
    }


def test_a_score_plays_every_fault_pairs_and_healthy_hours_of_every_place_with_its_own_seeds() -> None:
    jobs = planned(FAULTS, seeds=2, first_seed=40, healthy=4, compound=3)
    assert [job.seed for job in jobs if job.faults == ("hot",)] == [40, 41]
    assert sum(len(job.faults) == 2 for job in jobs) == 3
    assert [job.place for job in jobs if not job.faults] == ["site", "vision", "site", "vision"]
    later = [job.seed for job in jobs if len(job.faults) != 1]
    assert len(set(later)) == 7
    assert min(later) == 42
    assert all(job.is_alone == ("hog" in job.faults) for job in jobs)
    assert jobs == planned(FAULTS, seeds=2, first_seed=40, healthy=4, compound=3)


# ── ranges drawn anew ────────────────────────────────────────────────────────────────────────────────────────────────

RANGED = fault("ranged", ranges={f"p{n}": {"low": 0.2, "high": 0.6} for n in range(300)} | {"c": {"choices": ["a"]}})


def test_a_third_of_the_ranges_is_drawn_anew_and_again_from_the_same_seed() -> None:
    anew = redrawn(RANGED, 7)
    assert 70 <= len(anew) <= 130
    assert anew == redrawn(RANGED, 7) != redrawn(RANGED, 8)
    assert "c" not in anew
    assert all(0.1 <= span["low"] < span["high"] <= 0.7 for span in anew.values())
    assert len({span["low"] for span in anew.values()}) > 50


def test_a_range_of_whole_numbers_stays_whole_and_within_its_bounds() -> None:
    whole = fault("whole", ranges={f"n{n}": {"low": 4, "high": 8, "least": 4, "most": 10} for n in range(60)})
    for span in redrawn(whole, 3).values():
        assert isinstance(span["low"], int)
        assert 4 <= span["low"] <= span["high"] <= 10


def test_parameters_are_drawn_from_the_new_ranges() -> None:
    ranged = fault(
        "ranged",
        ranges={"share": {"low": 0.2, "high": 0.3, "least": 0.8, "most": 0.9}},
        draw=lambda rng: {"share": float(rng.uniform(0.2, 0.3)), "line": "line-1"},
    )
    seed = next(seed for seed in range(99) if redrawn(ranged, seed))
    parameters = drawn(ranged, np.random.default_rng(1), seed)
    assert parameters["share"] >= 0.8
    assert parameters["line"] == "line-1"
    assert drawn(ranged, np.random.default_rng(1))["share"] < 0.3


def test_the_bounds_of_every_manifest_hold_its_range() -> None:
    for each in andon_lab_faults():
        for name, span in each.ranges.items():
            if "low" in span:
                least, most = outer(span)
                assert least <= span["low"] < span["high"] <= most, f"{each.name}.{name}"


# ── what counts ──────────────────────────────────────────────────────────────────────────────────────────────────────

SAID = Diagnosis(Verdict.DEGRADED, 1, None, (), (), (), (), seconds=2.0)


def test_a_score_counts_what_was_never_noticed_as_wrong() -> None:
    results = [
        EpisodeResult(
            1, ("cpu_hog",), first=True, top2=True, top3=True, onset_error=-15.0, seconds=8.0, diagnosis=SAID
        ),
        EpisodeResult(2, ("cpu_hog",), top2=True, top3=True, onset_error=300.0, seconds=9.0),
        EpisodeResult(3, ("cpu_hog",), seconds=10.0),
        EpisodeResult(1001, seconds=10.0),
        EpisodeResult(1002, alarm=True, seconds=10.0),
    ]
    score = summarise(["cpu_hog"], results)
    (hog,) = score.faults
    assert (hog.runs, hog.first.count, hog.top3.count) == (3, 1, 2)
    assert (hog.onset_error_seconds, hog.onset_error_intervals, hog.seconds) == (15.0, 1.0, 9.0)
    assert (hog.triage_seconds, score.triage_seconds) == (2.0, 2.0)
    assert (score.healthy.runs, score.healthy.false_alarms.count) == (2, 1)


def test_of_two_faults_one_true_cause_among_the_first_two_is_right_and_both_are_told_beside_it() -> None:
    pair = ("a", "b")
    results = [
        EpisodeResult(1, pair, first=True, top2=True, top3=True, both=True),
        EpisodeResult(2, pair, top2=True, top3=True),
        EpisodeResult(3, pair, top3=True),
    ]
    compound = summarise(["a", "b"], results).compound
    assert (compound.runs, compound.first.count, compound.top2.count, compound.both_in_top3.count) == (3, 1, 2, 1)


@pytest.mark.parametrize(
    ("results", "passes"),
    [
        ([EpisodeResult(1, ("a",), first=True)] * 19 + [EpisodeResult(2, ("a",))], True),
        ([EpisodeResult(1, ("a",), first=True)] * 18 + [EpisodeResult(2, ("a",))] * 2, True),  # few runs refute little
        ([EpisodeResult(1, ("a",), first=True)] * 170 + [EpisodeResult(2, ("a",))] * 30, False),
        ([EpisodeResult(1, ("a", "b"), top2=True)] * 9 + [EpisodeResult(2, ("a", "b"))], True),
        ([EpisodeResult(1, ("a", "b"), top2=True)] * 5 + [EpisodeResult(2, ("a", "b"))] * 5, False),
        ([EpisodeResult(1), EpisodeResult(2, alarm=True)], False),
        ([EpisodeResult(1), EpisodeResult(2, trouble="its log ends: oh")], False),
    ],
)
def test_a_score_passes_unless_it_refutes_95_and_90_percent_or_there_is_an_alarm(
    results: list[EpisodeResult], passes: bool
) -> None:
    assert summarise(["a"], results).passes is passes


def test_wilsons_interval_is_the_published_one() -> None:
    rate = wilson(81, 263)  # Newcombe, Statistics in Medicine 17 (1998), table I
    assert (round(rate.low, 4), round(rate.high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 60).low == 0
    assert wilson(10, 10).high == 1


def test_an_episode_that_breaks_is_told_with_its_log_and_ends_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(leash: Leash, _module: str, folder: str, *_options: str) -> subprocess.Popen[bytes]:
        code = "import sys; print('the sky fell'); sys.exit(3)"
        if "good" in folder:
            code = f'open({str(Path(folder) / "result.json")!r}, \'w\').write(\'{{"seed": 2, "faults": ["good"]}}\')'
        with leash.log.open("wb") as log:
            process = subprocess.Popen([sys.executable, "-c", code], stdout=log, process_group=0)
        leash.processes.append(process)
        return process

    monkeypatch.setattr(scoring.Leash, "start", start)
    stage = _Stage(tmp_path, Registry(tmp_path / "models"), 1, None)
    results = list(stage.play([Job(("bad",), "vision", 1), Job(("good",), "vision", 2)], 2))
    assert {result.faults: bool(result.trouble) for result in results} == {("bad",): True, ("good",): False}
    (bad,) = [result for result in results if result.trouble]
    assert "the sky fell" in bad.line
