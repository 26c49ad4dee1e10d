"""What is sent: no more than it has to be, each request the one before it with little that is new, nothing of sources
that may not be sent; and what an endpoint can do is asked once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import nouns
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "playbook"))
from agents import CLAIM, Scripted, reply, uses
from playbook_world import NOW, Diary, Readings, situation, spread

from console.errors import SourceDenied, SourceMalformed
from console.model import Event, Exemplar, Finding, Labels, LogLine, Span, Verdict, Window, Windows
from console.playbook.bundles.redaction import Masks
from console.playbook.loader import built_in_step_types
from console.triage.agent.allowed import allowed, withheld
from console.triage.agent.budget import Limits
from console.triage.agent.looks import Looks
from console.triage.agent.probing import Able, probed
from console.triage.agent.prompt import facts
from console.triage.agent.talking import Talking
from console.triage.agent.tool import Scene

MOST_FIRST = 48_000  # bytes of a first request
LEAST_SAME = 0.8  # of each later one


class Written:
    """300 lines of a service in trouble, each of another kind, and long."""

    async def logs(self, request: Any) -> Sequence[LogLine]:
        return [
            LogLine(
                request.span.start + at, f"svc-{at % 7}", "error", f"code {chr(97 + at % 26)}{at} failed " + "ä" * 300
            )
            for at in range(300)
        ]


def logged(at: int) -> Finding:
    line = f"worker of shard {at} gave up: " + "漢字" * 60
    return Finding(
        f"F{at}", "log", "logs", f"new: {line}", Verdict.DEGRADED,
        exemplars=tuple(Exemplar("current", NOW, "text", f"{line} {n}") for n in range(3)),
    )  # fmt: skip


def body(request: Mapping[str, Any]) -> bytes:
    """As the endpoint's process sends it: what never changes first."""
    return json.dumps(request, ensure_ascii=False).encode()


def talking(model: Scripted, *, able: Able | None = None, **changes: Any) -> Talking:
    findings = tuple(logged(at) for at in range(1, 301))
    windows = Windows(Window((Span(NOW - 900, NOW),)), Window((Span(NOW - 4500, NOW - 3600),), "offset"))
    diagnosis = nouns.diagnosis(findings=findings, windows=windows)
    here = situation(
        readers=[Readings({"model.latency": {Labels.of(model="chat"): spread(0.05)}})], logs={"loki": Written()},
        events={"git": Diary(*(Event(NOW - at, "deploy", f"s{at}", "t" * 200, source="git") for at in range(1, 90)))},
    )  # fmt: skip
    looks = Looks(Scene(here, built_in_step_types(), diagnosis), Masks().text)
    return Talking("m", model, looks, diagnosis, able=able, pause=0.0, **changes)


async def test_a_first_request_is_short_and_each_later_one_is_the_one_before_with_little_more() -> None:
    looks = [
        reply(uses("logs", 1), uses("events", 2, current="1h")),
        reply(uses("search", 3, kept="K1", words="code"), uses("compare", 4, signal="model.latency")),
        reply(uses("query", 5, signal="model.latency"), uses("topology", 6), uses("signals", 7)),
        reply(*(uses("logs", at) for at in range(8, 14))),
    ]
    model = Scripted(*looks, reply(uses("conclude", 99, claims=[CLAIM])))
    done = await talking(model, able=Able()).through()
    assert done.says.claims and len(model.asked) == 5
    bodies = [*map(body, model.asked)]
    assert len(bodies[0]) <= MOST_FIRST
    for before, after in pairwise(bodies):
        same = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
        assert same / len(after) >= LEAST_SAME


async def test_what_an_endpoint_can_do_is_asked_once_and_counted() -> None:
    ready = reply(uses("ready", 1))
    model = Scripted(ready, reply(uses("conclude", 2, claims=[CLAIM])))
    one = talking(model)
    done = await one.through()
    assert one.able == Able() and done.says.usage.calls == 2 and done.says.claims
    assert [tool["name"] for tool in model.asked[0]["tools"]] == ["ready"]


async def test_an_endpoint_that_takes_no_cache_control_is_sent_none() -> None:
    model = Scripted(SourceMalformed("cache_control: Extra inputs are not permitted"), reply(uses("ready", 1)),
                     reply(uses("conclude", 2, claims=[CLAIM])))  # fmt: skip
    done = await talking(model).through()
    assert done.says.claims and ["cache_control" in asked for asked in model.asked] == [True, False, False]


@pytest.mark.parametrize("said", ['{"claims": [{"text": "x", "evidence": ["F1"]}]}', 'Sure:\n```json\n{"claims": '
                                  '[{"text": "x", "evidence": ["F1"]}]}\n```'])  # fmt: skip
async def test_a_model_without_tools_concludes_in_words_that_are_json(said: str) -> None:
    words = reply({"type": "text", "text": said}, stop="end_turn")
    model = Scripted(reply(stop="end_turn"), reply({"type": "text", "text": "hm"}, stop="end_turn"), words)
    done = await talking(model).through()
    assert [claim.text for claim in done.says.claims] == ["x"]  # "hm" was sent back once
    assert (
        all("tools" not in asked for asked in model.asked[1:])
        and "You cannot call tools" in model.asked[1]["system"][0]["text"]
    )


async def test_a_probe_that_fails_is_the_reason_why_nothing_is_said() -> None:
    done = await talking(Scripted(SourceDenied("the model m: invalid x-api-key"))).through()
    assert done.says.stopped == "the model m: invalid x-api-key"

    async def refuses(_request: Mapping[str, Any]) -> Any:
        raise SourceMalformed("no such model")

    with pytest.raises(SourceMalformed, match="no such model"):
        await probed("m", refuses)


async def test_what_is_found_twice_is_told_once() -> None:
    same = replace(nouns.finding("F2"), step="other")
    told = facts(nouns.diagnosis(findings=(nouns.finding("F1"), same, nouns.finding("F3", text="else"))))
    assert "  F1, F2 [degraded] accuracy fell" in told and told.count("accuracy fell") == 1


def test_facts_are_bounded_in_bytes_whatever_script_they_are_in() -> None:
    told = facts(nouns.diagnosis(findings=tuple(logged(at) for at in range(1, 301))))
    assert len(told.encode()) < 27_000 and "lines more, which there is no room for" in told


async def test_only_sources_that_are_allowed_are_looked_at_and_told() -> None:
    here = situation(
        readers=[Readings({})], logs={"loki": Written()},
        sources={"loki": Written(), "git": Diary(), "prom": Readings({})},
        events={"git": Diary()},
    ).estate  # fmt: skip
    logs, event = logged(1), nouns.finding("F2", kind="event", event=Event(NOW, "deploy", "x", "y", source="git"))
    number, said = nouns.finding("F3"), nouns.finding("F4", kind="answer")
    every = (logs, event, number, said)
    assert withheld(every, here, ("*",)) == frozenset()
    assert withheld(every, here, ("git",)) == {"F1", "F3"}
    assert withheld(every, here, ("prom", "loki")) == {"F2"}
    left = allowed(here, ("git",))
    assert (list(left.logs), list(left.events), left.readers, list(left.sources)) == ([], ["git"], [], ["git"])
    assert allowed(here, ("*",)) is here
    told = facts(nouns.diagnosis(findings=every), withheld(every, here, ("git",)))
    assert "F1, F3 [degraded] its source may not be sent" in told and "worker of shard" not in told


async def test_addresses_of_machines_are_told_where_that_is_wanted() -> None:
    assert Masks().text("at 10.1.2.3") != "at 10.1.2.3" and Masks(ips=False).text("at 10.1.2.3") == "at 10.1.2.3"
    assert "ada@" not in Masks(ips=False).text("ada@example.org at 10.1.2.3")


async def test_it_ends_where_it_is_interrupted() -> None:
    class Thinks(Scripted):
        async def say(self, request: Mapping[str, Any], on_text: Any, seconds: float) -> Any:
            self.asked.append(dict(request))
            self.talking.interrupt()
            return await super().say(request, on_text, seconds)

        talking: Talking

    model = Thinks(reply(uses("conclude", 1, claims=[CLAIM])))
    model.talking = talking(model, able=Able(), limits=Limits())
    done = await model.talking.through()
    assert (done.says.stopped, done.says.claims) == ("it was interrupted", ())
