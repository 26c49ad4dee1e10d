"""From triggers to incidents: what stands twice opens one, its playbooks run, and people are told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from console.errors import AndonError, NoData, UsageError
from console.model import Diagnosis, Incident, Labels, NoticeOf, Run, Symptom
from console.service.reports import write_report
from console.sources.alerts import NAMED_BY, subject_among

log = logging.getLogger("andon.watch")

WATCH_SECONDS = 15.0  # of the daemon's clock, between two evaluations
EXAMINE_SECONDS = 120.0
MOST_EXAMINATIONS = 2  # at once
AGAIN_SECONDS = 60.0  # of the daemon's clock, until an incident without a named cause is looked at again
MOST_LOOKS = 6  # at one incident; after that a person has to ask
QUIET_SECONDS = 900.0  # after an incident was closed: its last minutes still lie in the windows that triggers look at
MOST_OPEN = 100  # incidents; more is a flood of triggers, not that many problems


class Records(Protocol):
    """The incidents as the watch needs them: the store's, through its one writer."""

    async def standing(self) -> Sequence[Incident]:
        """Those that are not closed."""

    async def open(self, symptom: Symptom, subject: str, now: float) -> Incident: ...

    async def note(self, incident: str, text: str, now: float) -> object: ...

    async def keep_runs(self, runs: Sequence[Run], incident: str | None) -> None: ...


def subject_of(symptom: Symptom) -> str:
    """What a symptom is about: its model where it has one, else the nearest thing, else its signal or its alert.

    >>> subject_of(Symptom("slow", "model.latency", Labels.of(model="glove")))
    'glove'
    """
    named = subject_among(Labels.of([*symptom.alert, *symptom.labels]))
    return named or symptom.signal or symptom.alert.value(NAMED_BY) or symptom.text


@dataclass(slots=True)
class _Case:
    """What the watch knows of an incident that it looks after."""

    looked: float
    signals: set[str | None] = field(default_factory=set)
    looks: int = 0
    is_named: bool = False  # a cause was
    is_waiting: bool = False  # a run of it is, for a person
    said: Symptom | None = None  # by a person who pulled the cord
    alarms: tuple[Symptom, ...] = ()  # that others raised
    is_asked: bool = False  # by a person, to be looked at
    is_at_work: bool = False  # it is being examined, or waits for it
    again: tuple[Incident, Sequence[Symptom]] | None = None  # what to examine once that has ended

    def is_due(self, now: float) -> bool:
        is_enough = self.is_named or self.is_waiting or self.is_at_work or self.looks >= MOST_LOOKS
        return not is_enough and now - self.looked >= AGAIN_SECONDS


class Watch:
    """`look` evaluates the triggers; examinations of what it opens run in the background."""

    def __init__(
        self,
        records: Records,
        evaluate: Callable[[float], Awaitable[Sequence[Symptom]]],
        examine: Callable[[Incident, Sequence[Symptom]], Awaitable[Diagnosis]],
        tell: Callable[[NoticeOf, str], Awaitable[None]],
        data: Path,
        *,
        on_change: Callable[[], None] = lambda: None,
        seconds: float = EXAMINE_SECONDS,
    ) -> None:
        self.trouble = ""
        self.looked: float | None = None  # when the triggers were last evaluated
        self.symptoms: tuple[Symptom, ...] = ()  # what stood then
        self._records = records
        self._evaluate = evaluate
        self._examine = examine
        self._tell = tell
        self._data = data
        self._on_change = on_change
        self._seconds = seconds
        self._room = asyncio.Semaphore(MOST_EXAMINATIONS)
        self._looking = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._cases: dict[str, _Case] = {}
        self._known: frozenset[str] = frozenset()  # subjects of incidents that were not closed at the last look
        self._quiet: dict[str, float] = {}  # subject -> until when nothing new is opened about it

    @property
    def examinations(self) -> int:
        """How many incidents are being examined, or wait for it."""
        return len(self._tasks)

    def is_examining(self, id_: str) -> bool:
        """Whether an incident is being examined, or waits for it."""
        return id_ in self._cases and self._cases[id_].is_at_work

    def is_asked(self, id_: str) -> bool:
        """Whether a person asked for the examination that is under way: no throttle holds it back."""
        return id_ in self._cases and self._cases[id_].is_asked

    def went_on(self, id_: str, diagnosis: Diagnosis) -> None:
        """A run of an incident went on with an answer: this is what is known now."""
        if id_ in self._cases:
            self._know(self._cases[id_], diagnosis)

    def examine(self, incident: Incident, now: float) -> None:
        """Begin to examine an incident again because a person asks, however many looks were spent.

        UsageError while it is being examined.
        """
        if self.is_examining(incident.id):
            raise UsageError(f"{incident.id} is being examined already", "examine it again when its steps have ended")
        self.examine_anew(incident, now)

    def examine_anew(self, incident: Incident, now: float, said: Symptom | None = None) -> None:
        """Begin to examine an incident of which a person has told something; after one under way."""
        case = self._cases.setdefault(incident.id, _Case(now))
        case.said = said or case.said
        case.is_asked = True
        self._begin_with_all(incident, case, now)

    def _begin_with_all(self, incident: Incident, case: _Case, now: float) -> None:
        """With all that is known to stand about its subject."""
        about = [symptom for symptom in self.symptoms if subject_of(symptom) == incident.subject]
        known = [incident.symptom, *about, *case.alarms, *([case.said] if case.said else [])]
        self._begin(incident, list(dict.fromkeys(known)), now)

    async def alarm(self, subject: str, symptoms: Sequence[Symptom], now: float) -> Incident | None:
        """Open an incident about what somebody else noticed, or look again at the one that its subject has.

        None where too many are open.
        """
        standing = await self._records.standing()
        is_known = any(incident.subject == subject for incident in standing)
        if not is_known and len(standing) >= MOST_OPEN:
            self._say(f"{MOST_OPEN} incidents are open already; none was opened about {subject}")
            return None
        incident = await self._records.open(symptoms[0], subject, now)
        if not is_known:
            log.warning("%s opened: %s", incident.id, incident.title)
        case = self._cases.setdefault(incident.id, _Case(now))
        case.alarms = tuple(symptoms)
        self._begin_with_all(incident, case, now)
        return incident

    async def resume(self) -> None:
        """Examine what an earlier daemon opened and did not live to examine."""
        for incident in await self._records.standing():
            if not incident.runs:
                self._begin(incident, [incident.symptom], incident.opened)

    async def look(self, now: float) -> list[Incident]:
        """Evaluate the triggers unless that was done a moment ago; the incidents it opened."""
        async with self._looking:
            if self.looked is not None and 0 <= now - self.looked < WATCH_SECONDS:
                return []
            before = {_key(symptom) for symptom in self.symptoms}
            self.looked = now
            self.symptoms = tuple(await self._evaluate(now))
            standing: dict[str, list[Symptom]] = {}
            for symptom in self.symptoms:
                if _key(symptom) in before:
                    standing.setdefault(subject_of(symptom), []).append(symptom)
            known = {incident.subject: incident for incident in await self._records.standing()}
            self._settle(known, now)
            opened: list[Incident] = []
            for subject, symptoms in standing.items():
                if subject in known:
                    await self._attach(known[subject], symptoms, now)
                    self._look_again(known[subject], symptoms, now)
                elif subject in self._quiet:
                    continue
                elif len(known) + len(opened) < MOST_OPEN:
                    opened.append(await self._open(subject, symptoms, now))
                else:
                    self._say(f"{MOST_OPEN} incidents are open already; none was opened about {subject}")
            return opened

    async def settled(self) -> None:
        """Wait until nothing is being examined."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def close(self) -> None:
        """Let go of the examinations; the next daemon resumes them."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=2.0)

    async def _open(self, subject: str, symptoms: Sequence[Symptom], now: float) -> Incident:
        incident = await self._records.open(symptoms[0], subject, now)
        log.warning("%s opened: %s", incident.id, incident.title)
        await self._attach(incident, symptoms[1:], now)
        self._begin(incident, symptoms, now)
        return incident

    def _settle(self, known: Mapping[str, Incident], now: float) -> None:
        """Forget closed incidents, and be quiet about their subjects for a while."""
        still = {incident.id for incident in known.values()}
        self._cases = {id_: case for id_, case in self._cases.items() if id_ in still or case.is_at_work}
        closed = self._known - set(known)
        self._known = frozenset(known)
        self._quiet = {subject: until for subject, until in self._quiet.items() if until > now}
        self._quiet |= dict.fromkeys(closed, now + QUIET_SECONDS)

    def _look_again(self, incident: Incident, symptoms: Sequence[Symptom], now: float) -> None:
        """When another signal has joined, or no cause was named: more data may have come since."""
        case = self._cases.get(incident.id)
        if case is not None and ({symptom.signal for symptom in symptoms} - case.signals or case.is_due(now)):
            self._begin(incident, symptoms, now)

    async def _attach(self, incident: Incident, symptoms: Sequence[Symptom], now: float) -> None:
        """Note, once each, what else stands about the subject of an incident."""
        noted = {note.text for note in incident.notes}
        for symptom in symptoms:
            text = f"also: {symptom.signal or symptom.text}"
            if symptom.signal != incident.symptom.signal and text not in noted:
                try:
                    await self._records.note(incident.id, text, now)
                except UsageError as error:  # its notes are full: no reason to look at nothing else
                    self._say(error.message)
                noted.add(text)

    def _begin(self, incident: Incident, symptoms: Sequence[Symptom], now: float) -> None:
        case = self._cases.setdefault(incident.id, _Case(now))
        case.signals |= {symptom.signal for symptom in symptoms}
        if case.is_at_work:
            case.again = incident, symptoms
            return
        case.looked, case.looks, case.is_at_work = now, case.looks + 1, True
        is_news = case.looks == 1 and not incident.runs
        task = asyncio.create_task(self._work(case, incident, symptoms, is_news), name=f"examine {incident.id}")
        self._tasks.add(task)
        task.add_done_callback(lambda _task: self._ended(task, case, now))

    def _ended(self, task: asyncio.Task[None], case: _Case, now: float) -> None:
        case.is_at_work = False
        case.is_asked = case.is_asked and case.again is not None
        if case.again is not None and not task.cancelled():
            (incident, symptoms), case.again = case.again, None
            self._begin(incident, symptoms, now)
        self._tasks.discard(task)
        self._on_change()

    async def _work(self, case: _Case, incident: Incident, symptoms: Sequence[Symptom], is_news: bool) -> None:
        if is_news:
            await self._tell("opened", incident.id)
        async with self._room:
            try:
                async with asyncio.timeout(self._seconds):
                    diagnosis = await self._examine(incident, symptoms)
                    await self._records.keep_runs(diagnosis.runs, incident.id)
                self._know(case, diagnosis)
                self.trouble = ""
                if diagnosis.causes:
                    await self._tell("cause", incident.id)
            except NoData as error:  # no playbook is about this: nothing went wrong
                await self._note(incident, f"not examined: {error.message}", case.looked)
            except TimeoutError:
                self._say(f"examining {incident.id} took more than {self._seconds:g} s and was stopped")
            except AndonError as error:
                self._say(f"examining {incident.id} failed: {error.message}")
            except Exception as error:  # noqa: BLE001 - a mistake of ours costs one examination, never the daemon
                told = write_report(self._data, f"examining {incident.id}", error)
                self._say(f"{told.message} ({told.hint})")

    def _know(self, case: _Case, diagnosis: Diagnosis) -> None:
        case.is_named = case.is_named or bool(diagnosis.causes)
        case.is_waiting = any(run.state == "paused" for run in diagnosis.runs)

    async def _note(self, incident: Incident, text: str, now: float) -> None:
        if text not in {note.text for note in incident.notes}:
            try:
                await self._records.note(incident.id, text, now)
            except AndonError as error:
                self._say(error.message)

    def _say(self, trouble: str) -> None:
        self.trouble = trouble
        log.error("%s", trouble)


def _key(symptom: Symptom) -> tuple[str | None, Labels]:
    return symptom.signal, symptom.labels
