"""What was sent to a model and what it answered, step by step, for a person at a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from console import words
from console.model import Transcript
from console.report import phrases
from console.report.clean import clean
from console.report.tables import columns
from console.report.text import said_text

WHO = {"user": "andon", "assistant": "the model"}
MOST_ARGUMENTS = 400  # characters of a call that are shown


def transcripts_text(found: Sequence[Transcript]) -> str:
    """A line for each."""
    rows = [
        (
            each.id, words.instant(each.time), each.incident or "–", each.model, each.operator or "–",
            each.question or "explains it", phrases.cost(each.says.usage) if each.says else "–",
            (each.says.stopped or "concluded") if each.says else "–",
        )
        for each in found
    ]  # fmt: skip
    return columns(
        ["id", "time", "incident", "model", "asked by", "question", "cost", "end"], rows, empty="no model was asked yet"
    )


def transcript_text(kept: Transcript, *, width: int = 80) -> str:
    """All of one: its messages, numbered, and what came of it."""
    lines = [f"{kept.id}  {words.instant(kept.time)}  {clean(kept.model)}  about {kept.incident or 'a symptom'}"]
    lines += [f"asked by {clean(kept.operator)}: {clean(kept.question) or 'explain it'}"] if kept.operator else []
    if not kept.messages:
        lines.append("its messages were too long to be kept")
    for number, message in enumerate(kept.messages, 1):
        old = ", of an earlier investigation" if number <= kept.before else ""
        lines += ["", f"── {number}  {WHO.get(str(message.get('role')), '?')}{old}", *_content(message.get("content"))]
    if kept.says is not None:
        lines += ["", said_text(kept.says, width=width).rstrip()]
    return "\n".join(lines)


def request_text(request: Mapping[str, Any]) -> str:
    """A request in words: what it is allowed to say, its rules, its tools, its messages."""
    sent = len(json.dumps(request, ensure_ascii=False).encode())
    lines = [f"{sent:,} bytes to {clean(str(request.get('model')))}, at most {request.get('max_tokens')} tokens back"]
    lines += ["", "── rules", *_content(request.get("system")), "", "── tools"]
    for tool in request.get("tools", ()):
        lines.append(f"{clean(str(tool['name']))}: {clean(str(tool['description']))}")
    for number, message in enumerate(request.get("messages", ()), 1):
        lines += ["", f"── {number}  {WHO.get(str(message.get('role')), '?')}", *_content(message.get("content"))]
    return "\n".join(lines)


def _content(content: Any) -> Iterator[str]:
    for block in content if isinstance(content, Sequence) and not isinstance(content, str) else ():
        match block:
            case {"type": "text", "text": text} | {"type": "thinking", "thinking": text}:
                yield from _lines(text)
            case {"type": "tool_use", "name": name, "input": given}:
                said = json.dumps(given, ensure_ascii=False)
                yield f"→ {clean(str(name))} {clean(said[:MOST_ARGUMENTS])}"
            case {"type": "tool_result", "content": inner}:
                yield from (f"← {line}" if place == 0 else f"  {line}" for place, line in enumerate(_content(inner)))
            case _:
                yield "(what cannot be shown)"


def _lines(text: object) -> Iterator[str]:
    yield from (clean(line) for line in str(text).splitlines())
