"""What is done to a host: listed units, listed processes, listed commands, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from console.errors import ActRefused, ConfigError, SourceError, UsageError
from console.library import add_plugin_folder, library_dir
from console.model import Act, Draft
from console.plugins import load_plugins
from console.remedy.actuator import checked

add_plugin_folder(library_dir("plugins"))

SYSTEMCTL = """#!/bin/sh
# a unit whose invocation is in a file; restart gives it another
case "$1 $2" in
"show -p") echo "InvocationID=$(cat {folder}/invocation)"; echo "ActiveState=active"; echo "LoadState=loaded" ;;
"--no-ask-password restart") echo "$4" >> {folder}/restarted; echo another > {folder}/invocation ;;
esac
"""


def acts(**told: Any) -> Any:
    from andon_plugins._host_acts import open_acts
    from andon_plugins.host_actions import HostActuatorOptions

    return open_acts("here", **HostActuatorOptions(host="gpu-1", **told).model_dump())


def options(action: str, **told: Any) -> dict[str, Any]:
    return checked(action, told, load_plugins())


def act_of(action: str, draft: Draft) -> Act:
    return Act(action, "here", draft.target, draft.set, draft.expect)


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "systemctl"
    program.write_text(SYSTEMCTL.format(folder=tmp_path))
    program.chmod(0o755)
    (tmp_path / "invocation").write_text("first")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_a_listed_unit_is_restarted_once(unit: Path) -> None:
    here = acts(units=["glove-*"])
    draft = here.draft("host.restart_unit", options("host.restart_unit", unit="glove-feed", host="gpu-1"))
    act = act_of("host.restart_unit", draft)
    assert draft.restore is None and draft.target == "unit glove-feed of gpu-1"
    assert here.did(act, "key") is False
    here.act(act, "key")
    assert here.did(act, "key") is True
    assert (unit / "restarted").read_text() == "glove-feed\n"
    with pytest.raises(ActRefused, match="started anew since"):
        here.act(act, "key-2")
    assert (unit / "restarted").read_text() == "glove-feed\n"


def test_what_the_table_does_not_list_is_not_done(unit: Path) -> None:
    here = acts(units=["glove-*"])
    with pytest.raises(UsageError, match="may not restart sshd"):
        here.draft("host.restart_unit", options("host.restart_unit", unit="sshd"))
    with pytest.raises(UsageError, match="has no command 'reboot'"):
        here.draft("host.command", options("host.command", command="reboot"))
    with pytest.raises(UsageError, match="that may be ended"):
        here.draft("host.kill_process", options("host.kill_process", pid=psutil.Process().ppid()))
    with pytest.raises(UsageError, match="is gpu-1, not gpu-2"):
        here.draft("host.restart_unit", options("host.restart_unit", unit="glove-feed", host="gpu-2"))
    with pytest.raises(ConfigError, match="unit"):
        options("host.restart_unit", unit="a; rm -rf /")


def test_the_process_that_was_meant_is_ended_and_no_other(sleeper: subprocess.Popen[bytes]) -> None:
    here = acts(processes=["python*"])
    draft = here.draft("host.kill_process", options("host.kill_process", pid=sleeper.pid))
    act = act_of("host.kill_process", draft)
    other = Act(act.action, act.actuator, act.target, act.set, {"began": act.expect["began"] - 1})
    with pytest.raises(ActRefused, match="gone already"):
        here.act(other, "key")
    assert sleeper.poll() is None and here.did(act, "key") is False
    here.act(act, "key")
    sleeper.wait(5)
    assert here.did(act, "key") is True


def test_neither_andon_nor_what_it_runs_under_is_ended() -> None:
    here = acts(processes=["*"])
    for pid in (psutil.Process().pid, psutil.Process().ppid()):
        with pytest.raises(UsageError, match="that may be ended"):
            here.draft("host.kill_process", options("host.kill_process", pid=pid))


def test_without_a_name_it_is_the_only_busy_one(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from andon_plugins import _host_acts

    here = acts(processes=["python*"])
    monkeypatch.setattr(_host_acts, "BUSY_SECONDS", 0.0)
    monkeypatch.setattr(_host_acts, "_share", lambda process: float(process.pid == sleeper.pid))
    assert here.draft("host.kill_process", options("host.kill_process")).set == {"pid": sleeper.pid}
    monkeypatch.setattr(_host_acts, "_share", lambda process: 0.0)
    with pytest.raises(UsageError, match="no processes") as refused:
        here.draft("host.kill_process", options("host.kill_process"))
    assert "give its pid" in refused.value.hint


def test_a_listed_command_is_run_as_it_is_shown_without_a_shell(tmp_path: Path) -> None:
    commands = {"note": ["/bin/sh", "-c", 'echo "$0" >> "$1"', "{gpu}", str(tmp_path / "ran")], "fails": ["/bin/false"]}
    here = acts(commands=commands)
    draft = here.draft("host.command", options("host.command", command="note", gpu="3"))
    assert draft.changes[0].after.split()[-2:] == ["3", str(tmp_path / "ran")]
    here.act(act_of("host.command", draft), "key")
    assert (tmp_path / "ran").read_text() == "3\n"
    assert here.did(act_of("host.command", draft), "key") is None
    for bad in ("-i", "$(id)", "a b", "", None):
        with pytest.raises(UsageError, match="needs gpu"):
            here.draft("host.command", options("host.command", command="note", gpu=bad))
    failed = here.draft("host.command", options("host.command", command="fails"))
    with pytest.raises(SourceError, match="ended with 1"):
        here.act(act_of("host.command", failed), "key")


def test_what_the_table_does_not_list_any_more_is_not_done(
    unit: Path, sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    touch = {"touch": ["/usr/bin/touch", f"{tmp_path}/{{name}}"]}
    before = acts(units=["glove-*"], processes=["python*"], commands=touch)
    planned = [
        ("host.restart_unit", {"unit": "glove-feed"}),
        ("host.kill_process", {"pid": sleeper.pid}),
        ("host.command", {"command": "touch", "name": "a"}),
    ]
    done = [act_of(action, before.draft(action, options(action, **told))) for action, told in planned]
    for each in done:
        with pytest.raises(ActRefused, match=r"may not|has no command"):
            acts().act(each, "key")
    changed = acts(commands={"touch": ["/usr/bin/touch", f"{tmp_path}/of-another/{{name}}"]})
    with pytest.raises(ActRefused, match="another command by now"):
        changed.act(done[-1], "key")
    assert sleeper.poll() is None and not (unit / "restarted").exists() and not (tmp_path / "a").exists()


def test_a_hole_leads_out_of_no_folder() -> None:
    here = acts(commands={"clear": ["/bin/rm", "-r", "/var/cache/{model}"]})
    for bad in ("..", "a/../../../home", "a/..", "../home"):
        with pytest.raises(UsageError, match="clear needs model"):
            here.draft("host.command", options("host.command", command="clear", model=bad))


def test_a_command_that_hangs_or_is_not_there_says_so() -> None:
    here = acts(commands={"hangs": ["/bin/sleep", "30"], "absent": ["/no/such/program"]}, timeout=0.2)
    hangs = here.draft("host.command", options("host.command", command="hangs"))
    with pytest.raises(SourceError, match=r"not done within 0\.2 s"):
        here.act(act_of("host.command", hangs), "key")
    absent = here.draft("host.command", options("host.command", command="absent"))
    with pytest.raises(ActRefused, match="has no program"):
        here.act(act_of("host.command", absent), "key")
