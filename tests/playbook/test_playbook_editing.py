"""The JSON Schema for editors: options by step type, signals by name, a hole wherever a value may stand."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from console.playbook.editing import schema
from console.signals.catalogue import catalogue

SCHEMA = schema()
CHECK = jsonschema.Draft202012Validator(SCHEMA)


def refused(uses: str, options: dict[str, Any], **more: Any) -> bool:
    step = {"id": "a", "title": "A", "uses": uses, "with": options} | more
    return not CHECK.is_valid({"schema": "andon/v1", "name": "p", "title": "P", "steps": [step]})


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("uses", "options"), [
    ("compare", {"signal": "model.latency", "stat": "p95", "tolerance": "20%"}),
    ("compare", {"signal": "${{ inputs.signal }}", "min_samples": "${{ vars.least }}", "by": ["${{ inputs.label }}"]}),
    ("ask", {"question": "How many?", "type": "number"}),
    ("plugins.own", {"anything": 1}),
])  # fmt: skip
def test_what_may_be_written_is_taken(uses: str, options: dict[str, Any]) -> None:
    assert not refused(uses, options)


@pytest.mark.parametrize(("uses", "options"), [
    ("compare", {}),
    ("compare", {"signal": "model.latencies"}),
    ("compare", {"signal": "model.latency", "stat": "p42"}),
    ("compare", {"signal": "model.latency", "tolerence": 1}),
    ("compare", {"signal": "model.latency", "min_samples": "many"}),
    ("now", {"signal": "model.queue.depth", "above": "high"}),
    ("wait_for", {"until": {"signal": "nothing"}, "within": "5m"}),
])  # fmt: skip
def test_what_does_not_fit_its_step_type_is_marked(uses: str, options: dict[str, Any]) -> None:
    assert refused(uses, options)


def test_every_signal_is_offered_with_what_it_means() -> None:
    offered = {each["const"]: each for each in SCHEMA["$defs"]["Signal"]["oneOf"]}
    assert set(offered) == set(catalogue())
    assert all(each["title"] and each["description"] for each in offered.values())


def test_every_key_says_what_it_is_for() -> None:
    entries = {"a playbook": SCHEMA} | SCHEMA["$defs"]
    silent = {
        f"{name}.{key}"
        for name, entry in entries.items()
        for key, told in entry.get("properties", {}).items()
        if "description" not in told
    }
    assert silent == set()
