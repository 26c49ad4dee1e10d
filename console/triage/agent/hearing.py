"""A message put together from the events of a stream, as it was said: each block goes back with the next request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GROWS = {"text_delta": "text", "thinking_delta": "thinking"}
MOST_HEARD = 200_000  # characters of one answer: many times the tokens that it may have
CUT = ("max_tokens", "model_context_window_exceeded", "refusal")


class TooMuch(ValueError):
    """More than any answer has."""


@dataclass(slots=True)
class Heard:
    """What has come so far. The SDK's own takes no half of a character in a call, which servers that count in UTF-16
    send, and takes half a call for a whole one."""

    stop_reason: str | None = None  # comes after all blocks
    usage: dict[str, Any] = field(default_factory=dict)
    _blocks: dict[int, dict[str, Any]] = field(default_factory=dict)
    _inputs: dict[int, str] = field(default_factory=dict)
    _count: int = 0

    def take(self, event: Mapping[str, Any]) -> str:
        """One event more; the text that came with it. Events and pieces of a kind that nobody knows add nothing.

        Raises TooMuch for an answer without end.
        """
        match event:
            case {"type": "message_start", "message": message}:
                self.usage |= message.get("usage") or {}
            case {"type": "content_block_start", "index": at, "content_block": block}:
                self._blocks[at] = dict(block)
            case {"type": "content_block_delta", "index": at, "delta": delta}:
                return self._grown(at, delta)
            case {"type": "message_delta", "delta": delta}:
                self.stop_reason = delta.get("stop_reason")
                said = event.get("usage") or {}
                self.usage |= {name: count for name, count in said.items() if count is not None}
        return ""

    def message(self) -> dict[str, Any]:
        """All of it. Without blank text, which a model may say, but the API does not take back.

        Raises ValueError where the input of a call is no JSON object; that of an answer that was cut is left out.
        """
        for at, whole in self._inputs.items():
            if whole and self.stop_reason not in CUT:
                self._blocks[at]["input"] = _object(whole)
        blocks = [block for _at, block in sorted(self._blocks.items())]
        said = [block for block in blocks if block["type"] != "text" or block["text"].strip()]
        return {"content": said, "stop_reason": self.stop_reason, "usage": self.usage}

    def _grown(self, at: int, delta: Mapping[str, Any]) -> str:
        block, kind = self._blocks[at], delta["type"]
        self._count += sum(len(said) for said in delta.values() if isinstance(said, str))
        if self._count > MOST_HEARD:
            raise TooMuch(f"it said more than {MOST_HEARD:,} characters at once")
        if name := GROWS.get(kind):
            block[name] = (block.get(name) or "") + delta[name]
        elif kind == "signature_delta":
            block["signature"] = delta["signature"]
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or ()), delta["citation"]]
        elif kind == "input_json_delta":
            self._inputs[at] = self._inputs.get(at, "") + delta["partial_json"]
        return str(delta["text"]) if kind == "text_delta" else ""


def _object(text: str) -> dict[str, Any]:
    given = json.loads(text)
    if not isinstance(given, dict):
        raise ValueError("the input of a call is no object")
    return given
