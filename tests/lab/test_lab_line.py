"""The whole line, scoring and the line that stands: a real daemon watches a real station."""

import os
import signal
import time
from pathlib import Path

import orjson
import psutil
import pytest

from console.config_file import load_config
from console.errors import UsageError
from console.lab import standing
from console.lab.episode import find_fault
from console.lab.golden import GOLDEN, golden
from console.lab.judging import is_expected, onset_error
from console.lab.line import config, opening, place_of
from console.lab.manifest import expected
from console.lab.registry import CURRENT, trained
from console.lab.traffic import WEEK
from console.model import Cause, ColumnDrift, Diagnosis, Finding, Move, SliceShare, Verdict
from console.service.client import Client


def test_a_line_of_one_seed_opens_at_one_working_hour() -> None:
    hours = {opening(seed) % 86400 // 3600 for seed in range(40)}
    assert opening(3) == opening(3)
    assert min(hours) >= 6
    assert max(hours) < 20
    assert len(hours) > 5
    assert all(opening(seed) % 15 == 0 for seed in range(40))


def test_the_configuration_is_one_that_andon_takes(tmp_path: Path) -> None:
    folder = tmp_path / 'a "folder"'
    (tmp_path / "config.toml").write_text(config(folder, place_of("vision")(folder, 1, opening(1)).config()))
    settings = load_config(tmp_path / "config.toml")
    assert settings.data == folder / "data"
    assert [source.name for source in settings.sources] == ["station", "predictions", "changes", "golden"]
    assert settings.interval == 0
    assert settings.clock == folder / "clock"


def test_golden_inputs_carry_the_healthy_answers() -> None:
    lines = [orjson.loads(line) for line in golden(trained()[CURRENT], seed=3, start=opening(3)).splitlines()]
    answers = [line["outputs"][0]["data"][0] for line in lines]
    assert len(lines) == GOLDEN >= 20
    assert min(answers) < 0.1 < 0.9 < max(answers)


# ── what counts as right ─────────────────────────────────────────────────────────────────────────────────────────────


def diagnosis(cause: str = "input_changed", feature: str = "glove_luma", value: str = "line-2") -> Diagnosis:
    drift = ColumnDrift(feature, Verdict.DEGRADED, "", onset=130.0, slice=SliceShare("line", value, 0.9))
    finding = Finding("F1", "drift", "world", "", Verdict.DEGRADED, onset=130.0, drift=drift)
    harm = Finding("F2", "comparison", "accuracy", "", Verdict.DEGRADED, onset=190.0)
    moves = (Move("moved", "strong", False, ("F1",)), Move("harm", "moderate", False, ("F2",)))
    named = Cause(cause, "accuracy_drop", "", "glove", 30.0, 0.97, ("F2", "F1"), (), moves)
    return Diagnosis(Verdict.DEGRADED, 1, None, (named,), (harm, finding), (), ())


GLOVES = {
    "playbook": "accuracy_drop",
    "cause": "input_changed",
    "subject": "glove",
    "feature": "glove_luma",
    "slice": "line-2",
}


@pytest.mark.parametrize(
    ("said", "right"),
    [
        (diagnosis(), True),
        (diagnosis(cause="model_changed"), False),
        (diagnosis(feature="brightness"), False),
        (diagnosis(value="line-1"), False),
    ],
)
def test_only_the_expected_cause_with_its_feature_and_slice_is_right(said: Diagnosis, right: bool) -> None:
    assert is_expected(said.causes[0], said, GLOVES) is right


def test_the_onset_is_judged_by_the_first_causes_strongest_evidence() -> None:
    assert onset_error(diagnosis(), injected=100.0) == 30.0


def test_expectations_name_the_parameters_drawn() -> None:
    fault = find_fault("black_gloves")
    assert expected(fault.expect, {"line": "line-3"})["slice"] == "line-3"


def test_an_unknown_fault_is_a_usage_error_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as error:
        find_fault("gremlins")
    assert "cpu_hog" in error.value.hint


# ── the line that stands ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_standing_line_has_a_past_is_broken_and_healed_and_ends_whole(tmp_path: Path) -> None:
    folder = tmp_path / "stands"
    with pytest.raises(UsageError):
        standing.heal(folder)
    up = standing.up(folder, seed=3, speed=150)
    try:
        assert folder.stat().st_mode & 0o077 == 0
        client = Client(up.data)
        assert {source["name"]: source["state"] for source in client.request("status")["sources"]}["station"] == "ok"
        for end in (up.now - 4 * WEEK, up.now - WEEK, up.now - 300):
            (rate,) = client.request("curve", signal="model.requests", start=end - 300, end=end, steps=1)["current"]
            assert rate * 300 > 100, end
        with pytest.raises(UsageError):
            standing.up(folder)
        broken = standing.inject(folder, "black_gloves", {"line": "line-3"})
        assert (broken.fault, broken.expect["slice"]) == ("black_gloves", "line-3")
        with pytest.raises(UsageError, match="no parameter"):
            standing.inject(folder, "black_gloves", {"colour": "black"})
        with pytest.raises(UsageError, match="no fault"):
            standing.inject(folder, "gremlins")
        assert standing.heal(folder).fault is None
        family = psutil.Process(up.process).children(recursive=True)
        assert len(family) >= 3
    finally:
        standing.down(folder)
    assert standing.look(folder) is None
    assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_a_standing_line_that_is_killed_takes_everything_along(tmp_path: Path) -> None:
    up = standing.up(tmp_path / "stands", seed=3, speed=150)
    family = psutil.Process(up.process).children(recursive=True)
    os.kill(up.process, signal.SIGKILL)
    _gone, alive = psutil.wait_procs(family, timeout=8)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    deadline = time.monotonic() + 2
    while standing.look(tmp_path / "stands") is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
