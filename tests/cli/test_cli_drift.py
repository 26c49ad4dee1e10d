"""`andon drift`: from two files to an answer, as a person types it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from console.cli import run
from console.cli.shapes import shape_schema
from console.errors import Exit

START = 1_780_000_000.0
MINUTE = 60.0
Capture = pytest.CaptureFixture[str]


def write(path: Path, rows: int, *, start: float = START, seed: int = 0, **changes: Any) -> str:
    """A CSV of one row a minute: a region, an age, an income."""
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "ts": start + MINUTE * np.arange(rows),
        "region": random.choice(["eu", "us", "asia"], rows),
        "age": random.normal(40, 10, rows).round(3),
        "income": random.lognormal(10, 0.5, rows).round(1),
    }
    for name, change in changes.items():
        columns[name] = change(columns)
    columns = {name: values for name, values in columns.items() if values is not None}
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def answered(columns: Mapping[str, Any]) -> Any:
    """What a model that looks at the age says: surer the older."""
    return (1 / (1 + np.exp(-(columns["age"] - 40) / 5))).round(4)


def true_answers(columns: Mapping[str, Any]) -> Any:
    return (columns["age"] > 40).astype(int)


def swapped_answers(columns: Mapping[str, Any]) -> Any:
    """What is right in Europe is the opposite now: no input shows it."""
    return np.where(columns["region"] == "eu", 1 - true_answers(columns), true_answers(columns))


def older_in_europe(columns: Mapping[str, Any]) -> Any:
    return np.where(columns["region"] == "eu", columns["age"] + 25, columns["age"])


@pytest.fixture
def baseline(tmp_path: Path) -> str:
    return write(tmp_path / "baseline.csv", 12_000)


LATER = START + 12_000 * MINUTE


def answer(capsys: Capture, *arguments: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = run([*arguments, "--format", "json"])
    captured = capsys.readouterr()
    assert captured.out, captured.err
    return code, json.loads(captured.out)


def test_the_same_world_is_healthy(baseline: str, tmp_path: Path, capsys: Capture) -> None:
    now = write(tmp_path / "now.csv", 2_000, start=LATER, seed=1)
    code, report = answer(capsys, "drift", baseline, now, "--time", "ts")
    jsonschema.validate(report, shape_schema("drift"))
    assert code == Exit.HEALTHY
    assert report["verdict"] == "ok"
    assert report["rows"] == [12_000, 2_000]
    assert report["windows"][1]["start"] == LATER


def test_what_moved_is_named_with_its_onset_its_slice_and_its_usual_wobble(
    baseline: str, tmp_path: Path, capsys: Capture
) -> None:
    onset = LATER + 1_000 * MINUTE
    now = write(tmp_path / "now.csv", 2_000, start=LATER, seed=1,
                age=lambda at: np.where(at["ts"] >= onset, older_in_europe(at), at["age"]))  # fmt: skip
    code, report = answer(capsys, "drift", baseline, now, "--time", "ts", "--segment", "region")
    jsonschema.validate(report, shape_schema("drift"))
    assert code == Exit.PROBLEM
    first = report["columns"][0]
    assert (first["name"], first["verdict"], first["line"]) == ("age", "degraded", "step")
    assert first["slice"]["value"] == "eu"
    assert abs(first["onset"] - onset) <= 60 * MINUTE
    assert first["wobble"] is not None
    assert report["world_or_model"]["verdict"] == "world"
    assert [one["verdict"] for one in report["columns"][1:]] == ["ok", "ok"]


def test_a_person_reads_the_answer_first_and_sees_both_distributions(
    baseline: str, tmp_path: Path, capsys: Capture
) -> None:
    now = write(tmp_path / "now.csv", 2_000, start=LATER, seed=1, age=older_in_europe, ts=lambda _at: None)
    before = write(tmp_path / "before.csv", 4_000, ts=lambda _at: None)
    assert run(["drift", before, now]) == Exit.PROBLEM
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("▲ degraded   1 of")
    picture = next(line for line in shown if line.startswith("  ▲ age"))
    assert "→" in picture and "█" in picture
    assert any("PSI" in line and "Wasserstein" in line for line in shown)
    assert shown[-1].endswith("wobble by themselves.")


def test_a_dropped_segment_is_a_finding_and_splits_nothing(baseline: str, tmp_path: Path, capsys: Capture) -> None:
    now = write(tmp_path / "now.csv", 2_000, start=LATER, seed=1, region=lambda _at: None)
    code, report = answer(capsys, "drift", baseline, now, "--segment", "region")
    assert code == Exit.PROBLEM
    assert ("schema", "region") in {(issue["check"], issue["column"]) for issue in report["integrity"]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--segment", "regon"], "did you mean 'region'?"),
        (["--time", "when"], "has no column 'when'"),
        (["--target", "truth"], "has no column 'truth'"),
    ],
)
def test_a_column_that_is_not_there_is_a_usage_error(
    baseline: str, capsys: Capture, arguments: list[str], said: str
) -> None:
    assert run(["drift", baseline, baseline, *arguments]) == Exit.USAGE
    assert said in capsys.readouterr().err


def test_files_that_are_not_there_or_hold_nothing_end_in_words(baseline: str, tmp_path: Path, capsys: Capture) -> None:
    assert run(["drift", baseline, str(tmp_path / "gone.csv")]) == Exit.USAGE
    assert "there is no file" in capsys.readouterr().err
    (tmp_path / "empty.csv").write_text("ts,region,age,income\n")
    assert run(["drift", str(tmp_path / "empty.csv"), baseline]) == Exit.INCONCLUSIVE
    assert "the baseline has no row" in capsys.readouterr().err
    assert run(["drift", baseline, str(tmp_path / "empty.csv")]) == Exit.PROBLEM
    shown = capsys.readouterr().out
    assert "no rows at all" in shown and "There is no row now" in shown and "as before" not in shown
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 it is not")
    assert run(["drift", baseline, str(tmp_path / "broken.parquet")]) == Exit.UNREACHABLE


def test_pinned_rows_stand_in_for_their_files_and_days_are_added(
    baseline: str, tmp_path: Path, capsys: Capture
) -> None:
    house = ["--data", str(tmp_path / "data")]
    more = write(tmp_path / "more.csv", 3_000, start=LATER, seed=2)
    now = write(tmp_path / "now.csv", 2_000, start=LATER, seed=1, age=older_in_europe)
    code, pinned = answer(capsys, "baseline", "pin", "june", "--rows", baseline, "--time", "ts", *house)
    assert (code, pinned["rows"], pinned["columns"]) == (Exit.HEALTHY, 12_000, 3)
    assert (tmp_path / "data" / "baselines" / "june.json").stat().st_mode & 0o777 == 0o600
    assert answer(capsys, "baseline", "pin", "june", "--rows", more, "--add", *house)[1]["rows"] == 15_000
    assert [pin["name"] for pin in answer(capsys, "baseline", "list", *house)[1]] == ["june"]
    code, report = answer(capsys, "drift", "pinned:june", now, *house)
    assert code == Exit.PROBLEM
    assert (report["columns"][0]["name"], report["rows"]) == ("age", [15_000, 2_000])
    assert "ts" not in {column["name"] for column in report["columns"]}, "it was the time when they were pinned"
    by_path = str(tmp_path / "data" / "baselines" / "june.json")
    assert answer(capsys, "drift", by_path, now, *house)[1]["columns"] == report["columns"]
    assert run(["baseline", "drop", "june", *house]) == Exit.HEALTHY
    assert run(["drift", "pinned:june", now, *house]) == Exit.USAGE


def test_what_cannot_be_pinned_is_said(baseline: str, tmp_path: Path, capsys: Capture) -> None:
    house = ["--data", str(tmp_path / "data")]
    assert run(["baseline", "pin", "june", "--rows", baseline, "--add", *house]) == Exit.USAGE
    assert run(["baseline", "pin", "../june", "--rows", baseline, *house]) == Exit.USAGE
    assert run(["baseline", "pin", "june", "1h", "--rows", baseline, *house]) == Exit.USAGE
    assert run(["baseline", "pin", "june", "--rows", baseline, "--locked", *house]) == Exit.USAGE
    (tmp_path / "data" / "baselines").mkdir(parents=True, exist_ok=True)
    (tmp_path / "data" / "baselines" / "bad.json").write_text("{}")
    capsys.readouterr()
    assert run(["drift", "pinned:bad", baseline, *house]) == Exit.USAGE
    assert "holds no pinned rows" in capsys.readouterr().err
    assert run(["baseline", "pin", "good", "--rows", baseline, *house]) == Exit.HEALTHY
    capsys.readouterr()
    assert run(["baseline", "list", *house]) == Exit.HEALTHY
    captured = capsys.readouterr()
    assert "good" in captured.out and "bad.json" in captured.err
    assert run(["baseline", "drop", "bad", *house]) == Exit.HEALTHY


PLUGIN = """
from console.plugins import DriftMeasure, hookimpl

@hookimpl
def andon_drift_measures():
    return [
        DriftMeasure("largest", "Largest", lambda before, now: max(abs(b - a) for a, b in zip(before, now))),
        DriftMeasure("broken", "Broken", lambda before, now: 1 / 0),
    ]
"""


def test_a_plugins_measure_stands_beside_the_others_and_a_broken_one_is_named(
    baseline: str, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "mine.py").write_text(PLUGIN)
    now = write(tmp_path / "now.csv", 2_000, start=LATER, seed=1, age=older_in_europe)
    run(["drift", baseline, now, "--time", "ts", "--plugins-dir", str(tmp_path / "plugins"), "--format", "json"])
    captured = capsys.readouterr()
    [measure] = json.loads(captured.out)["columns"][0]["measures"]
    assert measure[0] == "Largest" and measure[1] > 0
    assert "plugin mine failed: broken" in captured.err


def test_a_column_called_as_times_are_is_the_time_unless_it_holds_none(tmp_path: Path, capsys: Capture) -> None:
    before, now = write(tmp_path / "a.csv", 2_000), write(tmp_path / "b.csv", 500, start=LATER)
    report = answer(capsys, "drift", before, now)[1]
    assert report["windows"][1]["start"] == LATER
    assert "ts" not in {column["name"] for column in report["columns"]}
    named = {"ts": lambda at: at["region"]}
    before, now = write(tmp_path / "a.csv", 2_000, **named), write(tmp_path / "b.csv", 500, **named)
    report = answer(capsys, "drift", before, now)[1]
    assert report["windows"] == [None, None]
    assert "ts" in {column["name"] for column in report["columns"]}


def test_an_answer_that_nobody_named_is_not_blamed_on_the_world(tmp_path: Path, capsys: Capture) -> None:
    before = write(tmp_path / "a.csv", 4_000, score=answered)
    now = write(tmp_path / "b.csv", 1_000, seed=1, start=LATER, score=lambda at: 1 - answered(at) ** 2)
    assert run(["drift", before, now]) == Exit.PROBLEM
    shown = capsys.readouterr().out
    assert "--prediction" in shown and "the world changed" not in shown
    assert run(["drift", before, now, "--prediction", "score"]) == Exit.PROBLEM
    assert "probably the model changed" in capsys.readouterr().out


def test_tables_that_share_no_column_are_asked_about(baseline: str, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "other.csv").write_text("x,y\n" + "1,2\n" * 50)
    assert run(["drift", baseline, str(tmp_path / "other.csv")]) == Exit.PROBLEM
    assert "are these the right files?" in capsys.readouterr().out


def test_pinned_rows_know_their_time_by_its_usual_name(baseline: str, tmp_path: Path, capsys: Capture) -> None:
    house = ["--data", str(tmp_path / "data")]
    now = write(tmp_path / "now.csv", 2_000, start=LATER, seed=1)
    assert run(["baseline", "pin", "june", "--rows", baseline, *house]) == Exit.HEALTHY
    code, report = answer(capsys, "drift", "pinned:june", now, *house)
    assert (code, "ts" in {column["name"] for column in report["columns"]}) == (Exit.HEALTHY, False)


ROLES = ["--target", "label", "--prediction", "score", "--segment", "region"]


def test_answers_are_judged_where_labels_exist_as_a_whole_and_by_segment(tmp_path: Path, capsys: Capture) -> None:
    before = write(tmp_path / "a.csv", 6_000, score=answered, label=true_answers)
    same = write(tmp_path / "b.csv", 2_000, seed=1, start=LATER, score=answered, label=true_answers)
    worse = write(tmp_path / "c.csv", 2_000, seed=1, start=LATER, score=answered, label=swapped_answers)
    code, report = answer(capsys, "drift", before, same, *ROLES)
    assert (code, report["performance"]["verdict"]) == (Exit.HEALTHY, "ok")
    code, report = answer(capsys, "drift", before, worse, *ROLES)
    jsonschema.validate(report, shape_schema("drift"))
    assert (code, report["verdict"], report["performance"]["verdict"]) == (Exit.PROBLEM, "degraded", "degraded")
    assert report["world_or_model"]["verdict"] == "concept"
    assert report["performance"]["segments"][0]["value"] == "eu"
    run(["drift", before, worse, *ROLES])
    shown = capsys.readouterr().out
    assert "answers" in shown and "accuracy 1.00 → .6" in shown and "region=eu" in shown


def test_labels_that_are_late_are_waited_for_and_not_counted_as_wrong(tmp_path: Path, capsys: Capture) -> None:
    before = write(tmp_path / "a.csv", 6_000, score=answered, label=true_answers)
    now = write(tmp_path / "b.csv", 2_000, seed=1, start=LATER, score=answered, label=lambda at: [""] * len(at["age"]))
    code, report = answer(capsys, "drift", before, now, *ROLES)
    assert (code, report["performance"]["verdict"]) == (Exit.INCONCLUSIVE, "no_data")
    run(["drift", before, now, *ROLES])
    assert "concept drift" in capsys.readouterr().out, "an estimate says what it is blind to"


def test_answers_are_pinned_with_their_rows(tmp_path: Path, capsys: Capture) -> None:
    house = ["--data", str(tmp_path / "data")]
    before = write(tmp_path / "a.csv", 6_000, score=answered, label=true_answers)
    worse = write(tmp_path / "c.csv", 2_000, seed=1, start=LATER, score=answered, label=swapped_answers)
    assert run(["baseline", "pin", "a", "--rows", before, "--time", "ts", *ROLES, *house]) == Exit.HEALTHY
    assert run(["baseline", "pin", "b", "--rows", before, "--time", "ts", *house]) == Exit.HEALTHY
    assert answer(capsys, "drift", "pinned:a", worse, *ROLES, *house)[1]["performance"]["verdict"] == "degraded"
    assert run(["drift", "pinned:b", worse, *ROLES, *house]) == Exit.INCONCLUSIVE
    assert "pin them with --target" in capsys.readouterr().err
    assert run(["drift", before, worse, "--target", "label"]) == Exit.USAGE


def test_labels_that_came_to_a_file_of_their_own_are_joined(tmp_path: Path, capsys: Capture) -> None:
    rows = [f"{1_780_000_000 + at},{at},{at % 2}" for at in range(400)]
    for name in ("before", "after"):
        (tmp_path / f"{name}.csv").write_text("\n".join(["time,id,said", *rows]) + "\n")
    right = [f"{at},{at % 2},{1_780_003_600 + at}" for at in range(300)]
    (tmp_path / "labels.csv").write_text("\n".join(["id,truth,came", *right]) + "\n")
    sides = (str(tmp_path / "before.csv"), str(tmp_path / "after.csv"), "--prediction", "said", "--target", "truth")
    code, shape = answer(
        capsys, "drift", *sides, "--labels", str(tmp_path / "labels.csv"), "--key", "id", "--label-time", "came"
    )
    assert code == 0
    assert shape["performance"]["labelling"]["labelled"] == [300, 300]
    with pytest.raises(AssertionError, match="--labels needs --key"):
        answer(capsys, "drift", *sides, "--labels", str(tmp_path / "labels.csv"))
