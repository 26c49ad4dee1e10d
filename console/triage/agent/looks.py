"""What a model may look at: steps that read, as playbooks use them, and nothing else. Whatever it asks for is checked
as a playbook's step is, bounded, and comes back as findings that it can cite.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from console.errors import AndonError, UsageError
from console.model import Finding, StepResult
from console.playbook.engine import run
from console.playbook.loader import load_text
from console.plugins import StepType
from console.sources.estate import Situation
from console.sources.redact import shown_line

READ = ("compare", "now", "events", "logs", "drift", "traces")  # a probe asks the live model: not without a person
MOST_ANSWER = 6_000  # characters of one answer; the rest is kept aside
MOST_FINDINGS = 40  # of one look
MOST_KEPT = 20
MOST_FOUND = 40  # lines
MOST_EXAMPLE = 300  # characters
SPAN = {"type": "string", "description": "the current window: 15m, or START..END (RFC 3339)"}
BASELINE = {
    "type": "object",
    "description": 'what it is compared with: {"offset": "1d"} or {"seasonal": {"period": "1d", "count": 7}}',
}


@dataclass(slots=True)
class Looks:
    """The looks of one investigation. Findings go on where those of the diagnosis end."""

    situation: Situation
    step_types: Mapping[str, StepType]
    current: str = "15m"
    baseline: Mapping[str, Any] = field(default_factory=lambda: {"offset": "1d"})
    findings: list[Finding] = field(default_factory=list)
    redact: Callable[[str], str] = str
    _kept: dict[str, str] = field(default_factory=dict)

    def tools(self) -> list[dict[str, Any]]:
        """What the model is told that it may call, in an order that never changes: what stands first is cached."""
        steps = [_tool(self.step_types[name]) for name in READ if name in self.step_types]
        return [*steps, SEARCH]

    async def look(self, name: str, arguments: Mapping[str, Any]) -> str:
        """What one call gives, as text. UsageError for a tool that is none, and for arguments that do not fit."""
        if name == SEARCH["name"]:
            return self._searched(arguments)
        if name not in READ or name not in self.step_types:
            raise UsageError(f"there is no tool {shown_line(name, 60)!r}", f"there are {', '.join(READ)} and search")
        result = await self._step(name, dict(arguments))
        found = [replace(each, id=f"F{len(self.findings) + at}") for at, each in enumerate(result.findings, 1)]
        del found[MOST_FINDINGS:]
        self.findings += found
        state = f"{result.state}{': ' * bool(result.reason)}{shown_line(result.reason)}"
        return self._bounded("\n".join([state, *map(worded, found)]))

    async def _step(self, name: str, arguments: dict[str, Any]) -> StepResult:
        windows = {
            "current": arguments.pop("current", self.current),
            "baseline": arguments.pop("baseline", self.baseline),
        }
        book = {
            "schema": "andon/v1", "name": "look", "title": "A look", "windows": windows,
            "steps": [{"id": "look", "title": "A look", "uses": name, "with": arguments}],
        }  # fmt: skip
        text = json.dumps(book)
        if "${{" in text:
            raise UsageError(f"{name}: nothing fills holes here", "give the values themselves")
        try:
            playbook = load_text(text, "look", self.step_types)
            done = await run(playbook, {}, self.situation, step_types=self.step_types)
        except AndonError as error:
            raise UsageError(f"{name}: {error.message}", error.hint) from None
        return done.steps[0]

    def _bounded(self, text: str) -> str:
        """What leaves: without secrets, and cut, where the rest can be searched."""
        text = self.redact(text)
        if len(text) <= MOST_ANSWER:
            return text
        if len(self._kept) >= MOST_KEPT:
            return f"{text[:MOST_ANSWER]}\n… cut here"
        name = f"K{len(self._kept) + 1}"
        self._kept[name] = text
        return f"{text[:MOST_ANSWER]}\n… {len(text) - MOST_ANSWER} characters more are kept as {name}: search them"

    def _searched(self, arguments: Mapping[str, Any]) -> str:
        kept, words = str(arguments.get("kept", "")), str(arguments.get("words", "")).casefold().split()
        if kept not in self._kept or not words:
            raise UsageError(
                f"nothing is kept as {shown_line(kept, 20)!r}, or no words were given", ", ".join(self._kept)
            )
        lines = self._kept[kept].splitlines()
        found = [line for line in lines if all(word in line.casefold() for word in words)]
        more = f"\n… and {len(found) - MOST_FOUND} more" if len(found) > MOST_FOUND else ""
        return ("\n".join(found[:MOST_FOUND]) + more)[:MOST_ANSWER] or "no line has all of these words"


SEARCH: dict[str, Any] = {
    "name": "search",
    "description": "Lines of an answer that was kept aside.",
    "input_schema": {
        "type": "object",
        "properties": {"kept": {"type": "string", "description": "K1, K2 …"}, "words": {"type": "string"}},
        "required": ["kept", "words"],
    },
}


def worded(finding: Finding) -> str:
    """One finding on a line, as the model cites it, and examples of it below."""
    why = f" ({shown_line(finding.reason)})" if finding.reason else ""
    said = f"{finding.id} [{finding.verdict}] {shown_line(finding.text)}{why}"
    return said + "".join(
        f"\n    {shown_line(each.caption, MOST_EXAMPLE)}" for each in finding.exemplars[:3] if each.kind == "text"
    )


def _tool(step: StepType) -> dict[str, Any]:
    schema = step.options.model_json_schema()
    schema["properties"] = {**schema.get("properties", {}), "current": SPAN, "baseline": BASELINE}
    return {
        "name": step.name,
        "description": f"{step.title}. Gives findings that can be cited.",
        "input_schema": schema,
    }
