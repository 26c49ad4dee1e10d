"""A transcript gone through once more, with no key and no endpoint: what the model said then, held to what is checked
today. Its looks are not taken again: what they gave is in the transcript.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from console.errors import SourceMalformed, UsageError
from console.model import AgentSays, Diagnosis, Finding, Transcript
from console.triage.agent.budget import Limits
from console.triage.agent.explaining import about
from console.triage.agent.probing import Able
from console.triage.agent.speaker import OnText, Reply
from console.triage.agent.talking import Talking

NO_END = float("inf")


@dataclass(slots=True)
class Retold:
    """A speaker that says what a model once said."""

    replies: Iterator[Reply]

    async def say(self, request: Mapping[str, Any], on_text: OnText, seconds: float) -> Reply:
        """The next one; SourceMalformed where there is none."""
        reply = next(self.replies, None)
        if reply is None:
            raise SourceMalformed("the transcript ends here")
        return reply

    def looked(self, name: str, began: float, ended: float, *, is_refused: bool) -> None:
        """That was then."""


@dataclass(slots=True)
class Remembered:
    """Looks that were taken then: all that they found is known from the beginning."""

    findings: list[Finding] = field(default_factory=list)
    waited: float = 0.0

    def tools(self) -> list[dict[str, Any]]:
        """They are in the transcript's head."""
        return []

    def redact(self, text: str) -> str:
        """Nothing leaves."""
        return text

    async def look(self, name: str, arguments: Mapping[str, Any], room: int) -> str:
        """What it gave stands in the transcript."""
        return "as it was"


async def replayed(transcript: Transcript, diagnosis: Diagnosis) -> AgentSays:
    """What the model said of this diagnosis, with what it cost then.

    Raises UsageError for a transcript of another diagnosis: its citations would mean other findings.
    """
    then = transcript.says
    if transcript.about != about(diagnosis):
        raise UsageError(f"{transcript.model} spoke of other findings", "examine it again to hear of these")
    messages = [*map(_sound, transcript.messages)]
    earlier, own = messages[: transcript.before], messages[transcript.before :]
    found = then.findings if then is not None else ()
    talking = Talking(
        transcript.model, Retold(_replies(own)), Remembered(), diagnosis, transcript.question,
        earlier=earlier, found=found, able=Able(tools="tools" in transcript.head),
        limits=Limits(1_000_000, 1_000_000_000, 0.0, NO_END, 0.0), pause=0.0,
    )  # fmt: skip
    says = (await talking.through()).says
    if then is None:
        return says
    stopped = then.stopped if says.stopped else ""  # why it ended then, not that the transcript ends
    return replace(says, findings=found, usage=then.usage, stopped=stopped)


def _sound(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message as it has to be, for a transcript may come from elsewhere."""
    content = message.get("content")
    blocks = [block for block in content if isinstance(block, Mapping)] if isinstance(content, list) else []
    return {"role": message.get("role"), "content": blocks}


def _replies(messages: Sequence[Mapping[str, Any]]) -> Iterator[Reply]:
    for message in messages:
        if message["role"] == "assistant":
            content = tuple(message["content"])
            is_call = any(block.get("type") == "tool_use" for block in content)
            yield Reply(content, "tool_use" if is_call else "end_turn")
