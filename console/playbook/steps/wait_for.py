"""`wait_for`: lets time pass, or waits until a gauge is beyond a limit. In a replay the time is over at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from console.config import duration
from console.errors import NoData
from console.model import Span, State, Window
from console.playbook.schema import Duration, Entry
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps import now
from console.plugins import StepType
from console.words import lapse

LONGEST = 3600.0
SHORTEST_PAUSE = 0.05
RESULT = {
    "verdict": "string",  # of `until`: ok, or inconclusive where the time was over first
    "met": "bool",
    "waited": "double",  # seconds
    "value": "double",  # of `until`: what the gauge was at last
}


class UntilOptions(now.NowOptions):
    """A gauge, and the limit that it must be beyond."""

    called = "`until`"

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.above is None and self.below is None:
            raise PydanticCustomError("until", "`until` needs `above` or `below`")
        return self


class WaitOptions(Entry):
    """How long, or until when."""

    called = "`wait_for`"
    seconds: float | None = Field(None, ge=0, le=LONGEST, description="so many seconds, an hour at most")
    length: Duration | None = Field(None, alias="for", description="so long, an hour at most: 5m")
    until: UntilOptions | None = Field(None, description="until a gauge is beyond a limit, as `now` would see it")
    within: Duration | None = Field(None, description="with `until`: so long at most, an hour at most")
    every: Duration = Field("15s", description="with `until`: how often it is looked at")

    @model_validator(mode="after")
    def _one_wait(self) -> Self:
        if sum(each is not None for each in (self.seconds, self.length, self.until)) != 1:
            raise PydanticCustomError("wait_for", "give exactly one of `seconds`, `for` and `until`")
        if (self.until is None) != (self.within is None):
            raise PydanticCustomError("wait_for", "`until` and `within` go together")
        if self.longest > LONGEST:
            raise PydanticCustomError("wait_for", "nothing waits longer than an hour")
        return self

    @property
    def longest(self) -> float:
        """Seconds after which it is over."""
        text = self.length or self.within
        return duration(text) if text is not None else self.seconds or 0.0


async def _run(context: StepContext, options: WaitOptions) -> StepOutcome:
    if options.until is not None:
        return await _until(context, options, options.until)
    if not context.is_replay:
        await asyncio.sleep(options.longest)
    return StepOutcome(State.OK, values={"waited": options.longest, "met": True, "verdict": "ok"})


async def _until(context: StepContext, options: WaitOptions, until: UntilOptions) -> StepOutcome:
    loop = asyncio.get_running_loop()
    began = loop.time()
    pause = max(duration(options.every), SHORTEST_PAUSE)
    while True:
        waited = loop.time() - began
        outcome = await _look(_later(context, waited), until)
        met = outcome.state is State.DEGRADED  # beyond the limit, which is what is waited for
        if met or context.is_replay or waited >= options.longest:
            break
        await asyncio.sleep(min(pause, options.longest - waited))
    values = {"met": met, "waited": waited, "value": outcome.values.get("value")}
    if met:
        return StepOutcome(State.OK, f"after {lapse(waited)}", values=values | {"verdict": "ok"})
    why = f"not within {lapse(options.longest)}"
    why += f": {outcome.reason}" if outcome.reason else ""
    return StepOutcome(State.INCONCLUSIVE, why, values=values | {"verdict": "inconclusive"})


STEP = StepType(
    name="wait_for",
    title="Time that passes, or a gauge that comes back",
    options=WaitOptions,
    result=RESULT,
    run=_run,
    timeout=LONGEST + 60.0,
    is_patient=True,
    is_check=False,
)


async def _look(context: StepContext, until: UntilOptions) -> StepOutcome:
    """What `now` says; that nobody can tell yet is no reason to stop waiting."""
    try:
        outcome: StepOutcome = await now.STEP.run(context, until)
    except NoData as error:
        return StepOutcome(State.NO_DATA, error.message)
    return outcome


def _later(context: StepContext, seconds: float) -> StepContext:
    """The same look, so many seconds later."""
    end = context.now + seconds
    length = context.current.end - context.current.start
    return replace(context, now=end, current=Window((Span(end - length, end),)))
