"""An incident leaves the daemon as a bundle and comes in again, closed, and counts for nothing."""

import base64
from collections.abc import Awaitable, Callable

import pytest
from household import Clock, ask

from console.errors import BundleError, UsageError
from console.library import library_dir
from console.playbook.bundles.file import from_bytes
from console.service.house import House
from console.store.recordings import MOST_BYTES

Open = Callable[..., Awaitable[House]]


async def examined(house: House) -> str:
    await ask(house, "collect", wait=True)
    incident = await ask(house, "incident.open", subject="glove", text="answers come late, says ada@example.org")
    await house.watch.settled()
    return str(incident["id"])


async def test_an_examined_incident_is_exported_redacted_and_imported_closed(opened: Open, clock: Clock) -> None:
    house = await opened("steady", "diary")
    id_ = await examined(house)
    told = await ask(house, "incident.export", incident=id_)
    data = base64.b64decode(told["bundle"])
    bundle = from_bytes(data)
    assert bundle.incident is not None
    assert (bundle.origin, bundle.incident.id) == ("recorded", id_)
    assert bundle.diagnosis is not None
    assert bundle.inputs
    assert set(bundle.inputs) == {run.playbook for run in bundle.diagnosis.runs}
    assert all(bundle.playbooks[name] for name in bundle.inputs)
    assert any(held.call == "read" for held in bundle.held)
    assert "ada@" not in bundle.incident.title
    taken = await ask(house, "incident.import", bundle=told["bundle"])
    assert (taken["state"], taken["is_imported"], len(taken["runs"])) == ("closed", True, len(bundle.inputs))
    assert taken["id"] != id_
    assert (await ask(house, "incident.import", bundle=told["bundle"]))["id"] == taken["id"]  # one outage, one incident
    diagnosis = await ask(house, "diagnosis", incident=taken["id"])
    assert [run["playbook"] for run in diagnosis["runs"]] == [run.playbook for run in bundle.diagnosis.runs]
    clock.set(clock.now + 60)
    assert len((await house.situation()).excluded) == 1
    again = from_bytes(base64.b64decode((await ask(house, "incident.export", incident=taken["id"]))["bundle"]))
    assert [held.question for held in again.held] == [held.question for held in bundle.held]


async def test_the_curves_of_an_incident_from_elsewhere_are_those_that_were_recorded(opened: Open) -> None:
    house = await opened("steady")
    data = (library_dir("playbooks") / "bundles" / "serving-kv-cut.andon").read_bytes()
    taken = await ask(house, "incident.import", bundle=base64.b64encode(data).decode())
    diagnosis = await ask(house, "diagnosis", incident=taken["id"])
    (run,) = [each for each in diagnosis["runs"] if each["playbook"] == "kv_cache_exhaustion"]
    drawn = {"signal": "model.kv.usage", "stat": "mean", "where": {"model": "chat"}, "steps": 20}
    drawn |= {side: run["current"]["spans"][0][side] for side in ("start", "end")}
    drawn["baseline"] = [[span["start"], span["end"]] for span in run["baseline"]["spans"]]
    told = await ask(house, "curve", **drawn, incident=taken["id"])
    assert max(told["current"]) > max(each for each in told["baseline"] if each is not None) > 0
    assert set((await ask(house, "curve", **drawn))["current"]) == {None}  # of here, where nothing of it happened


async def test_what_cannot_be_exported_or_imported_is_said(opened: Open) -> None:
    house = await opened("steady")
    with pytest.raises(UsageError, match="no incident I-7"):
        await ask(house, "incident.export", incident="I-7")
    with pytest.raises(BundleError, match="base64"):
        await ask(house, "incident.import", bundle="%%%")
    with pytest.raises(BundleError, match="no bundle"):
        await ask(house, "incident.import", bundle=base64.b64encode(b"PK").decode())


async def test_recordings_are_bounded_and_the_oldest_go_first(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.store.recordings.MOST_ALL", 250)
    house = await opened("steady")

    def keep(name: str, time: float, size: int) -> Callable[..., tuple[str, ...]]:
        return lambda store: store.recordings.keep(name, time, bytes(size))

    assert await house.writer.do(keep("I-1", 1.0, 100)) == ()
    assert await house.writer.do(keep("I-2", 2.0, 100)) == ()
    assert await house.writer.do(keep("I-3", 3.0, 100)) == ("I-1",)
    assert await house.writer.do(keep("I-2", 4.0, MOST_BYTES + 1)) == ("I-2",)
    kept = [
        await house.writer.do(lambda store, name=name: store.recordings.get(name)) for name in ("I-1", "I-2", "I-3")
    ]
    assert [each is not None for each in kept] == [False, False, True]
