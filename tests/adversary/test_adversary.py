"""The adversary suite: whatever strangers write and whatever a model does, nothing is done, nothing secret is sent,
nothing steers the terminal, nothing uncited passes for a fact, no budget is exceeded, and the diagnosis stands.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from adversary.cases import Poison, Rogue
from adversary.judging import faults
from adversary.playing import KEY_ENV, Arena, arena, betrayed, poisoned
from adversary.poisons import POISONS
from adversary.rogues import ROGUES
from messagesserver import KEY

LEAST = 120


@pytest.fixture(scope="module")
def the_key() -> AsyncIterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_ENV, KEY)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def where(the_key: None) -> AsyncIterator[Arena]:
    async with arena() as here:
        yield here


def test_there_are_enough_of_them() -> None:
    assert len(POISONS) >= 80 and len(ROGUES) >= 40 and len(POISONS) + len(ROGUES) >= LEAST


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("poison", POISONS, ids=lambda poison: poison.name)
async def test_hostile_data(poison: Poison, where: Arena) -> None:
    found = faults(await poisoned(poison, where))
    assert not any(found.values()), found


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("rogue", ROGUES, ids=lambda rogue: rogue.name)
async def test_a_hostile_model(rogue: Rogue, where: Arena) -> None:
    played = await betrayed(rogue, where)
    found = faults(played)
    assert not any(found.values()), found
    says = played.after.agent if played.after is not None else None
    assert says is not None and (rogue.ends in says.stopped if rogue.ends else not says.stopped), says


@pytest.mark.parametrize("rogue", [each for each in ROGUES if each.name.startswith(("calls", "steers"))][::3])
async def test_a_hostile_model_with_a_process_of_its_own(rogue: Rogue, the_key: None) -> None:
    async with arena(is_shared=False) as alone:
        assert not any(faults(await betrayed(rogue, alone)).values())
