"""Every fault of the practice line: noticed, named, mended by a remedy of its cause, and verified; and what a wrong
remedy comes to, which must be not recovered, and the former values back.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from console.errors import AndonError
from console.lab.desk import Desk
from console.lab.episode import find_fault
from console.lab.judging import first_named, is_expected
from console.lab.line import Line
from console.lab.manifest import expected
from console.library import library_dir
from console.model import Cause, Diagnosis
from console.playbook.loader import load
from console.plugins import LabFault, load_plugins

HEALTHY, NOTICED, NAMED = 8, 60, 20  # ticks: before the fault, until it is noticed, until it is named
LASTS = 5400.0  # seconds of lab time with a past to compare with: an hour is the longest that a remedy is given
FORCED = "forced"
WRONG: Mapping[str, Mapping[str, Any]] = {  # every action that can be taken back, done to what is not broken
    "kubernetes.scale": {"workload": "elsewhere", "by": 1},
    "kubernetes.undo": {"workload": "elsewhere"},
    "kubernetes.set_image": {"workload": "elsewhere", "image": "registry.example/other:2"},
    "kubernetes.set_env": {"workload": "elsewhere", "env": {"MODE": "slow"}},
    "kubernetes.set_args": {"workload": "elsewhere", "args": ["--slow"]},
    "kubernetes.patch_hpa": {"workload": "elsewhere", "most_by": 1},
    "kubernetes.shift_weight": {"workload": "elsewhere", "to": "stable"},
    "kubernetes.cordon": {"node": "elsewhere"},
    "kubernetes.taint": {"node": "elsewhere"},
    "kubernetes.drain": {"node": "elsewhere"},
    "model.rollback": {"model": "elsewhere"},
    "model.fallback": {"model": "elsewhere"},
    "model.quarantine_feature": {"model": "elsewhere", "feature": "age"},
    "pipeline.pause": {"model": "elsewhere"},
    "litellm.fallback": {"model": "elsewhere"},
}
NOT_NAMED = "not named"
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


UNMOVED = "autoscaler_stuck"  # the fault that wrong remedies are tried on


def faults() -> list[str]:
    """Every fault of the line."""
    return list(load_plugins().by_name("andon_lab_faults"))


def table(found: list[Healing]) -> str:
    """What became of each."""
    rows = [
        f"{'fault':<23} {'named first':<44} {'remedy':<26} {'then':<14} {'as before':<9} {'after s':>7} {'wall s':>6}"
    ]
    for one in found:
        said = f"{one.fault:<23} {one.cause:<44} {one.action:<26} {one.state:<14}"
        rows.append(f"{said} {'yes' if one.is_restored else 'no':<9} {one.after:>7.0f} {one.seconds:>6.1f}")
        rows += [f"    {one.why}"] if one.why and one.state not in ("rolled_back", "verified") else []
    named = [one for one in found if one.state != NOT_NAMED]
    verified = sum(one.state == "verified" for one in named)
    back = sum(one.state == "rolled_back" and one.is_restored for one in named)
    rows.append(f"{len(found) - len(named)} episodes in which the fault was not named in its time")
    return "\n".join([*rows, f"of {len(named)} others {verified} verified, {back} not recovered and as before"])


def healed(name: str, seed: int, wrong: str = "", slot: int = 0) -> Healing:
    """Break a line, and mend it by the remedy that its fault's manifest names; or try a wrong one, by its action.

    A wrong one is forced: the playbooks are given it as a remedy of every cause that the fault may have.
    """
    fault = find_fault(name)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="andon-heal-") as temporary:
        folder = Path(temporary) / "line"
        books = Path(temporary) / "playbooks"
        tables = _forced(fault, wrong, books) if wrong else ""
        try:
            with Line(folder, seed, slot, lasts=LASTS, place=fault.place, tables=tables) as line:
                return _mended(line, fault, seed, wrong, began)
        except AndonError as error:
            took = time.monotonic() - began
            return Healing(fault.name, seed, "", wrong, "broken", False, 0.0, took, error.message)


def _mended(line: Line, fault: LabFault, seed: int, wrong: str, began: float) -> Healing:
    rng = np.random.default_rng([seed, 5])
    for _ in range(HEALTHY):
        line.tick()
    parameters = dict(fault.draw(rng))
    line.mending.inject(fault, parameters)
    named = _named(line, expected(fault.expect, parameters))
    told: dict[str, Any] = {"fault": fault.name, "seed": seed}
    if named is None:
        return Healing(**told, cause="", action=wrong, state=NOT_NAMED, is_restored=False, after=0.0,
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


def _chosen(cause: Cause, fault: LabFault, wrong: str) -> tuple[str | None, str]:
    """(remedy's id, its action): of those of the cause that can be verified, what mends the fault, or the wrong one."""
    if wrong:
        return FORCED, wrong
    book = load(library_dir("playbooks") / f"{cause.playbook}.yaml")
    offered = {remedy.id: remedy for remedy in book.remedies if remedy.verify is not None}
    for name in cause.remedies:
        if name in offered and offered[name].uses in fault.mended_by:
            return name, offered[name].uses
    return None, "/".join(fault.mended_by)


def _forced(fault: LabFault, action: str, folder: Path) -> str:
    """Playbooks in which a fault's cause has one remedy, a wrong one; the table that names their folder."""
    folder.mkdir()
    yaml = YAML(typ="safe", pure=True)
    for path in sorted(library_dir("playbooks").glob("*.yaml")):
        book = yaml.load(path.read_text("utf-8"))
        causes = [cause for cause in book["causes"] if cause["id"] == fault.expect["cause"]]
        checks = [remedy["verify"] for remedy in book.get("remedies", ()) for cause in causes
                  if remedy["id"] in cause.get("remedies", ()) and "verify" in remedy]  # fmt: skip
        if not checks:
            continue
        for cause in causes:
            cause["remedies"] = [FORCED]
        told = {
            "id": FORCED,
            "uses": action,
            "with": WRONG[action],
            "risk": "low",
            "verify": checks[0] | {"within": "15m"},
        }
        book["remedies"] = [*book["remedies"], told]
        book.pop("tests", None)
        (folder / path.name).write_text(json.dumps(book), "utf-8")  # JSON is YAML
    return f"\n[playbooks]\ndirs = [{json.dumps(str(folder))}]\n"


def _on(folder: Path) -> dict[str, Any]:
    return {spot: each.value for spot, each in Desk(folder).settings().items() if each.value is not None}
