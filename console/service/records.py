"""Incidents, runs, events and pins in the store, for everyone in the daemon who writes or reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from console.model import Answer, Event, Incident, Note, Run, Span, Symptom, Transcript, Usage
from console.playbook.definition import Playbook
from console.service.writer import Writer
from console.store.alerts import Held, Opened
from console.store.incidents import CONSOLE
from console.store.pins import Pin
from console.store.runs import UNKNOWN, Origin
from console.store.store import Store


@dataclass(frozen=True, slots=True)
class StoreRecords:
    """What the store keeps beside samples; each call is durable when it returns. UsageError for an id that is none."""

    writer: Writer
    playbooks: Mapping[str, Playbook] = field(default_factory=dict)  # whose texts are kept with their runs

    async def standing(self) -> Sequence[Incident]:
        """The incidents that are not closed, oldest first."""

        def work(store: Store) -> list[Incident]:
            return [*store.incidents.list("open"), *store.incidents.list("acknowledged")]

        return sorted(await self.writer.do(work), key=lambda incident: incident.opened)

    async def incidents(self) -> Sequence[Incident]:
        """All incidents, the newest first."""
        return await self.writer.do(lambda store: store.incidents.list())

    async def incident(self, id_: str) -> Incident:
        """One incident."""
        return await self.writer.do(lambda store: store.incidents.get(id_))

    async def open(self, symptom: Symptom, subject: str, now: float, operator: str = CONSOLE) -> Incident:
        """A new incident about a subject, or the open one that it has, with a note of the symptom."""
        incident, _is_new = await self.writer.do(
            lambda store: store.incidents.open(
                symptom, title=symptom.text, subject=subject, time=now, operator=operator
            )
        )
        return incident

    async def note(self, id_: str, text: str, now: float, operator: str = CONSOLE) -> Incident:
        """Add a line to an incident's timeline."""
        return await self.writer.do(lambda store: store.incidents.note(id_, operator, text, now))

    async def answer(self, id_: str, answer: Answer) -> Incident:
        """Keep what an operator said to a playbook's question."""
        return await self.writer.do(lambda store: store.incidents.answer(id_, answer))

    async def acknowledge(self, id_: str, now: float, operator: str) -> Incident:
        """Say who looks after it."""
        return await self.writer.do(lambda store: store.incidents.acknowledge(id_, operator, now))

    async def close(self, id_: str, now: float, operator: str, text: str = "") -> Incident:
        """End an incident."""
        if text:
            await self.note(id_, text, now, operator)
        return await self.writer.do(lambda store: store.incidents.close(id_, operator, now))

    async def keep_runs(self, runs: Sequence[Run], incident: str | None) -> None:
        """Save runs, and that they belong to an incident."""

        def work(store: Store) -> None:
            for run in runs:
                store.runs.save(run, _origin(self.playbooks.get(run.playbook), run, incident))
                if incident is not None:
                    store.incidents.attach_run(incident, run.id)

        await self.writer.do(work)

    async def keep_recording(self, incident: str, now: float, body: bytes) -> Sequence[str]:
        """Keep what was asked when an incident was examined; the incidents whose recording had to go for it."""
        return await self.writer.do(lambda store: store.recordings.keep(incident, now, body))

    async def recording(self, incident: str) -> bytes | None:
        """What was asked when an incident was last examined, where that is still kept."""
        return await self.writer.do(lambda store: store.recordings.get(incident))

    async def take_in(self, incident: Incident, runs: Sequence[Run], note: Note, now: float, body: bytes) -> Incident:
        """An incident of elsewhere, with its runs under ids of their own and its recording; it is taken in once."""

        def work(store: Store) -> Incident:
            known = store.recordings.of(body)
            if known is not None and (before := store.incidents.get(known)).is_imported:
                return before
            taken = store.incidents.take_in(incident, note)
            for number, run in enumerate(runs, 1):
                own = replace(run, id=f"{taken.id}-{number}", state="finished")
                store.runs.save(own, Origin(incident=taken.id))
                taken = store.incidents.attach_run(taken.id, own.id)
            store.recordings.keep(taken.id, now, body)
            return taken

        return await self.writer.do(work)

    async def keep_transcript(self, transcript: Transcript) -> Transcript:
        """Keep what was said to a model and what it answered; it comes back with its id."""
        return await self.writer.do(lambda store: store.transcripts.keep(transcript))

    async def transcript(self, id_: str) -> Transcript:
        """One transcript."""
        return await self.writer.do(lambda store: store.transcripts.get(id_))

    async def transcripts(self, incident: str | None = None) -> Sequence[Transcript]:
        """Transcripts, the newest first."""
        return await self.writer.do(lambda store: store.transcripts.list(incident))

    async def spent(self, since: float, incident: str | None = None) -> Usage:
        """What asking a model cost from an instant on."""
        return await self.writer.do(lambda store: store.transcripts.spent(since, incident))

    async def keep_run(self, run: Run, origin: Origin = UNKNOWN) -> None:
        """Save one run, with what it came from where that is not known yet."""
        await self.writer.do(lambda store: store.runs.save(run, origin))

    async def drop_run(self, id_: str) -> None:
        """Forget a run that came to nothing."""
        await self.writer.do(lambda store: store.runs.drop(id_))

    async def run_with_origin(self, id_: str) -> tuple[Run, Origin]:
        """One run, and what it came from."""
        return await self.writer.do(lambda store: (store.runs.get(id_), store.runs.origin(id_)))

    async def paused_runs(self) -> Sequence[Run]:
        """The runs that wait, the oldest first."""
        return await self.writer.do(lambda store: store.runs.paused())

    async def newest_runs(self, limit: int) -> Sequence[tuple[Run, Origin, str]]:
        """(run, origin, state), the newest first."""
        return await self.writer.do(lambda store: store.runs.newest(limit))

    async def runs(self, ids: Sequence[str]) -> list[Run]:
        """Runs by id."""
        return await self.writer.do(lambda store: [store.runs.get(id_) for id_ in ids])

    async def latest_runs(self, since: float) -> list[Run]:
        """The newest runs that started at `since` or later, the newest first."""

        def work(store: Store) -> list[Run]:
            return [run for run in store.runs.list() if run.started >= since]

        return await self.writer.do(work)

    async def pins(self) -> Sequence[Pin]:
        """The pinned baselines by name."""
        return await self.writer.do(lambda store: store.pins.list())

    async def pin(self, pin: Pin) -> None:
        """Keep a baseline."""
        await self.writer.do(lambda store: store.pins.pin(pin))

    async def drop_pin(self, name: str) -> None:
        """Forget a baseline."""
        await self.writer.do(lambda store: store.pins.drop(name))

    async def add_events(self, events: Sequence[Event]) -> None:
        """Put events on the timeline; one that is there already is not doubled."""
        await self.writer.do(lambda store: store.events.add(events))

    async def events(self, span: Span, kinds: Sequence[str] = ()) -> Sequence[Event]:
        """The timeline of a span."""
        return await self.writer.do(lambda store: store.events.between(span, kinds))

    async def alerts(self) -> tuple[list[Held], dict[str, Opened]]:
        """The alerts that were taken and have not ended, and what their groups came to."""
        return await self.writer.do(lambda store: (store.alerts.all(), store.alerts.groups()))

    async def keep_alerts(self, held: Sequence[Held], gone: Sequence[str], events: Sequence[Event]) -> None:
        """Keep alerts as they are now, forget those that are gone, and put both on the timeline."""

        def work(store: Store) -> None:
            store.events.add(events)
            store.alerts.keep(held, gone)

        await self.writer.do(work)

    async def belong(self, ids: Sequence[str], groups: Sequence[str], opened: Opened) -> None:
        """Put alerts and their groups down to an incident."""
        await self.writer.do(lambda store: store.alerts.belong(ids, groups, opened))

    async def forget_groups(self, groups: Sequence[str]) -> None:
        """Drop what groups of alerts came to."""
        await self.writer.do(lambda store: store.alerts.forget_groups(groups))


def _origin(playbook: Playbook | None, run: Run, incident: str | None) -> Origin:
    if playbook is None or playbook.hash != run.playbook_hash:
        return Origin(operator=CONSOLE, incident=incident or "")
    return Origin(playbook.source, playbook.path, CONSOLE, incident or "")
