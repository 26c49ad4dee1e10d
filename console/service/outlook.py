"""What the board says of an incident beside the incident itself: its best cause, its open questions, who is at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from console.errors import StoreError, UsageError
from console.model import Cause, Incident
from console.service.records import StoreRecords
from console.service.watching import Watch
from console.triage import diagnose
from console.triage.progress import OnProgress, Progress
from console.triage.questions import open_questions
from console.wire import dump

WAITING: Mapping[str, Any] = {"playbook": "", "title": "waiting for its turn", "steps": []}


@dataclass(frozen=True, slots=True)
class Known:
    """What the runs of an incident say, worked out once per set of runs and answers."""

    of: tuple[object, ...]
    cause: Mapping[str, Any] | None
    questions: int


class Outlook:
    """Follows examinations while they run, and remembers what the finished ones said."""

    def __init__(
        self, records: StoreRecords, watch: Watch, is_explained: Callable[[str], bool], touch: Callable[[], None]
    ) -> None:
        self._is_explained = is_explained
        self._records = records
        self._watch = watch
        self._touch = touch
        self._progress: dict[str, Progress] = {}
        self._known: dict[str, Known] = {}
        self._went_on: dict[str, int] = {}  # how often a run of an incident did

    @contextmanager
    def following(self, id_: str) -> Iterator[OnProgress | None]:
        """Something to tell how far the examination of an incident is, from any thread, until the block ends.

        Nothing where there is no incident.
        """
        if not id_:
            yield None
            return
        loop = asyncio.get_running_loop()
        is_over = False

        def heard(progress: Progress) -> None:
            if not is_over:
                self._progress[id_] = progress
                self._touch()

        def from_any_thread(progress: Progress) -> None:
            loop.call_soon_threadsafe(heard, progress)

        try:
            yield from_any_thread
        finally:
            is_over = True
            self._progress.pop(id_, None)
            self._touch()

    def went_on(self, id_: str) -> None:
        """A run of this incident says something else than it did."""
        self._went_on[id_] = self._went_on.get(id_, 0) + 1
        self._touch()

    async def of(self, incidents: Sequence[Incident]) -> dict[str, dict[str, Any]]:
        """What the board adds, by incident. Runs are read only where they are others than before."""
        known = {incident.id: await self._read(incident) for incident in incidents}
        self._known = known
        self._went_on = {id_: count for id_, count in self._went_on.items() if id_ in known}
        return {
            id_: {
                "cause": each.cause,
                "questions": each.questions,
                "examining": self._examining(id_),
                "explaining": self._is_explained(id_),
            }
            for id_, each in known.items()
        }

    def _examining(self, id_: str) -> Mapping[str, Any] | None:
        if id_ in self._progress:
            progress: Mapping[str, Any] = dump(self._progress[id_])
            return progress
        return WAITING if self._watch.is_examining(id_) else None

    async def _read(self, incident: Incident) -> Known:
        of = (incident.runs, incident.answers, self._went_on.get(incident.id))
        held = self._known.get(incident.id)
        if held is not None and held.of == of:
            return held
        try:
            runs = await self._records.runs(incident.runs)
        except (StoreError, UsageError):  # a store that cannot be read says so in `troubles`
            return Known((), None, 0)
        causes = diagnose(runs, incident).causes
        return Known(of, _best(causes), len(open_questions(runs, incident.answers)))


def _best(causes: Sequence[Cause]) -> Mapping[str, Any] | None:
    if not causes:
        return None
    return {"title": causes[0].title, "probability": causes[0].probability, "more": len(causes) - 1}
