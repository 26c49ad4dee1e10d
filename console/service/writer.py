"""The store's one writer: a thread that owns the connection, so that no disk ever blocks the loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from console.errors import StoreError
from console.store.retention import Retention
from console.store.store import Store

log = logging.getLogger("andon.store")

T = TypeVar("T")


class Writer:
    """Everything that is written goes through `do`, in turn; `trouble` says what is wrong with the store, if so."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._store: Store | None = None

    async def open(self) -> None:
        """Open or create the store, and hold its folder. DaemonRunning when another does; StoreError if it is unfit."""
        self._store = await self._in_thread(lambda: Store.open(self.path))

    @property
    def counts(self) -> dict[str, int]:
        """Rows that wait to be written, samples that were refused, and rows given up while the disk was full."""
        samples = self._opened().samples
        return {"waiting": samples.waiting, "refused": samples.refused, "dropped": samples.dropped}

    async def do(self, work: Callable[[Store], T]) -> T:
        """Run `work` on the store. A full or failing disk raises StoreError here and shows in `trouble`."""
        store = self._opened()
        try:
            result = await self._in_thread(lambda: work(store))
        except StoreError as error:
            if self.trouble != error.message:
                log.error("%s", error.message)
            self.trouble = error.message
            raise
        return result

    async def commit(self) -> bool:
        """Put on disk what was added; False, with the reason in `trouble`, when that failed. It is tried again."""
        try:
            await self.do(lambda store: store.commit())
        except StoreError:
            return False
        if self.trouble:
            log.info("the store can be written again")
            self.trouble = ""
        return True

    async def compact(self, now: float, retention: Retention) -> None:
        """Forget what is due. In a thread of its own: commits come in between."""
        await asyncio.to_thread(self._opened().compact, now, retention)

    async def close(self) -> None:
        """Write what is left, and let go of the folder; a disk that is still full is only told."""
        store = self._store
        if store is not None:
            try:
                await self._in_thread(store.close)
            except StoreError as error:
                log.error("%s", error.message)
        self._thread.shutdown(wait=False)

    def _opened(self) -> Store:
        assert self._store is not None, "open comes first"
        return self._store

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
