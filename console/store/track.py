"""How one series is followed: what is live, what is back-fill, and what each reading adds.

Live readings and back-fill (history read from a page with timestamps, an exporter that reports an hour late) are two
streams of one series. Each has its own last total, so that neither disturbs the other's increases, and where one ends
just before the other begins the seam counts too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from console.model import Kind, Reading, SeriesKey
from console.store.increase import Increase, Total, increase

LATE_SECONDS = 300.0
"""A reading older than this when it comes is back-fill; one that is further ahead of the clock is refused."""

NEVER = 2**62


@dataclass(slots=True)
class Track:
    """An interned series and where its two streams stand."""

    id: int
    key: SeriesKey
    live: Total | Reading | None = None  # the last total of each stream; of a gauge its last reading
    late: Total | Reading | None = None
    filling: int = -1  # the minute that back-fill is writing
    free_from: int = 0  # no minute in [free_from, free_until) is written yet
    free_until: int = 0

    def follow(self, reading: Reading, *, late: bool) -> Increase | None:
        """What a reading adds; None where nothing: seen already, first of its series, or after too long a gap."""
        last = self.late if late else self.live
        if last is not None and _seen(last, reading, late):
            return None
        if self.key.kind is Kind.GAUGE:
            gained: Increase | None = Increase(reading.value)
        else:
            gained = increase(_nearest(self.live, self.late, reading.time), reading)
        if late:
            if last is not None and reading.time < last.time:
                self.filling = -1  # history begins anew: what was filled the last time is written
            self.late = reading
        else:
            self.live = reading
        return gained

    def may_fill(self, minute: int, first_written: Callable[[int], int | None]) -> bool:
        """Whether back-fill may write a minute: only one that nothing else wrote, so history read twice counts once.

        `first_written(minute)` looks up the first written minute from there on; it is asked once per free stretch.
        """
        if minute == self.filling:
            return True
        if not self.free_from <= minute < self.free_until:
            written = first_written(minute)
            self.free_until = NEVER if written is None else written
        self.free_from = minute
        if minute >= self.free_until:
            return False
        self.filling = minute
        return True

    def wrote_live(self, minute: int) -> None:
        """A live reading wrote this minute: it is no longer free."""
        self.free_until = min(self.free_until, minute)


def _nearest(live: Total | Reading | None, late: Total | Reading | None, time: float) -> Total | Reading | None:
    """The newer of two totals, of those before `time`."""
    if live is None or not live.time < time:
        return late if late is not None and late.time < time else None
    return late if late is not None and live.time < late.time < time else live


def _seen(last: Total | Reading, reading: Reading, late: bool) -> bool:
    # Back-fill that goes back in time begins anew; so does the live stream when the clock itself was set back.
    return reading.time == last.time if late else 0 <= last.time - reading.time <= LATE_SECONDS
