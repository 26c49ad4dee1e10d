"""Place `generation`: replicas of the generation server, their gateway, the provider behind it, and users."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from console.lab.changes import ChangeLog
from console.lab.clock import TICK, LabClock
from console.lab.generation.gateway import Backend, Gateway, Peer
from console.lab.generation.past import Served, pages, spans
from console.lab.generation.release import MODEL, VERSION, Release
from console.lab.generation.traffic import TENANTS, Traffic
from console.lab.leash import Leash
from console.lab.traffic import DAY

STABLE = ("a", "b")
CANARY = "c"
USUAL_LOAD = 30.0  # seconds of lab time that loading the weights takes
WEEKEND = 0.8  # how busy it is, over a working day
REHEARSED_OTHER, REHEARSED = 28, 48  # ticks served before the daemon looks: as on the other kind of day, then as today


@dataclass(slots=True)
class Generation:
    """A context manager: inside it the server answers; after it nothing of it is left running."""

    folder: Path
    seed: int
    start: float  # lab time at which it opens
    slot: int = 0  # it needs no core: its time is charged
    models: Mapping[str, Any] | None = None  # it has its own
    rng: np.random.Generator = field(init=False)
    clock: LabClock = field(init=False)
    changes: ChangeLog = field(init=False)
    leash: Leash = field(init=False)
    traffic: Traffic = field(init=False)
    gateway: Gateway = field(init=False)
    habits: dict[str, Callable[[], None]] = field(default_factory=dict)  # what a fault does before every tick
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _provider: subprocess.Popen[bytes] | None = None
    _served: dict[float, Served] = field(default_factory=dict)  # by how busy it was
    _present: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, 2])
        self.clock = LabClock(self.folder / "clock")
        self.changes = ChangeLog(self.folder / "events.jsonl")
        self.traffic = Traffic(self.seed)
        self.gateway = Gateway(self.clock, self.traffic, self.seed)

    def __enter__(self) -> Generation:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.clock.set(self.start)
        self.leash = Leash(self.folder / "lab.log")
        try:
            self.gateway.__enter__()
            try:
                self._open()
            except BaseException:
                self.gateway.__exit__(None, None, None)
                raise
        except BaseException:
            self.leash.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.gateway.__exit__(None, None, None)
        finally:
            self.leash.__exit__(None, None, None)

    # ── what a line needs of it ──────────────────────────────────────────────────────────────────────────────────

    def prepare(self) -> None:
        """Some weeks of changes: most elsewhere, and a release of the model long ago."""
        self.changes.past(self.rng, self.start, "deploy", MODEL, f"{MODEL} {VERSION} rolled out")

    def config(self) -> str:
        """The gateway's page and the change log."""
        path = json.dumps(str(self.changes.path))
        return (
            f'[sources.generation]\nkind = "metrics"\nurl = "{self.gateway.url}/metrics"\n\n'
            f'[sources.changes]\nkind = "events"\npath = {path}\n'
        )

    def past(self, lasts: float) -> Iterator[tuple[str, str]]:
        """Weeks drawn from what it serves now, at this hour's load and at that of the other kind of day."""
        now = self.traffic.level(self.start)
        is_weekend = (self.start // DAY + 3) % 7 >= 5
        other = now / WEEKEND if is_weekend else now * WEEKEND
        self._rehearse(other, REHEARSED_OTHER)
        self.gateway.reset()
        self.clock.set(self.start)
        self._present = self._rehearse(now, REHEARSED)
        past = spans(self.start, lasts)
        busy = {span.start: self.traffic.level(span.start) for span in past}
        drawn = pages(self._served, busy, past, self.rng)
        return (("generation", page) for part in (drawn, self._present[1:]) for page in part)

    def tick(self) -> None:
        """Live through 15 s of lab time, and move the clock."""
        for habit in list(self.habits.values()):
            habit()
        end = self.clock.now() + TICK
        self._serve(end, None)

    # ── what a fault does to it ──────────────────────────────────────────────────────────────────────────────────

    def release(self, *names: str, **changed: Any) -> None:
        """Have replicas take up a release that differs so from what it should be; all of the stable ones by default."""
        for name in names or STABLE:
            backend = self.gateway.backends[name]
            backend.release = Release(**changed)
            backend.peer.ask("POST", "/release", asdict(backend.release))

    def start_replica(self, name: str, release: Release, *, loads: float = USUAL_LOAD) -> None:
        """Start one: it answers once its weights are loaded, after so many seconds of lab time."""
        self._launch(name, release, loads)
        self._join(name, release)

    def stop_replica(self, name: str) -> None:
        """Kill one; what it had not answered is sent again elsewhere."""
        self.leash.end([self._processes.pop(name)])
        self.gateway.lost(name)

    def retire(self, name: str) -> None:
        """Take one out for good, if it is there."""
        if name in self._processes:
            self.stop_replica(name)
        if backend := self.gateway.backends.pop(name, None):
            backend.peer.close()

    def account(self, **settings: Any) -> None:
        """Change what the provider thinks of us: pace, quota, credit, key."""
        assert self.gateway.provider is not None
        self.gateway.provider.ask("POST", "/account", settings)

    def start_provider(self) -> None:
        """Start the provider, if it is not there."""
        if self._provider is None:
            (self.folder / "provider.port").unlink(missing_ok=True)
            self._provider = self.leash.start(
                "console.lab.generation.provider", str(self.folder), "--seed", str(self.seed)
            )
        port = self.leash.wait_for(self._provider, self.folder / "provider.port", "provider")
        self.gateway.provider = Peer(int(port))

    def stop_provider(self) -> None:
        """Kill the provider: connections are refused from now on."""
        if self._provider is not None:
            self.leash.end([self._provider])
            self._provider = None

    def _open(self) -> None:
        for name in STABLE:
            self._launch(name, Release(), 0.0)
        self.start_provider()
        for name in STABLE:
            self._join(name, Release())

    def _launch(self, name: str, release: Release, loads: float) -> None:
        (self.folder / f"replica-{name}.port").unlink(missing_ok=True)
        self._processes[name] = self.leash.start(
            "console.lab.generation.replica",
            str(self.folder),
            name,
            "--seed",
            str(self.seed * 16 + ord(name) % 16),
            "--start",
            str(self._origin),
            "--release",
            json.dumps(asdict(release)),
            "--tenants",
            ",".join(TENANTS),
            "--loads",
            str(loads),
        )

    def _join(self, name: str, release: Release) -> None:
        port = self.leash.wait_for(self._processes[name], self.folder / f"replica-{name}.port", f"replica {name}")
        self.gateway.backends[name] = Backend(Peer(int(port)), release)

    @property
    def _origin(self) -> float:
        """Lab time at which every engine's clock began."""
        return self.start - REHEARSED_OTHER * TICK

    def _rehearse(self, level: float, ticks: int) -> list[str]:
        if self.clock.now() == self.start and not self._served:
            self.clock.set(self._origin)
        shown = [self.gateway.page()]
        for _ in range(ticks):
            self._serve(self.clock.now() + TICK, level)
            shown.append(self.gateway.page())
        self._served[level] = Served.of(shown)
        return shown

    def _serve(self, end: float, level: float | None) -> None:
        requests = self.traffic.tick(end, level)
        self.gateway.serve(requests, self.traffic.cloud(end, level), end)
        self.clock.set(end)
