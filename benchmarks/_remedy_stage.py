"""A daemon of its own with one plan, and a machine beside it that writes down whatever is done to it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.config_file import load_config
from console.errors import AndonError, DaemonUnreachable
from console.model import Act, Blast, Change, Plan
from console.remedy.planning import place_of, plan_hash
from console.service.client import Client
from console.store.audit import Entry, Line
from console.store.store import DATABASE_NAME, Store

START_SECONDS = 60.0
MACHINE = '''
import asyncio, json, os, random
from pathlib import Path
from pydantic import BaseModel
from console.errors import ActRefused
from console.plugins import ActionType, ActuatorType, hookimpl

class Setting(BaseModel):
    value: int

class Place(BaseModel):
    folder: str

class Machine:
    """Its value is what was written last; each write is a line, on disk before it is answered."""
    def __init__(self, folder):
        self.log = Path(folder) / "log.jsonl"
    def lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
    def value(self):
        return ([2] + [line["value"] for line in self.lines()])[-1]
    def key(self):
        return ([""] + [line["key"] for line in self.lines()])[-1]
    async def act(self, act, key):
        await asyncio.sleep(random.uniform(0, 0.15))
        expect = act.expect
        if self.value() != expect.get("value", self.value()) or self.key() != expect.get("key", self.key()):
            raise ActRefused("it is not what it was")
        with self.log.open("a") as file:
            file.write(json.dumps({"value": act.set["value"], "key": key}) + "\\n")
            file.flush()
            os.fsync(file.fileno())
        await asyncio.sleep(random.uniform(0, 0.15))
        return {"value": act.set["value"]}
    async def did(self, act, key):
        if act.action == "machine.blind":
            return None
        return any(line["key"] == key for line in self.lines())
    async def close(self):
        pass

@hookimpl
def andon_actions():
    return [ActionType("machine.set", "Set it", Setting), ActionType("machine.blind", "Set it, and forget", Setting)]

@hookimpl
def andon_actuators():
    return [ActuatorType("machine", "A machine", Place, lambda _name, options: Machine(options.folder),
                         ("machine.set", "machine.blind"))]
'''


@dataclass
class Stage:
    """One data folder, and the daemon on it, if one runs."""

    folder: Path
    tables: str = ""  # more of its configuration
    daemon: subprocess.Popen[bytes] | None = None
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = Client(self.data)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def store(self) -> Path:
        return self.data / DATABASE_NAME

    def prepare(self, act: Act, restore: Mapping[str, Any], count: int = 1) -> Sequence[str]:
        """Configuration, machine and plans; the plans' hashes. Each plan is for a target of its own but the first."""
        (self.folder / "plugins").mkdir(parents=True)
        self.data.mkdir(mode=0o700)
        (self.folder / "plugins" / "machine.py").write_text(MACHINE)
        machine = f'[actuators.machine]\nkind = "machine"\nfolder = {json.dumps(str(self.folder))}\n'
        (self.folder / "config.toml").write_text(
            f'[daemon]\ninterval = "0s"\nwatch = false\n[plugins]\ndirs = ["plugins"]\n'
            f'[remedies]\nanchor = "heads"\n{machine}{self.tables}'
        )
        policy = self.folder / "policy.toml"
        policy.write_text('[[allow]]\nname = "anything"\n')
        policy.chmod(0o600)
        actuators = load_config(self.folder / "config.toml").actuators
        place = place_of(next(each for each in actuators if each.name == act.actuator))
        store = Store.open(self.store)
        try:
            return [_kept(store, act, restore, place) for _ in range(count)]
        finally:
            store.close()

    def start(self) -> None:
        """Start the daemon, and wait until it answers."""
        arguments = ["--config", str(self.folder / "config.toml"), "--data", str(self.data), "daemon"]
        with (self.folder / "daemon.log").open("ab") as log:
            self.daemon = subprocess.Popen(
                [sys.executable, "-m", "console.cli", *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(DaemonUnreachable):
                self.client.request("status")
                return
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                raise AndonError(f"the daemon did not start: {(self.folder / 'daemon.log').read_text()[-500:]}", "")
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9."""
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon.wait()
            self.daemon = None

    def plan(self, id_: str = "P-1") -> dict[str, Any]:
        """A plan as the daemon has it."""
        told: dict[str, Any] = self.client.request("plan.show", plan=id_)
        return told

    def settled(self, seconds: float, id_: str = "P-1") -> dict[str, Any]:
        """The plan once nothing is under way with it any more."""
        deadline = time.monotonic() + seconds
        while True:
            plan = self.plan(id_)
            undoing = plan.get("undoing") or {}
            is_over = plan["state"] != "applying" and not (undoing and undoing.get("ended") is None)
            if is_over or time.monotonic() > deadline:
                return plan
            time.sleep(0.1)

    def written(self) -> list[dict[str, Any]]:
        """What was done to the machine."""
        log = self.folder / "log.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def audit(self) -> tuple[list[Line], dict[int, str]]:
        """The audit log's lines, and the heads that were kept elsewhere."""
        from console.remedy.anchor import anchors

        store = Store.open(self.store, read_only=True)
        try:
            return [*store.audit.lines()], anchors(str(self.folder / "heads"))
        finally:
            store.close()


@contextmanager
def staged(folder: Path, tables: str = "") -> Iterator[Stage]:
    """A stage whose daemon does not outlive it."""
    stage = Stage(folder, tables)
    try:
        yield stage
    finally:
        stage.kill()


def machine_act(action: str) -> tuple[Act, Mapping[str, Any]]:
    """An act of the machine, and what would take it back."""
    return Act(action, "machine", "machine one", {"value": 4}, {"value": 2}), {"value": 2}


def _kept(store: Store, act: Act, restore: Mapping[str, Any], place: str) -> str:
    now = time.time()
    plan = Plan(
        title=f"{act.action} {act.target}", incident="", run="", playbook="", playbook_hash="", remedy="", cause="",
        subject="", act=act, changes=(Change("value", 2, 4),), risk="low", operator="bench", created=now,
        expires=now + 900, restore=restore, blast=Blast(1, 0.0, "a benchmark's"), place=place,
    )  # fmt: skip
    store.plans.add(plan, plan_hash(plan), 1, "", Entry(now, "bench", "planned", ""))
    return plan_hash(plan)
