"""Investigations by the configured model: begun by people, kept to be read, and going on whoever leaves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any

from console.config import LlmConfig
from console.errors import UsageError
from console.model import AgentSays, Diagnosis, PlanState, Question, Transcript, Usage
from console.playbook.answers import fitting
from console.playbook.definition import Playbook
from console.plugins import AgentTool, StepType
from console.service.bench import Bench
from console.service.records import StoreRecords
from console.sources.bridge import bridge
from console.sources.estate import Situation
from console.sources.redact import shown_line
from console.triage import diagnose
from console.triage.agent.explaining import Explained, Investigation, about, restored
from console.triage.agent.probing import Able
from console.triage.agent.talking import News
from console.triage.agent.tool import Past, Scene
from console.wire import dump

log = logging.getLogger("andon.explaining")

DAY = 86400.0
MOST_AT_ONCE = 2
MOST_TEXT = 8_000  # characters of what a model says that are shown while it does
MOST_HELD = 20  # investigations whose masks are known, so that one can go on from them
MOST_PAST = 60  # earlier incidents that are remembered
ANSWER_SECONDS = 120.0  # for the operator to answer

NOBODY = UsageError(
    "no language model was configured when the daemon started",
    "write [llm] in its configuration (docs/agent.md), then `andon daemon --stop` and start it again",
)
Plans = Callable[[str], Any]
"""The plans of an incident."""


@dataclass(slots=True)
class View:
    """One investigation as it can be seen while it goes on, and after."""

    question: str
    operator: str
    text: str = ""  # what the model says: nothing of it is checked
    looks: list[str] = field(default_factory=list)
    used: Usage = field(default_factory=Usage)
    asks: Question | None = None
    ended: bool = False

    def hear(self, news: News) -> None:
        """From any thread: each is one assignment."""
        self.text = (self.text + news.text)[-MOST_TEXT:]
        if news.tool:
            self.looks.append(_look(news.tool, news.arguments))
            self.text += "\n" if self.text and not self.text.endswith("\n") else ""
        self.used = news.used or self.used


@dataclass(slots=True)
class Explaining:
    """The investigations of one daemon."""

    llm: LlmConfig | None
    records: StoreRecords
    bench: Bench
    situation: Callable[[], Any]
    plans: Plans
    step_types: Mapping[str, StepType]
    playbooks: Mapping[str, Playbook]
    offered: Sequence[AgentTool]
    clock: Callable[[], float]
    on_change: Callable[[], None]
    _views: dict[str, View] = field(default_factory=dict)  # by incident
    _work: dict[str, tuple[Investigation, asyncio.Task[Any]]] = field(default_factory=dict)
    _answers: dict[str, asyncio.Future[str]] = field(default_factory=dict)
    _held: dict[str, Explained] = field(default_factory=dict)  # by transcript
    _symptoms: Iterator[int] = field(default_factory=lambda: count(1))  # that no incident has: each has its own name
    _able: Able | None = None
    _dollars: float = 0.0  # of all that were heard of, as calls come back: others count them before they are kept

    def is_at_work(self, incident: str) -> bool:
        """Whether a model is at it right now."""
        return incident in self._work

    async def explain(self, diagnosis: Diagnosis, operator: str) -> Diagnosis:
        """The diagnosis with what the model says of it, once it has ended; as it is where there is none to ask."""
        if self.llm is None or not diagnosis.findings:
            return diagnosis
        try:
            task = await self._begin(diagnosis, operator, "")
        except UsageError as error:  # it is busy: the diagnosis stands
            return replace(diagnosis, agent=AgentSays(self.llm.model, stopped=f"{error.message} ({error.hint})"))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:  # whoever asked is gone: only what is said of an incident can be read later
            if diagnosis.incident is None:
                self._interrupt(task)
            raise
        return replace(diagnosis, agent=task.result())

    async def begin(self, incident: str, operator: str, question: str = "") -> None:
        """Have an incident explained, or a question about it answered, in the background.

        Raises UsageError where no model is configured, it is being explained already, or nothing was found yet.
        """
        diagnosis = await self._diagnosis(incident)
        if self.llm is not None and not diagnosis.findings:
            raise UsageError(f"{incident} was not examined yet", f"`andon incident examine {incident}` does")
        await self._begin(diagnosis, operator, question)

    async def prompt(self, incident: str) -> dict[str, Any]:
        """The request that would be sent first; nothing is."""
        diagnosis = await self._diagnosis(incident)
        if self.llm is None:
            raise NOBODY
        investigation = Investigation(diagnosis, await self.scene(diagnosis), self.llm, able=self._able)
        return await self.bench.do(investigation.first_request())

    def interrupt(self, incident: str) -> None:
        """End what is under way; UsageError where nothing is."""
        if incident not in self._work:
            raise UsageError(f"nobody explains {incident}", "e begins, in the console")
        self._interrupt(self._work[incident][1])

    def answer(self, incident: str, text: str) -> None:
        """Answer what the model asks; UsageError where it asks nothing, or that is no answer to it."""
        view, waiting = self._views.get(incident), self._answers.get(incident)
        if view is None or view.asks is None or waiting is None:
            raise UsageError(f"the model asks nothing about {incident}", "it may have gone on without")
        fitting(view.asks, text)
        self._answers.pop(incident)
        view.asks = None
        waiting.set_result(text.strip())

    async def seen(self, incident: str) -> dict[str, Any]:
        """What goes on, what was said before, and what it cost."""
        view, mine = self._views.get(incident), about(await self._diagnosis(incident))
        return {
            "model": self.llm.model if self.llm is not None else None,
            "view": dump(view) if view is not None else None,
            "said": [self._told(each, mine) for each in reversed(await self.records.transcripts(incident))],
            "spent": {
                "incident": dump(await self.records.spent(0.0, incident)),
                "day": dump(await self.records.spent(self.clock() - DAY)),
            },
        }

    async def latest(self, diagnosis: Diagnosis) -> AgentSays | None:
        """What was last said of just this diagnosis, questions aside."""
        incident = diagnosis.incident
        kept = await self.records.transcripts(incident.id) if incident is not None else ()
        mine = about(diagnosis) if kept else ""
        found = next((each for each in kept if each.about == mine and not each.question), None)
        return None if found is None or found.says is None else self._restored(found.id, found.says)

    async def close(self) -> None:
        """Let go of what is under way."""
        tasks = [task for _investigation, task in self._work.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)

    # ── at work ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _begin(self, diagnosis: Diagnosis, operator: str, question: str) -> asyncio.Task[AgentSays]:
        if self.llm is None:
            raise NOBODY
        is_symptom = diagnosis.incident is None
        name = f"symptom {next(self._symptoms)}" if diagnosis.incident is None else diagnosis.incident.id
        scene = await self.scene(diagnosis)
        kept = (await self.records.spent(self.clock() - DAY)).money
        earlier = await self._earlier(diagnosis) if question else None
        if name in self._work:  # nothing was awaited since: of two that begin at once one is told
            raise UsageError(f"{name} is being explained already", "wait, or interrupt it: i on it in the console")
        if len(self._work) >= MOST_AT_ONCE:
            raise UsageError(f"{MOST_AT_ONCE} diagnoses are being explained already", "try again when one has ended")
        before = kept + sum(self._views[other].used.money for other in self._work) - self._dollars
        view = self._views[name] = View(question, operator)
        investigation = Investigation(
            diagnosis, scene, self.llm, question=question, earlier=earlier, able=self._able,
            today=lambda: before + self._dollars - view.used.money, on_news=partial(self._hear, view),
        )  # fmt: skip
        task = asyncio.create_task(self._through(name, investigation, operator), name=f"explain {name}")
        self._work[name] = investigation, task
        task.add_done_callback(lambda ended: self._ended(name, ended))
        if is_symptom:
            task.add_done_callback(lambda _ended: self._views.pop(name))
        self.on_change()
        return task

    def _interrupt(self, task: asyncio.Task[Any]) -> None:
        for investigation, at_work in self._work.values():
            if at_work is task:
                self.bench.soon(investigation.interrupt)

    def _hear(self, view: View, news: News) -> None:
        """On the bench, whose one thread all investigations share."""
        before = view.used.money
        view.hear(news)
        self._dollars += view.used.money - before

    async def _through(self, name: str, investigation: Investigation, operator: str) -> AgentSays:
        done = await self.bench.do(investigation.through())
        self._able = done.able or self._able
        kept = await self.records.keep_transcript(replace(done.transcript, operator=operator))
        self._held[kept.id] = replace(done, transcript=kept)
        while len(self._held) > MOST_HELD:
            self._held.pop(next(iter(self._held)))
        assert done.transcript.says is not None
        self._views[name].used = done.transcript.says.usage
        return done.says

    def _ended(self, name: str, task: asyncio.Task[AgentSays]) -> None:
        self._work.pop(name, None)
        self._views[name].ended = True
        self._views[name].asks = None
        self._answers.pop(name, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("explaining %s: %s", name, error)
        self.on_change()

    async def _earlier(self, diagnosis: Diagnosis) -> Explained | None:
        """What a question goes on from: the last that was said of this diagnosis, while its masks are known."""
        assert diagnosis.incident is not None
        kept = await self.records.transcripts(diagnosis.incident.id)
        mine = about(diagnosis)
        return next((self._held[each.id] for each in kept if each.about == mine and each.id in self._held), None)

    async def _diagnosis(self, id_: str) -> Diagnosis:
        incident = await self.records.incident(id_)
        return diagnose(await self.records.runs(incident.runs), incident)

    async def scene(self, diagnosis: Diagnosis) -> Scene:
        """What a model may look at; nobody can be asked where there is no incident."""
        situation: Situation = await self.situation()
        loop = asyncio.get_running_loop()
        incident = diagnosis.incident
        return Scene(
            situation, self.step_types, diagnosis, self.playbooks,
            remember=bridge(self._past, loop), ask=None if incident is None else bridge(self._asker(incident.id), loop),
            offered=tuple(self.offered),
        )  # fmt: skip

    async def _past(self) -> Sequence[Past]:
        found = []
        for incident in [each for each in await self.records.incidents() if each.state == "closed"][:MOST_PAST]:
            diagnosis = diagnose(await self.records.runs(incident.runs), incident)
            done = [each for each in await self.plans(incident.id) if each.state is PlanState.VERIFIED]
            found.append(Past(incident, diagnosis, tuple(f"{each.plan.title} ({each.id}, verified)" for each in done)))
        return found

    def _asker(self, incident: str) -> Callable[[Question], Any]:
        async def ask(question: Question) -> str | None:
            view = self._views[incident]
            waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            view.asks, self._answers[incident] = question, waiting
            self.on_change()
            try:
                return await asyncio.wait_for(waiting, ANSWER_SECONDS)
            except TimeoutError:
                return None
            finally:
                view.asks = None
                self._answers.pop(incident, None)
                self.on_change()

        return ask

    def _told(self, kept: Transcript, mine: str) -> dict[str, Any]:
        says = kept.says and self._restored(kept.id, kept.says)
        told = {"id": kept.id, "time": kept.time, "operator": kept.operator, "question": kept.question}
        return {**told, "says": dump(says), "is_old": kept.about != mine}

    def _restored(self, transcript: str, says: AgentSays) -> AgentSays:
        held = self._held.get(transcript)
        return says if held is None else restored(says, held.masks)


def _look(tool: str, arguments: Mapping[str, Any]) -> str:
    """A call in a line: `compare signal=model.ttft by=['pod']`."""
    told = " ".join(f"{name}={value}" for name, value in arguments.items())
    return shown_line(f"{tool} {told}", 160)
