"""Once or not at all: what is said of an act is what became of it, whatever goes wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from nouns import NOON
from plans import Thing, kept, means, plan

from console.errors import UsageError
from console.model import PlanState, Receipt
from console.remedy import doing
from console.remedy.doing import apply, reconcile, take_back
from console.store.store import DATABASE_NAME, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / DATABASE_NAME) as store:
        yield store


def whats(store: Store) -> list[str]:
    return [line.entry.what for line in store.audit.lines()]


async def test_the_intent_is_on_disk_before_the_act_and_the_receipt_after_it(store: Store) -> None:
    thing = Thing()
    record = kept(store, state=PlanState.APPROVED)
    around = means(store, thing)
    act = thing.act

    async def watched(*arguments: object) -> object:
        intent = store.plans.get(record.id)
        assert intent.state is PlanState.APPLYING and intent.receipt is not None and intent.receipt.ended is None
        return await act(*arguments)  # type: ignore[arg-type]

    thing.act = watched  # type: ignore[method-assign,assignment]
    done = await apply(record, "ada", around)
    assert done == store.plans.get(record.id)
    assert (done.state, thing.values) == (PlanState.APPLIED, {"replicas": 4})
    assert done.receipt is not None and done.receipt.did is True and done.receipt.key == thing.key
    assert whats(store)[-2:] == ["applying", "applied"]


@pytest.mark.parametrize(
    ("trouble", "state", "replicas"),
    [
        ("refused", PlanState.FAILED, 2),
        ("before", PlanState.FAILED, 2),  # the line went dead, and the object says that nothing came of it
        ("after", PlanState.APPLIED, 4),  # the line went dead once it was done, and the object says so
    ],
)
async def test_what_became_of_an_act_is_what_the_object_says(
    store: Store, trouble: str, state: PlanState, replicas: int
) -> None:
    thing = Thing(fails=[trouble])
    done = await apply(kept(store, state=PlanState.APPROVED), "ada", means(store, thing))
    assert (done.state, thing.values["replicas"]) == (state, replicas)
    assert len(thing.acts) == (replicas == 4)


async def test_where_nothing_tells_it_is_unknown_and_a_person_decides(store: Store) -> None:
    thing = Thing(fails=["before", "blind"])
    done = await apply(kept(store, state=PlanState.APPROVED), "ada", means(store, thing))
    assert done.state is PlanState.UNKNOWN
    assert done.reason.startswith("nobody can tell whether it happened")


async def test_an_approval_counts_once_and_not_for_ever(store: Store) -> None:
    thing = Thing()
    record = kept(store, state=PlanState.APPROVED)
    with pytest.raises(UsageError, match="is over"):
        await apply(record, "ada", means(store, thing, now=NOON + 901))
    await apply(record, "ada", means(store, thing))
    with pytest.raises(UsageError, match="changed by somebody else"):
        await apply(record, "ada", means(store, thing))  # what a second console still shows
    assert len(thing.acts) == 1


async def test_of_two_plans_for_one_object_only_one_is_at_work(store: Store) -> None:
    thing = Thing()
    first = kept(store, state=PlanState.APPLYING, receipt=Receipt("k", NOON))
    second = kept(store, state=PlanState.APPROVED)
    with pytest.raises(UsageError, match="being changed by another plan"):
        await apply(second, "ada", means(store, thing))
    assert not thing.acts and store.plans.get(first.id).state is PlanState.APPLYING


async def test_what_was_there_before_comes_back(store: Store) -> None:
    thing = Thing()
    around = means(store, thing)
    done = await apply(kept(store, state=PlanState.APPROVED), "ada", around)
    back = await take_back(done, "ada", around)
    assert (back.state, thing.values) == (PlanState.ROLLED_BACK, {"replicas": 2})
    with pytest.raises(UsageError, match=r"cannot become rolled back"):
        await take_back(back, "ada", around)
    assert len(thing.acts) == 2


async def test_what_was_applied_and_nobody_lived_to_see_can_be_taken_back_too(store: Store) -> None:
    thing = Thing({"replicas": 4}, key="k1")
    record = kept(store, state=PlanState.APPLYING, receipt=Receipt("k1", NOON))
    done = await reconcile(record, "andon", means(store, thing))
    assert done.state is PlanState.APPLIED
    back = await take_back(done, "ada", means(store, thing))
    assert (back.state, thing.values) == (PlanState.ROLLED_BACK, {"replicas": 2})


async def test_an_actuator_that_breaks_leaves_no_plan_as_it_was(store: Store) -> None:
    thing = Thing(fails=["breaks"])
    done = await apply(kept(store, state=PlanState.APPROVED), "ada", means(store, thing))
    assert done.state is PlanState.FAILED and "KeyError" in done.reason


async def test_what_cannot_be_taken_back_says_so_and_what_somebody_else_changed_is_left(store: Store) -> None:
    thing = Thing()
    around = means(store, thing)
    fixed = await apply(kept(store, plan(restore=None, check=None), state=PlanState.APPROVED), "ada", around)
    with pytest.raises(UsageError, match="cannot be taken back"):
        await take_back(fixed, "ada", around)
    other = Thing()
    done = await apply(kept(store, state=PlanState.APPROVED), "ada", means(store, other))
    other.values["replicas"] = 7
    left = await take_back(done, "ada", means(store, other))
    assert (left.state, other.values["replicas"]) == (PlanState.APPLIED, 7)
    assert left.reason.startswith("it could not be taken back")


@pytest.mark.parametrize("was_done", [True, False])
async def test_after_a_kill_the_object_says_what_became_of_it(store: Store, was_done: bool) -> None:
    thing = Thing()
    record = kept(store, state=PlanState.APPLYING, receipt=Receipt("k1", NOON))
    if was_done:
        await thing.act(record.plan.act, "k1")
    done = await reconcile(record, "andon", means(store, thing))
    assert done.state is (PlanState.APPLIED if was_done else PlanState.FAILED)
    assert len(thing.acts) == was_done


@pytest.mark.parametrize("was_done", [True, False])
async def test_after_a_kill_while_it_was_taken_back(store: Store, was_done: bool) -> None:
    thing = Thing()
    around = means(store, thing)
    applied = await apply(kept(store, state=PlanState.APPROVED), "ada", around)
    begun = store.plans.change(
        applied,
        doing.replace(applied, undoing=Receipt("k2", NOON)),
        doing.entry(applied, "ada", "taking back"),
    )
    if was_done:
        thing.values, thing.key = {"replicas": 2}, "k2"
    done = await reconcile(begun, "andon", around)
    assert done.state is (PlanState.ROLLED_BACK if was_done else PlanState.APPLIED)
