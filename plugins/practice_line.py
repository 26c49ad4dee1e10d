"""The actuator kind `practice_line`: remedies of the lab's line, set at its desk.

Every action that names a value has it kept there and can be taken back; one that is a deed (a restart, a message) is
counted, and cannot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from console.errors import ActRefused, UsageError
from console.lab.desk import Desk, Setting
from console.model import Act, Blast, Change, Draft
from console.plugins import ActuatorType, hookimpl
from console.sources.options import LocalPath


class LineOptions(BaseModel):
    """Which line."""

    model_config = ConfigDict(extra="forbid")

    folder: LocalPath


@dataclass(frozen=True, slots=True)
class Value:
    """What one action sets. It is to be what `option` says, or `by` says more than it was; `to` where neither can."""

    of: tuple[str, ...]  # options that name what it is done to: the first that is given
    usual: Any  # what it is where nobody ever set it
    option: str = ""
    by: tuple[str, ...] = ()
    to: Any = None


@dataclass(frozen=True, slots=True)
class Deed:
    """An action that is done, again and again."""

    of: tuple[str, ...]


WORKLOAD, NODE, MODEL = ("workload",), ("node",), ("model",)
PLACES: Mapping[str, Value | Deed] = {
    "kubernetes.scale": Value(WORKLOAD, 2, "replicas", ("by",)),
    "kubernetes.restart": Deed(WORKLOAD),
    "kubernetes.undo": Value(WORKLOAD, "the latest revision", "revision", to="the revision before"),
    "kubernetes.set_image": Value(WORKLOAD, "the image of its release", "image"),
    "kubernetes.set_env": Value(WORKLOAD, "the environment of its release", "env"),
    "kubernetes.set_args": Value(WORKLOAD, "the arguments of its release", "args"),
    "kubernetes.patch_hpa": Value(WORKLOAD, 4, by=("least_by", "most_by")),
    "kubernetes.shift_weight": Value(WORKLOAD, "a third to the canary", to="all to stable"),
    "kubernetes.cordon": Value(NODE, "schedulable", to="cordoned"),
    "kubernetes.taint": Value(NODE, "no taint", to="tainted"),
    "kubernetes.drain": Value(NODE, "its pods are there", to="its pods are elsewhere"),
    "host.restart_unit": Deed(("unit",)),
    "host.kill_process": Deed(("name", "host")),
    "host.command": Deed(("host",)),
    "model.rollback": Value(MODEL, "the latest version", "version", to="the version before"),
    "model.fallback": Value(MODEL, "itself", "to", to="its fallback"),
    "model.quarantine_feature": Value(MODEL, "every feature", "feature", to="one feature less"),
    "model.retrain": Deed(MODEL),
    "pipeline.pause": Value(MODEL, "runs", to="paused"),
    "litellm.fallback": Value(MODEL, "no fallback", "to", to="what it cannot take goes elsewhere"),
    "webhook.call": Deed(("provider", "client", "tenant", "model", "host")),
}
HERE = "the line"  # where an action does not say what it is done to


class Line:
    """An actuator over one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def draft(self, action: str, options: Mapping[str, Any]) -> Draft:
        """What would stand on the desk."""
        place = PLACES[action]
        target = next((str(options[name]) for name in place.of if options.get(name)), HERE)
        spot = f"{action} {target}"
        kept = (await asyncio.to_thread(self._desk.settings)).get(spot)
        now = kept and kept.value
        if isinstance(place, Deed):
            change = Change("done", int(now or 0), int(now or 0) + 1)
            done = {"spot": spot, "value": change.after}
            return Draft(target, done, {"value": now}, (change,), None, Blast(1, None, "once"))
        shown = place.usual if now is None else now
        wanted = _wanted(place, options, shown, action)
        changes = (Change(action, shown, wanted),) if wanted != shown else ()
        back = {"spot": spot, "value": now}
        blast = Blast(1, 0.0, f"{target}, on the line's desk")
        return Draft(target, {"spot": spot, "value": wanted}, {"value": now}, changes, back, blast)

    async def act(self, act: Act, key: str) -> Mapping[str, Any]:
        """Set it, where what stands there is what was expected."""
        return await asyncio.to_thread(self._set, act, key)

    async def did(self, act: Act, key: str) -> bool | None:
        """By the key of whoever set it last."""
        kept = (await asyncio.to_thread(self._desk.settings)).get(act.set["spot"])
        if kept is not None and kept.key == key:
            return True
        if "value" not in act.expect:
            return False if kept is not None and kept.key == act.expect["key"] else None
        return False if (kept and kept.value) == act.expect["value"] else None

    async def close(self) -> None:
        """Nothing is held."""

    def _set(self, act: Act, key: str) -> Mapping[str, Any]:
        spot = act.set["spot"]
        with self._desk.changing() as changes:
            kept = changes.settings.get(spot)
            now = kept and kept.value
            is_same = now == act.expect["value"] if "value" in act.expect else kept and kept.key == act.expect["key"]
            if not is_same:
                raise ActRefused(f"{spot} is not what it was: it is {now!r} now", "make a new plan")
            changes.settings[spot] = Setting(act.set["value"], key)
        return {"value": act.set["value"]}


@hookimpl
def andon_actuators() -> Iterable[ActuatorType]:
    """The desk of a practice line."""
    return [ActuatorType("practice_line", "The desk of a practice line", LineOptions, _open, tuple(PLACES))]


def _open(_name: str, options: LineOptions) -> Line:
    folder = Path(options.folder)
    if not folder.is_dir():
        raise UsageError(f"no line stands in {folder}", "start one with `andon lab up`")
    return Line(Desk(folder))


def _wanted(place: Value, options: Mapping[str, Any], now: Any, action: str) -> Any:
    said = options.get(place.option) if place.option else None
    if said is not None:
        return said
    if place.by and isinstance(now, int):
        return max(now + sum(int(options.get(name) or 0) for name in place.by), 0)
    if place.to is None:
        raise UsageError(f"{action} does not say what it is to be", f"give {place.option} in the remedy")
    return place.to
