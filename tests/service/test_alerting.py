"""From alerts that others send to incidents: what each setting does, what a flood does, what a restart forgets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from household import Clock, ask
from nouns import a_run, diagnosis

from console.config import Config, Grouping
from console.errors import NoData, SourceBusy, StoreFull
from console.model import Alert, Diagnosis, Labels, Span, Symptom
from console.service import alerting
from console.service.house import House
from console.service.opening import open_house
from console.wire import dump

Open = Callable[..., Awaitable[House]]
AT_ONCE = Grouping(once_after=0.0, accumulate_within=0.0)


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[list[Symptom]]:
    """What was examined; every examination names a cause at once."""
    seen: list[list[Symptom]] = []

    async def investigate(symptoms: Any, *_: Any, incident: Any, **__: Any) -> Diagnosis:
        seen.append([*symptoms])
        return diagnosis(runs=(a_run(),), incident=incident)

    monkeypatch.setattr("console.service.house.investigate", investigate)
    return seen


def alert(name: str = "Slow", *, state: str = "firing", started: float = 0.0, **labels: str) -> Alert:
    found = Labels.of({"alertname": name, **(labels or {"model": "glove"})})
    return Alert(repr(found), found, f"{name} it is", started, state=state)  # type: ignore[arg-type]


async def take(house: House, *alerts: Alert) -> dict[str, int]:
    """As the receiver hands them over."""
    return await ask(house, "alert.take", sender="hook", alerts=[dump(each) for each in alerts])  # type: ignore[no-any-return]


async def after(house: House, clock: Clock, seconds: float) -> list[str]:
    """So much later: the incidents that stand, by subject."""
    clock.set(clock.now + seconds)
    await house.alerting.round()
    await house.watch.settled()
    return [each.subject for each in await house.records.standing()]


async def notes(house: House, id_: str = "I-1") -> list[str]:
    return [note.text for note in (await house.records.incident(id_)).notes]


async def test_a_group_opens_after_it_fired_long_enough_with_all_its_alerts(
    opened: Open, clock: Clock, examined: list[list[Symptom]]
) -> None:
    house = await opened()
    await take(house, alert("Slow"))
    assert await after(house, clock, 10) == []
    await take(house, alert("Wrong"))
    assert await after(house, clock, 109) == []
    assert await after(house, clock, 1) == ["glove"]
    (symptoms,) = examined
    assert [each.alert.value("alertname") for each in symptoms] == ["Slow", "Wrong"]
    assert symptoms[0].labels.value("model") == "glove"
    assert await notes(house) == ["fires: Slow, Wrong"]


async def test_one_that_fires_for_long_already_waits_for_the_others_of_its_group_alone(
    opened: Open, clock: Clock, examined: list[list[Symptom]]
) -> None:
    house = await opened()
    await take(house, alert(started=clock.now - 3600))
    assert await after(house, clock, 29) == []
    assert await after(house, clock, 1) == ["glove"]


async def test_what_ends_before_that_opens_nothing_and_stands_on_the_timeline(opened: Open, clock: Clock) -> None:
    house = await opened()
    await take(house, alert())
    assert await after(house, clock, 60) == []
    assert await take(house, alert(state="resolved")) == {"new": 0, "known": 0, "ended": 1}
    assert await after(house, clock, 600) == []
    told = await house.records.events(Span(0, clock.now + 1), ["alert"])
    assert [(each.target, each.title) for each in told] == [
        ("glove", "Slow fires: Slow it is"), ("glove", "Slow no longer fires"),
    ]  # fmt: skip


async def test_within_once_within_the_group_is_noted_and_nothing_more(
    opened: Open, clock: Clock, examined: list[list[Symptom]]
) -> None:
    house = await opened(grouping=AT_ONCE)
    await take(house, alert("Slow"))
    assert await after(house, clock, 0) == ["glove"]
    await take(house, alert("Wrong"), alert("Wrong", model="glove", zone="a"))
    assert await after(house, clock, 60) == ["glove"]
    assert (await notes(house))[-1] == "fires too: Wrong ×2"
    assert len(examined) == 1
    await take(house, alert("Late"))
    assert await after(house, clock, 300) == ["glove"]
    assert (await notes(house))[-1] == "fires: Late"
    assert len(examined) == 2  # and looked at again, with what fires now
    assert {each.alert.value("alertname") for each in examined[1]} == {"Slow", "Late"}


async def test_within_once_within_of_one_that_was_closed_nothing_is_opened_and_after_it_is(
    opened: Open, clock: Clock, examined: list[list[Symptom]]
) -> None:
    house = await opened(grouping=AT_ONCE)
    await take(house, alert())
    await after(house, clock, 0)
    await ask(house, "incident.close", incident="I-1")
    await take(house, alert(state="resolved"))
    await take(house, alert())
    assert await after(house, clock, 299) == []
    assert await after(house, clock, 1) == ["glove"]
    assert [each.id for each in await house.records.standing()] == ["I-2"]


async def test_an_alert_that_goes_on_is_one_alert_however_often_it_is_sent(
    opened: Open, clock: Clock, examined: list[list[Symptom]]
) -> None:
    house = await opened(grouping=AT_ONCE)
    for _ in range(20):
        await take(house, alert(), alert())
        assert await after(house, clock, 600) == ["glove"]
    assert len(examined) == 1
    assert await notes(house) == []
    told = await house.records.events(Span(0, clock.now + 1), ["alert"])
    assert len(told) == 1


async def test_one_that_is_closed_while_its_alert_goes_on_opens_again_when_that_is_sent_again(
    opened: Open, clock: Clock, examined: list[list[Symptom]]
) -> None:
    house = await opened(grouping=AT_ONCE)
    await take(house, alert())
    await after(house, clock, 0)
    await ask(house, "incident.close", incident="I-1")
    assert await after(house, clock, 7200) == []
    await take(house, alert())
    assert await after(house, clock, 0) == ["glove"]


async def test_an_end_is_noted_and_closes_nothing(opened: Open, clock: Clock, examined: list[list[Symptom]]) -> None:
    house = await opened(grouping=AT_ONCE)
    await take(house, alert("Slow"), alert("Wrong"))
    await after(house, clock, 0)
    await take(house, alert("Slow", state="resolved"))
    assert (await notes(house))[-1] == "no longer fires: Slow"
    await take(house, alert("Wrong", state="resolved"))
    assert (await notes(house))[-2:] == ["no longer fires: Wrong", "none of its alerts fires any more"]
    assert await after(house, clock, 600) == ["glove"]
    for _ in range(10):  # one that comes and goes fills no incident
        await take(house, alert("Slow"))
        await after(house, clock, 1)
        await take(house, alert("Slow", state="resolved"))
    assert len(await notes(house)) <= 6


async def test_an_incident_that_stands_about_the_same_is_joined_and_examined_again(
    opened: Open, clock: Clock, examined: list[list[Symptom]]
) -> None:
    house = await opened(grouping=AT_ONCE)
    await ask(house, "incident.open", subject="glove", text="the line stands")
    await house.watch.settled()
    await take(house, alert())
    assert await after(house, clock, 0) == ["glove"]
    assert (await notes(house))[-1] == "fires: Slow"
    assert len(examined) == 2


@pytest.mark.parametrize(
    ("group_by", "groups"), [((), 3), (("team",), 2), (("nothing",), 1), (("team", "model"), 3), (("alertname",), 1)]
)
async def test_groups_are_made_by_what_alerts_are_about_or_by_labels(
    opened: Open, clock: Clock, group_by: tuple[str, ...], groups: int
) -> None:
    house = await opened(grouping=Grouping(group_by=group_by))
    await take(house, alert(model="a", team="x"), alert(model="b", team="x"), alert(model="c", team="y"))
    assert len({each.group for each in house.alerting.held.values()}) == groups


async def test_an_exporters_word_for_the_model_is_known(
    opened: Open, clock: Clock, examined: list[list[Symptom]]
) -> None:
    house = await opened(grouping=AT_ONCE)
    await take(house, alert(model_name="llama", pod="llama-0"))
    assert await after(house, clock, 0) == ["llama"]
    assert examined[0][0].labels.value("model") == "llama"


async def test_alerts_without_labels_and_times_of_the_future_are_taken_all_the_same(
    opened: Open, clock: Clock, examined: list[list[Symptom]]
) -> None:
    house = await opened()
    await take(house, Alert("x", Labels(), "an alert without a name", 0.0), alert(started=clock.now + 1e9))
    assert await after(house, clock, 119) == []
    assert sorted(await after(house, clock, 1)) == ["an alert without a name", "glove"]


async def test_a_clock_that_was_set_back_loses_nothing(
    opened: Open, clock: Clock, examined: list[list[Symptom]]
) -> None:
    house = await opened()
    await take(house, alert())
    assert await after(house, clock, -86400) == []
    assert await after(house, clock, 86400 + 120) == ["glove"]


async def test_ten_thousand_different_alerts_open_a_few_incidents_and_one_says_what_was_folded(
    opened: Open, clock: Clock, examined: list[list[Symptom]]
) -> None:
    house = await opened(grouping=AT_ONCE)
    flood = [alert("Slow" if number % 4 else "Wrong", model=f"m{number}") for number in range(10_000)]
    assert (await take(house, *flood))["new"] == 10_000
    subjects = await after(house, clock, 0)
    assert len(subjects) == alerting.MOST_NEW + 1
    (one,) = [each for each in await house.records.standing() if each.subject == alerting.FLOOD]
    assert "9990 alerts of 9990 groups were folded into one incident: Slow ×" in one.title
    assert all(each.incident for each in house.alerting.held.values())
    for _ in range(3):
        assert len(await after(house, clock, 30)) == alerting.MOST_NEW + 1
    await take(house, *(alert("Slow", model=f"n{number}") for number in range(50)))
    assert len(await after(house, clock, 60)) == alerting.MOST_NEW + 1
    assert "50 alerts of 50 groups" in (await notes(house, one.id))[-1]


async def test_more_than_can_be_held_is_refused_so_that_its_sender_tries_again(
    opened: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch, examined: list[list[Symptom]]
) -> None:
    monkeypatch.setattr(alerting, "MOST_HELD", 5)
    house = await opened(grouping=AT_ONCE)
    await take(house, *(alert(model=f"m{number}") for number in range(5)))
    with pytest.raises(SourceBusy, match="5 alerts wait already"):
        await take(house, alert(model="more"))
    await after(house, clock, 0)
    assert (await take(house, alert(model="more")))["new"] == 1  # in the place of one that has its incident
    assert len(house.alerting.held) == 5


async def test_what_was_taken_is_opened_after_a_restart_and_nothing_twice(
    data: Path, clock: Clock, examined: list[list[Symptom]]
) -> None:
    config = Config(data=data, interval=0, clock=clock.path)
    async with open_house(config) as house:
        await take(house, alert("Slow"), alert("Other", model="boot"))
    clock.set(clock.now + 60)
    async with open_house(config) as house:
        assert len(house.alerting.held) == 2
        assert sorted(await after(house, clock, 60)) == ["boot", "glove"]
    async with open_house(config) as house:
        await take(house, alert("Slow"))
        assert sorted(await after(house, clock, 60)) == ["boot", "glove"]
        await take(house, alert("Slow", state="resolved"))
        assert "none of its alerts fires any more" in str([await notes(house, id_) for id_ in ("I-1", "I-2")])
    assert len(examined) == 2


async def test_a_full_disk_takes_nothing_and_says_so(
    opened: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await opened()

    async def full(*_: Any) -> None:
        raise StoreFull("there is no room left", "")

    monkeypatch.setattr(type(house.records), "keep_alerts", full)
    with pytest.raises(StoreFull):
        await take(house, alert())
    assert house.alerting.held == {}


async def test_no_playbook_for_an_alert_is_a_note_and_no_trouble(
    opened: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def investigate(*_: Any, **__: Any) -> Diagnosis:
        raise NoData("no playbook fits 'x'", "")

    monkeypatch.setattr("console.service.house.investigate", investigate)
    house = await opened(grouping=AT_ONCE)
    await take(house, alert())
    await after(house, clock, 0)
    assert await notes(house) == ["not examined: no playbook fits 'x'"]
    assert house.watch.trouble == ""


async def test_alerts_of_which_nothing_is_heard_for_days_are_forgotten(
    opened: Open, clock: Clock, examined: list[list[Symptom]]
) -> None:
    house = await opened(grouping=AT_ONCE)
    await take(house, alert())
    await after(house, clock, 0)
    await after(house, clock, alerting.FORGET_SECONDS + 1)
    assert house.alerting.held == {}
    held, _groups = await house.records.alerts()
    assert held == []


async def test_many_senders_at_once_lose_nothing(opened: Open, clock: Clock, examined: list[list[Symptom]]) -> None:
    house = await opened(grouping=AT_ONCE)
    senders = [take(house, alert(str(number))) for number in range(30)]
    await asyncio.gather(*senders, *(house.alerting.round() for _ in range(10)))
    assert await after(house, clock, 0) == ["glove"]
    assert len(house.alerting.held) == 30
    assert {each.incident for each in house.alerting.held.values()} == {"I-1"}
