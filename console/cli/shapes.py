"""The published shapes of what commands print: `andon schema NAME`."""

from __future__ import annotations

from typing import Any

from console.lab.score import Score
from console.lab.standing import Standing
from console.model import (
    AgentSays,
    Diagnosis,
    Event,
    Finding,
    Incident,
    PlanRecord,
    Question,
    Ranking,
    Transcript,
    Verdict,
)
from console.playbook.explaining import Explanation
from console.remedy.policy import Decision
from console.sources.types import SourceStatus
from console.triage.comparing import Compared
from console.triage.planning import PlannedRun
from console.triage.rows_drift import DriftReport
from console.wire import schema

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def _text() -> dict[str, Any]:
    return {"type": "string"}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


SPAN = _object(start={"type": "number"}, end={"type": "number"})
NUMBER = {"type": "number"}
PIN = _object(name=_text(), spans=_list(SPAN))
BRIEF = _object(
    id=_text(),
    title=_text(),
    state=_text(),
    opened=NUMBER,
    subject=_text(),
    owner=_text(),
    questions={"type": "integer"},
)
LIGHT = _object(state={"enum": ["ok", "degraded", "stale", "no_data"]}, age={"type": ["number", "null"]})
MAYBE_NUMBER = {"type": ["number", "null"]}
NUMBERS = {"type": "object", "additionalProperties": NUMBER}
GPU = _object(
    source=_text(),
    host=_text(),
    gpu=_text(),
    uuid=_text(),
    name=_text(),
    state={"enum": ["ok", "degraded", "stale"]},
    reason=_text(),
    age=NUMBER,
    values=NUMBERS,
    spark=_text(),
)
LATENCY = _object(
    model=_text(),
    signal=_text(),
    **dict.fromkeys(("p50", "p95", "p99", "rate", "errors", "queue", "kv", "tokens", "ratio"), MAYBE_NUMBER),
    baseline={"type": ["object", "null"]},
    verdict={"enum": [str(verdict) for verdict in Verdict]},
    reason=_text(),
    age=NUMBER,
    spark=_text(),
)
WAITING_PLAN = _object(
    id=_text(),
    title=_text(),
    state=_text(),
    text=_text(),
    risk=_text(),
    operator=_text(),
    incident=_text(),
    changed=NUMBER,
    expires=NUMBER,
)
PICTURE: dict[str, Any] = {
    "version": _text(),
    "config": _text(),
    "now": NUMBER,
    "interval": NUMBER,
    "gpus": _list(GPU),
    "latency": _list(LATENCY),
    "drift": _list({"type": "object"}),
    "links": {"type": "object", "additionalProperties": _text()},
    "hints": _list(_text()),
    "models": _list(_object(model=_text(), lights={"type": "object", "additionalProperties": LIGHT})),
    "incidents": _list(BRIEF),
    "plans": _list(WAITING_PLAN),
    "sources": _list(_object(name=_text(), kind=_text(), state=_text(), age={"type": ["number", "null"]})),
    "troubles": _list(_text()),
}

SOURCE_LOOK = _object(name=_text(), state=_text(), reason=_text())
ALERT = _object(
    id=_text(),
    name=_text(),
    text=_text(),
    subject=_text(),
    state={"enum": ["firing", "silenced", "inhibited", "resolved"]},
    started=NUMBER,
    labels={"type": "object", "additionalProperties": _text()},
    annotations={"type": "object", "additionalProperties": _text()},
    url=_text(),
    source=_text(),
    silences=_list(_text()),
    incident=_text(),
)
SILENCE = _object(
    id=_text(),
    matchers=_list(_text()),
    start=NUMBER,
    end=NUMBER,
    author=_text(),
    comment=_text(),
    state=_text(),
    source=_text(),
    alerts={"type": "integer"},
)

# A dataclass where the shape is one of the nouns; a schema where it is a list or a small table of its own.
SHAPES: dict[str, type[Any] | dict[str, Any]] = {
    "diagnosis": Diagnosis,
    "finding": Finding,
    "drift": DriftReport,
    "incident": Incident,
    "rank": Ranking,
    "compare": Compared,
    "event": Event,
    "events": _list(schema(Event)),
    "plan": PlannedRun,
    "remedy-plan": PlanRecord,
    "remedy-plans": _list(schema(PlanRecord)),
    "remedy-decision": _object(plan=schema(PlanRecord), decision=schema(Decision)),
    "remedy-policy": _object(path=_text(), sha256=_text(), rules=_list(_text())),
    "audit-lines": _list(
        _object(
            number={"type": "integer"},
            time=NUMBER,
            operator=_text(),
            what=_text(),
            subject=_text(),
            facts={"type": "object"},
            hash=_text(),
        )
    ),
    "audit-verified": _object(
        lines={"type": "integer"},
        anchors={"type": "integer"},
        fault={"type": ["string", "null"]},
        head={"type": ["string", "null"]},
    ),
    "source-status": SourceStatus,
    "incidents": _list(schema(Incident)),
    "exported": _object(file=_text()),
    "examination": _object(incident=_text()),
    "sources": _object(
        sources=_list(_object(name=_text(), kind=_text())), kinds=_list(_object(kind=_text(), title=_text()))
    ),
    "source-statuses": _list(schema(SourceStatus)),
    "pin": PIN,
    "pins": _list(PIN),
    "board": _object(**PICTURE),
    "status": _object(**PICTURE, data=_text(), started=NUMBER),
    "alerts": _object(
        now=NUMBER,
        alerts=_list(ALERT),
        counts={"type": "object", "additionalProperties": {"type": "integer"}},
        total={"type": "integer"},
        sources=_list(SOURCE_LOOK),
    ),
    "silences": _object(now=NUMBER, silences=_list(SILENCE), sources=_list(SOURCE_LOOK)),
    "silenced": _object(id=_text(), source=_text(), end=NUMBER, alerts={"type": "integer"}),
    "unsilenced": _object(id=_text(), source=_text()),
    "notified": _object(name=_text()),
    "settings": _object(data=_text(), interval=NUMBER, sources=_list(_object(name=_text(), kind=_text()))),
    "config-path": _object(path=_text(), exists={"type": "boolean"}),
    "playbooks": _list(_object(name=_text(), title=_text(), path=_text(), steps={"type": "integer"})),
    "playbook": _object(
        name=_text(),
        title=_text(),
        path=_text(),
        steps=_list(_object(id=_text(), title=_text(), uses=_text())),
        causes=_list(_object(id=_text(), title=_text())),
    ),
    "playbook-new": _object(file=_text(), name=_text(), signal=_text(), by=_list(_text()), suspects=_list(_text())),
    "explanation": Explanation,
    "runs": _list(
        _object(
            id=_text(),
            playbook=_text(),
            state={"enum": ["finished", "paused", "under way", "left"]},
            started=NUMBER,
            operator=_text(),
            verdict={"enum": [*map(str, Verdict), None]},  # null: under way
            incident=_text(),
            waits=_list(_object(step=_text(), question=schema(Question))),
        )
    ),
    "playbook-tests": _object(
        tests=_list(
            _object(
                playbook=_text(),
                bundle=_text(),
                expect=_text(),
                state={"enum": ["passed", "failed", "error"]},
                differences=_list(_text()),
                seconds=NUMBER,
            )
        ),
        untested=_list(_text()),
    ),
    "agent": AgentSays,
    "transcript": Transcript,
    "transcripts": _list(schema(Transcript)),  # without their messages
    "evaluation": _object(
        model={"type": ["string", "null"]},  # null: none was asked
        runs={"type": "integer"},
        share=MAYBE_NUMBER,  # of right answers: with the model, by the numbers where none was asked; null: none graded
        fail_under=NUMBER,
        interrupted={"type": "boolean"},
        exit={"type": "integer"},
        bundles=_list(
            {
                **_object(**dict.fromkeys(("bundle", "expected", "by", "found", "skipped", "error", "hint"), _text())),
                **{"properties": {"is_right": {"type": "boolean"}, "right": {"type": "integer"}}},
            }
        ),
    ),
    "playbook-checks": _list(_object(file=_text(), ok={"type": "boolean"}, message=_text())),
    "lab-score": Score,
    "lab-standing": Standing,
    "faults": _list(
        _object(name=_text(), title=_text(), place=_text(), simulated={"type": "boolean"}, expect={"type": "object"})
    ),
    "doctor": _list(_object(check=_text(), state={"enum": ["ok", "missing", "wrong"]}, text=_text())),
}


def shape_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one shape; KeyError where there is none of that name."""
    shape = SHAPES[name]
    body = shape if isinstance(shape, dict) else schema(shape)
    definitions: dict[str, Any] = {}
    body = _without_definitions(body, definitions)
    found = {"$defs": definitions} if definitions else {}
    return {"$schema": DRAFT, "title": f"andon {name}", **body, **found}


def _without_definitions(node: Any, found: dict[str, Any]) -> Any:
    """Move every `$defs` into `found`: what refers to them looks at the top of the document alone."""
    if isinstance(node, list):
        return [_without_definitions(each, found) for each in node]
    if not isinstance(node, dict):
        return node
    if "$defs" in node:
        found.update(_without_definitions(node["$defs"], found))
    return {key: _without_definitions(each, found) for key, each in node.items() if key != "$defs"}
