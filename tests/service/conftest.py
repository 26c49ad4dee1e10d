"""A short data folder, a plugin of sources that behave and misbehave, and a house that stands without a socket."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from household import Clock
from stages import ACTUATOR, PLAYBOOK, POLICY, Stage

from console.config import ActuatorConfig, Config, NotifierConfig, SourceConfig
from console.model import Labels, Symptom
from console.service.house import House
from console.service.opening import open_house

PLUGIN = """
import asyncio, os, time
from pydantic import BaseModel
from console.model import Event, Gpu, GpuLink, GpuProcess, Kind, Labels, Reading, SeriesKey
from console.plugins import Notifier, Panel, PanelData, SourceType, hookimpl

DEPTH = SeriesKey("model.queue.depth", Labels.of(model="glove"), Kind.GAUGE)

class Nothing(BaseModel):
    pass

class Steady:
    async def collect(self, now):
        return [Reading(DEPTH, now, 3.0)]
    async def ingest(self, page, now):
        return [Reading(DEPTH, float(line.split()[2]) / 1000, float(line.split()[1])) for line in page.splitlines()]

class Flood:
    async def collect(self, now):
        return (Reading(DEPTH, now, float(i)) for i in range(10**9))

class Broken:
    async def collect(self, now):
        raise KeyError("glove")

class Hung:
    def collect(self, now):
        time.sleep(3600)

class Diary:
    async def events(self, span, kinds):
        told = [Event(1_799_999_990.0, "deploy", "glove", "v2", source="diary")]
        return [event for event in told if span.start <= event.time < span.end]

class Torn:
    async def events(self, span, kinds):
        raise OSError("torn")

UTILIZATION = SeriesKey("gpu.utilization", Labels.of(host="node-a", gpu="0", uuid="u0"), Kind.GAUGE)

class Rig:
    asked = 0
    async def collect(self, now):
        Rig.asked += 1
        if os.environ.get("RIG") == "hangs":
            await asyncio.sleep(3600)
        return [Reading(UTILIZATION, now, 0.5)]
    async def gpus(self, gpu):
        if os.environ.get("RIG") == "hangs":
            await asyncio.sleep(3600)
        if os.environ.get("RIG") == "fails":
            raise OSError("no driver")
        train = GpuProcess(7, "ada", "train.py", memory=1e9)
        return [Gpu("0", "node-a", "u0", "Tester", Labels.of(driver="1.2"), (train,), (GpuLink(0, True, {"crc": 2}),))]

def write(options, notice):
    if folder := os.environ.get("TOLD"):
        with open(os.path.join(folder, "told"), "a") as file:
            file.write(f"{notice.about} {notice.what}\\n")

async def shout(options, notice):
    raise RuntimeError("no voice")

def explode():
    raise ValueError("boom")

@hookimpl
def andon_sources():
    kinds = {"steady": Steady, "flood": Flood, "broken": Broken, "diary": Diary, "torn": Torn}
    yield from (SourceType(k, k, Nothing, lambda name, options, c=c: c()) for k, c in kinds.items())
    yield SourceType(
        "rig", "rig", Nothing, lambda name, options: Rig(), live=True,
        at_home=lambda: "RIG" in os.environ, hint="reach those elsewhere",
    )
    yield SourceType("hung", "hung", Nothing, lambda name, options: Hung(), isolated=True)

@hookimpl
def andon_notifiers():
    return [Notifier("file", "file", Nothing, write), Notifier("shout", "shout", Nothing, shout)]

@hookimpl
def andon_panels():
    yield Panel("fine", "Fine", lambda: PanelData(("a",), (("1",),)))
    yield Panel("bad", "Bad", explode)
    yield Panel("none", "None", lambda: None)
    yield Panel("odd", "Odd", lambda: PanelData(("\\ud800",), ((7, "\\x1b[31mred"),), None))
"""


@pytest.fixture
def data() -> Iterator[Path]:
    """Short enough for a socket's address, which pytest's own folders are not always."""
    folder = Path(tempfile.mkdtemp(prefix="andon-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def plugin_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "stage.py").write_text(PLUGIN)
    return folder


@pytest.fixture
def write_config(data: Path, tmp_path: Path, plugin_dir: Path) -> Callable[..., Path]:
    """A config.toml for a real daemon with these kinds of source."""

    def write(*kinds: str, interval: str = "0s", **settings: str) -> Path:
        path = tmp_path / "config.toml"
        lines = ["[daemon]", f'interval = "{interval}"', *(f"{key} = {value}" for key, value in settings.items())]
        lines += ["[plugins]", f'dirs = ["{plugin_dir}"]']
        lines += [line for kind in kinds for line in (f"[sources.{kind}]", f'kind = "{kind}"')]
        path.write_text("\n".join(lines))
        return path

    return write


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock", 1_800_000_000.0)


OpenHouse = Callable[..., Awaitable[House]]


@pytest.fixture
async def opened(data: Path, clock: Clock, plugin_dir: Path) -> AsyncIterator[OpenHouse]:
    """Opens houses with these kinds of source; they are put away after the test."""
    async with AsyncExitStack() as stack:

        async def enter(*kinds: str, **settings: Any) -> House:
            sources = tuple(SourceConfig(kind, kind) for kind in kinds)
            config = Config(
                data=data, interval=0, clock=clock.path, sources=sources, plugin_dirs=(plugin_dir,), **settings
            )
            return await stack.enter_async_context(open_house(config))

        yield enter


@pytest.fixture
async def stage(opened: OpenHouse, clock: Clock, tmp_path: Path, plugin_dir: Path) -> Stage:
    """The queue is deep since ten minutes, and more replicas would mend that."""
    (plugin_dir / "machine.py").write_text(ACTUATOR)
    books = tmp_path / "books"
    books.mkdir()
    (books / "deep_queue.yaml").write_text(PLAYBOOK)
    (tmp_path / "policy.toml").write_text(POLICY)
    machine = tmp_path / "machine.json"
    machine.write_text(json.dumps({"replicas": 2}))
    house = await opened(
        "steady",
        playbook_dirs=(books,),
        watch=False,
        policy=tmp_path / "policy.toml",
        signers=tmp_path / "allowed_signers",
        anchor=tmp_path / "heads",
        notifiers=(NotifierConfig("file", "file"),),
        actuators=(ActuatorConfig("plant", "machine", {"file": str(machine)}),),
    )
    here = Stage(house, clock, machine)
    await here.live(1800, 3.0)
    await here.live(600, 30.0)
    symptom = Symptom("deep", "model.queue.depth", Labels.of(model="glove"))
    incident = await house.records.open(symptom, "glove", clock.now)
    diagnosis = await house.examine(incident, [symptom])
    await house.records.keep_runs(diagnosis.runs, incident.id)
    assert [each.id for each in diagnosis.causes if each.playbook == "deep_queue"] == ["too_few"]
    return here
