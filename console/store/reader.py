"""The samples' way out: any window of any signal as a frame, read beside the writer and never in its way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from console.analysis.frames import aggregate
from console.errors import StoreError
from console.model import Event, Frame, Labels, Query, Span
from console.signals.catalogue import find_signal
from console.store.database import Database
from console.store.events import events_query, read_events
from console.store.minute import MINUTE
from console.store.samples import read_key
from console.store.windows import read_window

READ_SECONDS = 10.0
CHECK_EVERY = 20_000  # of SQLite's instructions, about a millisecond

T = TypeVar("T")


@dataclass(slots=True)
class _Lane:
    """The thread that answers one event loop."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="store-reader"))
    names: asyncio.Future[Sequence[str]] | None = None  # the last answer to `signals`, or one that is on its way


class StoreReader:
    """A SignalReader and EventReader over the store's file, for any event loop; each loop's questions in turn.

    Python's lock is given up at every row: threads that read side by side spend more time over it than on reading.

    >>> reader = StoreReader(data / "andon.db")  # doctest: +SKIP
    >>> frame = await reader.read(Query("model.latency", window, step=60, by=("model",)))  # doctest: +SKIP
    """

    any_loop = True

    def __init__(self, path: Path, *, timeout: float = READ_SECONDS) -> None:
        self._path = path
        self._timeout = timeout
        self._lanes: dict[asyncio.AbstractEventLoop, _Lane] = {}
        self._local = threading.local()
        self._databases: list[Database] = []

    async def read(self, query: Query) -> Frame:
        """The frame of a query, by its labels, in increase form. A step without data is NaN.

        Steps are `query.step` long or longer: minutes where a span goes back beyond the raw hour, and whatever keeps
        the answer within bounds. They end where their span ends; what is left over at its start is left out.
        """
        signal = find_signal(query.signal)
        return await self._ask(lambda database: aggregate(read_window(database, query), query.by, signal.across))

    async def signals(self) -> Sequence[str]:
        """The names of all signals that have series, sorted. Who asks while another does gets the same answer."""
        lane = self._lane()
        if lane.names is None or lane.names.done():
            lane.names = asyncio.ensure_future(self._signals())
        return await asyncio.shield(lane.names)

    async def _signals(self) -> Sequence[str]:
        rows = await self._ask(lambda database: database.rows("SELECT DISTINCT signal FROM series ORDER BY signal"))
        return [name for (name,) in rows]

    async def series(self, signal: str) -> list[Labels]:
        """The label sets of a signal, sorted."""
        rows = await self._ask(
            lambda database: database.rows("SELECT signal, labels, kind, edges FROM series WHERE signal = ?", (signal,))
        )
        return sorted({read_key(*row).labels for row in rows})

    async def earliest(self, signal: str) -> float | None:
        """When the oldest kept minute of a signal began, or None."""
        rows = await self._ask(
            lambda database: database.rows(
                "SELECT min((SELECT min(minute) FROM minutes WHERE series = series.id)) FROM series WHERE signal = ?",
                (signal,),
            )
        )
        minute = rows[0][0]
        return None if minute is None else (minute - 1) * MINUTE

    async def events(self, span: Span, kinds: Sequence[str] = ()) -> Sequence[Event]:
        """The kept events of a span in time order; no kinds means all."""
        return read_events(await self._ask(lambda database: database.rows(*events_query(span, kinds))))

    def close(self) -> None:
        """Stop what is being read and close the connections."""
        for database in self._databases:
            database.connection.interrupt()
        for lane in self._lanes.values():
            lane.thread.shutdown(wait=True, cancel_futures=True)
        for database in self._databases:
            database.close()

    def _lane(self) -> _Lane:
        loop = asyncio.get_running_loop()
        if loop not in self._lanes:
            self._lanes[loop] = _Lane()
        return self._lanes[loop]

    async def _ask(self, work: Callable[[Database], T]) -> T:
        """The answer; the time it waits for its turn is not counted."""
        lane = self._lane()
        async with lane.turn:
            stopped = threading.Event()
            future = asyncio.get_running_loop().run_in_executor(lane.thread, self._answer, work, stopped)
            try:
                return await asyncio.wait_for(future, self._timeout)
            except TimeoutError:
                raise StoreError(
                    f"{self._path} did not answer within {self._timeout:g} s",
                    "ask for a shorter window or a longer step",
                ) from None
            finally:
                stopped.set()

    def _answer(self, work: Callable[[Database], T], stopped: threading.Event) -> T:
        database = self._connect()
        # Interrupting from outside could fall between two statements; this is looked at within each of them.
        database.connection.set_progress_handler(stopped.is_set, CHECK_EVERY)
        return work(database)

    def _connect(self) -> Database:
        database: Database | None = getattr(self._local, "database", None)
        if database is None:
            database = self._local.database = Database.open(self._path, read_only=True)
            self._databases.append(database)
        return database
