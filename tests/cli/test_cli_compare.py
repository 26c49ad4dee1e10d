"""`andon compare` as a person and a release gate use it: files made by hand, and a server that answers PromQL."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlparse
from xml.etree import ElementTree

import duckdb
import jsonschema
import numpy as np
import pytest

from console.cli import run
from console.cli.shapes import shape_schema
from console.errors import Exit


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def csv(path: Path, **columns: Any) -> str:
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return str(path)


def judged(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = run(["compare", *arguments, "--format", "json"])
    answer = json.loads(capsys.readouterr().out)
    jsonschema.validate(answer, shape_schema("compare"))
    return code, answer


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    return run(["compare", *arguments]), capsys.readouterr().err


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_slower_canary_is_a_problem_and_the_same_again_is_none(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    base, same, slow = (
        csv(tmp_path / f"{name}.csv", latency=rng.lognormal(centre, 0.4, 300), note=["x"] * 300)
        for name, centre in (("base", 0), ("same", 0), ("slow", 0.7))
    )
    code, answer = judged(capsys, base, slow)
    assert (code, answer["verdict"]) == (Exit.PROBLEM, "degraded")
    assert {one["stat"]: one["verdict"] for one in answer["comparisons"]} == {"p50": "degraded", "p95": "degraded"}
    assert judged(capsys, base, same)[0] == Exit.HEALTHY


def test_the_table_says_it_within_eighty_columns_worst_first_and_sums_up(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.cli.session.Session.width", 80)
    sides = [
        csv(tmp_path / f"{name}.csv", fine=rng.lognormal(0, 0.4, 300), slow=rng.lognormal(centre, 0.4, 300),
            **{"a" * 90: rng.normal(5, 1, 300)})
        for name, centre in (("base", 0), ("now", 0.9))
    ]  # fmt: skip
    assert run(["compare", *sides]) == Exit.PROBLEM
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("▲ degraded: 3 compared; 1 got worse (slow), 2 no worse")
    assert lines[lines.index("") + 1].startswith("▲ degraded  slow")
    assert all(len(line) <= 80 for line in lines)
    assert sum("was " in line for line in lines) == sum("now " in line for line in lines) == 3


def test_label_sets_are_compared_apart_and_what_vanished_is_a_finding(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    base = csv(tmp_path / "base.csv", model=["a", "b"] * 100, latency=rng.lognormal(0, 0.3, 200))
    now = csv(tmp_path / "now.csv", model=["a", "c"] * 100, latency=rng.lognormal(0, 0.3, 200))
    code, answer = judged(capsys, base, now, "--by", "model", "--stat", "p50")
    said = {one["labels"]["model"]: (one["verdict"], one["reason"].split(":")[0]) for one in answer["comparisons"]}
    assert code == Exit.PROBLEM
    assert said["b"] == ("degraded", "vanished") and said["c"] == ("inconclusive", "appeared")
    assert said["a"][0] == "ok"


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_other_formats_globs_and_the_long_form(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    names, values = ["latency"] * 60 + ["size"] * 60, rng.lognormal(0, 0.3, 120)
    for side in ("base", "now"):
        for part in range(2):
            plain = csv(tmp_path / f"{side}{part}.csv", metric=names, value=values * (1 + (side == "now")))
            out = tmp_path / f"{side}{part}.{suffix}"
            kind = "PARQUET" if suffix == "parquet" else "JSON"
            duckdb.sql(f"COPY (FROM read_csv('{plain}')) TO '{out}' (FORMAT {kind})")
    code, answer = judged(capsys, str(tmp_path / f"base*.{suffix}"), str(tmp_path / f"now*.{suffix}"), "--bad", "up")
    assert code == Exit.PROBLEM
    assert {one["signal"] for one in answer["comparisons"]} == {"latency", "size"}
    assert answer["comparisons"][0]["current"]["n"] == 120
    assert answer["comparisons"][0]["ratio"] == pytest.approx(2, rel=0.01)


def test_a_column_of_time_tells_since_when(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    times = 1_760_000_000 + 15 * np.arange(60)
    base = csv(tmp_path / "base.csv", ts=times, depth=rng.normal(10, 1, 60))
    now = csv(tmp_path / "now.csv", ts=times + 86400, depth=rng.normal(10, 1, 60) * np.where(np.arange(60) < 20, 1, 3))
    code, answer = judged(capsys, base, now, "--stat", "p50")
    assert code == Exit.PROBLEM
    assert answer["comparisons"][0]["onset"] == pytest.approx(times[20] + 86400, abs=30)


def test_what_was_worse_from_the_first_row_on_has_no_moment_of_its_own(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    times = 1_760_000_000 + 15 * np.arange(60)
    base = csv(tmp_path / "base.csv", ts=times, depth=rng.normal(10, 1, 60))
    now = csv(tmp_path / "now.csv", ts=times + 86400, depth=rng.normal(30, 3, 60))
    assert run(["compare", base, now, "--stat", "p50"]) == Exit.PROBLEM
    shown = capsys.readouterr().out
    assert "all along" in shown and "since" not in shown


def test_millions_of_rows_are_counted_and_nearly_as_exact(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values, times = rng.lognormal(0, 1, 4000), np.sort(rng.uniform(1.76e9, 1.76e9 + 900, 4000))
    base = csv(tmp_path / "base.csv", model=["a", "b"] * 2000, latency=values, time=times)
    exact = [judged(capsys, base, base, "--by", "model", *more)[1]["comparisons"] for more in ([], ["--time", "time"])]
    monkeypatch.setattr("console.sources.samples.MOST_CELLS", 100)
    counted = [
        judged(capsys, base, base, "--by", "model", *more)[1]["comparisons"] for more in ([], ["--time", "time"])
    ]
    for one, other in zip(exact, counted, strict=True):
        assert [each["current"]["n"] for each in one] == [each["current"]["n"] for each in other]
        assert [each["current"]["value"] for each in one] == pytest.approx(
            [each["current"]["value"] for each in other], rel=1e-2
        )


def test_what_a_catalogue_signal_may_do_is_known(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    base = csv(tmp_path / "base.csv", **{"model.latency": rng.lognormal(0, 0.3, 200)})
    fast = csv(tmp_path / "fast.csv", **{"model.latency": rng.lognormal(-1, 0.3, 200)})
    code, answer = judged(capsys, base, fast)
    assert (code, answer["verdict"]) == (Exit.HEALTHY, "improved")
    assert " ms" in answer["comparisons"][0]["text"]


def test_odd_cells_are_left_out_and_said(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [*rng.normal(5, 1, 95), "inf", "-inf", "NaN", "broken", ""]
    base = csv(tmp_path / "base.csv", x=cells)
    assert run(["compare", base, base]) == Exit.HEALTHY
    said = capsys.readouterr().out
    assert "n 95 → 95" in said and "left out of x (1)" in said


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", Exit.INCONCLUSIVE, "no row"),
        ("x,y\n", Exit.INCONCLUSIVE, "no row"),
        ("x\n\n\n", Exit.INCONCLUSIVE, "no"),
        ("x,y\n1,a\n", Exit.INCONCLUSIVE, "too few"),
        ("note\nhello\n", Exit.INCONCLUSIVE, "nothing to compare"),
    ],
)
def test_files_that_hold_too_little_are_never_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: int, said: str
) -> None:
    path = tmp_path / "one.csv"
    path.write_text(text)
    assert run(["compare", str(path), str(path)]) == code
    captured = capsys.readouterr()
    assert said in captured.out + captured.err


def test_what_is_asked_wrongly_is_said(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    base = csv(tmp_path / "base.csv", latency=rng.normal(5, 1, 20), note=["x"] * 20)
    for more, said in (
        (["--column", "latnecy"], "did you mean 'latency'"),
        (["--column", "note"], "holds text"),
        (["--by", "nothing"], "no column 'nothing'"),
        (["--time", "when"], "no column 'when'"),
        (["--tolerance", "lots"], "is not a share"),
        (["--tolerance", "30"], "did you mean 30%?"),
        (["--current", "5m"], "are for selections"),
    ):
        code, told = refused(capsys, base, base, *more)
        assert code == Exit.USAGE and said in told, more
    assert refused(capsys, base, str(tmp_path / "none.csv"))[0] == Exit.USAGE
    (tmp_path / "base.xls").write_text("x")
    assert refused(capsys, base, str(tmp_path / "base.xls"))[0] == Exit.USAGE


def test_a_gate_reads_junit_and_a_person_markdown(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    base = csv(tmp_path / "base.csv", good=rng.normal(5, 0.1, 100), slow=rng.normal(5, 0.1, 100))
    now = csv(tmp_path / "now.csv", good=rng.normal(5, 0.1, 100), slow=rng.normal(9, 0.1, 100))
    assert run(["compare", base, now, "--format", "junit"]) == Exit.PROBLEM
    suite = ElementTree.fromstring(capsys.readouterr().out)[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert run(["compare", base, now, "--format", "markdown"]) == Exit.PROBLEM
    assert "| ▲ degraded | slow |" in capsys.readouterr().out


# ── selections ───────────────────────────────────────────────────────────────────────────────────────────────────────

ERRORS = {
    "bad(": (400, "parse error: unclosed left parenthesis"),
    "heavy": (422, "would load too many samples"),
    "down": (503, "timed out in expression evaluation"),
}


class Prometheus(BaseHTTPRequestHandler):
    """Two routes on each pod; the canary's /b is twice as slow."""

    def log_message(self, *_arguments: Any) -> None: ...

    def do_GET(self) -> None:
        asked = dict(parse_qsl(urlparse(self.path).query))
        text = asked["query"]
        status, error = next((said for key, said in ERRORS.items() if key in text), (200, ""))
        data = {"resultType": "matrix", "result": [] if "nothing" in text else list(self._series(text, asked))}
        if text == "vector(time())":
            data = {"resultType": "vector", "result": [{"metric": {}, "value": [time.time(), str(time.time())]}]}
        body = json.dumps({"status": "error", "error": error} if error else {"status": "success", "data": data})
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def _series(self, text: str, asked: dict[str, str]) -> Iterator[dict[str, Any]]:
        if "start" not in asked:
            return
        start, end, step = (float(asked[key]) for key in ("start", "end", "step"))
        track, pods = ("canary", ["c1"]) if "canary" in text else ("stable", ["s1", "s2"])
        chance = random.Random(text)
        for route in range(600) if "many" in text else ("/a", "/b"):
            for pod in pods:
                factor = 2 if (track, route) == ("canary", "/b") else 1
                points = [[start + step * i, str(factor * chance.lognormvariate(0, 0.1))]
                          for i in range(round((end - start) / step) + 1)]  # fmt: skip
                yield {"metric": {"route": str(route), "pod": pod, "track": track}, "values": points}


@pytest.fixture
def server() -> Iterator[str]:
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Prometheus)
    threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
    yield f"prom=prometheus+http://127.0.0.1:{listening.server_address[1]}"
    listening.shutdown()
    listening.server_close()


def test_a_canary_is_paired_with_the_stable_ones_by_the_labels_they_share(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stable, canary = (f'rate(latency{{track="{track}"}}[1m])' for track in ("stable", "canary"))
    code, answer = judged(capsys, stable, canary, "--source", server, "--bad", "up", "--stat", "p50")
    assert code == Exit.PROBLEM
    verdicts = {one["labels"]["route"]: one["verdict"] for one in answer["comparisons"]}
    assert verdicts == {"/b": "degraded", "/a": "ok"}
    assert {one["signal"] for one in answer["comparisons"]} == {"rate(latency[1m])"}
    assert run(["compare", stable, canary, "--source", server]) == Exit.PROBLEM
    assert "paired without track" in capsys.readouterr().out


def test_one_selection_is_compared_with_itself_a_day_earlier(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--source", server, "--current", "30m", "--baseline", "offset:1d")
    code, answer = judged(capsys, "latency", "latency", *more)
    assert code == Exit.HEALTHY
    one = answer["comparisons"][0]
    assert one["current"]["start"] - one["baseline"]["start"] == pytest.approx(86400, abs=1)
    assert one["current"]["end"] - one["current"]["start"] == pytest.approx(1800, abs=1)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("bad(", Exit.USAGE, "parse error"),
        ("heavy", Exit.UNREACHABLE, "too many samples"),
        ("down", Exit.UNREACHABLE, "timed out"),
        ("nothing", Exit.INCONCLUSIVE, "answers no series"),
        ("many", Exit.USAGE, "more than 500 series"),
    ],
)
def test_a_server_that_does_not_answer_is_told_in_its_own_words(
    server: str, capsys: pytest.CaptureFixture[str], text: str, code: int, said: str
) -> None:
    got, told = refused(capsys, text, text, "--source", server)
    assert got == code and said in told
