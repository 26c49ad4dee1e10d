"""From YAML to a Playbook. Every way a playbook can be wrong is a PlaybookError with file:line:column and a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from console.errors import PlaybookError
from console.playbook.definition import Playbook
from console.plugins import StepType


def load(path: Path, step_types: Mapping[str, StepType] | None = None) -> Playbook:
    """The playbook in a file. `step_types` are all that it may use; andon's own where none are given."""
    raise NotImplementedError


def load_text(text: str | bytes, name: str, step_types: Mapping[str, StepType] | None = None) -> Playbook:
    """The playbook in a text; `name` stands where a file's name would."""
    raise NotImplementedError


def library(
    folders: Iterable[Path],
    step_types: Mapping[str, StepType] | None = None,
    *,
    on_problem: Callable[[PlaybookError], None] | None = None,
) -> dict[str, Playbook]:
    """Every playbook of these folders by name; a later folder's replaces an earlier one's of the same name.

    The first that does not load raises PlaybookError; with `on_problem` it is told and left out instead.
    """
    raise NotImplementedError
