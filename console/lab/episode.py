"""One practice: a healthy line for some minutes, then a fault, two of them or none, and what andon makes of it.

`python -m console.lab.episode FOLDER --fault NAME --seed N` plays one in a process of its own, for scoring.
"""

from __future__ import annotations

import argparse
import base64
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from console.errors import UsageError
from console.lab.judging import first_named, onset_error, place_of_expected
from console.lab.leash import ready
from console.lab.line import Line, Progress
from console.lab.manifest import expected
from console.lab.network import Network
from console.lab.ranges import drawn
from console.lab.registry import Registry
from console.model import Diagnosis
from console.plugins import LabFault, load_plugins
from console.wire import dump, encode

EARLIEST, LATEST = 4, 14  # healthy ticks before a fault
MOST_APART = 8  # ticks between two faults
LAST = 48  # ticks (12 minutes) in which a fault must be noticed
PATIENCE = 20  # ticks that an incident may stand without a cause
BOTH = 8  # ticks more where there are two faults, for the second one to be noticed
HEALTHY = 62  # ticks of a run without a fault: as long as the longest with one


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """What happened, and whether it was what the manifest expects."""

    seed: int
    faults: tuple[str, ...] = ()
    place: str = "vision"
    parameters: tuple[Mapping[str, Any], ...] = ()  # of each fault
    expect: tuple[Mapping[str, str], ...] = ()
    alarm: bool = False  # an incident was opened while nothing was wrong
    noticed_after: float | None = None  # seconds of lab time from the fault to the incident
    cause: str = ""  # the first cause named, as playbook/id
    first: bool = False  # it is an expected one, with what else the manifest expects
    top2: bool = False
    top3: bool = False
    both: bool = False  # every expected cause is among the first three of some incident
    onset_error: float | None = None  # seconds of lab time, positive: said to be later than it was
    seconds: float = 0.0  # of wall time, all in all
    trouble: str = ""  # why the episode ended without a result
    diagnosis: Diagnosis | None = None

    @property
    def line(self) -> str:
        """The result in one line."""
        name = f"{' + '.join(self.faults) or f'healthy {self.place}'} seed {self.seed}"
        if self.trouble:
            return f"{name}: BROKEN, {self.trouble}"
        took = f"({self.seconds:.1f} s)"
        noticed = self.diagnosis.incident.symptom.text if self.diagnosis and self.diagnosis.incident else ""
        if not self.faults:
            return f"{name}: {f'FALSE ALARM, {self.cause}: {noticed}' if self.alarm else 'quiet'} {took}"
        if self.alarm:
            return f"{name}: WRONG, an alarm before the fault; {self.cause}: {noticed} {took}"
        is_right = self.top2 if len(self.faults) > 1 else self.first
        said = "right" if is_right else f"WRONG, expected {' and '.join(str(dict(each)) for each in self.expect)}"
        onset = "–" if self.onset_error is None else f"{self.onset_error:+.0f} s"
        found = self.cause or "nothing noticed"
        return f"{name}: {said}; {found}, onset {onset} {took} {' '.join(str(dict(each)) for each in self.parameters)}"


def episode(
    faults: Sequence[LabFault],
    seed: int,
    *,
    place: str = "vision",
    slot: int = 0,
    models: Mapping[str, Network] | None = None,
    folder: Path | None = None,
    redraw: int | None = None,
    bundle: Path | None = None,
    on_progress: Progress = lambda _text: None,
) -> EpisodeResult:
    """Play one. `place` is where nothing breaks if no fault is given; the folder is kept where one is given.

    `redraw` is the seed of the score that draws a third of the ranges anew. The incident is exported to `bundle`.
    """
    practice = _Practice(tuple(faults), seed, faults[0].place if faults else place, redraw, bundle, on_progress)
    if folder is not None:
        return practice.play(folder, slot, models)
    with tempfile.TemporaryDirectory(prefix="andon-lab-") as temporary:
        return practice.play(Path(temporary) / "line", slot, models)


@dataclass(slots=True)
class _Practice:
    faults: tuple[LabFault, ...]
    seed: int
    place: str
    redraw: int | None
    bundle: Path | None
    on_progress: Progress
    began: float = field(default_factory=time.monotonic)
    opened: list[str] = field(default_factory=list)  # incidents

    def play(self, folder: Path, slot: int, models: Mapping[str, Network] | None) -> EpisodeResult:
        rng = np.random.default_rng([self.seed, 5])
        with Line(folder, self.seed, slot, models, self.on_progress, place=self.place) as line:
            self.on_progress("all is well on the line")
            for _ in range(int(rng.integers(EARLIEST, LATEST + 1)) if self.faults else HEALTHY):
                if self._tick(line):
                    return self._false_alarm(line)
            return self._broken(line, rng) if self.faults else self._result()

    def _broken(self, line: Line, rng: np.random.Generator) -> EpisodeResult:
        parameters = tuple(drawn(fault, rng, self.redraw) for fault in self.faults)
        expect = tuple(expected(fault.expect, own) for fault, own in zip(self.faults, parameters, strict=True))
        waiting = list(zip(self.faults, parameters, strict=True))
        self._inject(line, *waiting.pop(0))
        injected = line.plant.clock.now()
        apart = int(rng.integers(MOST_APART + 1)) if waiting else 0
        noticed: float | None = None
        for tick in range(LAST):
            if waiting and tick >= apart:
                self._inject(line, *waiting.pop(0))
            self._tick(line)
            noticed = noticed or (line.plant.clock.now() - injected if self.opened else None)
            if self.opened and not waiting:
                break
        if not self.opened:
            return self._result(parameters=parameters, expect=expect)
        diagnosis = self._settled(line)
        self.on_progress(f"{_instant(line)} incident {self.opened[0]}: {first_named(diagnosis)}")
        if self.bundle is not None:
            told = line.client.request("incident.export", incident=self.opened[0])
            self.bundle.parent.mkdir(parents=True, exist_ok=True)
            self.bundle.write_bytes(base64.b64decode(told["bundle"]))
        # Two faults may open an incident each, so all of them are looked at; of one fault the first incident counts.
        told = [line.diagnosis(incident) for incident in self.opened] if len(self.faults) > 1 else [diagnosis]
        places = [place_of_expected(one, each) for one in told for each in expect]
        best = min((place for place in places if place is not None), default=99)
        return self._result(
            parameters=parameters,
            expect=expect,
            noticed_after=noticed,
            cause=first_named(diagnosis),
            first=best < 1,
            top2=best < 2,
            top3=best < 3,
            both=all(any(_is_among_three(one, each) for one in told) for each in expect),
            onset_error=onset_error(diagnosis, injected) if len(self.faults) == 1 else None,
            diagnosis=diagnosis,
        )

    def _inject(self, line: Line, fault: LabFault, parameters: Mapping[str, Any]) -> None:
        line.plant.changes.elsewhere(line.plant.rng, line.plant.clock.now())  # innocent, and just before the onset
        line.mending.inject(fault, parameters)
        self.on_progress(f"{_instant(line)} fault: {fault.title[:1].lower()}{fault.title[1:]}")

    def _tick(self, line: Line) -> bool:
        self.opened += line.tick()
        return bool(self.opened)

    def _settled(self, line: Line) -> Diagnosis:
        """The first diagnosis that names a cause: the daemon looks again while none is, some minutes long."""
        for _ in range(BOTH if len(self.faults) > 1 else 0):
            self._tick(line)
        diagnosis = line.diagnosis(self.opened[0])
        for _ in range(PATIENCE):
            if diagnosis.causes:
                break
            self._tick(line)
            diagnosis = line.diagnosis(self.opened[0])
        return diagnosis

    def _false_alarm(self, line: Line) -> EpisodeResult:
        diagnosis = line.diagnosis(self.opened[0])
        return self._result(alarm=True, cause=first_named(diagnosis), diagnosis=diagnosis)

    def _result(self, **found: Any) -> EpisodeResult:
        names = tuple(fault.name for fault in self.faults)
        return EpisodeResult(self.seed, names, self.place, seconds=time.monotonic() - self.began, **found)


def _is_among_three(diagnosis: Diagnosis, expect: Mapping[str, str]) -> bool:
    place = place_of_expected(diagnosis, expect)
    return place is not None and place < 3


def _instant(line: Line) -> str:
    return datetime.fromtimestamp(line.plant.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def find_fault(name: str) -> LabFault:
    """A fault by name, of the lab or of a plugin; UsageError with the names there are."""
    faults = load_plugins().by_name("andon_lab_faults")
    if name not in faults:
        raise UsageError(f"there is no fault {name!r}", f"there are: {', '.join(faults)}")
    fault: LabFault = faults[name]
    return fault


def main() -> None:
    """Play one episode and write its result to FOLDER/result.json."""
    parser = argparse.ArgumentParser(description="one practice on the line")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fault", action="append", default=[])
    parser.add_argument("--place", default="vision", help="where nothing breaks")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--redraw", type=int, default=None, help="the seed that ranges are drawn anew with")
    parser.add_argument("--slot", type=int, default=0)
    parser.add_argument("--models", type=Path, required=True, help="a registry of trained models")
    parser.add_argument("--bundle", type=Path, default=None, help="where the incident is exported to")
    options = parser.parse_args()
    registry = Registry(options.models)
    result = episode(
        [find_fault(name) for name in options.fault],
        options.seed,
        place=options.place,
        slot=options.slot,
        models={version: registry.load(version) for version in registry.versions()},
        folder=options.folder / "line",
        redraw=options.redraw,
        bundle=options.bundle,
    )
    ready(options.folder / "result.json", encode(dump(result)).decode())


if __name__ == "__main__":
    main()
