"""The contract of the command line: exit codes, where output goes, and that no traceback ever reaches the operator."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from xml.etree import ElementTree

import nouns
import pytest

from console import __version__
from console.cli import run
from console.cli.root import COMMANDS, andon
from console.cli.session import Session
from console.cli.shapes import SHAPES, shape_schema
from console.errors import Exit, StoreFull


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == Exit.HEALTHY
    assert __version__ in capsys.readouterr().out


def test_the_version_costs_no_heavy_import() -> None:
    code = "import sys; from console.cli import run; run(['--version']); print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    heavy = {"numpy", "pydantic", "duckdb", "httpx", "asyncio", "textual", "sqlite_utils", "aiohttp", "pluggy"}
    assert not loaded & heavy


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_and_every_help_says_what_it_is_for(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([name, "--help"]) == Exit.HEALTHY
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: andon {name}")
    assert len(shown.splitlines()[2].strip()) > 20


def test_the_index_of_commands_is_true() -> None:
    session = Session()
    context = andon.make_context("andon", ["doctor"], obj=session)
    for name in COMMANDS:
        command = andon.get_command(context, name)
        assert command is not None and command.name == name


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_whatever_a_published_shape_refers_to_is_in_it(name: str) -> None:
    shape = shape_schema(name)
    referred = set(re.findall(r'"\$ref": "#/\$defs/([^"]+)"', json.dumps(shape)))
    assert referred <= set(shape.get("$defs", {}))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frobnicate"], "No such command"),
        (["run"], "Missing argument"),
        (["run", "no_such_playbook"], "there is no playbook 'no_such_playbook'"),
        (["run", "accuracy_drop", "-i", "novalue"], "'novalue' is not NAME=VALUE"),
        (["--format", "yaml", "doctor"], "Invalid value for '--format'"),
        (["--config", "/nonexistent/config.toml", "config", "show"], "there is no configuration file"),
        (["--source", "nameless", "source", "list"], "is not NAME=URL"),
        (["--source", "x=gopher://y", "source", "list"], "no kind of source reads"),
        (["triage"], "triage needs one thing to start from"),
        (["triage", "--alert", "/nonexistent.json"], "cannot be read"),
        (["schema", "nothing"], "there is no shape 'nothing'"),
        (["source", "check", "nobody"], "there is no source 'nobody'"),
        (["--locked", "incident", "ack", "I-1"], "this andon is locked"),
        (["--format", "junit", "config", "show"], "this command has no junit form"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == Exit.USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert len(captured.err.strip().splitlines()) <= 2


def test_no_daemon_is_exit_4_and_says_how_to_start_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status"]) == Exit.UNREACHABLE
    assert "start it with `andon daemon`" in capsys.readouterr().err


def test_nothing_to_look_at_says_what_to_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "accuracy_drop", "-i", "model=glove"]) == Exit.USAGE
    assert "--source NAME=URL" in capsys.readouterr().err


def test_the_path_of_a_missing_configuration_stands_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "path"]) == Exit.HEALTHY
    captured = capsys.readouterr()
    assert captured.out.endswith("config.toml\n") and len(captured.out.splitlines()) == 1
    assert "not there yet" in captured.err


def test_no_source_to_check_says_what_to_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["source", "check"]) == Exit.INCONCLUSIVE
    assert "--source NAME=URL" in capsys.readouterr().err


def test_the_list_of_faults_names_their_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lab", "list"]) == Exit.HEALTHY
    gloves = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("black_gloves"))
    assert gloves.endswith("darkness, line, share")


def test_no_one_line_help_is_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    for group in ("baseline", "config", "incident", "lab", "playbook", "source"):
        assert run([group, "--help"]) == Exit.HEALTHY
        assert "..." not in capsys.readouterr().out.split("Commands:")[1], group


def test_a_crash_is_70_with_a_report_that_holds_no_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(Session, "emit", lambda *_: 1 / 0)
    url = "postgres://user:hunter2@host/db::rows"
    assert run(["config", "path", "--source", "x=http://user:hunter2@host", "--output", url]) == Exit.INTERNAL
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "Traceback" not in said
    (report,) = tmp_path.glob("andon-crash-*.txt")
    assert str(report) in said
    assert "Traceback" in report.read_text()
    assert "hunter2" not in report.read_text()


@pytest.mark.parametrize(
    ("raised", "code"), [(KeyboardInterrupt(), Exit.INTERRUPTED), (StoreFull("full", "x"), Exit.UNREACHABLE)]
)
def test_what_ends_a_command_has_its_own_code(
    raised: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def emit(*_: object) -> None:
        raise raised

    monkeypatch.setattr(Session, "emit", emit)
    assert run(["config", "path"]) == code


def test_global_flags_stand_before_or_after_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--format", "json", "config", "path"], ["config", "path", "--format", "json"]):
        assert run(arguments) == Exit.HEALTHY
        assert json.loads(capsys.readouterr().out)["exists"] is False


def test_output_goes_whole_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "answer.json"
    assert run(["config", "path", "--format", "json", "--output", str(target)]) == Exit.HEALTHY
    assert capsys.readouterr().out == ""
    assert json.loads(target.read_text())["exists"] is False
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_cannot_be_written_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "path", "--output", str(tmp_path / "no" / "where")]) == Exit.USAGE
    assert "cannot be written" in capsys.readouterr().err


def test_a_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    pipe, answers = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: answers.append(pipe.read_text()))
    reader.start()
    assert run(["--output", str(pipe), "config", "schema"]) == Exit.HEALTHY
    reader.join(5.0)
    assert pipe.is_fifo() and json.loads(answers[0])["title"] == "File"


@pytest.mark.parametrize("arguments", [["config", "schema"], ["--help"], ["lab", "--help"]])
def test_a_reader_that_leaves_early_is_no_problem_found(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "console.cli", *arguments], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (Exit.HEALTHY, b"")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize(("arguments", "code"), [(["config", "schema"], 2), (["run", "no_such_playbook"], 2)])
def test_a_full_stdout_and_a_full_stderr_are_no_crash(arguments: list[str], code: int) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "console.cli", *arguments]
        assert subprocess.run(command, stdout=full, stderr=full, check=False).returncode == code
        told = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert told.returncode == code and "Traceback" not in told.stderr


def test_an_argument_that_is_no_text_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "latency_regression", "-i", "model=\udcff", "--source", "x=http://127.0.0.1:1/metrics"]) == 2
    assert "input model is not text" in capsys.readouterr().err


def test_a_crash_over_what_is_no_text_is_still_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(andon, "main", lambda *_arguments, **_named: {}["\udcff"])
    assert run(["doctor", "\udcff"]) == Exit.INTERNAL
    assert "please report it" in capsys.readouterr().err
    [report] = tmp_path.iterdir()
    assert "KeyError" in report.read_text()


def test_a_diagnosis_prints_in_all_four_formats(capsys: pytest.CaptureFixture[str]) -> None:
    shown = {}
    for name in ("text", "json", "junit", "markdown"):
        assert Session(format=name).emit_diagnosis(nouns.diagnosis()) == Exit.PROBLEM
        shown[name] = capsys.readouterr().out
    assert shown["text"].startswith("▲ degraded")
    assert json.loads(shown["json"])["verdict"] == "degraded"
    assert ElementTree.fromstring(shown["junit"].split("\n", 1)[1]).tag == "testsuites"
    assert shown["markdown"].startswith("# ▲ degraded")


def test_secrets_in_source_options_are_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[sources.a]\nkind = "metrics"\nurl = "http://me:hunter2@x/?token=hunter2"\napi_key = "hunter2"\n'
                      'headers = {Authorization = "Bearer hunter2"}\n'
                      '[notify.b]\nkind = "slack"\nurl = "https://hooks.example/services/T0/hunter2"\n')  # fmt: skip
    config.chmod(0o600)
    assert run(["--config", str(config), "config", "show", "--format", "json"]) == Exit.HEALTHY
    shown = capsys.readouterr().out
    assert "hunter2" not in shown
    assert "https://hooks.example/•••" in shown


def test_settings_of_the_model_are_shown_one_a_line_without_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[llm]\nmodel = "m"\nurl = "http://me:hunter2@x"\n[llm.mcp.wiki]\nurl = "https://me:hunter2@w"\n'
                      'tools = ["find_pages"]\n[actuators.k8s]\nkind = "kubernetes"\n')  # fmt: skip
    assert run(["--config", str(config), "config", "show"]) == Exit.HEALTHY
    shown = " ".join(capsys.readouterr().out.split())
    for said in ("llm.model m", "llm.url http://•••@x", "llm.tokens 300000", "llm.prices.read 0.0",
                 "llm.mcp.wiki.tools find_pages", "actuators.k8s kubernetes"):  # fmt: skip
        assert said in shown
    assert "hunter2" not in shown and "Config(" not in shown


def test_a_plugin_may_bring_a_command_and_a_broken_one_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "greeting.py").write_text(
        "import click\nfrom console.plugins import hookimpl\n\n"
        "@click.command()\ndef hello():\n    'Say hello.'\n    click.echo('hello')\n\n"
        "@hookimpl\ndef andon_commands():\n    return [hello]\n"
    )
    (tmp_path / "broken.py").write_text("raise RuntimeError('no')")
    assert run(["--plugins-dir", str(tmp_path), "hello"]) == Exit.HEALTHY
    captured = capsys.readouterr()
    assert captured.out == "hello\n"
    assert "plugin broken failed" in captured.err


@pytest.mark.parametrize(
    ("term", "more", "shades"),
    [
        ("xterm-256color", {}, True),
        ("linux", {}, False),
        ("xterm", {"COLORTERM": "truecolor"}, True),
        ("dumb", {}, False),
    ],
)
def test_greys_are_for_terminals_that_have_them(
    term: str, more: dict[str, str], shades: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": term, **more}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert Session().shades is shades


def test_a_closed_stdout_changes_no_exit_code(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("v\n" + "".join(f"{i % 7}\n" for i in range(100)))
    command = [sys.executable, "-c", "from console.cli import main; main()", "compare", str(rows), str(rows)]
    shell = ["/bin/sh", "-c", '"$@" >&-', "sh", *command]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (Exit.HEALTHY, "")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "none is configured"),
        ('[llm]\nmodel = "m"\nenabled = false\n', "nothing is told to any"),
        ('[llm]\nmodel = "m"\nkey_env = "ANDON_NO_SUCH"\n', "ANDON_NO_SUCH is not set here"),
        ('[llm]\nmodel = "m"\nurl = "http://host"\nkey_env = "ANDON_NO_SUCH"\n', "○ missing  language model"),
        ('[llm]\nmodel = "m"\nkey_env = "PATH"\nurl = "http://me:secret@host/v1"\n', "m at http://•••@host/v1"),
    ],
)
def test_the_doctor_says_whether_a_model_can_be_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str, said: str
) -> None:
    (config := tmp_path / "config.toml").write_text(table)
    run(["--config", str(config), "--data", str(tmp_path / "data"), "doctor"])
    assert said in capsys.readouterr().out


def test_where_no_model_may_be_told_anything_other_agents_are_not_either(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config := tmp_path / "config.toml").write_text('[llm]\nmodel = "m"\nenabled = false\n')
    assert run(["--config", str(config), "--data", str(tmp_path / "data"), "mcp"]) == Exit.USAGE
    assert "nothing may be told to language models here" in capsys.readouterr().err


def test_the_doctor_looks_at_the_options_of_sources_and_calls_none_well_that_nobody_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[sources.rows]\nkind = "table"\npth = "x.csv"\n\n[sources.app]\nkind = "logs"\npath = "x.log"\n')
    assert run(["--config", str(config), "--data", str(tmp_path / "data"), "doctor"]) == Exit.USAGE
    shown = " ".join(capsys.readouterr().out.split())
    assert "▲ wrong source rows: the kind table has no option 'pth'; did you mean 'path'?" in shown
    assert "app (logs); `andon source check app` asks it" in shown
