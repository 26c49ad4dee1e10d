"""What the store forgets: raw samples after an hour, minutes after weeks or for lack of room. Pinned time stays."""

from __future__ import annotations

from dataclasses import dataclass

from console.store.database import Database
from console.store.minute import minute_of
from console.store.samples import RAW_SECONDS, Samples

DAY = 86400.0
SHARE = 20  # over the cap, a twentieth of the time kept goes at once
PAGES = 4096  # given back to the file system in one transaction

DELETE_RAW = "DELETE FROM raw WHERE series = ? AND time <= ?"
DELETE_MINUTES = """
DELETE FROM minutes WHERE series = ? AND minute <= ? AND NOT EXISTS (
    SELECT 1 FROM pin_spans WHERE minute * 60 > start AND (minute - 1) * 60 < end
)
"""
OLDEST_MINUTE = """
SELECT min(minute) FROM minutes WHERE series = ? AND NOT EXISTS (
    SELECT 1 FROM pin_spans WHERE minute * 60 > start AND (minute - 1) * 60 < end
)
"""
DELETE_EVENTS = """
DELETE FROM events WHERE time < ? AND NOT EXISTS (
    SELECT 1 FROM pin_spans WHERE events.time >= start AND events.time < end
)
"""
EMPTY_SERIES = """
SELECT id FROM series
WHERE NOT EXISTS (SELECT 1 FROM minutes WHERE series = series.id)
  AND NOT EXISTS (SELECT 1 FROM raw WHERE series = series.id)
  AND NOT EXISTS (SELECT 1 FROM totals WHERE series = series.id AND time >= ?)
"""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long and how much."""

    days: int = 36
    megabytes: int = 2048


DEFAULT_RETENTION = Retention()


@dataclass(frozen=True, slots=True)
class Compaction:
    """What one compaction did."""

    raw: int  # samples dropped
    minutes: int  # minute rows dropped
    megabytes: float  # in use afterwards
    is_over: bool  # still over the cap: all that is left is pinned or young


def compact(database: Database, samples: Samples, retention: Retention, now: float) -> Compaction:
    """Forget what is due. Blocking, in small transactions, so that commits get in between."""
    oldest = now - retention.days * DAY
    series = [id for (id,) in database.rows("SELECT id FROM series")]
    raw = sum(_delete(database, DELETE_RAW, id, now - RAW_SECONDS) for id in series)
    minutes = sum(_delete(database, DELETE_MINUTES, id, minute_of(oldest)) for id in series)
    minutes += _fit(database, series, retention.megabytes, now)
    with database.write() as connection:
        connection.execute(DELETE_EVENTS, (oldest,))
    _forget_series(database, samples, oldest)
    database.shrink(PAGES)
    used = megabytes(database)
    return Compaction(raw, minutes, used, used > retention.megabytes)


def megabytes(database: Database) -> float:
    """Room in use, without the pages that are free to be used again."""
    ((pages,),) = database.rows("PRAGMA page_count")
    ((free,),) = database.rows("PRAGMA freelist_count")
    ((size,),) = database.rows("PRAGMA page_size")
    return float((pages - free) * size / 2**20)


def _fit(database: Database, series: list[int], cap: int, now: float) -> int:
    dropped = 0
    newest = minute_of(now - RAW_SECONDS)  # the last hour is what the screens live on
    while megabytes(database) > cap:
        oldest = min((m for id in series if (m := _oldest_free(database, id)) is not None), default=newest)
        if oldest >= newest:
            break
        limit = oldest + max((newest - oldest) // SHARE, 1)
        dropped += sum(_delete(database, DELETE_MINUTES, id, limit) for id in series)
    return dropped


def _oldest_free(database: Database, series: int) -> int | None:
    ((minute,),) = database.rows(OLDEST_MINUTE, (series,))
    return None if minute is None else int(minute)


def _delete(database: Database, sql: str, series: int, limit: float) -> int:
    with database.write() as connection:
        return connection.execute(sql, (series, limit)).rowcount


def _forget_series(database: Database, samples: Samples, oldest: float) -> None:
    with database.lock:  # no reading may come in between
        empty = {id for (id,) in database.rows(EMPTY_SERIES, (oldest,))} - samples.series_waiting()
        with database.write() as connection:
            connection.executemany("DELETE FROM series WHERE id = ?", [(id,) for id in empty])
        samples.forget(empty)
