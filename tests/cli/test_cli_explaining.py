"""Following a model at work from the command line, on a daemon that says what a test tells it to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import jsonschema
import nouns
import pytest

from console.cli import run
from console.cli.shapes import shape_schema
from console.errors import Exit, UsageError
from console.model import AgentClaim, AgentSays, Question, Transcript
from console.service.client import Client
from console.wire import dump

SAYS = AgentSays("claude-test", (AgentClaim("the queue grew", evidence=("F1",)),))
STOPPED = AgentSays("claude-test", stopped="the budget of 12 calls is used up")
ASKS = dump(Question("Did anybody deploy?", ("yes", "no")))
MESSAGES = (
    {"role": "user", "content": [{"type": "text", "text": "the queue \x1b[2Jgrew"}]},
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "t1", "name": "events", "input": {"kinds": ["deploy"]}}],
    },
)
TRANSCRIPT = Transcript("T-1", "I-3", nouns.NOON, "claude-test", "", messages=MESSAGES, says=SAYS)


def view(*looks: str, asks: Any = None, ended: bool = False) -> dict[str, Any]:
    return {"looks": list(looks), "asks": asks, "ended": ended}


class Daemon:
    """It shows one `view` after the other, the last one for ever; an exception among them is raised."""

    def __init__(self, *views: Any, says: AgentSays = SAYS, model: str | None = "claude-test") -> None:
        self.views, self.says, self.model = list(views) or [view(ended=True)], says, model
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.refused: Mapping[str, UsageError] = {}

    def request(self, _client: Client, op: str, *, timeout: float = 30.0, **args: Any) -> Any:
        self.asked.append((op, args))
        if op in self.refused:
            raise self.refused[op]
        answers: dict[str, Callable[[], Any]] = {
            "triage": lambda: dump(nouns.diagnosis()),
            "explain.seen": self.seen,
            "explain.prompt": lambda: {"model": "m", "messages": list(MESSAGES)},
            "transcript.list": lambda: [dump(TRANSCRIPT)],
            "transcript.show": lambda: dump(TRANSCRIPT),
        }
        return answers.get(op, dict)()

    def seen(self) -> dict[str, Any]:
        first = self.views.pop(0) if len(self.views) > 1 else self.views[0]
        if isinstance(first, BaseException):
            raise first
        return {"model": self.model, "view": first, "said": [{"says": dump(self.says)}]}

    def ops(self) -> list[str]:
        return [op for op, _args in self.asked if op != "explain.seen"]


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Daemon]:
    monkeypatch.setattr("console.cli.explaining.LOOK_SECONDS", 0.0)

    def made(*views: Any, **more: Any) -> Daemon:
        there = Daemon(*views, **more)
        monkeypatch.setattr(Client, "request", lambda client, op, **args: there.request(client, op, **args))
        return there

    return made


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Somebody sits there and gives these answers."""
    answers: list[str] = []
    there = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("console.cli.explaining.sys", SimpleNamespace(stdin=there, stderr=there))
    monkeypatch.setattr("console.cli.asking.ask_outright", lambda _question: answers.pop(0))
    return answers


def test_triage_shows_what_the_model_says_after_the_diagnosis(daemon: Any, capsys: pytest.CaptureFixture[str]) -> None:
    there = daemon(view(ended=True), view("compare"), view("compare", "events", ended=True))
    assert run(["triage", "--incident", "I-3"]) == nouns.diagnosis().exit
    assert there.ops() == ["triage", "explain"] and there.asked[0][1]["llm"] is False
    told = capsys.readouterr().out
    assert told.index("1. ") < told.index("What claude-test says") < told.index("the queue grew")


def test_a_triage_stands_where_the_model_is_busy(daemon: Any, capsys: pytest.CaptureFixture[str]) -> None:
    there = daemon()
    there.refused = {"explain": UsageError("I-3 is being explained already", "wait")}
    assert run(["triage", "--incident", "I-3"]) == nouns.diagnosis().exit
    out, err = capsys.readouterr()
    assert "1. " in out and "no model is asked: I-3 is being explained already; wait" in err


def test_without_the_model_nothing_is_asked_of_it(daemon: Any, capsys: pytest.CaptureFixture[str]) -> None:
    there = daemon()
    assert run(["triage", "--incident", "I-3", "--no-llm"]) == nouns.diagnosis().exit
    assert there.ops() == ["triage"] and "says" not in capsys.readouterr().err


def test_a_daemon_from_before_the_model_was_configured_is_told_of(
    daemon: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = daemon(model=None)
    config = tmp_path / "config.toml"
    config.write_text('[llm]\nmodel = "m"\n')
    assert run(["--config", str(config), "triage", "--incident", "I-3"]) == nouns.diagnosis().exit
    assert there.ops() == ["triage"] and "before [llm] was configured; start it again" in capsys.readouterr().err
    assert run(["triage", "--incident", "I-3"]) == nouns.diagnosis().exit
    assert "configured" not in capsys.readouterr().err


@pytest.mark.parametrize(("says", "code"), [(SAYS, Exit.HEALTHY), (STOPPED, Exit.INCONCLUSIVE)])
def test_explain_ends_by_whether_there_is_a_conclusion(
    daemon: Any, capsys: pytest.CaptureFixture[str], says: AgentSays, code: Exit
) -> None:
    there = daemon(view(ended=True), says=says)
    assert run(["incident", "explain", "I-3", "since when?", "--format", "json"]) == code
    assert there.asked[0] == ("explain", {"incident": "I-3", "question": "since when?"})
    told = json.loads(capsys.readouterr().out)
    assert told == dump(says)
    jsonschema.validate(told, shape_schema("agent"))


@pytest.mark.parametrize("form", ["junit", "markdown"])
def test_a_form_that_there_is_not_is_refused_before_the_model_is_asked(daemon: Any, form: str) -> None:
    there = daemon()
    assert run(["incident", "explain", "I-3", "--format", form]) == Exit.USAGE
    assert there.asked == []


def test_looks_are_told_once_as_they_come(
    daemon: Any, terminal: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    daemon(view("compare"), view("compare"), view("compare", "events\x1b[2J"), view("compare", "events", ended=True))
    assert run(["incident", "explain", "I-3"]) == Exit.HEALTHY
    assert capsys.readouterr().err == ("claude-test is asked; Ctrl-C interrupts it\nlooks: compare\nlooks: events\n")


def test_what_it_asks_is_put_to_who_sits_there(
    daemon: Any, terminal: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    there = daemon(view(asks=ASKS), view(asks=ASKS), view(ended=True))
    there.refused = {"explain.answer": UsageError("it has gone on meanwhile", "look again")}
    terminal += ["yes", ""]
    assert run(["incident", "explain", "I-3"]) == Exit.HEALTHY
    assert [args["answer"] for op, args in there.asked if op == "explain.answer"] == ["yes", "nobody knows"]
    assert "it has gone on meanwhile: look again" in capsys.readouterr().err


def test_an_interrupt_in_place_of_an_answer_ends_the_model(
    daemon: Any, terminal: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def abort(_question: Question) -> str:
        raise click.Abort

    there = daemon(view(asks=ASKS), view(ended=True), says=STOPPED)
    monkeypatch.setattr("console.cli.asking.ask_outright", abort)
    assert run(["incident", "explain", "I-3"]) == Exit.INCONCLUSIVE
    assert there.ops() == ["explain", "explain.interrupt"]


def test_where_nobody_sits_nothing_is_asked(daemon: Any) -> None:
    there = daemon(view(asks=ASKS), view(asks=ASKS, ended=True))
    assert run(["incident", "explain", "I-3"]) == Exit.HEALTHY
    assert there.ops() == ["explain"]


def test_an_interrupt_ends_the_model_and_a_second_one_the_command(
    daemon: Any, terminal: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    there = daemon(view("compare"), KeyboardInterrupt(), view("compare", ended=True), says=STOPPED)
    assert run(["incident", "explain", "I-3"]) == Exit.INCONCLUSIVE
    assert there.ops() == ["explain", "explain.interrupt"] and "interrupted" in capsys.readouterr().err
    there = daemon(KeyboardInterrupt(), KeyboardInterrupt(), view(ended=True))
    there.refused = {"explain.interrupt": UsageError("nothing is under way", "")}
    assert run(["incident", "explain", "I-3"]) == Exit.INTERRUPTED


@pytest.mark.parametrize("form", ["text", "json"])
def test_transcripts_are_listed_and_shown_message_by_message(
    daemon: Any, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    there = daemon()
    assert run(["transcript", "list", "--incident", "I-3", "--format", form]) == Exit.HEALTHY
    listed = capsys.readouterr().out
    assert run(["transcript", "show", "T-1", "--format", form]) == Exit.HEALTHY
    shown = capsys.readouterr().out
    assert there.asked == [("transcript.list", {"incident": "I-3"}), ("transcript.show", {"transcript": "T-1"})]
    if form == "json":
        jsonschema.validate(json.loads(shown), shape_schema("transcript"))
        jsonschema.validate(json.loads(listed), shape_schema("transcripts"))
        assert [each["id"] for each in json.loads(listed)] == ["T-1"]
    else:
        assert "T-1" in listed and "claude-test" in listed
        assert "the queue grew" in shown and "→ events" in shown and "\x1b" not in shown


def test_the_prompt_is_shown_and_not_sent(daemon: Any, capsys: pytest.CaptureFixture[str]) -> None:
    there = daemon()
    assert run(["triage", "--incident", "I-3", "--show-prompt", "--format", "json"]) == Exit.HEALTHY
    assert there.ops() == ["explain.prompt"] and json.loads(capsys.readouterr().out)["model"] == "m"
