"""Bundles on the command line: replayed, tested, and made a test, with no daemon and no network."""

import asyncio
import base64
import json
import shlex
import subprocess
from pathlib import Path

import jsonschema
import pytest

from console.cli import run
from console.cli.session import Session
from console.cli.shapes import shape_schema
from console.errors import Exit, UsageError
from console.lab.scenes.scene import Scene
from console.library import library_dir
from console.model import Labels, Symptom
from console.playbook.bundles.as_test import add_test
from console.playbook.bundles.bundle import Bundle
from console.playbook.bundles.file import load as load_bundle
from console.playbook.bundles.file import save, to_bytes
from console.playbook.bundles.recording import recorded
from console.playbook.engine import run as run_playbook
from console.playbook.loader import built_in_step_types, load
from console.service.client import Client
from console.service.replayed import standing_replay
from console.triage.diagnose import diagnose

TEXT = """\
schema: andon/v1
name: full
title: Is the KV cache full?
steps:
  - {id: kv, title: Full?, uses: now, with: {signal: model.kv.usage, by: [model], above: 0.9}}  # per model
causes:
  - id: kv_cache_exhausted
    title: The KV cache is full
    subject: chat
    evidence: [{if: steps.kv.verdict == "degraded", weight: decisive}]
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "full.yaml"
    path.write_text(TEXT)
    return path


def a_bundle(book: Path) -> Bundle:
    playbook = load(book)
    scene = Scene().gauge("model.kv.usage", 0.5, model="chat").change("model.kv.usage", 300, to=0.99)
    with scene.situation() as situation:
        heard, recording = recorded(situation)
        done = asyncio.run(run_playbook(playbook, {}, heard, step_types=built_in_step_types()))
    symptom = Symptom("the cache is full", labels=Labels.of(model="chat"))
    return recording.bundle(diagnose([done]), symptoms=[symptom], playbooks=[playbook])


@pytest.fixture
def bundle(book: Path, tmp_path: Path) -> Path:
    path = tmp_path / "it.andon"
    save(a_bundle(book), path)
    return path


def test_a_bundle_is_replayed_as_recorded_and_exits_as_a_run(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", str(bundle), "--as-recorded", "--format", "json"]) == Exit.PROBLEM
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, shape_schema("diagnosis"))
    assert told["causes"][0]["id"] == "kv_cache_exhausted"
    assert run(["replay", str(bundle.parent / "none.andon")]) == Exit.USAGE
    assert "cannot be read" in capsys.readouterr().err


def test_an_outage_becomes_a_test_that_passes_until_the_evidence_is_lost(
    book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = add_test(a_bundle(book), book, "i-1", built_in_step_types())
    assert [test.bundle for test in kept.tests] == ["bundles/i-1.andon"]
    assert book.read_text().startswith(TEXT)
    assert 'expect: {cause: kv_cache_exhausted, subject: "chat", odds: 3}' in book.read_text()
    with pytest.raises(UsageError, match="there already"):
        add_test(a_bundle(book), book, "i-1", built_in_step_types())
    assert run(["playbook", "test", str(book), "--format", "json"]) == Exit.HEALTHY
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, shape_schema("playbook-tests"))
    assert [each["state"] for each in told["tests"]] == ["passed"]
    book.write_text(book.read_text().replace("weight: decisive", "weight: weak"))
    assert run(["playbook", "test", str(book), "--junit"]) == Exit.PROBLEM
    assert '<failure message="no cause is named; kv_cache_exhausted should be"' in capsys.readouterr().out
    (book.parent / "bundles" / "i-1.andon").write_bytes(b"broken")
    assert run(["playbook", "test", str(book)]) == Exit.USAGE
    assert "no bundle" in capsys.readouterr().out


class _Exports:
    """A daemon that exports one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self.told = {"bundle": base64.b64encode(to_bytes(bundle)).decode(), "left_out": []}

    def request(self, _op: str, **_args: object) -> dict[str, object]:
        return self.told


def test_a_copy_gets_its_new_test_and_is_told_where_the_bundles_of_the_others_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    books = library_dir("playbooks")
    origin = load(books / "disk_full.yaml")
    copy = tmp_path / "my disks" / "disk_full.yaml"
    copy.parent.mkdir()
    text = Path(origin.path).read_text()
    copy.write_text(text.replace("tests:\n", "tests:\n  - {bundle: bundles/lost.andon, expect: {cause: none}}\n"))
    bundle = load_bundle(books / origin.tests[0].bundle)
    monkeypatch.setattr(Session, "client", _Exports(bundle))
    assert run(["incident", "export", "I-7", "--as-test", str(copy), "--format", "json"]) == Exit.HEALTHY
    told = capsys.readouterr()
    assert [(each["bundle"], each["state"]) for each in json.loads(told.out)["tests"]] == [
        ("bundles/i-7.andon", "passed")
    ]
    assert f"{len(origin.tests) + 1} of its tests cannot run" in told.err
    assert f"to '{copy.parent}/bundles/lost.andon' from where" in told.err
    copies = [line for line in told.err.splitlines() if line.startswith("  cp ")]
    assert run(["playbook", "test", str(copy), "--jobs", "1"]) == Exit.USAGE
    assert f"lost.andon: put the bundle there, or take its entry out of `tests:` in {copy}" in capsys.readouterr().out
    for each in copies:
        subprocess.run(shlex.split(each), check=True)
    copy.write_text("".join(line for line in copy.read_text().splitlines(True) if "lost.andon" not in line))
    assert run(["playbook", "test", str(copy), "--jobs", "1"]) == Exit.HEALTHY


def test_the_console_of_a_replay_stands_on_the_bundle_alone_and_leaves_nothing(book: Path) -> None:
    with standing_replay(a_bundle(book)) as (data, incident):
        client = Client(data)
        assert client.request("diagnosis", incident=incident)["causes"][0]["id"] == "kv_cache_exhausted"
        assert client.request("source.list") == []
        assert data.exists()
    assert not data.parent.exists()


def test_a_gate_does_not_pass_on_a_playbook_without_tests(book: Path) -> None:
    assert run(["playbook", "test", str(book)]) == Exit.INCONCLUSIVE
