"""What a run has come to, on disk while it runs, so that it can go on when its daemon is killed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace

from console.errors import AndonError
from console.model import Run, State, StepResult
from console.playbook.concluding import numbered
from console.playbook.definition import Playbook
from console.service.records import StoreRecords

log = logging.getLogger("andon.running")

INTERRUPTED = "the daemon ended before it was looked at"


class Diary:
    """Puts on disk what a run has come to while it runs: at once, but never two states at a time."""

    def __init__(self, records: StoreRecords, playbook: Playbook, run: Run, known: Mapping[str, StepResult]) -> None:
        self._records = records
        self._playbook = playbook
        self._run = run
        self._loop = asyncio.get_running_loop()
        before = {step.id: step for step in run.steps if step.state is State.WAITING} | dict(known)
        self._steps = {
            step.id: before.get(step.id, StepResult(step.id, step.title, step.uses, State.WAITING, INTERRUPTED))
            for step in playbook.steps
        }
        self._is_open = True
        self._saving: asyncio.Task[None] | None = None
        self._is_news = False

    @property
    def so_far(self) -> Run:
        """The run as it could go on from here."""
        steps = tuple(numbered(self._playbook, self._steps).values())
        return replace(self._run, steps=steps, state="paused", finished=None)

    def note(self, result: StepResult) -> None:
        """A step has ended; from any thread."""
        self._loop.call_soon_threadsafe(self._noted, result)

    async def close(self) -> None:
        """Nothing more is written once this returns."""
        self._is_open = self._is_news = False
        if self._saving is not None:
            await self._saving

    def _noted(self, result: StepResult) -> None:
        if not self._is_open:
            return
        self._steps[result.id] = result
        self._is_news = True
        if self._saving is None or self._saving.done():
            self._saving = asyncio.create_task(self._save())

    async def _save(self) -> None:
        while self._is_news:
            self._is_news = False
            try:
                await self._records.keep_run(self.so_far)
            except AndonError as error:  # the run itself can go on; its end will say the same
                log.warning("run %s could not be kept: %s", self._run.id, error.message)
