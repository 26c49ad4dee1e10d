"""A first playbook from three answers: it always loads, and never writes over anything."""

from __future__ import annotations

import io
from pathlib import Path

import click
import pytest

from console.cli import run
from console.errors import Exit, UsageError
from console.playbook.authoring import draft, near, playbook_text, whose
from console.playbook.loader import load, load_text
from console.signals.catalogue import catalogue

SAID = ["--signal", "model.ttft", "--by", "model", "--suspect", "model.kv.usage", "--suspect", "host.cpu.utilization"]


@pytest.mark.parametrize("signal", [name for place, name in enumerate(catalogue()) if place % 9 == 0])
def test_any_signal_gives_a_playbook_that_loads(signal: str) -> None:
    text = playbook_text(draft(signal, whose(signal), near(signal)))
    book = load_text(text, "drafted.yaml")
    assert book.triggers[0].signal == signal
    assert len(book.causes) == len(near(signal))
    assert all(any(line.against for line in cause.evidence) for cause in book.causes)
    assert text.startswith("# yaml-language-server: $schema=")
    assert "# tests:" in text


def test_what_is_near_is_of_the_same_things_and_never_the_same_said_twice() -> None:
    assert "model.requests" in near("model.ttft")
    assert near("data.missing")[0].startswith("data.")
    assert "model.latency.total" not in near("model.latency")


def test_a_suspect_of_another_scope_is_not_held_to_labels_that_it_has_not() -> None:
    book = load_text(playbook_text(draft("model.ttft", ["model"], ["model.kv.usage", "host.load"])), "drafted.yaml")
    selected = {step.id: "where" in step.options for step in book.steps}
    assert selected["model_kv_usage"] and not selected["host_load"]


@pytest.mark.parametrize(
    ("signal", "by", "suspects", "said"),
    [
        ("model.tttft", ["model"], ["model.kv.usage"], "there is no signal"),
        ("model.ttft", ["mo del"], ["model.kv.usage"], "is no label"),
        ("model.ttft", [], ["model.kv.usage"], "nothing says whose it is"),
        ("model.ttft", ["model"], ["model.ttft"], "needs a suspect"),
        ("model.ttft", ["model"], list(catalogue())[:12], "too many"),
    ],
)
def test_an_answer_that_is_none_is_refused(signal: str, by: list[str], suspects: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        draft(signal, by, suspects)


def test_the_command_writes_what_check_passes_and_refuses_to_overwrite(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "slow_chat.yaml"
    assert run(["playbook", "new", str(file), *SAID]) == Exit.HEALTHY
    assert load(file).name == "slow_chat"
    assert run(["playbook", "check", str(file)]) == Exit.HEALTHY
    before = file.read_text()
    assert run(["playbook", "new", str(file), *SAID]) == Exit.USAGE
    assert "is there already" in capsys.readouterr().err
    assert file.read_text() == before


def test_the_command_that_it_names_can_be_pasted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "two words.yaml"
    assert run(["playbook", "new", str(file), *SAID]) == Exit.HEALTHY
    assert f"try it: andon run '{file}'" in capsys.readouterr().out


def test_without_a_terminal_it_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["playbook", "new", str(tmp_path / "a.yaml"), "--signal", "model.ttft"]) == Exit.USAGE
    said = capsys.readouterr().err
    assert "--by LABEL, --suspect SIGNAL" in said and "model.queue.duration" in said
    assert not list(tmp_path.iterdir())


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_file_that_is_there_is_told_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "mine.yaml"
    taken.write_text("name: mine\n")
    assert run(["playbook", "new", str(taken)]) == Exit.USAGE
    assert "is there already" in capsys.readouterr().err
    assert taken.read_text() == "name: mine\n"


def test_at_a_terminal_it_asks_and_takes_numbers_for_what_it_offers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"Which signal hurts?": "gpu.temperature", "Whose": "host gpu", "Which are": "1, gpu.power"}
    asked: list[str] = []

    def prompt(question: str, **_options: object) -> str:
        asked.append(question)
        return next(answer for start, answer in answers.items() if question.startswith(start))

    monkeypatch.setattr(click, "prompt", prompt)
    monkeypatch.setattr("sys.stdin", _Terminal())
    file = tmp_path / "hot.yaml"
    assert run(["playbook", "new", str(file)]) == Exit.HEALTHY
    book = load(file)
    assert len(asked) == 3
    assert set(book.inputs) == {"host", "gpu"}
    assert [cause.id for cause in book.causes] == [near("gpu.temperature")[0].replace(".", "_"), "gpu_power"]


@pytest.mark.parametrize("given", [[], ["--signal", "gpu.temprature"]])
def test_a_slip_at_a_terminal_is_told_with_what_is_close_and_asked_for_again(
    given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ["gpu.temprature", "gpu.temperature", "9 gpu", "host gpu", "gpu.powr", "gpu.temperature", "gpu.power"]
    answers = iter(said[1:] if given else said)
    monkeypatch.setattr(click, "prompt", lambda *_args, **_options: next(answers))
    monkeypatch.setattr("sys.stdin", _Terminal())
    file = tmp_path / "hot.yaml"
    assert run(["playbook", "new", str(file), *given]) == Exit.HEALTHY
    told = capsys.readouterr().err
    assert "there is no signal gpu.temprature: did you mean gpu.temperature" in told
    assert "'9' is no label" in told
    assert "there is no signal gpu.powr: did you mean gpu.power" in told
    assert "needs a suspect beside" in told
    assert set(load(file).inputs) == {"host", "gpu"}
    assert next(answers, None) is None


def test_a_slip_without_a_terminal_ends_with_what_is_close(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--signal", "model.tttf", "--by", "model", "--suspect", "model.queue.depth"]
    assert run(["playbook", "new", str(tmp_path / "a.yaml"), *words]) == Exit.USAGE
    assert "did you mean model.ttft" in capsys.readouterr().err
