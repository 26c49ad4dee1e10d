"""A run against a real Prometheus: a regression with its onset and its cause, a healthy day, and a server that dies."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from doors import door
from promserver import is_installed, prometheus
from servedpast import served_past

from console.library import library_dir

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not is_installed(), reason="needs Debian's prometheus: `make test-real` installs it"),
]

STEP = 60.0
PLAYBOOK = str(library_dir("playbooks") / "latency_regression.yaml")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, float]]:
    """A server whose model has been slow for five minutes, and since when."""
    now = time.time()
    onset = now - 300.0
    with prometheus(tmp_path_factory.mktemp("slow"), history=served_past(now, onset=onset)) as url:
        yield url, onset


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prometheus(tmp_path_factory.mktemp("healthy"), history=served_past(time.time())) as url:
        yield url


def test_a_regression_is_found_with_its_onset_and_its_cause(slow: tuple[str, float], tmp_path: Path) -> None:
    url, onset = slow
    code, diagnosis = andon_run(tmp_path, f"prom={url}")
    assert (code, diagnosis["exit"], diagnosis["verdict"]) == (1, 1, "degraded")
    cause = diagnosis["causes"][0]
    assert (cause["id"], cause["subject"]) == ("slow_dependency", "calibration")
    assert cause["probability"] > 0.9
    latency = next(each for each in diagnosis["findings"] if each["step"] == "latency")
    assert latency["verdict"] == "degraded" and latency["ratio"] > 1.5
    assert abs(_seconds(latency["onset"]) - onset) <= STEP
    assert latency["baseline"]["kind"] == "seasonal" and latency["baseline"]["n"] > 3 * latency["current"]["n"]


def test_a_healthy_model_is_healthy_though_the_server_lacks_much_that_could_be_asked(
    healthy: str, tmp_path: Path
) -> None:
    code, diagnosis = andon_run(tmp_path, f"prom={healthy}")
    assert (code, diagnosis["verdict"], diagnosis["causes"]) == (0, "ok", [])


def test_a_metrics_page_beside_it_changes_no_answer(slow: tuple[str, float], healthy: str, tmp_path: Path) -> None:
    for url, expected in ((slow[0], 1), (healthy, 0)):
        code, _diagnosis = andon_run(tmp_path, f"page={url}/metrics", f"prom={url}")
        assert code == expected


def test_a_server_that_is_killed_in_the_middle_of_a_run_was_needed(tmp_path: Path) -> None:
    history = served_past(time.time())
    with prometheus(tmp_path, history=history) as url, door(url, dies_at=3) as there:
        code, diagnosis = andon_run(tmp_path, f"prom={there.url}")
    assert code == 4 and diagnosis["exit"] == 4 and diagnosis["verdict"] != "ok"
    assert there.asked["query_range"] >= 3
    reasons = [step["reason"] for run in diagnosis["runs"] for step in run["steps"] if step["state"] == "error"]
    assert reasons and all("broke off its answer" in reason or "cannot be reached" in reason for reason in reasons)


def test_a_server_that_was_never_there_is_told(tmp_path: Path) -> None:
    code, diagnosis = andon_run(tmp_path, "prom=http://127.0.0.1:9")
    assert code == 4 and diagnosis["verdict"] == "no_data"


def test_a_run_asks_little(slow: tuple[str, float], tmp_path: Path) -> None:
    with door(slow[0]) as there:
        assert andon_run(tmp_path, f"prom={there.url}")[0] == 1
    asked = there.asked
    assert asked["query_range"] <= 80 and asked["query"] + asked["values"] <= 25, asked


# ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def andon_run(data: Path, *sources: str) -> tuple[int, Any]:
    flags = [part for source in sources for part in ("--source", source)]
    command = [str(Path(sys.executable).with_name("andon")), "run", PLAYBOOK, "-i", "model=glove", "--format", "json"]
    done = subprocess.run(
        [*command, *flags, "--data", str(data / "data"), "--config", "/dev/null"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def _seconds(text: str | float) -> float:
    return text if isinstance(text, float) else datetime.fromisoformat(text).timestamp()
