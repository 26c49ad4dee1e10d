"""Alerts and notices in the store: what a restart must not forget."""

from __future__ import annotations

from pathlib import Path

from console.model import Alert, Labels
from console.store.alerts import Held, Opened
from console.store.database import Database
from console.store.notices import dues
from console.store.schema import MIGRATIONS
from console.store.store import DATABASE_NAME, Store


def held(name: str, **changes: float | str) -> Held:
    alert = Alert(name, Labels.of(alertname=name), "it is slow", 90.0, annotations=Labels.of(runbook="x"))
    return Held(alert, "glove", **{"taken": 100.0, "heard": 100.0} | changes)  # type: ignore[arg-type]


def test_alerts_come_back_as_they_were_in_the_order_they_came(tmp_path: Path) -> None:
    with Store.open(tmp_path / DATABASE_NAME) as store:
        store.alerts.keep([held("late", taken=200.0), held("b"), held("a")])
        store.alerts.keep([held("b", heard=300.0)], gone=["a", "never"])
        store.alerts.belong(["b"], ["glove", "boot"], Opened("I-1", 310.0))
    with Store.open(tmp_path / DATABASE_NAME) as store:
        assert store.alerts.all() == [held("b", heard=300.0, incident="I-1"), held("late", taken=200.0)]
        store.alerts.forget_groups(["boot"])
        assert store.alerts.groups() == {"glove": Opened("I-1", 310.0)}


def test_an_alert_fires_since_it_says_so_but_never_since_later_than_it_came() -> None:
    assert held("a").since == 90.0
    assert held("a", taken=50.0).since == 50.0


def test_notices_are_waited_for_in_order_once_and_forgotten_when_they_are_old(tmp_path: Path) -> None:
    with Store.open(tmp_path / DATABASE_NAME) as store:
        assert store.notices.add(dues("I-1", "cause", ["a", "b"], 2.0)) == 2
        assert store.notices.add(dues("I-1", "opened", ["a"], 2.0)) == 1
        assert store.notices.add(dues("I-1", "cause", ["a", "b"], 3.0)) == 0
        waiting = store.notices.waiting("a")
        assert [each.what for each in waiting] == ["opened", "cause"]
        store.notices.settle(waiting[0], "told")
        store.notices.forget(10.0)
        assert [each.what for each in store.notices.waiting("a")] == ["cause"]
        assert store.notices.add(dues("I-1", "opened", ["a"], 11.0)) == 1  # forgotten, so it would be told again


def test_what_waited_when_only_incidents_were_told_of_is_still_told(tmp_path: Path) -> None:
    before = Database.open(tmp_path / DATABASE_NAME, migrations=MIGRATIONS[:5])
    with before.write() as connection:
        connection.execute("INSERT INTO notices VALUES ('I-1', 'opened', 'a', 2.0, 'waiting')")
    before.close()
    with Store.open(tmp_path / DATABASE_NAME) as store:
        assert store.notices.waiting("a") == dues("I-1", "opened", ["a"], 2.0)
        assert store.notices.add(dues("P-1", "break_glass", ["a"], 3.0)) == 1
