"""`andon eval` on the command line, with a model over HTTP that is right as often as it was told to be."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from messagesserver import KEY, Hangs, Says, messages, use

from console.cli import run
from console.cli.shapes import shape_schema
from console.errors import Exit
from console.library import library_dir

BUNDLES = library_dir("playbooks") / "bundles"
FULL, TIGHT, UNKNOWN = (BUNDLES / f"{name}.andon" for name in ("disk-fills", "disk-always-tight", "client-refused"))


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANDON_TEST_KEY", KEY)
    path = tmp_path / "config.toml"
    monkeypatch.setenv("ANDON_CONFIG", str(path))
    path.write_text("")
    return path


def concludes(cause: str) -> Says:
    return Says([use("conclude", claims=[{"text": "the disk fills", "evidence": ["F1"], "cause": cause}])])


def llm(url: str, more: str = "") -> str:
    prices = "prices = {read = 1000.0, written = 1000.0}"
    return f'[llm]\nmodel = "m"\nurl = "{url}"\nkey_env = "ANDON_TEST_KEY"\ndollars = 100.0\n{prices}\n{more}\n'


async def graded(config: Path, script: Sequence[Any], *arguments: str) -> int:
    async with messages(*script) as server:
        config.write_text(llm(server.url))
        return await asyncio.to_thread(run, ["eval", str(FULL), *arguments])


async def test_three_right_answers_of_five_are_too_few(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right, wrong = concludes("disk_full"), concludes("inodes_full")
    assert await graded(config, [right, wrong, right, wrong, right], "--format", "json") == Exit.PROBLEM
    out, err = capsys.readouterr()
    told = json.loads(out)
    jsonschema.validate(told, shape_schema("evaluation"))
    assert (told["model"], told["runs"], told["share"], told["exit"]) == ("m", 5, 0.6, 1)
    (bundle,) = told["bundles"]
    assert (bundle["expected"], bundle["is_right"], bundle["right"]) == ("disk_full", True, 3)
    assert bundle["attempts"][0]["usage"]["money"] > 0
    assert "1 of 1  disk-fills.andon: right by the numbers, right in 3 of 5 runs with the model\n" in err


async def test_a_form_that_there_is_not_is_refused_before_a_model_is_asked(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with messages(concludes("disk_full")) as server:
        config.write_text(llm(server.url))
        assert await asyncio.to_thread(run, ["eval", str(FULL), "--format", "markdown"]) == Exit.USAGE
    assert not server.probes and "use --format text, json or junit" in capsys.readouterr().err


async def test_a_table_says_who_was_right_and_what_that_cost(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await graded(config, [concludes("disk_full")], "-n", "1") == Exit.HEALTHY
    head, row, total, _empty, verdict = capsys.readouterr().out.splitlines()
    assert head.split() == "bundle expected numbers model calls tokens dollars seconds dropped unfounded".split()
    assert row.split()[:6] == ["disk-fills.andon", "disk_full", "right", "1", "of", "1"]
    assert total.split()[:7] == ["total", "1", "of", "1", "1", "of", "1"]
    assert verdict == "100.0% right with m: not less than 80%"


def test_an_endpoint_that_is_dead_is_never_right(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(llm("http://127.0.0.1:9", "seconds = 5"))
    assert run(["eval", str(FULL), "-n", "1", "--fail-under", "0.1"]) == Exit.PROBLEM
    out = capsys.readouterr().out
    assert "1 × no answer: the model m" in out and "0.0% right with m: less than 10%" in out


@pytest.mark.parametrize("how", ["", "enabled = false", "--no-llm"])
def test_where_no_model_may_be_asked_the_numbers_are_graded_and_nothing_leaves(
    how: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if how:
        config.write_text(llm("http://127.0.0.1:9", "" if how.startswith("--") else how))
    flags = ["--no-llm"] if how == "--no-llm" else []
    assert run(["eval", str(FULL), str(TIGHT), str(UNKNOWN), *flags]) == Exit.HEALTHY
    out, err = capsys.readouterr()
    assert "nothing leaves this machine" in err
    assert out.splitlines()[0].split() == ["bundle", "expected", "numbers"]
    assert "client-refused.andon: neither a test of a playbook nor its own diagnosis names a cause; not graded" in out
    assert out.endswith("100.0% right by the numbers alone: not less than 80%\n")


def test_junit_fails_with_the_exit_code_and_not_otherwise(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.andon"
    broken.write_bytes(b"no bundle")
    assert run(["eval", str(FULL), str(UNKNOWN), str(broken), "--format", "junit"]) == Exit.USAGE
    (suite,) = ElementTree.fromstring(capsys.readouterr().out)
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "0", "errors": "1", "skipped": "1"}
    assert [[child.tag for child in case] for case in suite] == [["system-out"], ["skipped"], ["error"], []]


@pytest.mark.parametrize(
    "arguments", [[], ["none.andon"], [str(FULL), "-n", "0"], [str(FULL), "--fail-under", "2"], ["."]]
)
def test_what_cannot_be_asked_is_a_usage_error(
    arguments: list[str], config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["eval", *arguments]) == Exit.USAGE


def test_where_nothing_can_be_graded_nobody_can_tell(config: Path) -> None:
    assert run(["eval", str(UNKNOWN)]) == Exit.INCONCLUSIVE


async def test_ctrl_c_prints_what_was_graded_so_far(config: Path) -> None:
    async with messages(concludes("disk_full"), Hangs()) as server:
        config.write_text(llm(server.url))
        command = [sys.executable, "-m", "console.cli", "eval", str(FULL), str(TIGHT), "-n", "2"]
        asked = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ}
        )
        try:
            async with asyncio.timeout(60):
                while len(server.asked) < 2:
                    await asyncio.sleep(0.05)
                asked.send_signal(signal.SIGINT)
                out, err = await asked.communicate()
        finally:
            if asked.returncode is None:
                asked.kill()
    assert asked.returncode == Exit.INTERRUPTED
    assert b"1 of 1" in out and b"interrupted, so not all were asked" in out
    assert b"disk-always-tight" not in out and b"Traceback" not in err
