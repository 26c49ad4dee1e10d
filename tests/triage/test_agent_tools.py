"""What each tool of the model gives: from what there is, in words and findings, and that it changes nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nouns
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "playbook"))
from playbook_world import NOW, Diary, Readings, situation, spread
from pydantic import BaseModel

from console.errors import SourceError, UsageError
from console.library import library_dir
from console.model import (
    Diagnosis,
    Event,
    Exemplar,
    Incident,
    Labels,
    LogLine,
    Note,
    Question,
    Span,
    Thing,
    TraceSpan,
    Window,
    Windows,
)
from console.playbook.loader import built_in_step_types, library, load_text
from console.plugins import AgentTool
from console.triage.agent.looks import Looks
from console.triage.agent.tool import Past, Scene
from console.triage.agent.tools.past import similar

CHAT, SEARCH = Labels.of(model="chat", pod="chat-0", host="gpu-1"), Labels.of(model="search", pod="search-0")
CURRENT, BASELINE = Span(NOW - 900, NOW), Span(NOW - 4500, NOW - 3600)
BOOK = """
schema: andon/v1
name: slow
title: It is slow
inputs: {model: {from: incident.labels.model, default: chat}}
windows: {current: 15m, baseline: {offset: 1h}}
steps:
  - {id: latency, title: Slower?, uses: compare, with: {signal: model.latency, stat: p95}}
  - {id: golden, title: Same answers?, uses: probe}
causes:
  - {id: slow, title: Slow, evidence: [{if: 'steps.latency.verdict == "degraded"', weight: decisive}]}
"""


def gauge(value: float) -> Any:
    return lambda times, _step: np.full(times.shape, value)


class Lines:
    async def logs(self, request: Any) -> Sequence[LogLine]:
        is_now = request.span.start >= CURRENT.start
        usual = [LogLine(request.span.start + at, "web", "info", f"served request {at}") for at in range(60)]
        bad = [LogLine(CURRENT.start + 60 + at, "db", "error", f"connection {at} refused by peer") for at in range(40)]
        return sorted([*usual, *(bad if is_now else [])], key=lambda line: line.time)


class Calls:
    async def spans(self, request: Any) -> Sequence[TraceSpan]:
        slow = 0.9 if request.span.start >= CURRENT.start else 0.1
        found = []
        for at in range(50):
            start = request.span.start + at
            found.append(TraceSpan(f"t{at}", "a", "", "web", "GET", start, start + 0.05 + slow))
            found.append(TraceSpan(f"t{at}", "b", "a", "db", "query", start + 0.01, start + 0.01 + slow))
        return found


class Objects:
    async def objects(self, kind: str, name: str) -> Sequence[Thing]:
        pods = [Thing("pod", f"chat-{at}", "prod", Labels.of(phase="Running", ready="yes")) for at in range(40)]
        return [each for each in pods if each.kind.startswith(kind) and name in each.name]


class Rows:
    async def profiles(self, _request: Any) -> Sequence[Any]:
        return ()

    async def exemplars(self, request: Any) -> Sequence[Exemplar]:
        return [Exemplar(request.side, NOW - 5, "row", "row 7", Labels.of(text="hello", label="3"))]


def diagnosis(**changes: Any) -> Diagnosis:
    windows = Windows(Window((CURRENT,)), Window((BASELINE,), "offset"))
    return nouns.diagnosis(findings=(), windows=windows, **changes)


def scene(**changes: Any) -> Scene:
    readings = Readings({
        "model.latency": {CHAT: spread(0.05, since=NOW - 900, then=0.4)},
        "model.queue.depth": {CHAT: gauge(12.0), SEARCH: gauge(3.0)},
    })  # fmt: skip
    here = situation(
        readers=[readings], events={"git": Diary(Event(NOW - 800, "deploy", "db", "db 2.0", source="git"))},
        logs={"loki": Lines()}, traces={"tempo": Calls()}, objects={"cluster": Objects()}, tables={"rows": Rows()},
    )  # fmt: skip
    types = built_in_step_types()
    return Scene(
        here, types, changes.pop("diagnosis", diagnosis()), {"slow": load_text(BOOK, "slow", types)}, **changes
    )


async def look(tool: str, where: Scene | None = None, /, **arguments: Any) -> tuple[str, Looks]:
    looks = Looks(where or scene())
    return await looks.look(tool, arguments), looks


async def test_signals_are_those_that_there_is_data_of() -> None:
    told, looks = await look("signals")
    assert "model.queue.depth [{request}, gauge]" in told and "gpu.power" not in told and not looks.findings
    assert (await look("signals", words="QUEUE deep"))[0] == "none"


async def test_a_query_says_how_a_signal_went_and_can_be_cited() -> None:
    told, looks = await look("query", signal="model.queue.depth", by=["model"])
    assert told.startswith("2 series") and "12 request, 12 request" in told and "highest 12 request" in told
    assert [(each.id, each.signal, each.current and each.current.value) for each in looks.findings] == [
        ("F1", "model.queue.depth", 12.0), ("F2", "model.queue.depth", 3.0),
    ]  # fmt: skip
    assert told.count("12 request,") <= 24  # a point each, few of them


async def test_a_query_of_a_histogram_tells_its_mean_and_of_nothing_that_there_is_none() -> None:
    assert "count of model.latency" in (await look("query", signal="model.latency"))[0]  # nobody kept the sums
    with pytest.raises(UsageError, match=r"no source has gpu\.power"):
        await look("query", signal="gpu.power")


async def test_a_step_looks_at_the_windows_of_the_diagnosis_where_nothing_is_said() -> None:
    told, looks = await look("compare", signal="model.latency", stat="p95")
    assert told.startswith("degraded") and looks.findings[0].current is not None
    assert (looks.findings[0].current.start, looks.findings[0].current.end) == (CURRENT.start, CURRENT.end)


async def test_a_step_of_a_playbook_runs_again_but_none_that_asks_the_live_model() -> None:
    told, looks = await look("playbook_step", playbook="slow", step="latency")
    assert told.startswith("degraded") and looks.findings
    for asked in (
        {"playbook": "slow", "step": "golden"},
        {"playbook": "slow", "step": "x"},
        {"playbook": "x", "step": "y"},
    ):
        with pytest.raises(UsageError):
            await look("playbook_step", **asked)


async def test_rank_puts_logs_traces_and_changes_together() -> None:
    told, looks = await look("rank")
    assert "service db" in told.splitlines()[1] or "event" in told.splitlines()[1], told
    assert {each.kind for each in looks.findings} == {"rank"}


async def test_topology_tells_what_runs_where_and_who_calls_whom() -> None:
    told, _looks = await look("topology")
    assert "host=gpu-1, model=chat, pod=chat-0" in told and "web calls db (50 calls seen)" in told
    narrow, _looks = await look("topology", about="search")
    assert "search-0" in narrow and "chat-0" not in narrow


async def test_objects_are_told_with_their_facts_and_no_more_than_fit() -> None:
    told, looks = await look("objects", kind="pod")
    assert told.startswith("40 objects, 10 more") and len(looks.findings) == 30
    assert "pod prod/chat-0 of phase=Running, ready=yes" in told
    assert (await look("objects", name="chat-17"))[0].startswith("1 objects")


async def test_examples_are_told_as_a_source_redacted_them() -> None:
    told, looks = await look("exemplars", side="baseline")
    assert "baseline input of" in told and "label=3, text=hello" in told
    assert looks.findings[0].kind == "exemplar"
    with pytest.raises(UsageError, match="no source of rows"):
        await look("exemplars", source="other")


async def test_what_no_source_tells_is_said_and_the_rest_goes_on() -> None:
    class Silent:
        async def objects(self, _kind: str, _name: str) -> Sequence[Thing]:
            raise SourceError("the cluster \x1b[2J does not answer")

    where = scene()
    where.situation.estate.objects["other"] = Silent()
    told, _looks = await look("objects", where, name="chat-17")
    assert "1 objects" in told and "does not answer" in told and "\x1b" not in told


def past(id_: str, *, signal: str = "model.latency", cause: str = "slow", **changes: Any) -> Past:
    fields = {"id": id_, "state": "closed", "opened": NOW - 86400.0, "closed": NOW - 80000.0, **changes}
    incident = nouns.incident(**fields)
    incident = replace(incident, symptom=replace(incident.symptom, signal=signal))
    causes = (nouns.cause(cause, playbook="slow"),) if cause else ()
    return Past(incident, nouns.diagnosis(causes=causes, incident=incident), ("Scale up (P-3, verified)",))


async def test_an_earlier_incident_counts_only_where_its_cause_is_found_again_now() -> None:
    async def remember() -> Sequence[Past]:
        return [past("I-7"), past("I-8", cause="gone"), past("I-9", signal="x", cause="", subject="other")]

    told, looks = await look("past_incidents", scene(remember=remember))
    assert [each.id for each in looks.findings] == ["F1"]
    assert "I-7" in looks.findings[0].text and "fixed by Scale up (P-3, verified)" in looks.findings[0].text
    assert "found again now" in looks.findings[0].text
    assert "I-8" in told and "it counts for nothing" in told


def test_similar_incidents_are_those_with_its_cause_symptom_or_subject_or_the_words_asked_for() -> None:
    here: Incident = nouns.incident(id="I-20", symptom=replace(nouns.incident().symptom, signal="model.latency"))
    now = diagnosis(incident=here, causes=())
    known = [
        past("I-1", signal="x", cause="a", subject="else"),
        past("I-2", cause="a"),
        past("I-3", signal="y", cause="b"),
    ]
    assert [each.incident.id for each in similar(known, now)] == ["I-2", "I-3"]
    noted = replace(known[0], incident=replace(known[0].incident, notes=(Note(NOW, "ada", "the fan was Dusty"),)))
    assert [each.incident.id for each in similar([noted, *known[1:]], now, "dusty fan")] == ["I-1"]


async def test_the_operator_is_asked_where_somebody_can_be_and_the_answer_can_be_cited() -> None:
    async def ask(question: Question) -> str | None:
        return "yes\x1b[2J" if question.answers else None

    _told, looks = await look("ask_operator", scene(ask=ask), question="Was it you?", answers=["yes", "no"])
    assert looks.findings[0].kind == "answer" and "said 'yes'" in looks.findings[0].text and looks.waited > 0
    with pytest.raises(UsageError, match="nobody answered"):
        await look("ask_operator", scene(ask=ask), question="Why?")
    with pytest.raises(UsageError, match="there is no tool 'ask_operator'"):
        await look("ask_operator", question="Why?")


class Model(BaseModel):
    name: str


async def test_tools_of_plugins_may_fail_in_any_way() -> None:
    async def call(_situation: Any, asked: Any) -> str:
        if asked.name == "bad":
            raise ZeroDivisionError("\x1b[2Jno")
        return f"card of {asked.name}\n\ntoken=hunter2hunter2"

    offered = (AgentTool("model_card", "The card of a model.", Model, call), AgentTool("compare", "Mine!", Model, call))
    told, looks = await look("model_card", scene(offered=offered), name="chat")
    assert "F1" in told and "card of chat" in told and "hunter2" not in told and len(looks.findings) == 2
    with pytest.raises(UsageError, match="it failed: ZeroDivisionError: no"):
        await look("model_card", scene(offered=offered), name="bad")
    with pytest.raises(UsageError, match="name: Field required"):
        await look("model_card", scene(offered=offered))
    names = [each["name"] for each in Looks(scene(offered=offered)).tools()]
    assert names.count("compare") == 1 and names[-2:] == ["model_card", "search"]


async def test_every_schema_is_small_and_says_what_it_wants() -> None:
    async def ask(_question: Question) -> str | None:
        return None

    books = library([library_dir("playbooks")], built_in_step_types(), on_problem=print)
    tools = Looks(replace(scene(ask=ask), playbooks=books)).tools()
    for tool in tools:
        assert tool["input_schema"]["type"] == "object" and 10 < len(tool["description"]) < 300
        assert "title" not in tool["input_schema"] and "null" not in str(tool["input_schema"])
    assert len(str(tools)) < 13_000
