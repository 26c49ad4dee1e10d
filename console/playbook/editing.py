"""The JSON Schema of a playbook, for editors: completion for every key, the options of each step type, every signal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from console.model import Kind, Signal
from console.playbook.schema import SIGNAL_MARK, PlaybookFile
from console.plugins import StepType
from console.signals.catalogue import catalogue

HOLE = {
    "type": "string",
    "pattern": r"\$\{\{",
    "description": "an expression in `${{ }}`, filled in when the playbook runs",
}


def schema(step_types: Mapping[str, StepType] | None = None) -> dict[str, Any]:
    """The JSON Schema of a playbook that uses these step types, andon's own where none are given."""
    from console.playbook.loader import built_in_step_types

    types = step_types if step_types is not None else built_in_step_types()
    models: list[Any] = [PlaybookFile, *dict.fromkeys(each.options for each in types.values())]
    names, whole = models_json_schema([(model, "validation") for model in models])
    defs = {name: _signals(each) for name, each in whole["$defs"].items()}
    holders = {names[model, "validation"]["$ref"].rpartition("/")[2] for model in models[1:]}
    for name in _within(holders, defs):
        defs[name] = _with_holes(defs[name])
    playbook = defs.pop(names[PlaybookFile, "validation"]["$ref"].rpartition("/")[2])
    defs["Signal"] = {"description": "a quantity with one meaning, whatever exports it",
                      "oneOf": [_signal(each) for each in catalogue().values()]}  # fmt: skip
    defs["Hole"] = HOLE
    step = defs["StepEntry"]
    step["properties"]["uses"] = {
        "description": "the step type",
        "anyOf": [{"const": each.name, "title": each.title} for each in types.values()] + [{"type": "string"}],
    }
    step["allOf"] = [
        {
            "if": {"properties": {"uses": {"const": each.name}}, "required": ["uses"]},
            "then": {"properties": {"with": {"$ref": names[each.options, "validation"]["$ref"]}}},
        }
        for each in types.values()
    ]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **playbook, "$defs": defs}


def _signal(signal: Signal) -> dict[str, str]:
    worse = {"up": "more is worse", "down": "less is worse", "either": "any change may be bad"}[signal.bad]
    kind = {Kind.GAUGE: "a gauge", Kind.COUNTER: "a counter", Kind.HISTOGRAM: "a histogram"}[signal.kind]
    return {"const": signal.name, "title": signal.title, "description": f"{kind} in {signal.unit}; {worse}"}


def _signals(tree: Any) -> Any:
    """The tree with a reference wherever the name of a signal stands."""
    if isinstance(tree, dict):
        if SIGNAL_MARK in tree:
            rest = {key: value for key, value in tree.items() if key not in (SIGNAL_MARK, "type")}
            return rest | {"$ref": "#/$defs/Signal"}
        return {key: _signals(value) for key, value in tree.items()}
    return [_signals(each) for each in tree] if isinstance(tree, list) else tree


def _within(names: set[str], defs: Mapping[str, Any]) -> set[str]:
    """These definitions and those that they refer to."""
    found: set[str] = set()
    left = set(names)
    while left:
        name = left.pop()
        found.add(name)
        left |= {each for each in _references(defs[name]) if each in defs} - found
    return found


def _references(tree: Any) -> set[str]:
    if isinstance(tree, dict):
        own = {tree["$ref"].rpartition("/")[2]} if isinstance(tree.get("$ref"), str) else set()
        return own.union(*(_references(value) for value in tree.values()))
    return set().union(*(_references(each) for each in tree)) if isinstance(tree, list) else set()


def _with_holes(definition: dict[str, Any]) -> dict[str, Any]:
    """The options of a step: whatever may stand there, an expression in a hole may stand for it."""
    properties = {name: _or_hole(each) for name, each in definition.get("properties", {}).items()}
    return definition | ({"properties": properties} if properties else {})


def _or_hole(option: dict[str, Any]) -> dict[str, Any]:
    told = {key: option[key] for key in ("title", "description", "default") if key in option}
    rest = {key: value for key, value in option.items() if key not in told}
    for inner in ("items", "additionalProperties"):
        if isinstance(rest.get(inner), dict):
            rest[inner] = {"anyOf": [rest[inner], {"$ref": "#/$defs/Hole"}]}
    several = rest.pop("anyOf", None) if set(rest) == {"anyOf"} else None
    return told | {"anyOf": [*(several or [rest]), {"$ref": "#/$defs/Hole"}]}
