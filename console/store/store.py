"""The store: one file, one writer. What the daemon holds open for as long as it lives."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from console.model import Reading
from console.store.alerts import Alerts
from console.store.audit import Audit
from console.store.database import Database, worded
from console.store.events import Events
from console.store.incidents import Incidents
from console.store.lock import StoreLock
from console.store.notices import Notices
from console.store.pins import Pins
from console.store.plans import Plans
from console.store.recordings import Recordings
from console.store.retention import DEFAULT_RETENTION, Compaction, Retention, compact
from console.store.runs import Runs
from console.store.samples import Samples
from console.store.settings import Settings
from console.store.transcripts import Transcripts

DATABASE_NAME = "andon.db"


class Store:
    """Samples are buffered by `add` and written by `commit`; everything else is on disk when its call returns.

    >>> store = Store.open(data / DATABASE_NAME)  # doctest: +SKIP
    >>> store.add(readings, now)  # doctest: +SKIP
    >>> store.commit()  # doctest: +SKIP
    >>> incident, is_new = store.incidents.open(symptom, title=…, subject="glove", time=now)  # doctest: +SKIP

    Calls block, for milliseconds as a rule, and may come from several threads.
    """

    def __init__(self, database: Database, lock: StoreLock | None) -> None:
        self.path = database.path
        self._database = database
        self._lock = lock
        self.settings = Settings(database)
        self.samples = Samples(database, self.settings)
        self.events = Events(database)
        self.incidents = Incidents(database)
        self.runs = Runs(database)
        self.pins = Pins(database)
        self.notices = Notices(database)
        self.alerts = Alerts(database)
        self.recordings = Recordings(database)
        self.plans = Plans(database)
        self.audit = Audit(database)
        self.transcripts = Transcripts(database)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Store:
        """Open the store's file, made or migrated where needed, and lock its folder; `read_only` does neither.

        Raises DaemonRunning where another process writes here, and StoreError's family: too new, damaged, on a network.
        """
        if read_only:
            return cls(Database.open(path, read_only=True), None)
        with worded(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = StoreLock(path.parent)
            lock.acquire()
        try:
            return cls(Database.open(path), lock)
        except BaseException:
            lock.release()
            raise

    def add(self, readings: Iterable[Reading], now: float) -> None:
        """Buffer readings; see Samples.add."""
        self.samples.add(readings, now)

    def commit(self) -> None:
        """Write what is buffered; raises StoreFull where there is no room, and keeps it for the next time."""
        self.samples.commit()

    def compact(self, now: float, retention: Retention = DEFAULT_RETENTION) -> Compaction:
        """Forget what is due: raw after an hour, minutes after `retention.days` or over `retention.megabytes`."""
        return compact(self._database, self.samples, retention, now)

    def close(self) -> None:
        """Write what is buffered, close the file and let go of the folder."""
        try:
            self.samples.commit()
        finally:
            self._database.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
