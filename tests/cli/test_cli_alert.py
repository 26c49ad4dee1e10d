"""`andon alert`, `andon notify` and `andon listen` on a daemon that says what a test tells it to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from console.cli import run
from console.cli.commands.listen import snippet
from console.cli.shapes import shape_schema
from console.errors import Exit, SourceError
from console.service.client import Client

NOW = 1_780_000_000.0
ALERT = {
    "id": "f-1", "name": "Slow\x1b[2J", "text": "slow it is", "subject": "glove", "state": "firing",
    "started": NOW - 400, "labels": {"alertname": "Slow"}, "annotations": {}, "url": "", "source": "am",
    "silences": [], "incident": "I-3",
}  # fmt: skip
WELL = [{"name": "am", "state": "ok", "reason": ""}]
SILENCE = {"id": "s-1", "matchers": ['alertname="Slow"'], "start": NOW, "end": NOW + 60, "author": "ada",
           "comment": "we know", "state": "active", "source": "am", "alerts": 2}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "alert.list": {"now": NOW, "alerts": [ALERT], "counts": {"firing": 1}, "total": 3, "sources": WELL},
    "silence.list": {"now": NOW, "silences": [SILENCE], "sources": WELL},
    "silence.create": {"id": "s-1", "source": "am", "end": NOW + 60, "alerts": 2},
    "silence.end": {"id": "s-1", "source": "am"},
    "notify.test": {"name": "oncall"},
}
Asked = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the daemon is asked."""
    found: Asked = []

    def request(_client: Client, op: str, *, timeout: float = 30.0, **args: Any) -> Any:
        found.append((op, args))
        answer = ANSWERS[op]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(Client, "request", request)
    return found


@pytest.mark.parametrize(
    ("arguments", "shape", "code"),
    [
        (["alert", "list", "alertname=Slow"], "alerts", Exit.PROBLEM),
        (["alert", "silences"], "silences", Exit.HEALTHY),
        (["alert", "silence", "Slow", "--for", "90m", "--comment", "we know"], "silenced", Exit.HEALTHY),
        (["alert", "unsilence", "s-1"], "unsilenced", Exit.HEALTHY),
        (["notify", "test", "oncall"], "notified", Exit.HEALTHY),
    ],
)
def test_every_command_says_it_in_words_and_as_json(
    asked: Asked, capsys: pytest.CaptureFixture[str], arguments: list[str], shape: str, code: int
) -> None:
    assert run(arguments) == code
    assert "\x1b" not in capsys.readouterr().out
    assert run([*arguments, "--format", "json"]) == code
    jsonschema.validate(json.loads(capsys.readouterr().out), shape_schema(shape))


def test_a_list_says_what_it_leaves_out_and_which_source_fails(
    asked: Asked, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [{"name": "am", "state": "unreachable", "reason": "nobody is there"}]
    quiet = ANSWERS["alert.list"] | {"alerts": [], "counts": {}, "total": 0, "sources": broken}
    run(["alert", "list"])
    assert "2 more are not listed" in capsys.readouterr().err
    monkeypatch.setitem(ANSWERS, "alert.list", quiet)
    assert run(["alert", "list"]) == Exit.UNREACHABLE
    told = capsys.readouterr()
    assert "no alert fires" in told.out
    run(["alert", "list", "severty=page"])
    assert "no alert is known that fits severty=page" in capsys.readouterr().out  # which is not that none fires
    assert "am is unreachable: nobody is there" in told.err


def test_a_silence_says_first_how_many_alerts_it_would_keep_quiet(
    asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "alert silence alertname=Slow model!=boot --for 2h --on am --comment".split()
    assert run([*command, "we know"]) == Exit.HEALTHY
    assert "these fit 3 alerts now" in capsys.readouterr().err
    matchers = ["alertname=Slow", "model!=boot"]
    assert asked == [
        ("alert.list", {"matchers": matchers, "most": 0}),
        ("silence.create", {"matchers": matchers, "seconds": 7200.0, "comment": "we know", "source": "am"}),
    ]


@pytest.mark.parametrize(("said", "code"), [(True, Exit.HEALTHY), (False, Exit.INTERRUPTED)])
def test_at_a_terminal_a_silence_is_asked_for(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, said: bool, code: int
) -> None:
    def confirm(*_: Any, **__: Any) -> bool:
        import click

        if not said:
            raise click.Abort
        return True

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.confirm", confirm)
    assert run(["alert", "silence", "Slow", "--comment", "x"]) == code
    assert ("silence.create" in [op for op, _args in asked]) is said
    asked.clear()
    assert run(["alert", "silence", "Slow", "--comment", "x", "--yes"]) == Exit.HEALTHY


@pytest.mark.parametrize(
    "arguments",
    [
        ["alert", "silence", "Slow"],
        ["alert", "silence", "--comment", "x"],
        ["alert", "silence", "Slow", "--comment", "x", "--for", "soon"],
        ["--locked", "alert", "silence", "Slow", "--comment", "x"],
        ["--locked", "alert", "unsilence", "s-1"],
        ["--locked", "notify", "test", "oncall"],
        ["--locked", "listen"],
        ["listen", "--key", "x.key"],
        ["listen", "--client-ca", "ca.crt"],
    ],
)
def test_what_is_wrong_changes_nothing(asked: Asked, arguments: list[str]) -> None:
    assert run(arguments) == Exit.USAGE
    assert asked == []


def test_a_notifier_that_fails_is_said(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ANSWERS, "notify.test", SourceError("hooks.example answered 500", ""))
    assert run(["notify", "test", "oncall"]) == Exit.UNREACHABLE


def test_listening_without_a_secret_is_refused_and_so_is_one_that_others_may_read(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ANDON_LISTEN_TOKEN", raising=False)
    assert run(["listen"]) == Exit.USAGE
    assert "needs a secret" in capsys.readouterr().err
    token = tmp_path / "token"
    token.write_text("x")
    token.chmod(0o644)
    assert run(["listen", "--token-file", str(token)]) == Exit.USAGE
    assert "others may read" in capsys.readouterr().err
    monkeypatch.setenv("ANDON_LISTEN_TOKEN", "x")
    assert run(["listen", "--address", "nowhere"]) == Exit.USAGE
    assert asked == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"token_file": None, "username": "", "has_secret": True}, "authorization: {credentials_file: /etc/andon"),
        (
            {"token_file": Path("/x/t"), "username": "am", "has_secret": True},
            "basic_auth: {username: am, password_file: /x/t",
        ),
        ({"token_file": None, "username": "", "has_secret": False}, "tls_config:"),
    ],
)
def test_the_snippet_is_what_an_alert_manager_reads(options: dict[str, Any], says: str) -> None:
    from ruamel.yaml import YAML

    text = snippet("http://127.0.0.1:9097/", **options)
    assert says in text
    told = YAML(typ="safe").load(text)
    (hook,) = told["receivers"][0]["webhook_configs"]
    assert (hook["url"], hook["send_resolved"]) == ("http://127.0.0.1:9097/", True)
