"""What one pod template changed against another, in a line a person reads; values of variables are never shown."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

import orjson

from console.sources.redact import SECRET_NAME, shown_value

MOST_CHANGES = 12

Facts = Mapping[str, str]
"""What a template says, by what it is about: `image`, `env LOG_LEVEL`, `args`, `limits nvidia.com/gpu` …"""


def facts(template: Mapping[str, Any]) -> dict[str, str]:
    """A pod template as flat facts. What may hold secrets is kept as its digest."""
    spec = template.get("spec") or {}
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    found: dict[str, str] = {}
    for each in containers:
        of = f" of {each['name']}" if len(containers) > 1 else ""
        found[f"image{of}"] = str(each.get("image", ""))
        for name in ("command", "args"):
            if each.get(name):
                found[f"{name}{of}"] = "\n".join(map(str, each[name]))
        for variable in each.get("env") or ():
            found[f"env {variable.get('name')}{of}"] = _digest(variable)
        for side, amounts in (each.get("resources") or {}).items():
            if isinstance(amounts, Mapping):
                found |= {f"{side} {name}{of}": str(amount) for name, amount in amounts.items()}
        for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
            if each.get(probe):
                found[f"{probe}{of}"] = _digest(each[probe])
    for name in ("nodeSelector", "affinity", "tolerations", "volumes", "serviceAccountName", "priorityClassName"):
        if spec.get(name):
            found[name] = _digest(spec[name])
    for name, value in ((template.get("metadata") or {}).get("annotations") or {}).items():
        if name == "kubectl.kubernetes.io/restartedAt":
            found["restarted"] = str(value)
    return found


def changes(before: Facts | None, after: Facts) -> list[str]:
    """What is new in `after`, images first; what the first template began with where there was none before.

    >>> changes({"image": "glove:1"}, {"image": "glove:2", "env FAST": "1f"})
    ['image glove:1 → glove:2', 'env FAST added']
    """
    if before is None:
        return [f"{name} {_shown(name, value)}" for name, value in after.items() if name.startswith("image")][:3]
    told = [
        _change(name, before.get(name), after.get(name))
        for name in sorted({*before, *after}, key=lambda name: (not name.startswith("image"), name))
        if before.get(name) != after.get(name)
    ]
    rest = len(told) - MOST_CHANGES
    return told[:MOST_CHANGES] + ([f"and {rest} more changes"] if rest > 0 else []) or ["nothing in its template"]


def _change(name: str, before: str | None, after: str | None) -> str:
    if name == "restarted":
        return "restarted by hand"
    if before is None:
        return f"{name} added" + (
            "" if name.startswith("env ") else f" ({_shown(name, after or '')})" * _is_plain(name)
        )
    if after is None:
        return f"{name} taken away"
    if name.startswith(("args", "command")):
        return f"{name}: {_first_difference(before.split(chr(10)), after.split(chr(10)))}"
    return f"{name} {_shown(name, before)} → {_shown(name, after)}" if _is_plain(name) else f"{name} changed"


def _is_plain(name: str) -> bool:
    return name.startswith(("image", "limits", "requests", "args", "command"))


def _first_difference(before: list[str], after: list[str]) -> str:
    """The first argument that differs, masked where its name or the one before it says that it is a secret."""
    kept = "--"
    for one, other in zip_longest(before, after):
        if one != other:
            name = (one or other or "").partition("=")[0]
            if SECRET_NAME.search(name) or SECRET_NAME.search(kept):
                return "a secret changed"
            return f"{_shown('', one) if one else 'nothing'} → {_shown('', other) if other else 'nothing'}"
        kept = one or ""
    return "changed"


def _shown(name: str, value: str) -> str:
    return value[-200:] if name.startswith("image") else shown_value(value)


def _digest(value: Any) -> str:
    return hashlib.blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
