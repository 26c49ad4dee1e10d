"""A transcript gone through again without a key says what was said then, held to what is checked now."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import nouns
import pytest
from agents import CLAIM, DIAGNOSIS, Scripted, eyes, reply, uses

from console.config import LlmConfig
from console.errors import UsageError
from console.model import Transcript
from console.playbook.bundles.bundle import Bundle
from console.playbook.bundles.file import from_bytes, to_bytes
from console.playbook.bundles.redaction import redacted
from console.playbook.loader import built_in_step_types
from console.sources.estate import Estate, Situation
from console.triage.agent.explaining import Investigation, about
from console.triage.agent.probing import Able
from console.triage.agent.replaying import replayed
from console.triage.agent.talking import Talking
from console.triage.agent.tool import Scene

LOOKED = {"text": "it fell", "evidence": ["F2"]}


async def kept(*turns: Any, **changes: Any) -> Transcript:
    talk = await Talking("m", Scripted(*turns), eyes(), DIAGNOSIS, able=Able(), pause=0.0).through()
    says = replace(talk.says, findings=talk.findings)
    one = Transcript("T-1", "I-1", nouns.NOON, "m", about(DIAGNOSIS), head=talk.head, messages=talk.messages, says=says)
    return replace(one, **changes)


async def test_what_was_said_is_said_again() -> None:
    one = await kept(
        reply(uses("compare")), reply(uses("conclude", 2, claims=[CLAIM, LOOKED, {"text": "x", "evidence": []}]))
    )
    again = await replayed(one, DIAGNOSIS)
    assert again == one.says and again.dropped == 1 and [claim.evidence for claim in again.claims] == [("F1",), ("F2",)]


async def test_why_it_ended_then_is_told_again() -> None:
    one = await kept(reply(stop="refusal"))
    assert (await replayed(one, DIAGNOSIS)).stopped == "it refused to answer"


async def test_of_another_diagnosis_it_says_nothing() -> None:
    one = await kept(reply(uses("conclude", claims=[CLAIM])))
    with pytest.raises(UsageError, match="spoke of other findings"):
        await replayed(one, replace(DIAGNOSIS, findings=(nouns.finding("F1", onset=1.0),)))


async def test_a_transcript_that_was_tampered_with_proves_nothing() -> None:
    """What it concluded is checked again: claims without findings do not come in by a bundle."""
    one = await kept(reply(uses("conclude", claims=[CLAIM])))
    forged = [
        *one.messages[:-1],
        {"role": "assistant", "content": [uses("conclude", claims=[{"text": "rm", "evidence": ["F9"]}])]},
    ]
    again = await replayed(replace(one, messages=tuple(forged)), DIAGNOSIS)
    assert not again.claims and again.dropped == 1
    for odd in (
        [{"role": "assistant", "content": "hi"}],
        [{"role": "x"}],
        [{"role": "assistant", "content": [7, {"type": 3}]}],
        [],
    ):
        assert (await replayed(replace(one, messages=tuple(odd), before=0), DIAGNOSIS)).claims == ()


async def test_it_travels_in_a_bundle_and_is_redacted_there() -> None:
    one = await kept(reply(uses("conclude", claims=[{**CLAIM, "text": "mail ada@example.org"}])))
    bundle = Bundle("recorded", nouns.NOON, 15.0, "0", nouns.NOON, diagnosis=DIAGNOSIS, transcripts=(one,))
    again = from_bytes(to_bytes(redacted(bundle)))
    assert len(again.transcripts) == 1 and "ada@" not in json.dumps(again.transcripts[0].messages)
    assert again.diagnosis is not None and about(again.diagnosis) == about(DIAGNOSIS)  # texts are no part of it
    assert (await replayed(again.transcripts[0], again.diagnosis)).claims
    without = to_bytes(replace(bundle, transcripts=()))
    assert b"transcripts" not in without and from_bytes(without).transcripts == ()


async def test_a_question_that_went_on_from_an_investigation_is_gone_through_too() -> None:
    first = await kept(reply(uses("compare")), reply(uses("conclude", 2, claims=[CLAIM])))
    talk = await Talking(
        "m", Scripted(reply(uses("conclude", 3, claims=[LOOKED]))), eyes(), DIAGNOSIS, "why?", first.messages,
        first.says.findings if first.says else (), able=Able(),
    ).through()  # fmt: skip
    second = replace(
        first,
        question="why?",
        messages=talk.messages,
        before=len(first.messages),
        says=replace(talk.says, findings=talk.findings),
    )
    assert [claim.evidence for claim in (await replayed(second, DIAGNOSIS)).claims] == [("F2",)]


async def test_what_is_shown_first_is_what_would_be_sent() -> None:
    scene = Scene(Situation(Estate(), nouns.NOON), built_in_step_types(), DIAGNOSIS)
    shown = await Investigation(DIAGNOSIS, scene, LlmConfig("m")).first_request()
    assert list(shown) == ["model", "max_tokens", "cache_control", "tools", "system", "messages"]
    assert "<facts>" in shown["messages"][0]["content"][0]["text"]
