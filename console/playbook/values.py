"""What a step gave, as the types that its step type declared: what expressions may rely on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from console.errors import PluginError
from console.model import Verdict
from console.playbook.step import StepOutcome
from console.plugins import StepType


def typed(
    step_type: StepType, outcome: StepOutcome, outputs: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """The outcome's values as their declared types; PluginError for one that was never declared or does not fit.

    No data is no verdict: what reads it is unknown, and moves nothing.

    `outputs` are the types of those that a playbook inside gives: `outputs.NAME`.
    """
    values: dict[str, Any] = {}
    for name, value in outcome.values.items():
        if name not in step_type.result:
            raise PluginError(f"step type {step_type.name} gave {name!r}, which it never declared", "")
        if value is not None and (name, value) != ("verdict", Verdict.NO_DATA):
            values[name] = _as(step_type.result[name], value, step_type.name, name)
    for name, kind in outputs.items():
        if outcome.outputs.get(name) is not None:
            values[f"outputs.{name}"] = _as(kind, outcome.outputs[name], step_type.name, f"outputs.{name}")
    return {name: value for name, value in values.items() if value is not None}


def _as(kind: str, value: Any, step_type: str, name: str) -> Any:
    match kind, value:
        case "double", bool():
            pass
        case "double", int() | float():
            return float(value) if math.isfinite(value) else None
        case "bool", bool():
            return value
        case "int", int() if not isinstance(value, bool):
            return value
        case "string", str():
            return str(value)
        case "list(string)", list() | tuple():
            return [str(item) for item in value]
        case "map(string, string)", Mapping():
            return {str(key): str(item) for key, item in value.items()}
    raise PluginError(f"step type {step_type} gave {value!r} for {name!r}, which is a {kind}", "")
