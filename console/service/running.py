"""Runs of playbooks in the daemon: they go on whoever leaves, wait for people, and outlive the daemon they began in."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from console.errors import AndonError, SourceError, UsageError
from console.model import Answer, Run, State, StepResult, Verdict
from console.playbook.definition import Playbook
from console.playbook.engine import resolve_inputs
from console.playbook.engine import run as run_playbook
from console.playbook.going_on import kept
from console.playbook.loader import load, load_text
from console.playbook.run_windows import RunWindows
from console.playbook.text import MOST_BYTES
from console.plugins import StepType
from console.service.bench import Bench
from console.service.diary import Diary
from console.service.records import StoreRecords
from console.sources.estate import Situation
from console.store.incidents import CONSOLE
from console.store.runs import Origin
from console.triage.questions import Roles, answering, asked_by, check_role
from console.words import lapse

log = logging.getLogger("andon.running")

RUN_SECONDS = 300.0  # of looking; what its steps wait comes on top
LONGEST_RUN = 4 * 3600.0
EXPIRE_SECONDS = 15.0  # from one look at what people let pass to the next
MOST_AT_ONCE = 16

OnStep = Callable[[StepResult], None]
"""Hears of each step as it ends, from any thread."""
Follow = Callable[[str, Playbook], AbstractContextManager[OnStep | None]]
"""(incident, playbook) -> who hears of the steps while a run of it goes on; the incident may be empty."""
After = Callable[[Run, str], Awaitable[None]]
"""(run, incident): what is to be done when a run of an incident has gone on."""


@dataclass(slots=True)
class Running:
    """The runs that are under way here. What a run has come to is on disk, so that it can go on after a crash."""

    records: StoreRecords
    situation: Callable[[], Awaitable[Situation]]
    bench: Bench
    step_types: Mapping[str, StepType]
    playbooks: Mapping[str, Playbook]
    roles: Roles
    follow: Follow
    after: After
    seconds: float = RUN_SECONDS  # of looking
    _at_work: dict[str, asyncio.Task[Run]] = field(default_factory=dict)
    _aside: set[asyncio.Task[None]] = field(default_factory=set)
    _refused: set[str] = field(default_factory=set)  # runs that cannot go on by themselves

    def is_under_way(self, id_: str) -> bool:
        """Whether a run is at work right now."""
        return id_ in self._at_work

    async def start(
        self,
        playbook: Playbook,
        inputs: Mapping[str, str],
        operator: str,
        *,
        current: str | None = None,
        baseline: Mapping[str, Any] | None = None,
        path: str = "",
    ) -> Run:
        """A new run, to its end or until it waits. It goes on when who began it leaves.

        Raises UsageError for inputs and windows that do not fit, SourceError where it takes too long.
        """
        here = await self.situation()
        resolve_inputs(playbook, inputs)
        windows = RunWindows(playbook, here, current, baseline)
        id_ = uuid.uuid4().hex[:12]
        begun = Run(
            id_, playbook.name, playbook.title, here.now, None, Verdict.NO_DATA, (), (), inputs, windows.current,
            windows.baseline if windows.baseline.spans else None, state="paused", playbook_hash=playbook.hash,
        )  # fmt: skip
        origin = Origin(playbook.source, path or playbook.path, operator)
        return await self._work(playbook, begun, {}, origin, here, current=current, baseline=baseline)

    async def go_on(
        self,
        id_: str,
        operator: str,
        *,
        answers: Mapping[str, str] | None = None,
        from_step: str | None = None,
    ) -> Run:
        """A run that waits or failed, from where it stood: with answers by step, or anew from a step.

        Raises UsageError for a run or a step that is none, an answer that does not fit or is another's to give, a run
        that is under way, and a playbook that changed since.
        """
        run, origin = await self.records.run_with_origin(id_)
        self._refuse_if_under_way(id_)
        asked = asked_by(run, answers or {})
        for question in asked.values():
            check_role(question, operator, self.roles)
        playbook = await asyncio.to_thread(self._playbook, run, origin)
        here = await self.situation()
        said = [Answer(here.now, operator, asked[step].text, text) for step, text in (answers or {}).items()]
        before = (await self.records.incident(origin.incident)).answers if origin.incident else ()
        ready = _reopened(run, {answer.question for answer in (*before, *said)})
        known = kept(playbook, ready, from_step)
        for answer in said if origin.incident else ():
            await self.records.answer(origin.incident, answer)
        return await self._work(
            playbook, ready, known, origin, here, earlier=ready, from_step=from_step, ask=answering([*before, *said])
        )

    def go_on_aside(self, ids: Sequence[str], operator: str) -> None:
        """Let runs go on, with what was answered, while nobody waits for them."""

        async def all_of_them() -> None:
            for id_ in ids:
                try:
                    await self.go_on(id_, operator)
                except AndonError as error:
                    log.warning("run %s cannot go on: %s", id_, error.message)

        task = asyncio.create_task(all_of_them(), name=f"go on with {', '.join(ids)}")
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while tasks := [*self._aside, *self._at_work.values()]:
            await asyncio.wait(tasks)

    async def expire(self, now: float) -> list[str]:
        """Let runs go on whose question nobody answered in time; their ids."""
        gone_on = []
        for run in await self.records.paused_runs():
            if run.id in self._at_work or run.id in self._refused or not _is_over(run, now):
                continue
            try:
                await self.go_on(run.id, CONSOLE)
                gone_on.append(run.id)
            except AndonError as error:
                self._refused.add(run.id)
                log.warning("run %s cannot go on: %s", run.id, error.message)
        return gone_on

    async def close(self) -> None:
        """Let go of what is under way; it can go on under the next daemon."""
        tasks = [*self._aside, *self._at_work.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)

    # ── at work ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _work(
        self,
        playbook: Playbook,
        run: Run,
        known: Mapping[str, StepResult],
        origin: Origin,
        here: Situation,
        **more: Any,
    ) -> Run:
        self._refuse_if_under_way(run.id)  # somebody else may have been quicker
        if len(self._at_work) >= MOST_AT_ONCE:
            raise UsageError(f"{MOST_AT_ONCE} runs are under way already", "try again when one has ended")
        diary = Diary(self.records, playbook, run, known)
        task = asyncio.create_task(self._done(playbook, run, diary, origin, here, more), name=f"run {run.id}")
        self._at_work[run.id] = task
        task.add_done_callback(lambda ended: self._ended(run.id, ended))
        return await asyncio.shield(task)

    async def _done(
        self,
        playbook: Playbook,
        run: Run,
        diary: Diary,
        origin: Origin,
        here: Situation,
        more: Mapping[str, Any],
    ) -> Run:
        await self.records.keep_run(diary.so_far, origin)
        with self.follow(origin.incident, playbook) as on_step:

            def heard(result: StepResult) -> None:
                diary.note(result)
                if on_step is not None:
                    on_step(result)

            work = run_playbook(
                playbook, run.inputs, here, step_types=self.step_types, on_step=heard, run_id=run.id,
                playbooks=self.playbooks, **more,
            )  # fmt: skip
            seconds = min(self.seconds + patience(playbook, self.step_types), LONGEST_RUN)
            try:
                done = await asyncio.wait_for(self.bench.do(work), seconds)
            except TimeoutError:
                hint = f"see `andon source check`; then andon run --resume {run.id}"
                raise SourceError(f"the run took more than {lapse(seconds)} and was stopped", hint) from None
            except UsageError:
                await diary.close()
                await (self.records.keep_run(run) if "earlier" in more else self.records.drop_run(run.id))
                raise
            await diary.close()
            await self.records.keep_run(done)
        if origin.incident:
            await self.after(done, origin.incident)
        return done

    def _refuse_if_under_way(self, id_: str) -> None:
        if id_ in self._at_work:
            raise UsageError(f"run {id_} is under way", "wait for it to end or to ask")

    def _ended(self, id_: str, task: asyncio.Task[Run]) -> None:
        self._at_work.pop(id_, None)
        if not task.cancelled() and (error := task.exception()) is not None:  # nobody may be there to hear it
            log.warning("run %s: %s", id_, error)

    def _playbook(self, run: Run, origin: Origin) -> Playbook:
        """The playbook as it is now; the text that the run began with where its file is gone."""
        path = Path(origin.path)
        if origin.path and path.is_file():
            if _hash(path) != run.playbook_hash:  # what stands there now is nobody's to read by this way
                raise UsageError(f"{path} changed since run {run.id} began", "start a new run")
            return load(path, self.step_types)
        if not origin.text:
            raise UsageError(f"nobody knows any more what run {run.id} was a run of", "start a new run")
        return load_text(origin.text, origin.path or f"{run.playbook}.yaml", self.step_types, self.playbooks)


def patience(playbook: Playbook, step_types: Mapping[str, StepType]) -> float:
    """Seconds that a run may spend on waiting, one step after another, beside looking."""
    waits = [step for step in playbook.steps if step_types[step.uses].is_patient]
    return sum(step.timeout or step_types[step.uses].timeout for step in waits)


def _reopened(run: Run, answered: set[str]) -> Run:
    """The run with those questions open again that counted as something because nobody was there."""
    return replace(
        run,
        steps=tuple(
            replace(step, state=State.WAITING)
            if step.question is not None and step.question.text in answered and step.state is State.SKIPPED
            else step
            for step in run.steps
        ),
    )


def _hash(path: Path) -> str:
    """SHA-256 of a playbook's file as it is now; empty for one that cannot be read or is no playbook's length."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError:
        return ""
    return hashlib.sha256(data).hexdigest() if len(data) <= MOST_BYTES else ""


def _is_over(run: Run, now: float) -> bool:
    """Whether a question that it waits for has expired."""
    waits = [step.question for step in run.steps if step.state is State.WAITING and step.question is not None]
    return any(question.expires is not None and question.expires <= now for question in waits)
