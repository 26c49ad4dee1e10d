"""Did it help? The step that a remedy names is run again on what came since, until it says what it should, or until
its time is over; guards that turn degraded meanwhile end it early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from console.model import Check, Look, PlanRecord, PlanState, Run, State, Verdict
from console.playbook.definition import Playbook
from console.remedy.states import BACK_SECONDS, moved

LOOK_SECONDS = 15.0  # between two looks
ENOUGH = 2  # looks in a row that say what is wanted
MOST_LOOKS = 400  # kept
VERDICTS = frozenset(verdict.value for verdict in Verdict)  # of the states of a step, those that judge


def only(playbook: Playbook, names: Sequence[str]) -> Playbook:
    """The playbook with these steps and what they need, and no conclusion to draw."""
    steps = {step.id: step for step in playbook.steps}
    wanted: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted[name] = None
            waiting += steps[name].needs
    return replace(
        playbook, steps=tuple(step for step in playbook.steps if step.id in wanted), causes=(), outputs={}, remedies=()
    )


def steps_of(check: Check) -> tuple[str, ...]:
    """The steps that are run again."""
    return (check.step, *check.guards)


def is_watched(record: PlanRecord) -> bool:
    """Whether it is looked at from time to time whether it helped: not while it is being taken back."""
    is_going_back = record.undoing is not None and record.undoing.ended is None
    return record.state is PlanState.VERIFYING and not is_going_back


def is_due(record: PlanRecord, now: float) -> bool:
    """Whether it is time for another look."""
    last = record.looks[-1].time if record.looks else record.changed
    return now - last >= LOOK_SECONDS or now < last - BACK_SECONDS


def verdict_of(run: Run, step: str) -> Verdict:
    """What a step of a run says; no_data where it was not judged."""
    state = next((each.state.value for each in run.steps if each.id == step), "")
    return Verdict(state) if state in VERDICTS else Verdict.NO_DATA


def after_look(record: PlanRecord, run: Run, now: float) -> PlanRecord:
    """The record once more was seen: verified, not recovered, or looked at again later."""
    check = record.plan.check
    assert check is not None
    results = {step.id: step for step in run.steps}
    seen, verdict = results[check.step], verdict_of(run, check.step)
    looked = _looked(record, Look(now, verdict, seen.reason))
    for guard in check.guards:
        if results[guard].state is State.DEGRADED:
            return moved(looked, PlanState.NOT_RECOVERED, now, reason=f"{guard} turned worse: {results[guard].reason}")
    return _judged(looked)


def after_nothing(record: PlanRecord, why: str, now: float) -> PlanRecord:
    """The record once nobody could look: that is no data, and no reason to watch for ever."""
    return _judged(_looked(record, Look(now, Verdict.NO_DATA, why)))


def _looked(record: PlanRecord, look: Look) -> PlanRecord:
    return replace(record, looks=(*record.looks, look)[-MOST_LOOKS:], changed=look.time)


def _judged(looked: PlanRecord) -> PlanRecord:
    """By the last looks: verified, not recovered, or as it is."""
    check, looks = looked.plan.check, looked.looks
    assert check is not None
    now, verdict, why = looks[-1].time, looks[-1].verdict, looks[-1].text
    after = now - looked.watched
    if after >= check.watch and len(looks) >= ENOUGH and all(look.verdict is check.want for look in looks[-ENOUGH:]):
        return moved(looked, PlanState.VERIFIED, now)
    if after >= check.within and len(looks) >= ENOUGH and verdict is not check.want:
        return moved(looked, PlanState.NOT_RECOVERED, now, reason=f"{check.step} is {verdict}: {why}")
    return looked
