"""One practice: a healthy line for some minutes, a fault or none, and what andon makes of it.

`python -m console.lab.episode FOLDER --fault NAME --seed N` plays one in a process of its own, for scoring.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from console.errors import UsageError
from console.lab.leash import ready
from console.lab.line import Line, Progress
from console.lab.manifest import expected
from console.lab.network import Network
from console.lab.registry import Registry
from console.model import Cause, Diagnosis, Finding
from console.plugins import LabFault, load_plugins
from console.wire import dump, encode

EARLIEST, LATEST = 4, 14  # healthy ticks before a fault
LAST = 48  # ticks (12 minutes) in which a fault must be noticed
PATIENCE = 20  # ticks that an incident may stand without a cause
HEALTHY = 62  # ticks of a run without a fault: as long as the longest with one


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """What happened, and whether it was what the manifest expects."""

    seed: int
    fault: str | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, str] = field(default_factory=dict)
    alarm: bool = False  # an incident was opened while nothing was wrong
    noticed_after: float | None = None  # seconds of lab time from the fault to the incident
    cause: str = ""  # the first cause named, as playbook/id
    first: bool = False  # it is the expected one, with what else the manifest expects
    top3: bool = False
    onset_error: float | None = None  # seconds of lab time, positive: said to be later than it was
    seconds: float = 0.0  # of wall time, all in all
    diagnosis: Diagnosis | None = None

    @property
    def line(self) -> str:
        """The result in one line."""
        took = f"({self.seconds:.1f} s)"
        if self.fault is None:
            return f"healthy seed {self.seed}: {f'FALSE ALARM, {self.cause}' if self.alarm else 'quiet'} {took}"
        said = "right" if self.first else f"WRONG, expected {dict(self.expect)}"
        onset = "–" if self.onset_error is None else f"{self.onset_error:+.0f} s"
        found = self.cause or "nothing noticed"
        return f"{self.fault} seed {self.seed}: {said}; {found}, onset {onset} {took} {dict(self.parameters)}"


def episode(
    fault: LabFault | None,
    seed: int,
    *,
    slot: int = 0,
    models: Mapping[str, Network] | None = None,
    folder: Path | None = None,
    place: str = "vision",
    on_progress: Progress = lambda _text: None,
) -> EpisodeResult:
    """Play one; `place`: where nothing breaks, if no fault is given; the folder is kept where one is given."""
    if folder is not None:
        return _play(fault, seed, folder, place, slot, models, on_progress)
    with tempfile.TemporaryDirectory(prefix="andon-lab-") as temporary:
        return _play(fault, seed, Path(temporary) / "line", place, slot, models, on_progress)


def _play(
    fault: LabFault | None,
    seed: int,
    folder: Path,
    place: str,
    slot: int,
    models: Mapping[str, Network] | None,
    on_progress: Progress,
) -> EpisodeResult:
    began = time.monotonic()
    rng = np.random.default_rng([seed, 5])
    with Line(folder, seed, slot, models, on_progress, place=fault.place if fault else place) as line:
        on_progress("all is well on the line")
        for _ in range(int(rng.integers(EARLIEST, LATEST + 1)) if fault else HEALTHY):
            if opened := line.tick():
                diagnosis = line.diagnosis(opened[0])
                name = fault.name if fault else None
                seconds = time.monotonic() - began
                return EpisodeResult(
                    seed, name, alarm=True, cause=_name(diagnosis), seconds=seconds, diagnosis=diagnosis
                )
        if fault is None:
            return EpisodeResult(seed, None, seconds=time.monotonic() - began)
        parameters = fault.draw(rng)
        fault.inject(line.plant, parameters)
        injected = line.plant.clock.now()
        on_progress(f"{_instant(injected)} fault: {fault.title[:1].lower()}{fault.title[1:]}")
        expect = expected(fault.expect, parameters)
        for _ in range(LAST):
            if opened := line.tick():
                noticed = line.plant.clock.now() - injected
                diagnosis = _settled(line, opened[0])
                on_progress(f"{_instant(injected + noticed)} incident {opened[0]}: {_name(diagnosis)}")
                return EpisodeResult(
                    seed,
                    fault.name,
                    parameters,
                    expect,
                    noticed_after=noticed,
                    cause=_name(diagnosis),
                    first=any(_is_expected(cause, diagnosis, expect) for cause in diagnosis.causes[:1]),
                    top3=any(_is_expected(cause, diagnosis, expect) for cause in diagnosis.causes[:3]),
                    onset_error=_onset_error(diagnosis, injected),
                    seconds=time.monotonic() - began,
                    diagnosis=diagnosis,
                )
    return EpisodeResult(seed, fault.name, parameters, expect, seconds=time.monotonic() - began)


def _settled(line: Line, incident: str) -> Diagnosis:
    """The first diagnosis that names a cause: the daemon looks again while none is, some minutes long."""
    diagnosis = line.diagnosis(incident)
    for _ in range(PATIENCE):
        if diagnosis.causes:
            break
        line.tick()
        diagnosis = line.diagnosis(incident)
    return diagnosis


def _instant(lab_time: float) -> str:
    return datetime.fromtimestamp(lab_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _name(diagnosis: Diagnosis) -> str:
    return next((f"{cause.playbook}/{cause.id}" for cause in diagnosis.causes), "unknown")


def _is_expected(cause: Cause, diagnosis: Diagnosis, expect: Mapping[str, str]) -> bool:
    said = {"playbook": cause.playbook, "cause": cause.id, "subject": cause.subject}
    if any(said[name] != expect[name] for name in said if name in expect):
        return False
    drifts = [finding.drift for finding in _cited(cause, diagnosis) if finding.drift is not None]
    if "feature" in expect:
        drifts = [drift for drift in drifts if drift.name == expect["feature"]]
        if not drifts:
            return False
    return "slice" not in expect or any(drift.slice and drift.slice.value == expect["slice"] for drift in drifts)


def _onset_error(diagnosis: Diagnosis, injected: float) -> float | None:
    """Of the first finding with an onset in the first cause's evidence, the strongest line first, as it is shown."""
    onsets = {finding.id: finding.onset for finding in diagnosis.findings}
    cited = [onsets.get(id_) for cause in diagnosis.causes[:1] for move in cause.moves for id_ in move.findings]
    return next((onset - injected for onset in cited if onset is not None), None)


def _cited(cause: Cause, diagnosis: Diagnosis) -> list[Finding]:
    return [finding for finding in diagnosis.findings if finding.id in cause.evidence]


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
    parser.add_argument("--fault", default=None)
    parser.add_argument("--place", default="vision", help="where nothing breaks")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--slot", type=int, default=0)
    parser.add_argument("--models", type=Path, required=True, help="a registry of trained models")
    options = parser.parse_args()
    registry = Registry(options.models)
    models = {version: registry.load(version) for version in registry.versions()}
    fault = find_fault(options.fault) if options.fault else None
    result = episode(
        fault, options.seed, slot=options.slot, models=models, folder=options.folder / "line", place=options.place
    )
    ready(options.folder / "result.json", encode(dump(result)).decode())


if __name__ == "__main__":
    main()
