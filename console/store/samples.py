"""The samples' way in: readings become increases, are gathered by minute, and are written in one transaction."""

from __future__ import annotations

import math
import struct
from collections import deque
from collections.abc import Iterable
from functools import lru_cache

import orjson

from console.errors import StoreError
from console.model import Kind, Labels, Reading, SeriesKey
from console.store.database import Database
from console.store.increase import Total
from console.store.minute import Minute, minute_of
from console.store.settings import RAW_FROM, Settings
from console.store.sketch import merge, pack_counts
from console.store.track import LATE_SECONDS, Track

RAW_SECONDS = 3600.0
BEYOND = 1e38  # no quantity is so large; NaN and infinity are not below it either, and float32 is
MOST_SERIES = 20_000
COMMIT_AT = 50_000  # rows that wait before `add` commits by itself
MOST_WAITING = 200_000  # rows kept while the disk stays full; beyond, the oldest go

MERGE_MINUTE = """
INSERT INTO minutes (series, minute, count, sum, low, high, sketch) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (series, minute) DO UPDATE SET
    sketch = merge_sketch(sketch, count, excluded.sketch, excluded.count),
    count = count + excluded.count, sum = sum + excluded.sum,
    low = min(low, excluded.low), high = max(high, excluded.high)
"""


class Samples:
    """Buffers readings and writes them. Bounded: see `MOST_SERIES` and `MOST_WAITING`."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.refused = 0  # readings that were none (NaN, from the future), or of series beyond the bound
        self.dropped = 0  # rows given up because nothing could be written for too long
        self._database = database
        self._raw_from: float = settings.get(RAW_FROM, -math.inf)
        self._tracks: dict[SeriesKey, Track] = {}
        self._new: list[Track] = []
        self._moved: dict[tuple[int, bool], Reading] = {}  # the last total of each stream
        self._raw: deque[tuple[int, float, float, bytes | None]] = deque()
        self._minutes: dict[tuple[int, int], Minute] = {}
        self._next_id = 1
        database.connection.create_function("merge_sketch", 4, merge, deterministic=True)
        self._load()

    @property
    def waiting(self) -> int:
        """Rows that the next commit writes."""
        return len(self._raw) + len(self._minutes)

    def add(self, readings: Iterable[Reading], now: float) -> None:
        """Take readings into the buffer, which commits by itself when it is long.

        Raises StoreError where that commit failed; all the readings were taken all the same.
        """
        failure: StoreError | None = None
        with self._database.lock:
            # A clock that ran ahead and was set back must not keep raw samples out until it is there again.
            self._raw_from = now if now < self._raw_from else max(self._raw_from, now - RAW_SECONDS)
            for reading in readings:
                self._take(reading, now)
                if len(self._raw) + len(self._minutes) < COMMIT_AT:
                    continue
                if failure is None:
                    try:
                        self.commit()
                    except StoreError as error:
                        failure = error
                while self.waiting > MOST_WAITING:
                    self._give_up_oldest()
        if failure is not None:
            raise failure

    def commit(self) -> None:
        """Write all that waits. Where that fails it is kept, and the next commit tries again; raises StoreError."""
        with self._database.lock:
            if not (self._raw or self._minutes or self._moved or self._new):
                return
            with self._database.write() as connection:
                connection.executemany(
                    "INSERT INTO series (id, signal, labels, kind, edges) VALUES (?, ?, ?, ?, ?)",
                    [(track.id, *_key_columns(track.key)) for track in self._new],
                )
                connection.executemany(
                    "INSERT OR REPLACE INTO raw (series, time, value, sketch) VALUES (?, ?, ?, ?)", self._raw
                )
                connection.executemany(
                    MERGE_MINUTE, [(*place, *minute.row()) for place, minute in self._minutes.items()]
                )
                connection.executemany(
                    "INSERT OR REPLACE INTO totals (series, late, time, value, counts) VALUES (?, ?, ?, ?, ?)",
                    [(*place, t.time, t.value, _floats(t.counts)) for place, t in self._moved.items()],
                )
                connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (RAW_FROM, str(self._raw_from)))
            self._new.clear()
            self._raw.clear()
            self._minutes.clear()
            self._moved.clear()

    def series_waiting(self) -> set[int]:
        """Ids of the series that the next commit writes to."""
        return {track.id for track in self._new} | {series for series, _ in (*self._minutes, *self._moved)}

    def forget(self, ids: set[int]) -> None:
        """Drop series that were deleted."""
        self._tracks = {key: track for key, track in self._tracks.items() if track.id not in ids}

    def _take(self, reading: Reading, now: float) -> None:
        track = self._tracks.get(reading.series) or self._intern(reading.series)
        if track is None or not _is_sound(reading) or not 0 < reading.time <= now + LATE_SECONDS:
            self.refused += 1
            return
        late = reading.time < now - LATE_SECONDS
        gained = track.follow(reading, late=late)
        if track.key.kind is not Kind.GAUGE:
            self._moved[track.id, late] = reading
        if gained is None:
            return
        place = (track.id, minute_of(reading.time))
        if not late:
            track.wrote_live(place[1])
        elif place[1] != track.filling and not self._may_fill(track, place):
            return
        if reading.time > self._raw_from:
            self._raw.append(
                (track.id, reading.time, gained.value, pack_counts(gained.counts) if gained.counts else None)
            )
        minute = self._minutes.get(place)
        if minute is None:
            minute = self._minutes[place] = Minute(track.key.kind)
        minute.add(gained)

    def _may_fill(self, track: Track, place: tuple[int, int]) -> bool:
        if place in self._minutes:
            return False  # waits to be written, so the table does not show it yet
        return track.may_fill(place[1], lambda minute: self._first_written(track.id, minute))

    def _first_written(self, series: int, minute: int) -> int | None:
        ((found,),) = self._database.rows(
            "SELECT min(minute) FROM minutes WHERE series = ? AND minute >= ?", (series, minute)
        )
        return None if found is None else int(found)

    def _intern(self, key: SeriesKey) -> Track | None:
        if len(self._tracks) >= MOST_SERIES or not _is_text(key):
            return None
        track = self._tracks[key] = Track(self._next_id, key)
        self._next_id += 1
        self._new.append(track)
        return track

    def _give_up_oldest(self) -> None:
        # Raw samples serve one hour and minutes five weeks, so raw goes first.
        if self._raw:
            self._raw.popleft()
        else:
            del self._minutes[next(iter(self._minutes))]
        self.dropped += 1

    def _load(self) -> None:
        totals = {
            (series, late): Total(time, value, _tuple(counts))
            for series, late, time, value, counts in self._database.rows(
                "SELECT series, late, time, value, counts FROM totals"
            )
        }
        for id, signal, labels, kind, edges in self._database.rows(
            "SELECT id, signal, labels, kind, edges FROM series"
        ):
            key = read_key(signal, labels, kind, edges)
            self._tracks[key] = Track(id, key, totals.get((id, 0)), totals.get((id, 1)))
            self._next_id = max(self._next_id, id + 1)


@lru_cache(MOST_SERIES)
def read_key(signal: str, labels: str, kind: str, edges: bytes) -> SeriesKey:
    """A row of the series table as the key it stands for."""
    return SeriesKey(signal, Labels.of(orjson.loads(labels)), Kind(kind), _tuple(edges))


def _key_columns(key: SeriesKey) -> tuple[str, str, str, bytes]:
    return key.signal, orjson.dumps(dict(key.labels)).decode(), key.kind.value, _floats(key.edges)


def _is_text(key: SeriesKey) -> bool:
    # A lone surrogate cannot be written, and one such row would hold up every commit after it.
    try:
        "".join([key.signal, *(name + value for name, value in key.labels)]).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_sound(reading: Reading) -> bool:
    if not abs(reading.value) < BEYOND:
        return False
    if reading.series.kind is not Kind.HISTOGRAM:
        return not reading.counts
    return 0 < len(reading.counts) == len(reading.series.edges) and all(0 <= count < BEYOND for count in reading.counts)


def _floats(values: tuple[float, ...]) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def _tuple(blob: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(blob) // 8}d", blob)
