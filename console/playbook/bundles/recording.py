"""Recording: an estate that answers as it always does, while every question and its answer is kept."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from console import __version__
from console.errors import AndonError
from console.model import Diagnosis, Frame, Incident, Profile, Question, Record, Symptom
from console.playbook.bundles.bundle import CALLS, Bundle, Failure, Held, Origin, Told
from console.playbook.bundles.questions import Likes, key, question
from console.playbook.definition import Playbook
from console.playbook.step import Ask
from console.playbook.steps.dataset import Dataset
from console.sources.estate import Estate, Situation
from console.sources.types import ProfileGroup

MOST_BYTES = 20 * 2**20  # about: what is kept in memory
MOST_LEFT_OUT = 50  # things that are named as left out
NOUN_BYTES = 400  # of a line, a span, an event, and of one column of a profile some more
COLUMN_BYTES = 4_000


@dataclass(slots=True)
class Recording:
    """What was asked while a situation was recorded. It may be filled from one loop only."""

    situation: Situation
    most: int = MOST_BYTES
    kept: dict[tuple[str, str, str, str], Held] = field(default_factory=dict)
    likes: Likes = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    sources: list[Told] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    bytes: int = 0

    def hears(self, ask: Ask) -> Ask:
        """The same `Ask`; what is answered is kept."""

        async def heard(asked: Question) -> str | None:
            answer = await ask(asked)
            if answer is not None:
                self.answers[asked.text] = answer
            return answer

        return heard

    def bundle(
        self,
        diagnosis: Diagnosis | None = None,
        *,
        origin: Origin = "recorded",
        symptoms: Iterable[Symptom] = (),
        incident: Incident | None = None,
        playbooks: Iterable[Playbook] = (),
        created: float | None = None,
    ) -> Bundle:
        """What was kept, with what came of it, as one noun. `playbooks` are those that were run."""
        if diagnosis is not None and origin == "simulated":
            diagnosis = _timeless(diagnosis)
        runs = diagnosis.runs if diagnosis else ()
        said = {answer.question: answer.answer for answer in incident.answers} if incident else {}
        return Bundle(
            origin=origin,
            now=self.situation.now,
            interval=self.situation.interval,
            andon=__version__,
            created=self.situation.now if created is None else created,
            symptoms=tuple(symptoms),
            inputs={run.playbook: dict(run.inputs) for run in runs},
            incident=incident,
            diagnosis=diagnosis,
            playbooks={each.name: each.source for each in playbooks},
            answers=said | self.answers,
            pins=dict(self.situation.pins),
            excluded=tuple(self.situation.excluded),
            sources=tuple(self.sources),
            models=dict(self.situation.estate.models),
            failed={name: Failure.of(error) for name, error in self.situation.estate.failed.items()},
            left_out=tuple(self.left_out),
            held=tuple(self.kept[each] for each in sorted(self.kept)),
            likes=dict(self.likes),
        )

    def keep(self, held: Held) -> None:
        """The first answer to a question; what is too much is named and left out."""
        spelled = key(held.place, held.name, held.call, held.question)
        if spelled in self.kept:
            return
        size = _size(held.answer)
        if self.bytes + size > self.most:
            if len(self.left_out) < MOST_LEFT_OUT:
                self.left_out.append(f"an answer of {held.place} {held.name} to {held.call}: {size:,} bytes too many")
            return
        self.bytes += size
        self.kept[spelled] = held

    def listening(self, source: Any, place: str, name: str) -> Any:
        """The source, heard."""
        calls = tuple(call for call in CALLS[place] if hasattr(source, call))
        self.sources.append(Told(place, name, calls))
        return _Heard({call: self._heard(getattr(source, call), place, name, call) for call in calls})

    def _heard(
        self, method: Callable[..., Awaitable[Any]], place: str, name: str, call: str
    ) -> Callable[..., Awaitable[Any]]:
        async def heard(*arguments: Any) -> Any:
            asked = question(call, arguments, self.likes)
            hold = functools.partial(Held, place, name, call, asked)
            try:
                answer = await method(*arguments)
            except AndonError as error:
                self.keep(hold(failure=Failure.of(error)))
                raise
            except (TimeoutError, asyncio.CancelledError):
                self.keep(hold(failure=Failure("SourceError", f"{name} had not answered when the time was over")))
                raise
            except Exception as error:
                self.keep(hold(failure=Failure("PluginError", f"{name} failed: {type(error).__name__}: {error}")))
                raise
            self.keep(hold(answer=answer))
            return answer

        return heard


def _timeless(diagnosis: Diagnosis) -> Diagnosis:
    """The same, without what differs each time: how long it took, and the ids of runs."""
    runs = tuple(
        replace(
            run,
            id=f"{number}-{run.playbook}",
            finished=run.finished and run.started,
            steps=tuple(replace(step, seconds=0.0) for step in run.steps),
        )
        for number, run in enumerate(diagnosis.runs, 1)
    )
    return replace(diagnosis, runs=runs, seconds=0.0)


class _Heard:
    """A source under its capabilities: it has the methods that it is given, as attributes of its own."""

    def __init__(self, methods: Mapping[str, Callable[..., Awaitable[Any]]]) -> None:
        self.__dict__.update(methods)


def recorded(situation: Situation, most: int = MOST_BYTES) -> tuple[Situation, Recording]:
    """The same situation, and the recording of what is asked of it from now on."""
    recording = Recording(situation, most)
    estate = situation.estate

    def table(place: str, sources: Mapping[str, Any]) -> dict[str, Any]:
        return {name: recording.listening(source, place, name) for name, source in sources.items()}

    heard = Estate(
        readers=[recording.listening(reader, "readers", str(at)) for at, reader in enumerate(estate.readers)],
        tables=table("tables", estate.tables),
        events=table("events", estate.events),
        probers=table("probers", estate.probers),
        logs=table("logs", estate.logs),
        traces=table("traces", estate.traces),
        alerts=table("alerts", estate.alerts),
        silencers=estate.silencers,
        sources=estate.sources,
        models=estate.models,
        failed=estate.failed,
        dataset=lambda path: recording.listening((estate.dataset or Dataset)(path), "datasets", path),
    )
    return replace(situation, estate=heard), recording


def _size(answer: Any) -> int:
    """About how many bytes an answer takes: counted, not packed, for a run is waiting."""
    match answer:
        case Frame():
            sizes = (one.values.nbytes + (one.sums.nbytes if one.sums is not None else 0) for one in answer.series)
            return int(answer.times.nbytes + sum(sizes) + NOUN_BYTES * len(answer.series))
        case Profile():
            return COLUMN_BYTES * len(answer.columns)
        case Record():
            return COLUMN_BYTES * (1 + len(answer.segments) + len(answer.steps))
        case ProfileGroup():
            return _size(answer.profile)
        case list() | tuple():
            return sum(_size(each) for each in answer) + NOUN_BYTES
    return NOUN_BYTES
