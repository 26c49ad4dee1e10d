"""What the parts of one daemon share: its settings, its sources, its store and what it has seen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from console.clock import Clock
from console.config import Config
from console.errors import BundleError, SourceError, StoreError
from console.model import (
    Diagnosis,
    Finding,
    Incident,
    Notice,
    PlanRecord,
    Reading,
    Run,
    Span,
    StepResult,
    Symptom,
    Window,
)
from console.playbook.bundles.file import to_bytes
from console.playbook.bundles.recording import Recording, recorded
from console.playbook.definition import Playbook
from console.playbook.engine import run as run_playbook
from console.plugins import Panel, Plugins, StepType
from console.service.alert_look import AlertLook
from console.service.alerting import Alerting
from console.service.bench import Bench
from console.service.checkups import Checkups
from console.service.collecting import Collector
from console.service.drift_view import View, view
from console.service.drifting import Drifts
from console.service.explaining import Explaining
from console.service.fleet import Fleet
from console.service.following_rows import Memory
from console.service.live import Live
from console.service.notifying import Notifying
from console.service.outlook import Outlook
from console.service.pages import Pages
from console.service.records import StoreRecords
from console.service.remedying import Remedying
from console.service.running import Running
from console.service.sightings import Sightings
from console.service.timeline import Timeline
from console.service.topics import Topic
from console.service.watching import Watch
from console.service.writer import Writer
from console.sources.bridge import bridged
from console.sources.estate import Estate, Situation
from console.store.notices import Due
from console.store.store import Store
from console.triage import diagnose, investigate, standing
from console.triage.progress import followed
from console.triage.questions import answering

log = logging.getLogger("andon.house")

EVALUATE_SECONDS = 60.0  # all triggers together
AGAIN_SECONDS = 60.0  # for steps that are played once more
PROBED_SECONDS = 3600.0  # since golden inputs were sent, for their answers to still say anything
LONGEST_THROTTLE = 86400.0  # seconds; a playbook that wants more is run by itself once a day
SHOW_SECONDS = 1.0  # from one look at the live sources to the next, while somebody looks at the board
BOARD_SECONDS = 0.9  # between two states of the board: a little less, so that what was just seen does not wait
WAYS_ON = {"second_operator": "plan approve"}  # what a notice of a plan asks for, where that is not to look at it
SETTLE_SECONDS = 5.0  # from when somebody looks until what is live and did not come is late


@dataclass(slots=True)
class House:
    """One daemon's parts. `troubles` says, by part, what is wrong right now."""

    config: Config
    clock: Clock
    plugins: Plugins
    step_types: Mapping[str, StepType]
    playbooks: Mapping[str, Playbook]
    estate: Estate
    writer: Writer
    records: StoreRecords
    bench: Bench
    troubles: dict[str, str]
    panels: Sequence[tuple[str, Panel]] = ()  # with the plugin that offers each
    collector: Collector = field(init=False)
    fleet: Fleet = field(init=False)
    checkups: Checkups = field(init=False)
    watch: Watch = field(init=False)
    running: Running = field(init=False)
    remedying: Remedying = field(init=False)
    outlook: Outlook = field(init=False)
    explaining: Explaining = field(init=False)
    notifying: Notifying = field(init=False)
    alerting: Alerting = field(init=False)
    alert_look: AlertLook = field(init=False)
    drifts: Drifts = field(init=False)
    memories: dict[str, Memory] = field(default_factory=dict)  # by model: what the last look at its rows left
    sightings: Sightings = field(default_factory=Sightings)
    live: Live = field(default_factory=Live)
    compared: Sequence[Finding] = ()  # at the last look at the triggers
    pages: Pages = field(init=False)
    timeline: Timeline = field(init=False)
    board: Topic = field(init=False)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    started: float = 0.0
    looked_at: float | None = None  # since when somebody has, by the loop's clock

    @property
    def is_watched(self) -> bool:
        """Whether somebody has looked at the board for a while, so that what is live must be new."""
        return self.looked_at is not None and asyncio.get_running_loop().time() - self.looked_at >= SETTLE_SECONDS

    async def show(self) -> None:
        """While somebody looks at the board, let its clock go on and the live sources say how they are."""
        if not self.board.subscribers:
            self.looked_at = None
            self.fleet.rest()
            return
        self.fleet.look()
        if self.collector.live and not 0 < self.config.interval <= SHOW_SECONDS:  # they are asked that often anyway
            if self.looked_at is None:
                self.looked_at = asyncio.get_running_loop().time()
            await self.collector.look(patience=SHOW_SECONDS)
        self.live.compare(self.clock())
        self.board.touch()

    async def incidents_or_none(self) -> Sequence[Incident]:
        """The incidents that are not closed; none while the store cannot be read, which `troubles` then says."""
        try:
            return await self.records.standing()
        except StoreError:
            return ()

    async def open_plans_or_none(self) -> Sequence[PlanRecord]:
        """The plans that somebody has to do something about, or does; none while the store cannot be read."""
        try:
            return await self.remedying.list()
        except StoreError:
            return ()

    async def situation(self) -> Situation:
        """What a run on the bench stands on right now. Time inside incidents is known: baselines leave it out."""
        now = self.clock()
        incidents = await self.records.incidents()
        return Situation(
            bridged(self.estate, asyncio.get_running_loop()),
            now,
            pins={pin.name: pin.spans for pin in await self.records.pins()},
            excluded=tuple(
                Span(each.opened, now if each.closed is None else each.closed)
                for each in incidents
                if not each.is_imported
            ),
        )

    async def collect(self) -> list[Incident]:
        """Ask the sources, put what they say on disk, and look at the triggers; the incidents that this opened."""
        await asyncio.gather(self.collector.round(), self.timeline.copy(self.clock()))
        await self.writer.commit()
        await self.remedying.round()
        return await self.look()

    async def look(self) -> list[Incident]:
        """Look at the triggers, where that is wanted; the incidents that this opened."""
        opened = await self.watch.look(self.clock()) if self.config.watch else []
        self.board.touch()
        return opened

    async def keep(self, readings: Sequence[Reading], now: float) -> None:
        """Put samples into the store, and note whose they are."""

        def work(store: Store) -> None:
            self.sightings.note(readings)
            store.add(readings, now)

        await self.writer.do(work)

    async def evaluate(self, _now: float) -> Sequence[Symptom]:
        """What the playbooks' triggers see right now."""
        situation = await self.situation()
        looking = self.bench.do(standing(self.playbooks.values(), situation, self.step_types))
        try:
            found = await asyncio.wait_for(looking, EVALUATE_SECONDS)
        except TimeoutError:
            hint = "ask for fewer label sets in `by`, or for shorter windows"
            raise SourceError(f"evaluating the triggers took more than {EVALUATE_SECONDS:g} s", hint) from None
        self.compared = found.findings
        return found.symptoms

    async def examine(self, incident: Incident | None, symptoms: Sequence[Symptom]) -> Diagnosis:
        """Run the playbooks that fit, with what was answered before; the board tells how far they are."""
        situation, recording = recorded(await self.situation())
        ask = answering(incident.answers) if incident else None
        is_asked = incident is None or self.watch.is_asked(incident.id)
        earlier = [] if is_asked else await self.records.latest_runs(situation.now - LONGEST_THROTTLE)
        with self.outlook.following(incident.id if incident else "") as on_progress:
            diagnosis = await self.bench.do(
                investigate(
                    symptoms, self.playbooks, situation, self.step_types,
                    incident=incident, earlier=earlier, ask=ask, on_progress=on_progress,
                )
            )  # fmt: skip
        if incident is not None:
            self.drifts.look_again(incident.subject)  # or the board would say less than the diagnosis does
            await self._keep(recording, diagnosis, incident, symptoms)
        return diagnosis

    async def _keep(
        self, recording: Recording, diagnosis: Diagnosis, incident: Incident, symptoms: Sequence[Symptom]
    ) -> None:
        """What was asked, for `incident export`. The diagnosis stands without it: what cannot be kept is said."""
        ran = [self.playbooks[run.playbook] for run in diagnosis.runs if run.playbook in self.playbooks]
        try:
            bundle = recording.bundle(diagnosis, symptoms=symptoms, incident=incident, playbooks=ran)
            body = await asyncio.to_thread(to_bytes, bundle)
            for gone in await self.records.keep_recording(incident.id, recording.situation.now, body):
                log.info("the recording of %s is not kept: there is no room for it", gone)
        except (StoreError, BundleError) as error:
            log.warning("what was asked about %s cannot be kept: %s", incident.id, error.message)

    @contextmanager
    def follow(self, incident: str, playbook: Playbook) -> Iterator[Callable[[StepResult], None] | None]:
        """Who hears of the steps of a run that goes on; the board tells how far it is."""
        with self.outlook.following(incident) as on_progress:
            yield followed(playbook, on_progress) if on_progress else None

    async def went_on(self, _run: Run, id_: str) -> None:
        """A run of an incident has gone on: people are told where it names a cause now."""
        self.outlook.went_on(id_)
        incident = await self.records.incident(id_)
        diagnosis = diagnose(await self.records.runs(incident.runs), incident)
        self.watch.went_on(id_, diagnosis)
        if diagnosis.causes:
            await self.notifying.tell("cause", id_)

    async def play_again(self, part: Playbook, before: Run, since: float) -> Run:
        """Some steps of a playbook once more, on what came since, against what they were compared with before.

        Where that was the same time of earlier days, it is the same time as now: days have hours.
        """
        situation = await self.situation()
        current = Window((Span(since, situation.now),))
        is_seasonal = "seasonal" in part.baseline and before.baseline is not None and before.baseline.kind == "seasonal"
        work = run_playbook(
            part, before.inputs, situation, step_types=self.step_types, current=current,
            baseline=None if is_seasonal else before.baseline, playbooks=self.playbooks,
        )  # fmt: skip
        return await asyncio.wait_for(self.bench.do(work), AGAIN_SECONDS)

    async def notice(self, due: Due) -> Notice:
        """What is to be said of an incident or a plan, as it is now."""
        plan = await self.remedying.get(due.about) if due.about.startswith("P-") else None
        id_ = due.about if plan is None else plan.plan.incident
        incident = await self.records.incident(id_) if id_ else None
        runs = await self.records.runs(incident.runs) if incident and plan is None else []
        page = self.config.links.get("incident", "").replace("{incident}", id_) if id_ else ""
        what = f"incident show {id_}" if plan is None else f"{WAYS_ON.get(due.what, 'plan show')} {plan.id}"
        return Notice(
            due.what,
            due.time,
            incident,
            diagnose(runs, incident) if runs else None,
            f"andon {what}",
            "" if "{" in page else page,
            plan,
        )

    async def see_rows(self, model: str) -> View:
        """The drift of a model's rows as it is now."""
        situation = await self.situation()
        runs = await self.records.latest_runs(situation.now - PROBED_SECONDS)
        memory = self.memories.setdefault(model, Memory())
        return await self.bench.do(view(model, situation, self.playbooks, self.compared, runs, memory))
