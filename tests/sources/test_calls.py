"""What crosses the pipe to a child arrives as it was, and a child of our own kinds carries no more than it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from math import inf
from typing import Any

import pytest

from console.model import (
    ColumnProfile,
    Event,
    Gpu,
    GpuLink,
    GpuProcess,
    Kind,
    Labels,
    Profile,
    Reading,
    SeriesKey,
    Span,
)
from console.plugins import load_plugins
from console.sources.calls import CALLS, line, plain
from console.sources.types import ExemplarRequest, ProfileGroup, ProfileRequest

COLUMN = ColumnProfile("light", "numeric", "DOUBLE", 3, edges=(0.5,), counts=(1, 2), mean=0.7)
PROFILE = Profile((COLUMN,), 3, 0.0, 1.0)
GLOVE = Labels.of(model="glove")


def over_the_pipe(value: Any) -> Any:
    return json.loads(line({"it": plain(value)}))["it"]


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("collect", [12.5]),
        ("gpus", ["3"]),
        ("gpus", [None]),
        ("events", [Span(1.0, 2.0), ("deploy", "xid")]),
        ("profiles", [ProfileRequest((Span(1.0, 2.0),), GLOVE, ("light",), PROFILE, "line", 60.0)]),
        ("profiles", [ProfileRequest(())]),
        ("exemplars", [ExemplarRequest("current", (Span(1.0, 2.0),), GLOVE, "light", 0.5, 2)]),
    ],
)
def test_arguments_arrive_as_they_were(call: str, arguments: list[Any]) -> None:
    assert CALLS[call].arguments(over_the_pipe(arguments)) == arguments


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("collect", (Reading(SeriesKey("model.ttft", GLOVE, Kind.HISTOGRAM, (0.1, inf)), 1.0, 2.0, (1.0, 3.0)),)),
        ("events", (Event(1.0, "deploy", "glove", "v2"),)),
        ("profiles", (ProfileGroup("a", None, PROFILE),)),
        ("gpus", (Gpu("0", "a", "u", "T", GLOVE, (GpuProcess(7, memory=1.0),), (GpuLink(0, None, {"crc": 1.0}),)),)),
        ("slices", ("line",)),
    ],
)
def test_answers_arrive_as_they_were(call: str, answer: Any) -> None:
    assert CALLS[call].answer(over_the_pipe(answer)) == answer


def test_what_is_no_noun_is_refused_by_its_name() -> None:
    @dataclass
    class Holds:
        it: object

    with pytest.raises(TypeError, match="a set is nothing to send"):
        plain([Holds({1})])


@pytest.mark.parametrize(("kind", "loaded"), [("host", "[]"), ("table", "['numpy']")])
def test_a_child_loads_what_reads_its_source_and_not_what_checks_settings(kind: str, loaded: str) -> None:
    (offer,) = [offer for _plugin, offer in load_plugins().offers("andon_sources") if offer.kind == kind]
    code = (
        "import sys; from console.sources.inside import _open; from console.sources.calls import Opening;"
        f"_open(Opening('x', '{kind}', 'console.sources.builtin', '', OPTIONS, {offer.inside!r}));"
        "print([name for name in ('pydantic', 'pluggy', 'numpy', 'asyncio', 'httpx') if name in sys.modules])"
    )
    options = offer.options(**({"path": "/nowhere/rows.jsonl"} if kind == "table" else {})).model_dump()
    done = subprocess.run(
        [sys.executable, "-c", code.replace("OPTIONS", repr(options))], capture_output=True, text=True, timeout=20
    )
    assert done.stdout.strip() == loaded, done.stderr
