"""A fault is mended at the line's desk, by the remedy that its manifest names and by no other, and breaks again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from console.errors import ActRefused, UsageError
from console.lab.desk import Desk, Setting
from console.lab.manifest import manifest, names
from console.lab.mending import Mending
from console.library import library_dir
from console.model import Act, Draft
from console.playbook.loader import library
from console.plugins import LabFault, load_plugins

load_plugins()
from andon_plugins.practice_line import PLACES, Line  # noqa: E402


@dataclass
class Log:
    """What was done to a place."""

    done: list[str] = field(default_factory=list)


def fault(**changes: Any) -> LabFault:
    return LabFault(
        "canary", "", lambda log, _: log.done.append("broken"), lambda log: log.done.append("healed"), {},
        mended_by={"kubernetes.shift_weight": "{model}"}, **changes,
    )  # fmt: skip


def act(draft: Draft, action: str) -> Act:
    return Act(action, "line", draft.target, draft.set, draft.expect)


async def done(line: Line, action: str, **options: Any) -> Draft:
    draft = await line.draft(action, options)
    await line.act(act(draft, action), "key")
    return draft


async def test_the_named_remedy_mends_it_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    log, desk = Log(), Desk(tmp_path)
    mending, line = Mending(log, desk), Line(desk)  # type: ignore[arg-type]
    mending.inject(fault(), {"model": "chat"})
    await done(line, "kubernetes.scale", workload="chat", by=1)
    await done(line, "kubernetes.shift_weight", workload="other")
    mending.look()
    assert log.done == ["broken"]
    right = await done(line, "kubernetes.shift_weight", workload="chat")
    mending.look()
    mending.look()
    assert log.done == ["broken", "healed"]
    assert right.restore is not None
    back = Act("kubernetes.shift_weight", "line", "chat", right.restore, {"value": right.set["value"]})
    await line.act(back, "back")
    mending.look()
    assert log.done == ["broken", "healed", "broken"]


async def test_what_was_done_before_it_broke_does_not_mend_it(tmp_path: Path) -> None:
    log, desk = Log(), Desk(tmp_path)
    await done(Line(desk), "kubernetes.shift_weight", workload="chat")
    mending = Mending(log, desk)  # type: ignore[arg-type]
    mending.inject(fault(), {"model": "chat"})
    mending.look()
    assert log.done == ["broken"]


async def test_a_remedy_that_copes_with_it_does_what_it_does(tmp_path: Path) -> None:
    log, desk = Log(), Desk(tmp_path)
    mending = Mending(log, desk)  # type: ignore[arg-type]
    mending.inject(fault(remedy=lambda log: log.done.append("learned")), {"model": "chat"})
    await done(Line(desk), "kubernetes.shift_weight", workload="chat")
    mending.look()
    assert log.done == ["broken", "learned"]


async def test_a_value_is_absolute_and_can_be_taken_back_and_a_deed_cannot(tmp_path: Path) -> None:
    line = Line(Desk(tmp_path))
    more = await line.draft("kubernetes.scale", {"workload": "chat", "by": 1})
    assert (more.changes[0].before, more.changes[0].after) == (2, 3)
    assert more.restore == {"spot": "kubernetes.scale chat", "value": None}
    first = await done(line, "kubernetes.restart", workload="chat")
    again = await line.draft("kubernetes.restart", {"workload": "chat"})
    assert first.restore is None
    assert (again.changes[0].before, again.changes[0].after) == (1, 2)
    with pytest.raises(UsageError, match="does not say"):
        await line.draft("kubernetes.set_image", {"workload": "chat"})


async def test_it_is_refused_where_another_value_stands_and_known_by_its_key(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    line = Line(desk)
    draft = await line.draft("kubernetes.scale", {"workload": "chat", "by": 1})
    wanted = act(draft, "kubernetes.scale")
    assert await line.did(wanted, "mine") is False
    with desk.changing() as changes:
        changes.settings["kubernetes.scale chat"] = Setting(9, "somebody")
    with pytest.raises(ActRefused, match="not what it was"):
        await line.act(wanted, "mine")
    assert await line.did(wanted, "mine") is None
    await line.act(act(await line.draft("kubernetes.scale", {"workload": "chat", "by": 1}), ""), "mine")
    assert await line.did(wanted, "mine") is True


async def test_what_is_taken_back_by_its_key_alone_is_still_ours(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    line = Line(desk)
    draft = await done(line, "kubernetes.scale", workload="chat", by=1)
    assert draft.restore is not None
    back = Act("kubernetes.scale", "line", "chat", draft.restore, {"key": "key"})
    assert await line.did(back, "back") is False
    with pytest.raises(ActRefused):
        await line.act(replace(back, expect={"key": "another"}), "back")
    await line.act(back, "back")
    assert await line.did(back, "back") is True


@pytest.mark.parametrize("name", names())
def test_each_fault_is_mended_by_a_remedy_of_its_cause_that_can_be_verified(name: str) -> None:
    told = manifest(name)
    causes = {variant["cause"] for variant in told.variants if "cause" in variant} or {told.expect["cause"]}
    books = library([library_dir("playbooks")], on_problem=lambda problem: pytest.fail(str(problem))).values()
    for cause in causes:
        naming = [(book, each) for book in books for each in book.causes if each.id == cause]
        assert naming
        able = [
            remedy.uses
            for book, each in naming
            for remedy in book.remedies
            if remedy.id in each.remedies and remedy.verify is not None
        ]
        assert set(told.mended_by) & set(able), (cause, able)
    assert set(told.mended_by) <= set(PLACES)
