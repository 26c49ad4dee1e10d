"""From alerts that others send to incidents: gathered by group, opened once, noted ever after, and never lost.

What was taken is on disk before its sender hears so. `docs/alerts.md` defines the four settings by examples.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from console.clock import Clock
from console.config import Grouping
from console.errors import SourceBusy, UsageError
from console.model import Alert, Incident, Symptom
from console.service.alert_words import flood_of, names_of, symptom_of
from console.service.records import StoreRecords
from console.service.watching import Watch, subject_of
from console.sources.alerts import event_of
from console.store.alerts import Held, Opened

log = logging.getLogger("andon.alerts")

ROUND_SECONDS = 1.0
MOST_HELD = 20_000  # alerts; more are not taken, and sent again by who sent them
MOST_NEW = 10  # incidents that alerts may open within NEW_SECONDS; what is beyond becomes one more
NEW_SECONDS = 600.0
MOST_SYMPTOMS = 20  # of one group that its examination is told
FOLD_SECONDS = 60.0  # from one note on a flood to the next
FORGET_SECONDS = 2 * 86400.0  # an alert of which nothing is heard for so long; senders repeat what goes on
TIDY_SECONDS = 600.0
BUSY_SECONDS = 30.0
FLOOD = "a flood of alerts"  # what the incident of all that is beyond MOST_NEW is about


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one delivery."""

    new: int
    known: int
    ended: int


class Alerting:
    """`take` puts alerts on disk; `round`, each second, opens what is due."""

    def __init__(
        self,
        grouping: Grouping,
        records: StoreRecords,
        watch: Watch,
        clock: Clock,
        *,
        model_labels: Collection[str] = (),
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.held: dict[str, Held] = {}
        self._grouping = grouping
        self._records = records
        self._watch = watch
        self._clock = clock
        self._model_labels = model_labels
        self._on_change = on_change
        self._groups: dict[str, Opened] = {}
        self._at_work = asyncio.Lock()
        self._opened: deque[float] = deque(maxlen=MOST_NEW)
        self._folded: dict[str, Held] = {}  # since the last note on the flood
        self._noted_flood = float("-inf")
        self._tidied = float("-inf")

    async def load(self) -> None:
        """What an earlier daemon took."""
        held, self._groups = await self._records.alerts()
        self.held = {each.alert.id: each for each in held}

    async def take(self, alerts: Sequence[Alert], sender: str) -> Taken:
        """Take a delivery; it is on disk when this returns. SourceBusy where there are too many already."""
        async with self._at_work:
            now = self._clock()
            standing = {each.id for each in await self._records.standing()}
            last = {alert.id: replace(alert, source=sender) for alert in alerts}  # the last word on each
            firing = [alert for alert in last.values() if alert.state != "resolved"]
            over = [self.held[id_] for id_, alert in last.items() if alert.state == "resolved" and id_ in self.held]
            kept = {alert.id: self._heard(alert, now, standing) for alert in firing}
            new = [each for id_, each in kept.items() if id_ not in self.held]
            gone = {each.alert.id for each in over} | self._make_room(len(new) - len(over), set(last))
            await self._records.keep_alerts(
                [*kept.values()],
                [*gone],
                [event_of(each.alert, each.since, has_ended=False) for each in new]
                + [
                    event_of(alert, min(alert.ended or now, now), has_ended=True)
                    for alert in last.values()
                    if alert.state == "resolved"
                ],
            )
            for id_ in gone:
                del self.held[id_]
            self.held |= kept
            await self._note_ends(over, standing, now)
            return Taken(len(new), len(kept) - len(new), len(over))

    async def round(self) -> None:
        """Open, join or note what is due."""
        async with self._at_work:
            now = self._clock()
            if now - self._tidied >= TIDY_SECONDS or now < self._tidied:
                await self._tidy(now)
            waiting: dict[str, list[Held]] = {}
            for each in self.held.values():
                if not each.incident and each.alert.id not in self._folded:
                    waiting.setdefault(each.group, []).append(each)
            if not waiting and not self._folded:
                return
            standing = {each.id: each for each in await self._records.standing()}
            due = []
            for group, alerts in waiting.items():
                last = self._groups.get(group)
                if last is None or not 0 <= now - last.time < self._grouping.once_within:
                    if self._is_due(alerts, now):
                        due.append(alerts)
                elif last.incident in standing:
                    await self._join(standing[last.incident], alerts, last, now)
            for alerts in sorted(due, key=lambda each: min(one.since for one in each)):
                await self._open(alerts, {each.subject: each for each in standing.values()}, now)
            await self._tell_flood(standing, now)
            self._on_change()

    def symptom(self, alert: Alert) -> Symptom:
        """What an alert notices, its model in our own word for it."""
        return symptom_of(alert, self._model_labels)

    # ── taking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _heard(self, alert: Alert, now: float, standing: Collection[str]) -> Held:
        """An alert that fires, new or heard of again: then it keeps its incident, unless that was closed."""
        known = self.held.get(alert.id)
        if known is None:
            return Held(alert, self._group(alert), now, now)
        return Held(alert, known.group, known.taken, now, known.incident if known.incident in standing else "")

    def _group(self, alert: Alert) -> str:
        """What alerts of one group have in common: the labels to group by, as far as they have them, or their name."""
        if not self._grouping.group_by:
            return subject_of(self.symptom(alert))
        found = [[name, value] for name in self._grouping.group_by if (value := alert.labels.value(name))]
        return json.dumps(found or [["alertname", alert.labels.value("alertname") or ""]])

    def _make_room(self, more: int, needed: Collection[str]) -> set[str]:
        """Which alerts to forget for so many new ones: those of an incident that were not heard of for longest."""
        excess = len(self.held) + max(more, 0) - MOST_HELD
        if excess <= 0:
            return set()
        known = sorted((each for each in self.held.values() if each.incident), key=lambda each: each.heard)
        free = [each.alert.id for each in known if each.alert.id not in needed]
        if len(free) < excess:
            raise SourceBusy(f"{MOST_HELD} alerts wait already", "see `andon alert list`", seconds=BUSY_SECONDS)
        return set(free[:excess])

    async def _note_ends(self, over: Sequence[Held], standing: Collection[str], now: float) -> None:
        by_incident: dict[str, list[Held]] = {}
        for each in over:
            if each.incident in standing:
                by_incident.setdefault(each.incident, []).append(each)
        for incident, ended in by_incident.items():
            rest = any(each.incident == incident for each in self.held.values())
            await self._note(incident, f"no longer fires: {names_of(each.alert for each in ended)}", now)
            if not rest:
                await self._note(incident, "none of its alerts fires any more", now)

    # ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _is_due(self, alerts: Sequence[Held], now: float) -> bool:
        fires_since = min(each.since for each in alerts)
        first = min(each.taken for each in alerts)
        return now - fires_since >= self._grouping.once_after and now - first >= self._grouping.accumulate_within

    async def _join(self, incident: Incident, alerts: Sequence[Held], last: Opened, now: float) -> None:
        """Note alerts on the incident that their group opened a moment ago."""
        if incident.subject == FLOOD:
            self._folded |= {each.alert.id: each for each in alerts}
            return
        await self._note(incident.id, f"fires too: {names_of(each.alert for each in alerts)}", now)
        await self._belong(alerts, last)

    async def _open(self, alerts: Sequence[Held], subjects: dict[str, Incident], now: float) -> None:
        symptoms = [self.symptom(each.alert) for each in sorted(alerts, key=lambda each: each.since)]
        subject = subject_of(symptoms[0])
        if subject not in subjects and not self._may_open(now):
            self._folded |= {each.alert.id: each for each in alerts}
            return
        incident = await self._watch.alarm(subject, list(dict.fromkeys(symptoms))[:MOST_SYMPTOMS], now)
        if incident is None:  # too many are open, which the watch says
            return
        if subject not in subjects:
            self._opened.append(now)
        if subject in subjects or len(alerts) > 1:
            await self._note(incident.id, f"fires: {names_of(each.alert for each in alerts)}", now)
        await self._belong(alerts, Opened(incident.id, now))

    def _may_open(self, now: float) -> bool:
        recent = [each for each in self._opened if 0 <= now - each < NEW_SECONDS]
        return len(recent) < MOST_NEW

    async def _tell_flood(self, standing: dict[str, Incident], now: float) -> None:
        """One incident for all that is beyond what may be opened, and a note a minute while more of it comes."""
        if not self._folded:
            return
        flood = next((each for each in standing.values() if each.subject == FLOOD), None)
        if flood is not None and 0 <= now - self._noted_flood < FOLD_SECONDS:
            return
        folded = [*self._folded.values()]
        symptom = flood_of([each.alert for each in folded], len({each.group for each in folded}))
        incident = flood or await self._watch.alarm(FLOOD, [symptom], now)
        if incident is None:
            return
        await self._note(incident.id, symptom.text, now)
        self._folded.clear()
        await self._belong([each for each in folded if each.alert.id in self.held], Opened(incident.id, now))
        self._noted_flood = now

    async def _belong(self, alerts: Iterable[Held], opened: Opened) -> None:
        alerts = list(alerts)
        ids, groups = [each.alert.id for each in alerts], list({each.group for each in alerts})
        await self._records.belong(ids, groups, opened)
        self._groups |= dict.fromkeys(groups, opened)
        self.held |= {each.alert.id: replace(each, incident=opened.incident) for each in alerts}

    async def _note(self, incident: str, text: str, now: float) -> None:
        """Once each, so that what comes and goes fills no incident."""
        held = await self._records.incident(incident)
        if text in {note.text for note in held.notes}:
            return
        try:
            await self._records.note(incident, text, now)
        except UsageError as error:  # its notes are full
            log.warning("%s", error.message)

    async def _tidy(self, now: float) -> None:
        self._tidied = now
        old = [id_ for id_, each in self.held.items() if now - each.heard > FORGET_SECONDS]
        used = {each.group for each in self.held.values()}
        keep = max(self._grouping.once_within, NEW_SECONDS)
        done = [name for name, each in self._groups.items() if name not in used and now - each.time > keep]
        if old or done:
            await self._records.keep_alerts([], old, [])
            await self._records.forget_groups(done)
            for id_ in old:
                del self.held[id_]
            for name in done:
                del self._groups[name]
