"""Three hundred playbooks, each broken in one way: one sentence with the line and the key, and nothing else."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.cli import run as main
from console.errors import PlaybookError
from console.playbook.loader import built_in_step_types, load_text
from console.playbook.text import read

TYPES = built_in_step_types()
Place = tuple[str | int, ...]
Break = Callable[[Any, Callable[..., Any]], Place]
"""Breaks a tree, with a way to choose, and says where: the last word of the place is the key to be named."""

GOOD: dict[str, Any] = {
    "schema": "andon/v1",
    "name": "all_of_it",
    "title": "All of the language",
    "description": "One of each",
    "triggers": [{"signal": "model.latency", "verdict": "degraded"}, {"alert": {"alertname": "*Latency*"}}],
    "inputs": {
        "model": {"type": "string", "from": "incident.labels.model", "default": ""},
        "share": {"type": "number", "default": 2},
        "deep": {"type": "boolean", "default": False},
    },
    "vars": {"limit": 0.2, "track": "stable", "strict": True},
    "windows": {"current": "15m", "baseline": {"seasonal": {"period": "1w", "count": 4}}},
    "throttle": {"every": "10m", "per": ["model"]},
    "steps": [
        {
            "id": "latency",
            "title": "Is it slower?",
            "uses": "compare",
            "with": {
                "signal": "model.latency", "stat": "p95", "where": {"model": "${{ inputs.model }}"},
                "tolerance": "${{ vars.limit }}", "by": ["replica"],
            },
            "retry": {"times": 2, "wait": "5s"},
            "timeout": "20s",
        },
        {
            "id": "changed",
            "title": "What changed?",
            "if": 'steps.latency.verdict == "degraded"',
            "uses": "events",
            "with": {"kinds": ["deploy"], "around": {"onset_of": "latency"}},
            "on_error": "continue",
        },
        {
            "id": "tracks",
            "title": "Is ${{ each }} slower?",
            "uses": "compare",
            "foreach": ["stable", "canary"],
            "most": 5,
            "with": {"signal": "model.latency", "where": {"track": "${{ each }}"}},
            "windows": {"current": "1h", "baseline": {"offset": "1d"}},
            "dry_run": True,
        },
        {
            "id": "known",
            "title": "Was it announced?",
            "uses": "ask",
            "needs": ["changed"],
            "with": {"question": "Announced?", "type": "boolean", "roles": ["lead"], "ttl": "4h"},
        },
        {
            "id": "drained",
            "title": "Wait for the queue",
            "uses": "wait_for",
            "with": {"until": {"signal": "model.queue.depth", "below": 5}, "within": "5m"},
        },
        {"id": "told", "title": "Tell", "uses": "show", "with": {"markdown": "look", "command": "top -b"}},
        {
            "id": "sane",
            "title": "Is it sane?",
            "uses": "assert",
            "with": {"that": ["steps.latency.series > 0"], "message": "nothing to look at"},
        },
    ],
    "causes": [
        {
            "id": "bad_release",
            "title": "What was released is slower",
            "prior": "1:20",
            "subject": "${{ inputs.model }}",
            "evidence": [
                {"if": "steps.changed.count > 0", "weight": "moderate", "group": "change", "title": "changed"},
                {"if": "steps.known.boolean", "weight": "weak", "against": True},
            ],
            "remedies": ["roll_back"],
        },
        {"id": "load", "title": "More load", "evidence": [{"if": "steps.tracks.count > 1", "weight": "strong"}]},
    ],
    "remedies": [
        {
            "id": "roll_back", "uses": "kubernetes.undo", "with": {"workload": "x"}, "risk": "low",
            "verify": {"step": "latency", "want": "ok", "within": "5m"},
        },
        {"id": "wait", "uses": "host.command", "risk": "high"},
    ],
    "outputs": {"ratio": "steps.latency.ratio", "tracks": "steps.tracks.degraded"},
    "tests": [{"bundle": "a.andon", "inputs": {"model": "x"}, "expect": {"cause": "load", "never": ["bad_release"]}}],
}  # fmt: skip

STEP = st.integers(0, len(GOOD["steps"]) - 1)


def paths(tree: Any, place: Place = ()) -> list[Place]:
    """Every place of a tree that has a key."""
    if isinstance(tree, dict):
        return [found for key, value in tree.items() for found in [(*place, key), *paths(value, (*place, key))]]
    if isinstance(tree, list):
        return [found for at, value in enumerate(tree) for found in paths(value, (*place, at))]
    return []


def at(tree: Any, place: Place) -> Any:
    for part in place:
        tree = tree[part]
    return tree


FREE = re.compile(r"where|alert|^with|^vars|^inputs|^outputs")  # mappings whose keys are the author's
EVERY = paths(GOOD)
MAPPINGS = [(), *(place for place in EVERY if isinstance(at(GOOD, place), dict))]
CLOSED = [
    place
    for place in MAPPINGS
    if not place or not (FREE.search(str(place[-1])) or place[-2:-1] == ("remedies",) or place[0] == "tests")
]
CEL = [place for place in EVERY if place[-1] == "if"] + [("outputs", "ratio")]
REQUIRED = [
    ("schema",), ("name",), ("title",), ("steps",), ("steps", 0, "id"), ("steps", 1, "title"), ("steps", 2, "uses"),
    ("steps", 0, "with", "signal"), ("steps", 3, "with", "question"), ("steps", 6, "with", "that"),
    ("steps", 0, "retry", "times"), ("causes", 0, "id"), ("causes", 1, "evidence"), ("causes", 0, "title"),
    ("causes", 0, "evidence", 0, "if"), ("causes", 0, "evidence", 1, "weight"), ("remedies", 0, "risk"),
    ("remedies", 1, "uses"), ("remedies", 0, "verify", "within"), ("throttle", "every"), ("tests", 0, "bundle"),
    ("tests", 0, "expect"), ("windows", "baseline", "seasonal", "period"),
]  # fmt: skip
ANY_TYPE = {("steps", 0, "with"), ("inputs", "model", "default"), ("inputs", "deep", "default")}
WRONG_VALUES: dict[Place, list[Any]] = {
    ("name",): ["Two Words", ""],
    ("schema",): ["andon/v2"],
    ("triggers", 0, "signal"): ["model.latencies", "x"],
    ("triggers", 0, "verdict"): ["bad"],
    ("inputs", "model", "from"): ["labels.model"],
    ("inputs", "share", "type"): ["integer"],
    ("inputs", "share", "default"): ["two"],
    ("vars", "limit"): [[1], {"a": 1}, None],
    ("windows", "current"): ["15 parsecs", "soon", "0m", "2026-11-02T00:00:00Z..2026-11-01T00:00:00Z"],
    ("windows", "baseline"): [{}, {"offset": "1d", "pinned": "x"}, {"before": "onset"}, {"of": "latency"}],
    ("windows", "baseline", "seasonal", "count"): [0, 61, 1.5],
    ("windows", "baseline", "seasonal", "period"): ["weekly"],
    ("steps", 2, "windows", "baseline", "offset"): ["yesterday", "--1d"],
    ("throttle", "every"): ["often"],
    ("throttle", "per"): [["modle"]],
    ("steps", 0, "id"): ["Latency", "9x", "a-b", ""],
    ("steps", 0, "uses"): ["compere", ""],
    ("steps", 0, "timeout"): ["long"],
    ("steps", 0, "retry", "times"): [0, 6, "2"],
    ("steps", 0, "retry", "wait"): ["1h", "x"],
    ("steps", 0, "with", "stat"): ["p42"],
    ("steps", 0, "with", "tolerance"): ["a lot", -1, True],
    ("steps", 1, "on_error"): ["ignore"],
    ("steps", 1, "needs"): [["latencey"]],
    ("steps", 1, "with", "around", "onset_of"): ["latencey"],
    ("steps", 2, "foreach"): [[], ["a", 1], "a", {"a": 1}, "${{ inputs.model }}", "${{ steps.no.ok }}", [*"abcdef"]],
    ("steps", 2, "most"): [0, 1001, "5"],
    ("steps", 3, "with", "ttl"): ["a while"],
    ("steps", 3, "with", "type"): ["date"],
    ("steps", 4, "with", "within"): ["forever"],
    ("steps", 6, "with", "that"): [[], "steps.latency.ratio", ["steps.latency.rato > 1.0"], [3]],
    ("causes", 0, "prior"): ["0:1", "likely", "1:"],
    ("causes", 0, "subject"): ["${{ inputs.modle }}", "${{ inputs.model"],
    ("causes", 0, "evidence"): [[]],
    ("causes", 0, "evidence", 0, "weight"): ["heavy"],
    ("causes", 0, "evidence", 0, "if"): ["inputs.deep", "steps.changed.count", "1.0 > 0.0"],
    ("causes", 0, "remedies"): [["roll_bak"]],
    ("remedies", 0, "risk"): ["some"],
    ("remedies", 0, "verify", "step"): ["latencey"],
    ("remedies", 0, "verify", "want"): ["better"],
    ("outputs", "tracks"): ["steps.tracks.degrade", "[1, 2]", ""],
    ("tests", 0, "expect"): [{}, {"odds": 3}, {"cause": "lode"}],
    ("tests", 0, "expect", "never"): [["lode"]],
    ("tests", 0, "inputs"): [{"modle": "x"}],
}  # fmt: skip


def wrong_value(tree: Any, choose: Callable[..., Any]) -> Place:
    place = choose(st.sampled_from(sorted(WRONG_VALUES, key=str)))
    at(tree, place[:-1])[place[-1]] = choose(st.sampled_from(WRONG_VALUES[place]))
    return place


def wrong_type(tree: Any, choose: Callable[..., Any]) -> Place:
    typed = [place for place in EVERY if place not in ANY_TYPE and not {"with", "vars", "where"} & set(place)]
    place = choose(st.sampled_from(typed))
    value = at(tree, place)
    others = [5, "x y", ["a"], {"a": 1}]
    other = [each for each in others if type(each) is not type(value) and not (each == 5 and isinstance(value, bool))]
    at(tree, place[:-1])[place[-1]] = choose(
        st.sampled_from([{"zzz": [1]}, [[1]]] if place[-1] == "default" else other)
    )
    return place


def missing_key(tree: Any, choose: Callable[..., Any]) -> Place:
    place: Place = choose(st.sampled_from(REQUIRED))
    del at(tree, place[:-1])[place[-1]]
    return place


def unknown_key(tree: Any, choose: Callable[..., Any]) -> Place:
    place = choose(st.sampled_from(CLOSED))
    key = choose(st.sampled_from(["titel", "zzz", "when", "With"]))
    at(tree, place)[key] = choose(st.sampled_from([1, "x", [], {}]))
    return (*place, key)


def bad_cel(tree: Any, choose: Callable[..., Any]) -> Place:
    place: Place = choose(st.sampled_from(CEL))
    worse = ["steps.latency.", "steps.latency.rato > 1.0", "steps.latencey.ratio > 1.0", "1 +", "((", "nothing", "a b"]
    worse += ["steps.latency.ratio > 'x'", "inputs.modle == ''", "vars.limt > 0.1", "each == 'x'", "steps.latency", "'"]
    at(tree, place[:-1])[place[-1]] = choose(st.sampled_from(worse))
    return place


def twice(tree: Any, choose: Callable[..., Any]) -> Place:
    section = choose(st.sampled_from(["steps", "causes", "remedies"]))
    tree[section].append(copy.deepcopy(tree[section][0]))
    return (section, len(tree[section]) - 1, "id")


def ring(tree: Any, choose: Callable[..., Any]) -> Place:
    first = choose(st.sampled_from(["latency", "changed"]))
    tree["steps"][0]["needs"] = [{"latency": "latency", "changed": "known"}[first]]
    return ("steps", 0, "id") if first == "latency" else ()


BREAKS: list[Break] = [wrong_value, wrong_value, wrong_type, missing_key, unknown_key, bad_cel, twice, ring]


def test_before_it_is_broken_it_is_well() -> None:
    assert load_text(json.dumps(GOOD, indent=1), "p.yaml", TYPES).name == "all_of_it"


@given(data=st.data(), broken=st.sampled_from(BREAKS))
@settings(max_examples=300, deadline=None, print_blob=True)
def test_each_way_to_be_wrong_is_one_sentence_with_line_and_key(data: st.DataObject, broken: Break) -> None:
    tree = copy.deepcopy(GOOD)
    place = broken(tree, data.draw)
    text = json.dumps(tree, indent=1)
    with pytest.raises(PlaybookError) as raised:
        load_text(text, "p.yaml", TYPES)
    found = re.match(r"p\.yaml:(\d+):(\d+): \S", raised.value.message)
    assert found, raised.value.message
    assert "\n" not in raised.value.message + raised.value.hint
    named = re.findall(r"`(\w+)`", raised.value.message)
    assert named, raised.value.message
    if broken in (wrong_type, wrong_value, bad_cel, unknown_key):
        assert re.search(rf"\b{place[-1]}\b", raised.value.message) or set(named) & set(keys_under(at(tree, place)))
        reached = read(text.encode(), "p.yaml")
        first, key = reached.mark(place[:-1]).line, reached.keys[place].line  # some keys are judged together
        assert first <= int(found[1]) <= key + json.dumps(at(tree, place), indent=1).count("\n") + 1
    if broken is missing_key:
        assert f"`{place[-1]}` is missing" in raised.value.message


def keys_under(tree: Any) -> set[str]:
    return {str(part) for place in paths(tree) for part in place}


@pytest.mark.parametrize("broken", [missing_key, unknown_key, bad_cel, twice, wrong_value])
def test_the_command_says_the_same_and_nothing_of_python(
    broken: Break, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = copy.deepcopy(GOOD)
    broken(tree, lambda strategy: strategy.elements[0] if hasattr(strategy, "elements") else None)
    path = tmp_path / "p.yaml"
    path.write_text(json.dumps(tree, indent=1))
    assert main(["playbook", "check", str(path)]) == 2
    told = "".join(capsys.readouterr())
    assert re.search(r"p\.yaml:\d+:\d+: ", told)
    assert "Traceback" not in told
