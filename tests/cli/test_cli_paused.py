"""A run that waits for a person, on the command line: it pauses, is listed, explained, and goes on."""

from __future__ import annotations

import io
import json
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import jsonschema
import pytest

from console.cli import run
from console.cli.shapes import shape_schema
from console.errors import Exit
from console.service.client import Client
from console.service.starting import start_daemon

ME = pwd.getpwuid(os.getuid()).pw_name
BOOK = """\
schema: andon/v1
name: restart
title: Is a restart due?
steps:
  - {id: how_many, title: How many?, uses: ask, with: {question: How many were there?, type: number}}
  - {id: drain, title: Drain?, uses: ask, with: {question: May it be drained?, type: boolean, roles: [ROLE]}}
causes:
  - {id: many, title: There were many, prior: "1:1", evidence: [{if: steps.how_many.number > 2.0, weight: strong}]}
"""


@pytest.fixture(scope="module")
def flags() -> Iterator[list[str]]:
    """The flags that reach a daemon in which I am on call, and nobody is the lead."""
    folder = Path(tempfile.mkdtemp(prefix="andon-cli-"))
    (folder / "mine.yaml").write_text(BOOK.replace("ROLE", "oncall"))
    (folder / "others.yaml").write_text(BOOK.replace("ROLE", "lead"))
    (folder / "config.toml").write_text(
        f'[daemon]\ninterval = "0s"\n[roles]\noncall = ["{ME}"]\nlead = ["ana"]\n'
        f'[sources.changes]\nkind = "events"\npath = "{folder}/events.jsonl"\n'
    )
    start_daemon(folder / "config.toml", folder / "data")
    yield ["--config", str(folder / "config.toml"), "--data", str(folder / "data")]
    Client(folder / "data").request("stop")
    shutil.rmtree(folder, ignore_errors=True)


def book(flags: list[str], name: str = "mine") -> str:
    return str(Path(flags[1]).parent / f"{name}.yaml")


def begun(flags: list[str], capsys: pytest.CaptureFixture[str], name: str = "mine") -> str:
    """The id of a run that waits."""
    assert run([*flags, "run", book(flags, name), "--format", "json"]) == Exit.INCONCLUSIVE
    captured = capsys.readouterr()
    told = json.loads(captured.out)["runs"][0]
    assert told["state"] == "paused"
    assert "paused: waits for an answer to 'How many were there?' (a number), step how_many" in captured.err
    assert f"andon run --resume {told['id']} --answer how_many=VALUE --answer drain=VALUE" in captured.err
    return str(told["id"])


def test_with_nobody_there_it_pauses_is_listed_and_goes_on(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    id_ = begun(flags, capsys)
    assert run([*flags, "playbook", "runs", "--format", "json"]) == Exit.HEALTHY
    listed = json.loads(capsys.readouterr().out)
    jsonschema.validate(listed, shape_schema("runs"))
    row = next(each for each in listed if each["id"] == id_)
    assert (row["state"], row["operator"], len(row["waits"])) == ("paused", ME, 2)
    assert run([*flags, "playbook", "runs"]) == Exit.HEALTHY
    assert "how_many: How many were there?" in capsys.readouterr().out
    assert run([*flags, "run", "--resume", id_, "--answer", "how_many=3"]) == Exit.INCONCLUSIVE
    captured = capsys.readouterr()
    assert "There were many" in captured.out and "waits for an answer: May it be drained?" in captured.out
    assert run([*flags, "run", "--resume", id_, "--answer", "drain=no"]) == Exit.HEALTHY
    assert "paused" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--answer", "how_many=many"], "it must be a number"),
        (["--answer", "how_many"], "is not NAME=VALUE"),
        (["--answer", "howmany=3"], "did you mean 'how_many'?"),
        (["--from", "howmany"], "has no step 'howmany'"),
        (["-i", "model=glove"], "as it began"),
    ],
)
def test_what_cannot_be_gone_on_with_is_exit_2(
    flags: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    id_ = begun(flags, capsys)
    assert run([*flags, "run", "--resume", id_, *arguments]) == Exit.USAGE
    assert said in capsys.readouterr().err


def test_answers_without_a_run_to_resume_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "accuracy_drop", "--answer", "a=b"]) == Exit.USAGE
    assert "name it with --resume RUN_ID" in capsys.readouterr().err


def test_a_playbook_that_changed_is_exit_2(
    flags: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "changing.yaml"
    file.write_text(BOOK.replace("ROLE", "oncall"))
    run([*flags, "run", str(file), "--format", "json"])
    id_ = json.loads(capsys.readouterr().out)["runs"][0]["id"]
    file.write_text(file.read_text() + "# more\n")
    assert run([*flags, "run", "--resume", id_, "--answer", "how_many=3"]) == Exit.USAGE
    assert "changed since" in capsys.readouterr().err
    assert run([*flags, "playbook", "explain", str(file), "--run", id_]) == Exit.USAGE


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_at_a_terminal_it_asks_at_once_and_says_who_else_must_answer(
    flags: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter(["many", "3", "yes"])
    monkeypatch.setattr(click, "prompt", lambda *_words, **_options: next(said))
    monkeypatch.setattr("sys.stdin", _Terminal())
    assert run([*flags, "run", book(flags)]) == Exit.HEALTHY
    captured = capsys.readouterr()
    assert "it must be a number" in captured.err and "There were many" in captured.out
    said = iter(["", "yes"])
    assert run([*flags, "run", book(flags, "others")]) == Exit.INCONCLUSIVE
    assert f"is for lead, which {ME} is not: ana may" in capsys.readouterr().err


def test_what_would_change_the_answer_is_explained_with_what_to_do(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    id_ = begun(flags, capsys)
    assert run([*flags, "playbook", "explain", book(flags), "--run", id_]) == Exit.HEALTHY
    shown = capsys.readouterr().out
    assert "many is first (odds 30)" in shown and f"andon run --resume {id_} --answer how_many=VALUE" in shown
    assert run([*flags, "playbook", "explain", book(flags), "--format", "json"]) == Exit.HEALTHY
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, shape_schema("explanation"))
    assert told["missing"][0]["step"] == "how_many" and told["run"] != id_
    assert run([*flags, "playbook", "explain", "error_burst", "--run", id_]) == Exit.USAGE
    assert "is one of restart" in capsys.readouterr().err


def test_without_a_daemon_it_cannot_go_on_and_says_so(
    flags: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    here = [*flags[:2], "--data", str(tmp_path)]
    assert run([*here, "run", book(flags)]) == Exit.INCONCLUSIVE
    assert "no daemon keeps it" in capsys.readouterr().err
    assert run([*here, "run", "--resume", "abc"]) == Exit.UNREACHABLE
    assert "a run goes on in the daemon" in capsys.readouterr().err


def test_of_a_run_under_way_no_verdict_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"id": "a1", "playbook": "restart", "state": "under way", "started": 0.0, "operator": "ada", "verdict": None,
           "incident": "", "waits": []}  # fmt: skip
    monkeypatch.setattr(Client, "request", lambda *_args, **_named: [row])
    assert run(["playbook", "runs", "--format", "json"]) == Exit.HEALTHY
    jsonschema.validate(json.loads(capsys.readouterr().out), shape_schema("runs"))
    assert run(["playbook", "runs"]) == Exit.HEALTHY
    assert capsys.readouterr().out.splitlines()[1].split() == [
        "a1", "restart", "under", "way", "1970-01-01T00:00:00Z", "ada", "–", "–",
    ]  # fmt: skip
