"""From what stands twice to an incident that somebody looks into."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from nouns import a_run, diagnosis

from console.errors import SourceError, UsageError
from console.model import Diagnosis, Incident, Labels, Note, Run, Symptom, Verdict
from console.service import watching
from console.service.watching import Watch, subject_of

SLOW = Symptom("slow", "model.latency", Labels.of(model="glove"), Verdict.DEGRADED)
WRONG = Symptom("wrong", "model.feedback.correct", Labels.of(model="glove"), Verdict.DEGRADED)
OTHER = Symptom("slow too", "model.latency", Labels.of(model="boot"), Verdict.DEGRADED)


class Book:
    """Incidents in memory."""

    def __init__(self) -> None:
        self.all: dict[str, Incident] = {}
        self.runs: list[tuple[str | None, Run]] = []

    async def standing(self) -> Sequence[Incident]:
        return [each for each in self.all.values() if each.state != "closed"]

    async def open(self, symptom: Symptom, subject: str, now: float) -> Incident:
        made = Incident(f"I-{len(self.all) + 1}", symptom.text, "open", now, symptom, subject)
        self.all[made.id] = made
        return made

    async def note(self, incident: str, text: str, now: float) -> None:
        held = self.all[incident]
        self.all[incident] = replace(held, notes=(*held.notes, Note(now, "andon", text)))

    async def keep_runs(self, runs: Sequence[Run], incident: str | None) -> None:
        self.runs += [(incident, run) for run in runs]


class Tower:
    """A watch, what it sees, and what it did."""

    def __init__(self, data: Path, seconds: float = 5.0) -> None:
        self.sees: list[Symptom] = []
        self.book = Book()
        self.told: list[str] = []  # incidents that people were told of
        self.named: list[str] = []  # and those with a cause
        self.examined: list[tuple[str, list[str | None]]] = []
        self.fails: Exception | None = None
        self.names = True  # examinations name a cause
        self.waits = False  # their runs wait for a person
        self.hold = asyncio.Event()
        self.hold.set()
        self.looks = 0
        self.watch = Watch(self.book, self._evaluate, self._examine, self._tell, data, seconds=seconds)

    async def _evaluate(self, _now: float) -> Sequence[Symptom]:
        self.looks += 1
        return self.sees

    async def _examine(self, incident: Incident, symptoms: Sequence[Symptom]) -> Diagnosis:
        self.examined.append((incident.id, [each.signal for each in symptoms]))
        await self.hold.wait()
        if self.fails:
            raise self.fails
        waits = a_run(causes=(), state="paused" if self.waits else "finished")
        return diagnosis(runs=(a_run(),)) if self.names else diagnosis(runs=(waits,), causes=())

    async def _tell(self, what: str, incident: str) -> None:
        (self.told if what == "opened" else self.named).append(incident)


@pytest.fixture
def tower(data: Path) -> Tower:
    return Tower(data)


async def test_a_symptom_opens_an_incident_only_when_it_stands_twice(tower: Tower) -> None:
    tower.sees = [SLOW]
    assert await tower.watch.look(0.0) == []
    tower.sees = []
    assert await tower.watch.look(15.0) == []
    tower.sees = [SLOW]
    assert await tower.watch.look(30.0) == []
    (incident,) = await tower.watch.look(45.0)
    await tower.watch.settled()
    assert (incident.subject, incident.opened) == ("glove", 45.0)
    assert (tower.told, tower.named) == (["I-1"], ["I-1"])
    assert [name for name, _run in tower.book.runs] == ["I-1"]


async def test_triggers_are_not_evaluated_more_often_than_every_fifteen_seconds(tower: Tower) -> None:
    for now in (0.0, 1.0, 14.0, 15.0, 16.0):
        await tower.watch.look(now)
    assert tower.looks == 2
    await tower.watch.look(3.0)  # a clock that was set back is no reason to stop
    assert tower.looks == 3


async def test_one_subject_has_one_incident_however_many_symptoms(tower: Tower) -> None:
    tower.sees = [SLOW, WRONG, OTHER]
    await tower.watch.look(0.0)
    opened = await tower.watch.look(15.0)
    assert [incident.subject for incident in opened] == ["glove", "boot"]
    for now in (30.0, 45.0, 60.0):
        assert await tower.watch.look(now) == []
    await tower.watch.settled()
    assert tower.examined[0] == ("I-1", ["model.latency", "model.feedback.correct"])
    assert [note.text for note in tower.book.all["I-1"].notes] == ["also: model.feedback.correct"]


async def test_an_incident_without_a_cause_is_looked_at_again_each_minute_a_few_times(tower: Tower) -> None:
    tower.sees, tower.names = [SLOW], False
    for minute in range(0, 1200, 30):
        await tower.watch.look(float(minute))
        await tower.watch.settled()
    assert len(tower.examined) == watching.MOST_LOOKS
    assert tower.told == ["I-1"]


async def test_while_a_run_waits_for_a_person_nothing_is_looked_at_again(tower: Tower) -> None:
    tower.sees, tower.names, tower.waits = [SLOW], False, True
    for minute in range(0, 600, 30):
        await tower.watch.look(float(minute))
        await tower.watch.settled()
    assert len(tower.examined) == 1
    tower.watch.went_on("I-1", diagnosis(runs=(a_run(causes=()),), causes=()))  # answered, and no cause named
    for minute in range(600, 780, 30):
        await tower.watch.look(float(minute))
        await tower.watch.settled()
    assert len(tower.examined) == 2


async def test_a_named_cause_is_left_alone_until_another_signal_joins(tower: Tower) -> None:
    tower.sees = [SLOW]
    for minute in range(0, 600, 30):
        await tower.watch.look(float(minute))
        await tower.watch.settled()
    assert len(tower.examined) == 1
    tower.sees = [SLOW, WRONG]
    for minute in range(600, 1200, 30):
        await tower.watch.look(float(minute))
        await tower.watch.settled()
    assert tower.examined[1:] == [("I-1", ["model.latency", "model.feedback.correct"])]


async def test_what_joins_while_an_incident_is_examined_is_examined_after_it(tower: Tower) -> None:
    tower.hold.clear()
    tower.sees = [SLOW]
    await tower.watch.look(0.0)
    await tower.watch.look(15.0)
    tower.sees = [SLOW, WRONG]
    for second in range(30, 300, 30):
        await tower.watch.look(float(second))
        await asyncio.sleep(0)
    assert len(tower.examined) == 1
    tower.hold.set()
    await tower.watch.settled()
    assert tower.examined[1:] == [("I-1", ["model.latency", "model.feedback.correct"])]
    assert tower.told == ["I-1"]


async def test_a_person_may_ask_for_a_look_when_all_are_spent_but_not_for_two_at_once(tower: Tower) -> None:
    tower.sees, tower.names = [SLOW], False
    for minute in range(0, 1200, 30):
        await tower.watch.look(float(minute))
        await tower.watch.settled()
    incident = tower.book.all["I-1"]
    tower.watch.examine(incident, 1200.0)
    assert tower.watch.is_examining("I-1")
    with pytest.raises(UsageError, match="being examined already"):
        tower.watch.examine(incident, 1200.0)
    await tower.watch.settled()
    assert not tower.watch.is_examining("I-1")
    assert tower.examined[watching.MOST_LOOKS :] == [("I-1", ["model.latency"])]
    assert tower.told == ["I-1"]


async def test_a_closed_incident_is_not_opened_again_by_what_still_lies_in_the_windows(tower: Tower) -> None:
    tower.sees = [SLOW]
    await tower.watch.look(0.0)
    await tower.watch.look(30.0)
    await tower.watch.look(60.0)
    await tower.watch.settled()
    tower.book.all["I-1"] = replace(tower.book.all["I-1"], state="closed")
    for second in range(90, 900, 30):
        assert await tower.watch.look(float(second)) == []
    opened = [incident.id for second in (1000, 1030) for incident in await tower.watch.look(float(second))]
    assert opened == ["I-2"]  # it never went away: that is news again


async def test_what_an_earlier_daemon_did_not_live_to_examine_is_examined(tower: Tower) -> None:
    await tower.book.open(SLOW, "glove", 0.0)
    done = await tower.book.open(OTHER, "boot", 0.0)
    tower.book.all[done.id] = replace(done, runs=("R-1",))
    await tower.watch.resume()
    await tower.watch.settled()
    assert [name for name, _signals in tower.examined] == ["I-1"]


@pytest.mark.parametrize("error", [SourceError("no prometheus"), ZeroDivisionError("oops")])
async def test_an_examination_that_fails_says_so_and_the_watch_goes_on(tower: Tower, error: Exception) -> None:
    tower.fails = error
    tower.sees = [SLOW]
    await tower.watch.look(0.0)
    await tower.watch.look(15.0)
    await tower.watch.settled()
    assert "I-1" in tower.watch.trouble
    tower.fails = None
    tower.sees = [SLOW, OTHER]
    await tower.watch.look(30.0)
    await tower.watch.look(45.0)
    await tower.watch.settled()
    assert tower.watch.trouble == ""
    assert tower.told == ["I-1", "I-2"]


async def test_an_examination_that_never_ends_is_stopped(data: Path) -> None:
    tower = Tower(data, seconds=0.05)
    tower.hold.clear()
    tower.sees = [SLOW]
    await tower.watch.look(0.0)
    await tower.watch.look(15.0)
    assert tower.watch.examinations == 1
    await tower.watch.settled()
    assert "more than 0.05 s" in tower.watch.trouble


async def test_examinations_wait_for_their_turn_and_are_let_go_at_the_end(tower: Tower) -> None:
    tower.hold.clear()
    tower.sees = [replace(SLOW, labels=Labels.of(model=name)) for name in "abcd"]
    await tower.watch.look(0.0)
    await tower.watch.look(15.0)
    await asyncio.sleep(0)
    assert len(tower.examined) == watching.MOST_EXAMINATIONS
    await tower.watch.close()
    assert tower.watch.examinations == 0


async def test_a_flood_of_symptoms_opens_a_bounded_number(tower: Tower, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_OPEN", 2)
    tower.sees = [replace(SLOW, labels=Labels.of(model=name)) for name in "abc"]
    await tower.watch.look(0.0)
    assert len(await tower.watch.look(15.0)) == 2
    assert "none was opened about c" in tower.watch.trouble
    await tower.watch.settled()


def test_a_symptom_is_about_its_model_or_the_nearest_thing() -> None:
    assert subject_of(replace(SLOW, labels=Labels.of(host="h1", model="glove"))) == "glove"
    assert subject_of(Symptom("hot", "gpu.temperature", Labels.of(host="h1", gpu="0"))) == "h1"
    assert subject_of(Symptom("x", alert=Labels.of(model="glove"))) == "glove"
    assert subject_of(Symptom("x", "data.rows")) == "data.rows"
