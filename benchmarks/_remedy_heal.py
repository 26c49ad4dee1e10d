"""Every fault of the practice line: noticed, named, mended by a remedy of its cause, and verified; and what a wrong
remedy comes to, which must be not recovered, and the former values back.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from console.errors import AndonError
from console.lab.desk import Desk
from console.lab.judging import first_named, is_expected
from console.lab.line import Line
from console.lab.manifest import expected
from console.library import library_dir
from console.model import Cause, Diagnosis
from console.playbook.loader import load
from console.plugins import LabFault

HEALTHY, NOTICED, NAMED = 8, 60, 20  # ticks: before the fault, until it is noticed, until it is named
LASTS = 5400.0  # seconds of lab time with a past to compare with: an hour is the longest that a remedy is given
OVER = ("verified", "not_recovered", "rolled_back", "failed", "unknown", "applied", "expired")


@dataclass(frozen=True, slots=True)
class Healing:
    """What became of one remedy for one fault."""

    fault: str
    seed: int
    cause: str  # named first
    action: str
    state: str  # of its plan
    is_restored: bool  # nothing on the desk differs from before
    after: float  # seconds of lab time from the act to the end
    seconds: float  # of wall time
    why: str = ""


def healed(fault: LabFault, seed: int, wrong: str | None = None, slot: int = 0) -> Healing:
    """Break a line, and mend it by the remedy that its fault's manifest names; or by a wrong one, by its action."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="andon-heal-") as temporary:
        folder = Path(temporary) / "line"
        try:
            with Line(folder, seed, slot, lasts=LASTS, place=fault.place) as line:
                return _mended(line, fault, seed, wrong, began)
        except AndonError as error:
            took = time.monotonic() - began
            return Healing(fault.name, seed, "", wrong or "", "broken", False, 0.0, took, error.message)


def _mended(line: Line, fault: LabFault, seed: int, wrong: str | None, began: float) -> Healing:
    rng = np.random.default_rng([seed, 5])
    for _ in range(HEALTHY):
        line.tick()
    parameters = dict(fault.draw(rng))
    line.mending.inject(fault, parameters)
    named = _named(line, expected(fault.expect, parameters))
    told: dict[str, Any] = {"fault": fault.name, "seed": seed}
    if named is None:
        return Healing(**told, cause="", action=wrong or "", state="not named", is_restored=False, after=0.0,
                       seconds=time.monotonic() - began)  # fmt: skip
    incident, diagnosis, cause = named
    told["cause"] = first_named(diagnosis)
    remedy, action = _chosen(cause, fault, wrong)
    if remedy is None:
        return Healing(**told, action=action, state="no such remedy", is_restored=False, after=0.0,
                       seconds=time.monotonic() - began, why=", ".join(cause.remedies))  # fmt: skip
    before = _on(line.folder)
    plan = line.client.request("plan.make", incident=incident, remedy=remedy, cause=cause.id, timeout=60.0)
    reason = "a benchmark" if plan["plan"]["risk"] == "high" else ""
    line.client.request("plan.approve", plan=plan["id"], hash=plan["hash"], reason=reason, break_glass=bool(reason))
    plan = line.client.request("plan.apply", plan=plan["id"], timeout=60.0)
    applied = line.plant.clock.now()
    within = (plan["plan"].get("check") or {}).get("within", 0.0)
    while plan["state"] not in OVER and line.plant.clock.now() - applied < within + 120:
        line.tick()
        plan = line.client.request("plan.show", plan=plan["id"])
    return Healing(
        **told, action=action, state=plan["state"], is_restored=_on(line.folder) == before,
        after=line.plant.clock.now() - applied, seconds=time.monotonic() - began, why=plan["reason"],
    )  # fmt: skip


def _named(line: Line, expect: Mapping[str, str]) -> tuple[str, Diagnosis, Cause] | None:
    """(incident, its diagnosis, the cause) once the expected one is named first."""
    opened: list[str] = []
    for tick in range(NOTICED + NAMED):
        opened += line.tick()
        if tick >= NOTICED and not opened:
            return None
        for incident in opened:
            diagnosis = line.diagnosis(incident)
            if diagnosis.causes and is_expected(diagnosis.causes[0], diagnosis, expect):
                return incident, diagnosis, diagnosis.causes[0]
    return None


def _chosen(cause: Cause, fault: LabFault, wrong: str | None) -> tuple[str | None, str]:
    """(remedy's id, its action): of those of the cause that can be verified, what mends the fault, or the wrong one."""
    book = load(library_dir("playbooks") / f"{cause.playbook}.yaml")
    offered = {remedy.id: remedy for remedy in book.remedies if remedy.verify is not None}
    wanted: Sequence[str] = [wrong] if wrong else list(fault.mended_by)
    for name in cause.remedies:
        if name in offered and offered[name].uses in wanted:
            return name, offered[name].uses
    return None, wrong or "/".join(fault.mended_by)


def _on(folder: Path) -> dict[str, Any]:
    return {spot: each.value for spot, each in Desk(folder).settings().items() if each.value is not None}
