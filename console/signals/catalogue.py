"""Every signal andon knows, read from catalogue.toml: what playbooks may name and what dialects must map to."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, get_args

from console.errors import UsageError
from console.model import Across, Direction, Kind, Scope, Signal

ACROSS: tuple[Across, ...] = get_args(Across)
SCOPES: tuple[Scope, ...] = get_args(Scope)


@cache
def catalogue() -> Mapping[str, Signal]:
    """All signals by name, in the order of the file."""
    text = files("console.signals").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return MappingProxyType({name: _signal(name, entry) for name, entry in tomllib.loads(text).items()})


def find_signal(name: str) -> Signal:
    """The signal of that name; UsageError with the nearest names where there is none.

    >>> find_signal("model.ttft").unit
    's'
    """
    try:
        return catalogue()[name]
    except KeyError:
        near = get_close_matches(name, catalogue(), n=3) or [known for known in catalogue() if known.endswith(name)][:3]
        hint = f"did you mean {' or '.join(near)}?" if near else f"signals begin with {', '.join(SCOPES)}"
        raise UsageError(f"there is no signal {name}", hint) from None


def _signal(name: str, entry: Mapping[str, Any]) -> Signal:
    scope = next(scope for scope in SCOPES if name.startswith(f"{scope}."))
    across = next(across for across in ACROSS if across == entry.get("across", "sum"))
    return Signal(
        name=name,
        title=entry["title"],
        unit=entry["unit"],
        kind=Kind(entry["kind"]),
        bad=Direction(entry["bad"]),
        scope=scope,
        across=across,
        floor=float(entry.get("floor", 0.0)),
        otel=entry.get("otel"),
    )
