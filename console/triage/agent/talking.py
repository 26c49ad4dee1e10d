"""The loop: ask, look, ask again, until the model concludes or a budget ends. The diagnosis stands all the same."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from console.characters import whole_json
from console.errors import AndonError, SourceBusy, SourceDenied, SourceError, SourceMalformed, UsageError
from console.model import AgentSays, Diagnosis, Finding, Usage
from console.sources.redact import shown_line
from console.triage.agent.budget import Limits, Prices, after_call, over
from console.triage.agent.concluding import concluded, told
from console.triage.agent.probing import CACHED, Able, probed
from console.triage.agent.prompt import ASKS, CONCLUDE, MOST_QUESTION, RULES, WITHOUT_TOOLS, facts
from console.triage.agent.speaker import OnText, Reply

MOST_TOKENS = 4_000  # of one answer
MOST_AT_ONCE = 6  # looks of one answer; more are refused
AGAIN = 2  # tries of one call beyond the first
PAUSE = 2.0  # seconds before another try where the endpoint does not say
REMINDERS = 1
HOPELESS = (SourceDenied, SourceMalformed)
NEW_SHARE = 0.2  # of a request that may be new: the rest is the one before, which is in the cache
LEAST_ROOM = 400  # characters of a look's answer
INTERRUPTED = "it was interrupted"

Message = Mapping[str, Any]


class Speaks(Protocol):
    """What a model answers through."""

    async def say(self, request: Mapping[str, Any], on_text: OnText, seconds: float) -> Reply:
        """See `Speaker.say`."""

    def looked(self, name: str, began: float, ended: float, *, is_refused: bool) -> None:
        """See `Speaker.looked`."""


class Sees(Protocol):
    """What it looks through."""

    findings: list[Finding]
    waited: float

    def tools(self) -> list[dict[str, Any]]:
        """See `Looks.tools`."""

    def redact(self, text: str) -> str:
        """A text as it may leave."""

    async def look(self, name: str, arguments: Mapping[str, Any], room: int) -> str:
        """See `Looks.look`."""


@dataclass(frozen=True, slots=True)
class News:
    """What is to be seen of an investigation while it goes on."""

    text: str = ""  # that the model says, as it comes
    tool: str = ""  # that it calls
    arguments: Mapping[str, Any] = field(default_factory=dict)
    used: Usage | None = None  # so far


OnNews = Callable[[News], None]


@dataclass(frozen=True, slots=True)
class Talk:
    """What came of it: what the model says, what it found, and every message, as it was sent and answered."""

    says: AgentSays
    findings: tuple[Finding, ...]
    head: Mapping[str, Any]
    messages: tuple[Message, ...]


@dataclass(slots=True)
class Talking:
    """One investigation under way, or one question about an earlier one, with whose messages it goes on."""

    model: str
    speaker: Speaks
    looks: Sees
    diagnosis: Diagnosis
    question: str = ""
    earlier: Sequence[Message] = ()
    found: Sequence[Finding] = ()  # by the earlier ones
    withheld: Collection[str] = ()  # ids of findings that must not leave
    able: Able | None = None  # None: it is probed first
    limits: Limits = field(default_factory=Limits)
    prices: Prices = field(default_factory=Prices)
    today: Callable[[], float] = lambda: 0.0  # dollars that others of the last 24 hours took so far
    on_news: OnNews = lambda _news: None
    clock: Callable[[], float] = time.monotonic
    pause: float = PAUSE
    spent: Usage = field(default_factory=Usage)
    _began: float = 0.0
    _messages: list[Message] = field(default_factory=list)
    _mended: bool = False  # a conclusion that was none was sent back once
    _reminded: int = 0
    _turn: asyncio.Task[AgentSays | str] | None = None
    _is_interrupted: bool = False

    async def through(self) -> Talk:
        """To its end: a conclusion, or why there is none."""
        self._began = self.clock()
        self.looks.findings[:] = [*self.diagnosis.findings, *self.found]
        self._messages = [*self.earlier, self._opening()]
        says: AgentSays | str = self._over() or ("" if self.able else await self._interruptibly(self._probe()))
        while not says:
            says = self._over() or await self._interruptibly(self._next())
        if isinstance(says, str):
            says = AgentSays(self.model, stopped=says)
        new = tuple(self.looks.findings[len(self.diagnosis.findings) :])
        return Talk(replace(says, usage=self._used()), new, self.head(), tuple(self._messages))

    def interrupt(self) -> None:
        """End it where it is; to be called in the loop that it runs in."""
        self._is_interrupted = True
        if self._turn is not None:
            self._turn.cancel()

    def first_request(self) -> dict[str, Any]:
        """What would be sent first; nothing is."""
        return {**self.head(), "messages": [*self.earlier, self._opening()]}

    def head(self) -> dict[str, Any]:
        """What every request begins with: it never changes, so that all but the end of each is in the cache."""
        able = self.able or Able()
        rules = RULES if able.tools else f"{RULES}\n\n{WITHOUT_TOOLS}{json.dumps(CONCLUDE['input_schema'])}"
        return {
            "model": self.model,
            "max_tokens": MOST_TOKENS,
            **({"cache_control": CACHED} if able.caches else {}),
            **({"tools": [*self.looks.tools(), CONCLUDE]} if able.tools else {}),
            "system": [_text(rules)],
        }

    # ── turns ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _interruptibly(self, turn: Coroutine[Any, Any, AgentSays | str]) -> AgentSays | str:
        self._turn = asyncio.ensure_future(turn)
        if self._is_interrupted:
            self._turn.cancel()
        try:
            return await self._turn
        except asyncio.CancelledError:
            if self._is_interrupted and self._turn.cancelled():
                return INTERRUPTED
            raise

    async def _probe(self) -> str:
        try:
            self.able = await probed(self.model, lambda request: self._asked(request, lambda _text: None))
        except AndonError as error:
            return _why(error)
        return ""

    async def _next(self) -> AgentSays | str:
        """One call and what follows from it; empty: another turn."""
        request = {**self.head(), "messages": [*self._messages]}
        try:
            reply = await self._asked(request, lambda text: self.on_news(News(text=text)))
        except AndonError as error:
            return _why(error)
        self._messages.append({"role": "assistant", "content": [*reply.content] or [_text("…")]})
        uses = [block for block in reply.content if block.get("type") == "tool_use"]
        match reply.stop_reason:
            case "tool_use" | "end_turn" | "stop_sequence" if uses:  # some servers say that they ended, and call
                return await self._looked(uses, self._room(request, reply) // len(uses))
            case "end_turn" | "stop_sequence" | "tool_use":
                return self._in_words(reply) if self.able and not self.able.tools else self._remind()
            case "pause_turn":
                return ""
        why = {"max_tokens": "its answer was cut", "refusal": "it refused to answer",
               "model_context_window_exceeded": "it has no room for more"}  # fmt: skip
        return why.get(
            reply.stop_reason, f"it stopped for a reason nobody here knows: {shown_line(reply.stop_reason, 40)}"
        )

    async def _asked(self, request: Mapping[str, Any], on_text: OnText) -> Reply:
        """One answer; tried again where that may help, and there is something left of every budget."""
        again = 0
        while True:
            left = self.limits.seconds - self._seconds()
            try:
                reply = await self.speaker.say(request, on_text, max(left, 1.0))
            except SourceError as error:
                self.spent = replace(self.spent, calls=self.spent.calls + 1)
                wait = error.seconds if isinstance(error, SourceBusy) else self.pause * 2**again
                if again >= AGAIN or wait >= left or self._over() or isinstance(error, HOPELESS):
                    raise
                again += 1
                await asyncio.sleep(wait)
                continue
            self.spent = after_call(self.spent, reply.usage, self.prices, self._seconds())
            self.on_news(News(used=self._used()))
            return reply

    async def _looked(self, uses: Sequence[Mapping[str, Any]], room: int) -> AgentSays | str:
        """Answer the calls of one message; a conclusion among them ends it."""
        results = []
        for place, use in enumerate(uses):
            name, given = str(use.get("name")), use.get("input")
            arguments = given if isinstance(given, Mapping) else {}
            try:
                if name == CONCLUDE["name"]:
                    return concluded(told(arguments), self.diagnosis, self.looks.findings, self.model)
                if place >= MOST_AT_ONCE:
                    raise UsageError(f"more than {MOST_AT_ONCE} looks at once", "ask again for those that matter most")
                results.append(_result(use, await self._look(name, arguments, max(room, LEAST_ROOM))))
            except UsageError as error:
                if name == CONCLUDE["name"] and self._mended:
                    return f"its conclusion is none: {error.message}"
                self._mended |= name == CONCLUDE["name"]
                results.append(_result(use, f"{error.message}. {error.hint}", is_error=True))
        self._messages.append({"role": "user", "content": results})
        return ""

    async def _look(self, name: str, arguments: Mapping[str, Any], room: int) -> str:
        self.on_news(News(tool=name, arguments=arguments))
        began, is_refused = time.time(), True
        try:
            told = await self.looks.look(name, arguments, room)
            is_refused = False
        finally:
            self.speaker.looked(shown_line(name, 60), began, time.time(), is_refused=is_refused)
        return told

    def _in_words(self, reply: Reply) -> AgentSays | str:
        """The conclusion of a model that has no tools: one JSON object among its words."""
        said = "".join(str(block.get("text", "")) for block in reply.content)
        try:
            return concluded(told(_object_in(said)), self.diagnosis, self.looks.findings, self.model)
        except UsageError as error:
            if self._mended:
                return f"its conclusion is none: {error.message}"
            self._mended = True
            self._messages.append({"role": "user", "content": [_text(f"{error.message}. {error.hint}")]})
            return ""

    def _remind(self) -> str:
        if self._reminded >= REMINDERS:
            return "it did not conclude"
        self._reminded += 1
        self._messages.append({"role": "user", "content": [_text("Call `conclude` now, with what the findings show.")]})
        return ""

    def _opening(self) -> Message:
        """The first message of its own: the incident, or what the operator asks about it."""
        if not self.earlier:
            content = [_text(self.looks.redact(facts(self.diagnosis, self.withheld)))]
        else:  # what was left open there has to be answered first
            last = self.earlier[-1]["content"]
            left = [block for block in last if isinstance(block, Mapping) and block.get("type") == "tool_use"]
            content = [_result(use, "noted") for use in left]
        if self.question:
            content.append(_text(ASKS.format(question=self.looks.redact(shown_line(self.question, MOST_QUESTION)))))
        return {"role": "user", "content": content}

    # ── budgets ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _room(self, request: Mapping[str, Any], reply: Reply) -> int:
        """Characters that answers may have, so that most of the next request was in this one."""
        sent = len(json.dumps(request, ensure_ascii=False).encode("utf-8", "replace"))
        said = len(json.dumps(reply.content, ensure_ascii=False).encode("utf-8", "replace"))
        return int(sent * NEW_SHARE / (1 - NEW_SHARE) * 0.9) - said

    def _over(self) -> str:
        return over(self._used(), self.limits, self.today())

    def _used(self) -> Usage:
        return replace(self.spent, seconds=self._seconds())

    def _seconds(self) -> float:
        """Since it began, without those that a person took to answer."""
        return self.clock() - self._began - self.looks.waited


def _why(error: AndonError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _object_in(text: str) -> Mapping[str, Any]:
    """The JSON object in a text, whatever stands around it."""
    start, end = text.find("{"), text.rfind("}")
    try:
        found = whole_json(text[start : end + 1])
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageError("that is no JSON object", "answer with the arguments of conclude alone")
    return found


def _result(use: Mapping[str, Any], text: str, *, is_error: bool = False) -> dict[str, Any]:
    content = [_text(text or "nothing")]
    more = {"is_error": True} if is_error else {}
    return {"type": "tool_result", "tool_use_id": use.get("id"), "content": content, **more}
