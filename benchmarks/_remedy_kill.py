"""kill -9 at a random instant while a plan is applied or taken back, and what the next daemon makes of it."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._remedy_stage import Stage, machine_act, staged
from console.errors import AndonError
from console.model import Act
from console.store.audit import broken

AT_ONCE = 4  # trials: most of one is waiting
LATEST = 0.45  # seconds after the request at which a daemon is killed
SETTLED_SECONDS = 90.0
BLIND = 0.2  # of the trials: an action that leaves no trace
TAKEN_BACK = 0.4

Count = Callable[[], int]  # how often what was asked for was written, in all


@dataclass(frozen=True, slots=True)
class Trial:
    """One daemon that was killed."""

    does: str  # apply | take back
    action: str
    state: str  # of the plan, as the next daemon found it
    done: int  # times that it was really written
    acknowledged: str  # what the client was told before the daemon died; empty: nothing
    fault: str  # what is wrong; empty: nothing


def trials(count: int, seed: int) -> list[Trial]:
    """So many of them, on a machine of the benchmark's own."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(_trial, range(seed, seed + count)))


def table(found: list[Trial]) -> str:
    """How many were right, by what was killed and what came of it."""
    lines = [f"{'killed while':<12} {'action':<18} {'then':<12} {'really done':>11} {'trials':>7} {'right':>6}"]
    groups = Counter((one.does, one.action, one.state, one.done) for one in found)
    for (does, action, state, done), many in sorted(groups.items()):
        right = sum(
            not one.fault for one in found if (one.does, one.action, one.state, one.done) == (does, action, state, done)
        )
        lines.append(f"{does:<12} {action:<18} {state:<12} {done:>11} {many:>7} {right:>6}")
    twice = sum(one.done > 1 for one in found)
    right = sum(not one.fault for one in found)
    lines.append(f"{right} of {len(found)} right, {twice} done twice")
    lines += [f"WRONG: {one.fault} ({one})" for one in found if one.fault]
    return "\n".join(lines)


def _trial(seed: int) -> Trial:
    rng = np.random.default_rng([seed, 77])
    action = "machine.blind" if rng.random() < BLIND else "machine.set"
    act, restore = machine_act(action)
    with tempfile.TemporaryDirectory(prefix="andon-kill-") as temporary, staged(Path(temporary) / "stage") as stage:
        hashes = stage.prepare(act, restore)
        wanted = {"apply": 4, "take back": 2}

        def count(does: str) -> Count:
            return lambda: sum(line["value"] == wanted[does] for line in stage.written())

        return killed(stage, act, hashes[0], count, rng)


def killed(
    stage: Stage, act: Act, hash_: str, count: Callable[[str], Count], rng: np.random.Generator, latest: float = LATEST
) -> Trial:
    """Have the plan applied or taken back, kill the daemon meanwhile, and judge what the next one says."""
    does = "take back" if rng.random() < TAKEN_BACK else "apply"
    stage.start()
    stage.client.request("plan.approve", plan="P-1", hash=hash_)
    if does == "take back":
        stage.client.request("plan.apply", plan="P-1", timeout=60.0)
    told: dict[str, Any] = {}
    op = "plan.rollback" if does == "take back" else "plan.apply"
    asking = threading.Thread(target=_ask, args=(stage, op, told))
    asking.start()
    time.sleep(float(rng.uniform(0, latest)))
    stage.kill()
    asking.join()
    stage.start()
    plan = stage.settled(SETTLED_SECONDS)
    done = count(does)()
    fault = _fault(stage, does, act.action, plan, done, told)
    if not fault and does == "apply" and plan["state"] == "applied":  # nobody lived to see its receipt
        back = stage.client.request("plan.rollback", plan="P-1", timeout=60.0)
        if back["state"] != "rolled_back" and not (back["state"] == "unknown" and act.action.endswith("blind")):
            fault = f"it cannot be taken back any more: it is {back['state']}, {back['reason']}"
    return Trial(does, act.action, plan["state"], done, str(told.get("state", "")), fault)


def _ask(stage: Stage, op: str, told: dict[str, Any]) -> None:
    try:
        told |= stage.client.request(op, plan="P-1", timeout=60.0)
    except AndonError:
        return  # it died


def _fault(stage: Stage, does: str, action: str, plan: Mapping[str, Any], done: int, told: Mapping[str, Any]) -> str:
    """What is wrong with what the next daemon says; empty where nothing is."""
    state = plan["state"]
    if does == "apply":
        says = {"applied": True, "failed": False, "approved": False}.get(state)
    else:
        undoing = plan.get("undoing") or {}
        says = {"rolled_back": True, "applied": False if not undoing or undoing.get("did") is False else None}.get(
            state
        )
    if done > 1:
        return "it was done twice"
    if state == "unknown" and not action.endswith("blind"):
        return "unknown, where it could be known"
    if says is None and state != "unknown":
        return f"it is {state}"
    if says is not None and says != bool(done):
        return f"it says that it was {'' if says else 'not '}done"
    if told and told["state"] != state:
        return f"the client was told {told['state']}"
    lines, anchors = stage.audit()
    if (fault := broken(lines, anchors)) is not None:
        return f"the audit log: {fault}"
    whats = [line.entry.what for line in lines]
    if "approved" not in whats or (done and not {"applying", "taking back"} & set(whats)):
        return f"lines are missing: {whats}"
    return ""
