"""Every command's JSON is of the shape that `andon schema` publishes, against a real daemon with real sources."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from console import words
from console.cli import run
from console.cli.shapes import shape_schema
from console.errors import Exit
from console.service.client import Client
from console.service.starting import start_daemon

CAMPAIGN = """schema: andon/v1
name: campaign
title: Is it only a campaign?
steps:
  - id: announced
    title: Was it announced?
    uses: ask
    with: {question: Was a campaign announced?, answers: ["yes", "no"], unattended: unknown}
causes:
  - id: campaign
    title: A campaign was announced
    evidence:
      - {if: steps.announced.answer == "yes", weight: decisive}
"""


@pytest.fixture(scope="module")
def house() -> Iterator[list[str]]:
    """A daemon that watches this host, a prediction log and an event file; the flags that reach it."""
    folder = Path(tempfile.mkdtemp(prefix="andon-cli-"))
    now = time.time()  # not of the import: a busy suite may come here much later
    rows = [
        {"time": now - age, "model": "glove", "brightness": 100 + age % 7, "line": f"line-{age % 3}"}
        for age in range(0, 2 * 86400, 20)
    ]
    (folder / "predictions.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    event = {"time": now - 60, "kind": "deploy", "target": "glove", "id": "d1", "title": "glove 7 released"}
    (folder / "events.jsonl").write_bytes(orjson.dumps(event) + b"\n")
    (folder / "books").mkdir()
    (folder / "books" / "campaign.yaml").write_text(CAMPAIGN)
    (folder / "config.toml").write_text(
        f'[daemon]\ninterval = "0s"\n[playbooks]\ndirs = ["{folder}/books"]\n'
        '[sources.here]\nkind = "host"\n'
        f'[sources.predictions]\nkind = "table"\npath = "{folder}/predictions.jsonl"\nslices = ["line"]\n'
        f'[sources.changes]\nkind = "events"\npath = "{folder}/events.jsonl"\n'
    )
    start_daemon(folder / "config.toml", folder / "data")
    client = Client(folder / "data")
    client.request("collect")
    client.request("run", playbook="accuracy_drop", inputs={"model": "glove"})
    yield ["--config", str(folder / "config.toml"), "--data", str(folder / "data")]
    client.request("stop")
    shutil.rmtree(folder, ignore_errors=True)


def answer(house: list[str], capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = run([*house, *arguments, "--format", "json"])
    captured = capsys.readouterr()
    assert captured.out, captured.err
    return code, json.loads(captured.out)


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        (["status"], "status"),
        (["doctor"], "doctor"),
        (["config", "show"], "settings"),
        (["config", "path"], "config-path"),
        (["source", "list"], "sources"),
        (["source", "check"], "source-statuses"),
        (["playbook", "list"], "playbooks"),
        (["playbook", "show", "accuracy_drop"], "playbook"),
        (["playbook", "check", "playbooks/accuracy_drop.yaml"], "playbook-checks"),
        (["playbook", "runs"], "runs"),
        (["playbook", "explain", "accuracy_drop", "-i", "model=glove"], "explanation"),
        (["incident", "list"], "incidents"),
        (["incident", "open", "glove", "wrong answers"], "incident"),
        (["baseline", "pin", "good", "1h"], "pin"),
        (["baseline", "list"], "pins"),
        (["lab", "list"], "faults"),
        (["run", "accuracy_drop", "-i", "model=glove"], "diagnosis"),
        (["run", "accuracy_drop", "-i", "model=glove", "--dry-run"], "plan"),
        (["triage", "--symptom", "wrong answers model=glove"], "diagnosis"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_printed_is_what_is_published(
    house: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str], shape: str
) -> None:
    _code, printed = answer(house, capsys, *arguments)
    jsonschema.validate(printed, shape_schema(shape))


def test_the_same_run_without_a_daemon(house: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    here = [*house[:2], "--data", str(tmp_path)]
    run([*here, "run", "accuracy_drop", "-i", "model=glove"])
    assert "no daemon runs" in capsys.readouterr().err
    _code, printed = answer(here, capsys, "run", "accuracy_drop", "-i", "model=glove")
    jsonschema.validate(printed, shape_schema("diagnosis"))
    world = next(step for step in printed["runs"][0]["steps"] if step["id"] == "world")
    assert world["state"] == "ok", world


def test_a_person_pulls_the_cord_answers_and_has_it_examined_again(
    house: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _code, opened = answer(house, capsys, "incident", "open", "press-9", "was the campaign announced")
    settled(house)
    run([*house, "incident", "show", opened["id"]])
    shown = capsys.readouterr().out
    assert "1. Was a campaign announced? (yes, no)" in shown
    assert f"andon incident answer {opened['id']} 1 ANSWER" in shown
    assert run([*house, "incident", "answer", opened["id"], "2", "yes"]) == Exit.USAGE
    assert run([*house, "incident", "answer", opened["id"], "1", "perhaps"]) == Exit.USAGE
    assert "answers are yes, no" in capsys.readouterr().err
    _code, answered = answer(house, capsys, "incident", "answer", opened["id"], "1", "yes")
    jsonschema.validate(answered, shape_schema("incident"))
    assert answered["answers"][0]["answer"] == "yes"
    settled(house)
    _code, again = answer(house, capsys, "incident", "examine", opened["id"])
    jsonschema.validate(again, shape_schema("examination"))
    settled(house)
    run([*house, "incident", "show", opened["id"]])
    shown = capsys.readouterr().out
    assert "1. A campaign was announced" in shown and "What no number says" not in shown


def settled(house: list[str]) -> None:
    """Wait until nothing is examined any more."""
    Client(Path(house[-1])).request("collect", wait=True)


def test_an_incident_nobody_knows_is_exit_2(house: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*house, "incident", "show", "I-99"]) == Exit.USAGE
    assert "I-99" in capsys.readouterr().err


def test_the_schemas_are_printed(house: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["schema", "diagnosis"], ["playbook", "schema"], ["config", "schema"]):
        _code, printed = answer(house, capsys, *arguments)
        jsonschema.Draft202012Validator.check_schema(printed)


def test_a_span_may_be_the_baseline(house: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    span = "..".join(words.instant(time.time() - age) for age in (86400, 43200))
    run([*house, "run", "accuracy_drop", "-i", "model=glove", "--baseline", span])
    assert "Baseline     the span given; " in capsys.readouterr().out


def test_words_for_people(house: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    _code, opened = answer(house, capsys, "incident", "list")
    for incident in opened:
        run([*house, "incident", "close", incident["id"]])
    capsys.readouterr()
    run([*house, "status"])
    shown = capsys.readouterr().out
    assert "here" in shown and "predictions" in shown and "no incident is open" in shown
    run([*house, "run", "accuracy_drop", "-i", "model=glove"])
    assert "Do other inputs reach the model?" in capsys.readouterr().out


def test_a_sentence_is_what_was_noticed_and_never_what_it_is_about(
    house: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, opened = answer(house, capsys, "incident", "open", "boots come out wrong model=press-7")
    assert code == Exit.HEALTHY
    assert (opened["subject"], opened["title"]) == ("press-7", "boots come out wrong")
    _code, loud = answer(house, capsys, "incident", "open", "it is loud host=line-7 gpu=0")
    assert (loud["subject"], loud["symptom"]["labels"]) == ("line-7/0", {"host": "line-7", "gpu": "0"})
    assert run([*house, "incident", "open", "the boots' answers are wrong"]) == Exit.USAGE
    told = capsys.readouterr().err
    assert "does not say what it is about" in told
    assert """andon incident open MODEL 'the boots'"'"' answers are wrong', or write model=NAME""" in told
    _code, two = answer(house, capsys, "incident", "open", "line 2", "it smokes")
    assert (two["subject"], two["title"]) == ("line 2", "it smokes")
