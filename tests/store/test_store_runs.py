from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from console.errors import UsageError
from console.model import (
    Cause,
    Event,
    Exemplar,
    Finding,
    Labels,
    Run,
    Side,
    Span,
    State,
    StepResult,
    Verdict,
    Window,
)
from console.store.pins import Pin
from console.store.runs import Origin
from console.store.store import Store

LATENCY = Finding(
    "F1", "comparison", "latency", "p95 doubled", Verdict.DEGRADED, "model.latency", Labels.of(model="glove"),
    stat="p95", current=Side(0.4, 100, 0.0, 60.0), baseline=Side(0.2, 100, -60.0, 0.0, "offset"),
    ratio=2.0, interval=(1.5, math.inf), p=0.001, onset=12.0,
)  # fmt: skip
GLOVES = Finding(
    "F2", "exemplar", "look", "the gloves are black", Verdict.DEGRADED,
    exemplars=(Exemplar("current", 5.0, "image", "now", pixels=((0, 255), (9, 9))),),
    event=Event(5.0, "deploy", "glove", "v2"),
)  # fmt: skip
RUN = Run(
    "r1", "accuracy_drop", "World or model?", 100.0, 101.5, Verdict.DEGRADED,
    (StepResult("latency", "Slow?", "compare", State.DEGRADED, findings=(LATENCY, GLOVES),
                values={"current": {"stat": 1.5}}),),
    (Cause("gloves", "accuracy_drop", "Black gloves", "glove", math.inf, 1.0, ("F1",), ()),),
    {"model": "glove"}, Window((Span(0.0, 60.0),)), Window((Span(-60.0, 0.0),), "offset"),
)  # fmt: skip


def test_a_run_comes_back_whole_with_what_no_json_number_says(path: Path) -> None:
    with Store.open(path) as store:
        store.runs.save(RUN)
    with Store.open(path) as store:
        assert store.runs.get("r1") == RUN
        assert store.runs.finding("r1", "F1") == LATENCY
        assert store.runs.finding("r1", "F2") == GLOVES


def test_a_run_that_is_saved_again_is_replaced(store: Store) -> None:
    store.runs.save(replace(RUN, finished=None))
    store.runs.save(replace(RUN, steps=()))
    assert store.runs.get("r1").finished == 101.5
    with pytest.raises(UsageError, match="no finding F1"):
        store.runs.finding("r1", "F1")


def test_runs_are_listed_by_playbook_the_newest_first(store: Store) -> None:
    for n, playbook in enumerate(("accuracy_drop", "error_burst", "accuracy_drop")):
        store.runs.save(replace(RUN, id=f"r{n}", playbook=playbook, started=float(n)))
    assert [run.id for run in store.runs.list()] == ["r2", "r1", "r0"]
    assert [run.id for run in store.runs.list(playbook="accuracy_drop")] == ["r2", "r0"]
    assert [run.id for run in store.runs.list(limit=1)] == ["r2"]


def test_what_a_signal_was_found_to_do_can_be_looked_up_by_time(store: Store) -> None:
    for n in range(4):
        store.runs.save(replace(RUN, id=f"r{n}", started=100.0 * n))
    found = store.runs.findings(signal="model.latency", span=Span(100, 300))
    assert found == (("r2", LATENCY), ("r1", LATENCY))
    assert store.runs.findings(signal="model.ttft", span=Span(0, 1000)) == ()


def test_a_run_nobody_made_is_a_usage_error(store: Store) -> None:
    with pytest.raises(UsageError, match="there is no run r9"):
        store.runs.get("r9")


# ── events and pins ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_told_twice_is_one_event(store: Store) -> None:
    deploy = Event(10.0, "deploy", "glove", "v2", id="7", detail="by ann", source="registry")
    assert store.events.add([deploy, deploy]) == 1
    assert store.events.add([deploy, replace(deploy, id="8")]) == 1
    assert store.events.add([]) == 0
    assert store.events.between(Span(0, 20)) == (deploy, replace(deploy, id="8"))


def test_events_are_found_by_time_kind_and_target(store: Store) -> None:
    events = [
        Event(float(t), kind, target, "x")
        for t, kind, target in ((3, "xid", "a"), (1, "deploy", "a"), (2, "deploy", "b"))
    ]
    store.events.add(events)
    assert [e.time for e in store.events.between(Span(1, 3))] == [1, 2]
    assert [e.time for e in store.events.between(Span(0, 9), ["deploy", "alert"])] == [1, 2]
    assert [e.time for e in store.events.between(Span(0, 9), target="a")] == [1, 3]


def test_a_pin_is_kept_by_its_name_until_it_is_dropped(path: Path) -> None:
    good = Pin("good-day", (Span(0.0, 60.0), Span(120.0, 180.0)), 500.0, "ann", "before the gloves")
    with Store.open(path) as store:
        store.pins.pin(good)
        with pytest.raises(UsageError, match="good-day is pinned already"):
            store.pins.pin(good)
    with Store.open(path) as store:
        assert store.pins.list() == (good,)
        store.pins.drop("good-day")
        assert store.pins.list() == ()
        with pytest.raises(UsageError, match="no baseline good-day"):
            store.pins.drop("good-day")


@pytest.mark.parametrize(
    "pin", [Pin("", (Span(0, 1),), 0, "ann"), Pin("x", (), 0, "ann"), Pin("x", (Span(5, 5),), 0, "ann")]
)
def test_a_pin_without_name_or_time_is_refused(store: Store, pin: Pin) -> None:
    with pytest.raises(UsageError, match="no name or no time"):
        store.pins.pin(pin)


def test_a_run_that_waits_is_found_with_the_text_it_began_with_until_it_has_ended(path: Path) -> None:
    waits = replace(RUN, state="paused", playbook_hash="h1")
    with Store.open(path) as store:
        store.runs.save(RUN)
        store.runs.save(replace(waits, id="r2"), Origin("schema: andon/v1", "/books/a.yaml", "ana", "I-3"))
        store.runs.save(replace(waits, id="r2", steps=()))  # what is known of its origin stays
    with Store.open(path) as store:
        assert [run.id for run in store.runs.paused()] == ["r2"]
        assert store.runs.origin("r2") == Origin("schema: andon/v1", "/books/a.yaml", "ana", "I-3")
        assert store.runs.origin("r1") == Origin()
        store.runs.save(replace(waits, id="r2", state="finished"))
        assert store.runs.paused() == ()
        with pytest.raises(UsageError, match="there is no run r9"):
            store.runs.origin("r9")


def test_the_text_of_a_playbook_is_kept_once_however_often_it_runs(store: Store, path: Path) -> None:
    for name in ("r1", "r2"):
        store.runs.save(replace(RUN, id=name, playbook_hash="h1"), Origin("the text"))
    assert store._database.rows("SELECT count(*) FROM playbook_texts") == [(1,)]
    assert store.runs.origin("r2").text == "the text"
