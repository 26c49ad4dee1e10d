"""Changing this machine: blocking, for it runs in a child process of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import psutil

from console.errors import ActRefused, SourceError, UsageError
from console.model import Act, Blast, Change, Draft
from console.sources.redact import shown_line

HOLE = re.compile(r"\{(\w+)\}")
FILLING = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9_.:/-]{0,252}")  # no option, no path out of a folder
SYSTEMCTL = "systemctl"
ASK_SECONDS = 5.0
END_SECONDS = 5.0  # for a process to end when asked
BUSY_SECONDS = 0.3  # for which processes are watched
BUSY = 0.5  # cores: less is no runaway
MOST_SHOWN = 5
ENVIRONMENT = ("PATH", "HOME", "LANG")


class Acts:
    """An actuator over one machine."""

    def __init__(
        self,
        name: str,
        host: str,
        units: Sequence[str],
        processes: Sequence[str],
        commands: Mapping[str, Sequence[str]],
        timeout: float,
    ) -> None:
        self.name = name
        self._host, self._units, self._processes = host, units, processes
        self._commands, self._seconds = commands, timeout
        self._drafts: Mapping[str, Callable[[Mapping[str, Any]], Draft]] = {
            "host.restart_unit": self._restart_unit,
            "host.kill_process": self._kill_process,
            "host.command": self._command,
        }
        self._acts: Mapping[str, Callable[[Act], None]] = {
            "host.restart_unit": self._do_restart,
            "host.kill_process": self._do_kill,
            "host.command": self._do_command,
        }

    def draft(self, action: str, options: Mapping[str, Any]) -> Draft:
        """What would be done. UsageError for another machine, and for what its table does not list."""
        if options.get("host") not in (None, "", self._host):
            hint = f"configure an actuator on {options['host']}, or name it in the remedy: with: {{actuator: …}}"
            raise UsageError(f"{self.name} is {self._host}, not {options['host']}", hint)
        return self._drafts[action](options)

    def act(self, act: Act, _key: str) -> Mapping[str, Any]:
        """Do it, where things are what they were, and the table still lists it."""
        try:
            self._acts[act.action](act)
        except UsageError as error:  # of the table, before anything was done
            raise ActRefused(error.message, error.hint) from None
        return {}

    def did(self, act: Act, _key: str) -> bool | None:
        """By what there is to see; of a command there is nothing."""
        match act.action:
            case "host.restart_unit":
                now = self._unit(act.set["unit"])
                return now["InvocationID"] != act.expect["invocation"] and now["ActiveState"] == "active"
            case "host.kill_process":
                return _process(act.set["pid"], act.expect["began"]) is None
            case _:
                return None

    def close(self) -> None:
        """Nothing is held."""

    # ── units ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _restart_unit(self, options: Mapping[str, Any]) -> Draft:
        unit = options["unit"]
        now = self._listed(unit)
        if now["LoadState"] == "not-found":
            raise UsageError(f"{self._host} has no unit {unit}", "systemctl list-units")
        change = Change("invocation", now["InvocationID"] or now["ActiveState"], "another")
        blast = Blast(1, None, f"it is {now['ActiveState']} now, and away while it starts")
        return Draft(f"unit {unit} of {self._host}", {"unit": unit}, {"invocation": now["InvocationID"]}, (change,),
                     None, blast)  # fmt: skip

    def _do_restart(self, act: Act) -> None:
        unit = act.set["unit"]
        if self._listed(unit)["InvocationID"] != act.expect["invocation"]:
            raise ActRefused(f"{unit} was started anew since", "make a new plan")
        self._run([SYSTEMCTL, "--no-ask-password", "restart", "--", unit], self._seconds)

    def _listed(self, unit: str) -> Mapping[str, str]:
        """A unit as it is; UsageError for one that may not be restarted."""
        if not any(fnmatchcase(unit, each) for each in self._units):
            raise UsageError(f"{self.name} may not restart {unit}", "list it: units = […] in the actuator's table")
        return self._unit(unit)

    def _unit(self, unit: str) -> Mapping[str, str]:
        told = self._run([SYSTEMCTL, "show", "-p", "InvocationID,ActiveState,LoadState", "--", unit], ASK_SECONDS)
        found = dict(line.partition("=")[::2] for line in told.splitlines())
        return {"InvocationID": "", "ActiveState": "", "LoadState": ""} | found

    # ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _kill_process(self, options: Mapping[str, Any]) -> Draft:
        process = self._chosen(options)
        with process.oneshot():
            pid, name, began = process.pid, process.name(), process.create_time()
            memory = process.memory_info().rss
        text = f"{name} holds {memory / 1e6:,.0f} MB and is {time.time() - began:,.0f} s old"
        change = Change(f"process {pid} ({shown_line(name)})", "runs", None)
        return Draft(f"process {pid} of {self._host}", {"pid": pid}, {"began": began}, (change,), None,
                     Blast(1, None, shown_line(text)))  # fmt: skip

    def _do_kill(self, act: Act) -> None:
        process = _process(act.set["pid"], act.expect["began"])
        if process is None:
            raise ActRefused(f"process {act.set['pid']} is gone already", "see whether that helped")
        try:
            if not self._may_end(process, process.name()):
                raise UsageError(f"{self.name} may not end process {process.pid}", "list it: processes = […]")
            process.terminate()
            process.wait(END_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
        except psutil.AccessDenied:
            raise ActRefused(f"{self.name} may not end process {process.pid}", "run the daemon as who may") from None
        except psutil.NoSuchProcess:
            return

    def _chosen(self, options: Mapping[str, Any]) -> psutil.Process:
        """The process that is named, or the only busy one. UsageError, with those there are, where that is not one."""
        able = [each for each in psutil.process_iter(["name"]) if self._may_end(each, each.info["name"])]
        if options["pid"] is not None:
            chosen = [each for each in able if each.pid == options["pid"]]
        elif options["name"] is not None:
            chosen = [each for each in able if each.info["name"] == options["name"]]
        else:
            chosen = _busy(able)
        if len(chosen) == 1:
            return chosen[0]
        told = ", ".join(f"{each.pid} {each.info['name']}" for each in (chosen or able)[:MOST_SHOWN])
        hint = f"give its pid in the remedy: there are {shown_line(told)}" if told else "list it: processes = […]"
        raise UsageError(f"{len(chosen) or 'no'} processes of {self._host} are meant that may be ended", hint)

    def _may_end(self, process: psutil.Process, name: str | None) -> bool:
        """A process that the table lists, and neither the first one, nor andon, nor what andon runs under."""
        if process.pid <= 1 or not any(fnmatchcase(name or "", each) for each in self._processes):
            return False
        own = psutil.Process()
        return process.pid not in {own.pid, *(each.pid for each in own.parents())}

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _command(self, options: Mapping[str, Any]) -> Draft:
        argv = self._argv(options)
        change = Change("runs", None, " ".join(argv))
        return Draft(f"{options['command']} on {self._host}", {"argv": argv, "options": dict(options)}, {}, (change,),
                     None, Blast(1, None, "one command, once"))  # fmt: skip

    def _do_command(self, act: Act) -> None:
        argv = self._argv(act.set["options"])
        if argv != act.set["argv"]:
            raise ActRefused(f"{act.target} is another command by now", "make a new plan")
        self._run(argv, self._seconds)

    def _argv(self, options: Mapping[str, Any]) -> list[str]:
        """A command of the table with its holes filled; UsageError for one that is not there."""
        name = options["command"]
        if name not in self._commands:
            known = ", ".join(sorted(self._commands)) or "none"
            raise UsageError(f"{self.name} has no command {name!r}", f"its table lists {known}")
        return [_filled(word, options, name) for word in self._commands[name]]

    def _run(self, argv: Sequence[str], seconds: float) -> str:
        """What a program says. ActRefused where it never began; SourceError where it fails or takes too long."""
        program = shutil.which(argv[0])
        if program is None:
            raise ActRefused(f"{self._host} has no program {argv[0]}", "install it, or give its path")
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        try:
            done = subprocess.run(  # noqa: S603 - of the operators' own table, no shell
                [program, *argv[1:]], stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False,
                env=environment, errors="replace",
            )  # fmt: skip
        except OSError as error:
            raise ActRefused(f"{argv[0]} did not begin: {error.strerror}", "look at its path and its rights") from None
        except subprocess.TimeoutExpired:
            raise SourceError(f"{argv[0]} was not done within {seconds:g} s", "look what it is doing") from None
        if done.returncode != 0:
            last = shown_line((done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2])
            raise SourceError(f"{argv[0]} ended with {done.returncode}: {last}", "look what it did before")
        return done.stdout


def open_acts(name: str, **options: Any) -> Acts:
    """The actuator out of its plain options."""
    return Acts(name, **options)


def _filled(word: str, options: Mapping[str, Any], command: str) -> str:
    def value(hole: re.Match[str]) -> str:
        given = options.get(hole[1])
        if given is None or not FILLING.fullmatch(str(given)):
            raise UsageError(
                f"{command} needs {hole[1]}, and {given!r} is none", "letters, digits, . : / - and _; no .."
            )
        return str(given)

    return HOLE.sub(value, word)


def _process(pid: int, began: float) -> psutil.Process | None:
    """The very process that began then, where it still runs."""
    try:
        found = psutil.Process(pid)
        is_it = found.create_time() == began and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return found if is_it else None


def _busy(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that take half a core or more now, the busiest first."""
    for each in processes:
        _share(each)
    time.sleep(BUSY_SECONDS)
    shares = {each: _share(each) for each in processes}
    return sorted((each for each in processes if shares[each] >= BUSY), key=lambda each: -shares[each])


def _share(process: psutil.Process) -> float:
    try:
        return float(process.cpu_percent()) / 100
    except psutil.Error:
        return 0.0
