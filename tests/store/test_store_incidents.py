from __future__ import annotations

from pathlib import Path

import nouns
import pytest

from console.errors import UsageError
from console.model import Answer, Labels, Note, Symptom, Verdict
from console.store.incidents import MOST_NOTES
from console.store.store import Store

SLOW = Symptom("p95 is up", "model.latency", Labels.of(model="glove"), Verdict.DEGRADED, Labels.of(alertname="Slow"))


def test_an_incident_is_there_after_a_restart_as_it_was(path: Path) -> None:
    with Store.open(path) as store:
        opened, is_new = store.incidents.open(SLOW, title="Glove is slow", subject="glove", time=10.0)
    assert is_new
    with Store.open(path) as store:
        assert store.incidents.get("I-1") == opened
        assert store.incidents.get("i-1").symptom == SLOW


def test_a_symptom_that_fires_again_joins_the_open_incident(store: Store) -> None:
    store.incidents.open(SLOW, title="slow", subject="glove", time=10.0)
    again, is_new = store.incidents.open(Symptom("errors too"), title="errors", subject="glove", time=20.0)
    assert not is_new
    assert (again.id, again.notes) == ("I-1", (Note(20.0, "andon", "errors too"),))
    for time in range(30, 40):
        for text in ("errors too", "p95 is up"):
            again, _ = store.incidents.open(Symptom(text), title="errors", subject="glove", time=time)
    assert len(again.notes) == 1


def test_the_notes_of_an_incident_are_bounded_and_it_can_still_be_closed(store: Store) -> None:
    store.incidents.open(SLOW, title="slow", subject="glove", time=10.0)
    for number in range(MOST_NOTES):
        store.incidents.note("I-1", "kim", str(number), 20.0)
    with pytest.raises(UsageError, match="500 notes"):
        store.incidents.note("I-1", "kim", "one more", 30.0)
    assert store.incidents.close("I-1", "kim", 40.0).state == "closed"


def test_another_subject_or_a_closed_incident_or_no_subject_opens_a_new_one(store: Store) -> None:
    for subject in ("glove", "hat", "", ""):
        assert store.incidents.open(SLOW, title="slow", subject=subject, time=10.0)[1]
    store.incidents.close("I-1", "ann", 20.0)
    incident, is_new = store.incidents.open(SLOW, title="slow", subject="glove", time=30.0)
    assert (incident.id, is_new) == ("I-5", True)


def test_an_acknowledged_incident_still_takes_its_symptoms(store: Store) -> None:
    store.incidents.open(SLOW, title="slow", subject="glove", time=10.0)
    store.incidents.acknowledge("I-1", "ann", 20.0)
    found = store.incidents.find_open("glove")
    assert found is not None
    assert (found.state, found.owner) == ("acknowledged", "ann")
    assert store.incidents.find_open("hat") is None


def test_the_timeline_says_who_did_what(store: Store) -> None:
    store.incidents.open(SLOW, title="slow", subject="glove", time=10.0)
    store.incidents.acknowledge("I-1", "ann", 20.0)
    store.incidents.note("I-1", "bob", "gloves are black now", 30.0)
    store.incidents.close("I-1", "ann", 40.0)
    closed = store.incidents.note("I-1", "bob", "tell the plant", 50.0)
    assert [(note.operator, note.text) for note in closed.notes] == [
        ("ann", "acknowledged"),
        ("bob", "gloves are black now"),
        ("ann", "closed"),
        ("bob", "tell the plant"),
    ]
    assert (closed.state, closed.closed) == ("closed", 40.0)


def test_closing_twice_changes_nothing_and_a_closed_one_cannot_be_owned(store: Store) -> None:
    store.incidents.open(SLOW, title="slow", subject="glove", time=10.0)
    closed = store.incidents.close("I-1", "ann", 40.0)
    assert store.incidents.close("I-1", "bob", 50.0) == closed
    with pytest.raises(UsageError, match="I-1 is closed"):
        store.incidents.acknowledge("I-1", "bob", 60.0)
    assert store.incidents.get("I-1") == closed


def test_incidents_are_listed_by_state_the_newest_first(store: Store) -> None:
    for subject in ("a", "b", "c"):
        store.incidents.open(SLOW, title=subject, subject=subject, time=10.0)
    store.incidents.close("I-2", "ann", 20.0)
    assert [incident.id for incident in store.incidents.list()] == ["I-3", "I-2", "I-1"]
    assert [incident.id for incident in store.incidents.list("open")] == ["I-3", "I-1"]


def test_a_run_is_attached_once(store: Store) -> None:
    store.incidents.open(SLOW, title="slow", subject="glove", time=10.0)
    for run in ("r1", "r2", "r1"):
        store.incidents.attach_run("I-1", run)
    assert store.incidents.get("I-1").runs == ("r1", "r2")


@pytest.mark.parametrize("id", ["I-9", "9", "", "I-", "I-x", "J-1", "I-" + "9" * 40, "I-1; DROP TABLE incidents"])
def test_an_id_that_names_nothing_is_a_usage_error(store: Store, id: str) -> None:
    with pytest.raises(UsageError, match="there is no incident"):
        store.incidents.get(id)
    with pytest.raises(UsageError):
        store.incidents.note(id, "ann", "hello", 0.0)


def test_the_last_answer_to_a_question_stands_and_the_timeline_has_them_all(store: Store) -> None:
    store.incidents.open(SLOW, title="slow", subject="glove", time=10.0)
    for time, said in ((20.0, "yes"), (30.0, "no")):
        incident = store.incidents.answer("I-1", Answer(time, "ann", "Announced?", said))
    assert incident.answers == (Answer(30.0, "ann", "Announced?", "no"),)
    assert [note.text for note in incident.notes] == ["Announced? yes", "Announced? no"]
    store.incidents.close("I-1", "ann", 40.0)
    with pytest.raises(UsageError, match="closed"):
        store.incidents.answer("I-1", Answer(50.0, "ann", "Announced?", "yes"))


def test_incidents_and_runs_of_earlier_versions_still_load(store: Store) -> None:
    opened, _ = store.incidents.open(SLOW, title="slow", subject="glove", time=10.0)
    store.runs.save(nouns.a_run())
    for table, old in (("incidents", "$.answers"), ("runs", "$.steps[0].question")):
        with store._database.write() as connection:
            connection.execute(f"UPDATE {table} SET body = json_remove(body, '{old}')")
    assert store.incidents.get("I-1") == opened
    assert store.runs.get("R-1").steps[0].question is None
