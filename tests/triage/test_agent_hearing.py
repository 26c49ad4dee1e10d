"""A message put together from its events: nothing that was said is lost or changed, and half a call is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from console.triage.agent.hearing import Heard

CALL = {"type": "tool_use", "id": "t1", "name": "compare", "input": {}}


def hear(
    *blocks: tuple[dict[str, Any], list[dict[str, Any]]], stop: str = "end_turn", **usage: Any
) -> tuple[Heard, str]:
    heard, text = Heard(), ""
    text += heard.take({"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 7}}})
    for at, (begun, deltas) in enumerate(blocks):
        text += heard.take({"type": "content_block_start", "index": at, "content_block": begun})
        for delta in deltas:
            text += heard.take({"type": "content_block_delta", "index": at, "delta": delta})
        text += heard.take({"type": "content_block_stop", "index": at})
    text += heard.take({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage})
    return heard, text + heard.take({"type": "message_stop"})


def called(*parts: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return CALL, [{"type": "input_json_delta", "partial_json": part} for part in parts]


def test_what_a_message_cites_thinks_and_says_is_kept_in_its_order() -> None:
    source = {"type": "char_location", "cited_text": "x"}
    said = {"type": "text", "text": "", "citations": None}
    thought = {"type": "thinking", "thinking": "", "signature": ""}
    heard, text = hear(
        (thought, [{"type": "thinking_delta", "thinking": "h"}, {"type": "thinking_delta", "thinking": "m"},
                   {"type": "signature_delta", "signature": "sig"}]),
        (said, [{"type": "text_delta", "text": "so"}, {"type": "citations_delta", "citation": source}]),
        ({"type": "hologram", "of": None}, [{"type": "hologram_delta", "of": 2}]),
    )  # fmt: skip
    assert heard.message()["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "text", "text": "so", "citations": [source]},
        {"type": "hologram", "of": None},
    ]
    assert text == "so" and said["text"] == ""  # what came is not changed


def test_a_character_of_a_call_may_come_in_halves() -> None:
    heard, _text = hear(called('{"a": "\ud83e', '\udde4"}'), stop="tool_use")
    assert json.loads(json.dumps(heard.message()))["content"][0]["input"] == {"a": "🧤"}


@pytest.mark.parametrize("stop", ["tool_use", "end_turn"])
def test_half_a_call_is_an_error_unless_the_answer_is_said_to_be_cut(stop: str) -> None:
    half = called('{"signal": "mod')
    with pytest.raises(ValueError, match="Unterminated"):
        hear(half, stop=stop)[0].message()
    with pytest.raises(ValueError, match="no object"):
        hear(called("[1]"), stop=stop)[0].message()
    assert hear(half, stop="max_tokens")[0].message()["content"] == [CALL]


def test_what_is_counted_last_counts() -> None:
    heard, _text = hear(output_tokens=50, cache_read_input_tokens=3, input_tokens=None)
    assert heard.message() == {
        "content": [], "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 50, "cache_read_input_tokens": 3},
    }  # fmt: skip


def test_a_message_that_was_not_said_to_the_end_has_no_reason_to_stop() -> None:
    heard = Heard()
    heard.take({"type": "content_block_start", "index": 0, "content_block": CALL})
    assert heard.stop_reason is None
