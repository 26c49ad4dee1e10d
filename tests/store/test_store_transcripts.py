"""Transcripts are kept with their cost, are read by id, and make room without forgetting what they cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from console.errors import UsageError
from console.model import AgentClaim, AgentSays, Transcript, Usage
from console.store import transcripts
from console.store.store import Store

USED = Usage(calls=2, tokens_in=900, tokens_cached=50, tokens_out=50, money=0.25, seconds=3.0)
ONE = Transcript(
    "", "I-1", 1000.0, "m", "abc", "why?", "ada", {"model": "m", "tools": [{"name": "x"}]},
    ({"role": "user", "content": [{"type": "text", "text": "ä"}]},), 0,
    AgentSays("m", (AgentClaim("it fell", evidence=("F1",)),), usage=USED),
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "andon.db")


def test_one_comes_back_as_it_was(store: Store) -> None:
    kept = store.transcripts.keep(ONE)
    assert kept == replace(ONE, id="T-1") == store.transcripts.get("T-1")
    assert [each.id for each in store.transcripts.list("I-1")] == ["T-1"] and store.transcripts.list("I-2") == ()
    for odd in ("T-2", "T-x", "", "T-1; DROP TABLE transcripts"):
        with pytest.raises(UsageError, match="no transcript"):
            store.transcripts.get(odd)


def test_what_they_cost_is_counted_by_time_and_by_incident(store: Store) -> None:
    for time, incident in ((10.0, "I-1"), (20.0, "I-2"), (30.0, "I-1")):
        store.transcripts.keep(replace(ONE, time=time, incident=incident))
    assert store.transcripts.spent(0.0) == Usage(calls=6, tokens_in=3000, money=0.75)
    assert store.transcripts.spent(20.0).calls == 4 and store.transcripts.spent(0.0, "I-2").money == 0.25
    assert store.transcripts.spent(99.0) == Usage()


def test_the_oldest_make_room_and_what_they_cost_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "MOST_ALL", 3_000)
    for _ in range(20):
        store.transcripts.keep(ONE)
    left = store.transcripts.list()
    assert 1 <= len(left) < 10 and left[0].id == "T-20" and store.transcripts.spent(0.0).calls == 40
    with pytest.raises(UsageError):
        store.transcripts.get("T-1")


def test_one_that_is_too_long_keeps_what_came_of_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "MOST_BYTES", 600)
    kept = store.transcripts.get(store.transcripts.keep(replace(ONE, messages=ONE.messages * 100)).id)
    assert kept.messages == () and kept.says == ONE.says
