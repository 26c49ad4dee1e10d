"""The loop: ask, look, ask again, until the model concludes or a budget ends. The diagnosis stands all the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from console.errors import AndonError, SourceBusy, SourceDenied, SourceError, SourceMalformed, UsageError
from console.model import AgentSays, Diagnosis, Finding, Usage
from console.sources.redact import shown_line
from console.triage.agent.budget import Limits, Prices, after_call, over
from console.triage.agent.concluding import concluded, told
from console.triage.agent.looks import Looks
from console.triage.agent.prompt import CONCLUDE, RULES, facts
from console.triage.agent.speaker import OnText, Reply

MOST_TOKENS = 2_000  # of one answer
MOST_AT_ONCE = 6  # looks of one answer; more are refused
AGAIN = 2  # tries of one call beyond the first
PAUSE = 2.0  # seconds before another try where the endpoint does not say
REMINDERS = 1
HOPELESS = (SourceDenied, SourceMalformed)
CACHED = {"type": "ephemeral"}


class Speaks(Protocol):
    """What a model answers through."""

    async def say(self, request: Mapping[str, Any], on_text: OnText, seconds: float) -> Reply:
        """See `Speaker.say`."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What came of it: what the model says, what it found, and every message, as it was sent and answered."""

    says: AgentSays
    findings: tuple[Finding, ...]
    messages: tuple[Mapping[str, Any], ...]


@dataclass(slots=True)
class Talking:
    """One investigation under way."""

    model: str
    speaker: Speaks
    looks: Looks
    diagnosis: Diagnosis
    limits: Limits = field(default_factory=Limits)
    prices: Prices = field(default_factory=Prices)
    on_text: OnText = lambda _text: None
    clock: Callable[[], float] = time.monotonic
    pause: float = PAUSE
    spent: Usage = field(default_factory=Usage)
    _began: float = 0.0
    _messages: list[dict[str, Any]] = field(default_factory=list)
    _mended: bool = False  # a conclusion that was none was sent back once
    _reminded: int = 0

    async def through(self) -> Talk:
        """To its end: a conclusion, or why there is none."""
        self._began = self.clock()
        self.looks.findings[:] = self.diagnosis.findings
        self._messages.append({"role": "user", "content": [_text(self.looks.redact(facts(self.diagnosis)))]})
        says: AgentSays | str = ""
        while not says:
            says = over(self._used(), self.limits) or await self._turn()
        if isinstance(says, str):
            says = AgentSays(self.model, stopped=says)
        new = tuple(self.looks.findings[len(self.diagnosis.findings) :])
        return Talk(replace(says, usage=self._used()), new, tuple(self._messages))

    async def _turn(self) -> AgentSays | str:
        """One call and what follows from it; empty: another turn."""
        try:
            reply = await self._asked()
        except AndonError as error:
            return error.message
        self._messages.append({"role": "assistant", "content": [*reply.content]})
        uses = [block for block in reply.content if block.get("type") == "tool_use"]
        match reply.stop_reason:
            case "tool_use" if uses:
                return await self._looked(uses)
            case "end_turn" | "stop_sequence" | "tool_use":
                return self._remind()
            case "pause_turn":
                return ""
        why = {"max_tokens": "its answer was cut", "refusal": "it refused to answer",
               "model_context_window_exceeded": "it has no room for more"}  # fmt: skip
        return why.get(
            reply.stop_reason, f"it stopped for a reason nobody here knows: {shown_line(reply.stop_reason, 40)}"
        )

    async def _asked(self) -> Reply:
        """One answer; tried again where that may help, and there is something left of every budget."""
        again = 0
        while True:
            left = self.limits.seconds - (self.clock() - self._began)
            try:
                reply = await self.speaker.say(self._request(), self.on_text, max(left, 1.0))
            except SourceError as error:
                self.spent = replace(self.spent, calls=self.spent.calls + 1)
                wait = error.seconds if isinstance(error, SourceBusy) else self.pause * 2**again
                is_over = again >= AGAIN or wait >= left or over(self._used(), self.limits)
                if is_over or isinstance(error, HOPELESS):
                    raise
                again += 1
                await asyncio.sleep(wait)
                continue
            self.spent = after_call(self.spent, reply.usage, self.prices, self.clock() - self._began)
            return reply

    async def _looked(self, uses: Sequence[Mapping[str, Any]]) -> AgentSays | str:
        """Answer the calls of one message; a conclusion among them ends it."""
        results = []
        for place, use in enumerate(uses):
            name, arguments = str(use.get("name")), use.get("input") or {}
            try:
                if name == CONCLUDE["name"]:
                    return concluded(told(arguments), self.diagnosis, self.looks.findings, self.model)
                if place >= MOST_AT_ONCE:
                    raise UsageError(f"more than {MOST_AT_ONCE} looks at once", "ask again for those that matter most")
                results.append(_result(use, await self.looks.look(name, arguments)))
            except UsageError as error:
                if name == CONCLUDE["name"] and self._mended:
                    return f"its conclusion is none: {error.message}"
                self._mended |= name == CONCLUDE["name"]
                results.append(_result(use, f"{error.message}. {error.hint}", is_error=True))
        self._messages.append({"role": "user", "content": results})
        return ""

    def _remind(self) -> str:
        if self._reminded >= REMINDERS:
            return "it did not conclude"
        self._reminded += 1
        self._messages.append({"role": "user", "content": [_text("Call `conclude` now, with what the findings show.")]})
        return ""

    def _request(self) -> dict[str, Any]:
        """What is sent: tools and rules never change, messages only grow, so that all but the end is in the cache."""
        return {
            "model": self.model,
            "max_tokens": MOST_TOKENS,
            "cache_control": CACHED,
            "tools": [*self.looks.tools(), CONCLUDE],
            "system": [_text(RULES)],
            "messages": [*self._messages],
        }

    def _used(self) -> Usage:
        return replace(self.spent, seconds=self.clock() - self._began)


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _result(use: Mapping[str, Any], text: str, *, is_error: bool = False) -> dict[str, Any]:
    content = [_text(text or "nothing")]
    more = {"is_error": True} if is_error else {}
    return {"type": "tool_result", "tool_use_id": use.get("id"), "content": content, **more}
