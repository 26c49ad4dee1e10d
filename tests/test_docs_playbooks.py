"""docs/playbooks.md: every example on it loads, and every key, step type, option and result is on it."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from console.playbook.checking import check_remedies
from console.playbook.explaining import COSTS
from console.playbook.loader import built_in_step_types, load_text
from console.playbook.schema import PlaybookFile
from console.playbook.weigh import FACTORS
from console.plugins import load_plugins

TEXT = (Path(__file__).parent.parent / "docs" / "playbooks.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def whole(example: str) -> str:
    """A part of a playbook, in the place that it has in the whole one at the top of the page."""
    yaml = YAML(typ="safe")
    part = yaml.load(example)
    if "schema" in part:
        return example
    book = yaml.load(EXAMPLES[0])
    own = {step["id"] for step in part.get("steps", ())}
    steps = [step for step in book["steps"] if step["id"] not in own] + part.get("steps", [])
    return json.dumps(book | part | {"steps": steps})


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.strip().splitlines()[-1].strip()[:40])
def test_every_example_loads(example: str) -> None:
    assert load_text(whole(example), "docs/playbooks.md").steps


def test_the_remedies_on_the_page_fit_their_actions() -> None:
    actions = load_plugins().by_name("andon_actions")
    assert check_remedies(load_text(EXAMPLES[0], "docs/playbooks.md"), actions) == []


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The entries that a type holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (list, dict, Union, types.UnionType):
        for inner in get_args(annotation):
            yield from models(inner)


def keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name
        for inner in models(field.annotation):
            yield from keys(inner)


def test_every_key_of_the_language_is_on_the_page_and_in_an_example() -> None:
    examples = "\n".join(EXAMPLES)
    for key in set(keys(PlaybookFile)):
        assert re.search(rf"`[^`\n]*\b{key}\b[^`\n]*`", TEXT), key
        assert re.search(rf"\b{key}:", examples), key


def test_every_step_type_is_on_the_page_with_its_options_and_results_and_in_an_example() -> None:
    examples = "\n".join(EXAMPLES)
    for name, step_type in built_in_step_types().items():
        row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |"))
        assert re.search(rf"uses: {name}\b", examples), name
        for option in (field.alias or key for key, field in step_type.options.model_fields.items()):
            assert f"`{option}`" in row, (name, option)
        for result in step_type.result:
            assert f"`{result}`" in row, (name, result)


def test_the_weights_and_costs_are_what_they_are() -> None:
    for weight, factor in FACTORS.items():
        assert f"| `{weight}` | {factor:g} |" in TEXT
    for cost, _why in COSTS.values():
        assert f"\n| {cost:g} | " in TEXT
