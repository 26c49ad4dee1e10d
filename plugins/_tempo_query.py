"""TraceQL: the one place where names and values enter a query."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def traceql(conditions: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Traces in which, for each (value, attributes), some span has that value under one of those.

    >>> traceql([('a"b', ("resource.service.name", "span.model"))])
    '{resource.service.name="a\\\\"b" || span.model="a\\\\"b"}'
    """
    parts = [
        f"{{{' || '.join(f'{attribute(name)}={quoted(value)}' for name in names)}}}" for value, names in conditions
    ]
    return " && ".join(parts) or "{}"


def attribute(name: str) -> str:
    """An attribute with its scope; a name that is more than plain words stands in quotes.

    >>> attribute("resource.service.name"), attribute("model"), attribute('span.a b"')
    ('resource.service.name', '.model', 'span."a b\\\\""')
    """
    scope, _, rest = name.partition(".")
    if scope not in ("resource", "span") or not rest:
        scope, rest = "", name
    if _PLAIN.fullmatch(rest):
        return f"{scope}.{rest}"
    inner = _CONTROL.sub("_", rest.encode("utf-8", "replace").decode()).replace("\\", "\\\\").replace('"', '\\"')
    return f'{scope}."{inner}"'  # in a name nothing else can be escaped


def quoted(text: str) -> str:
    """A string of TraceQL, which is one of Go: JSON's escapes are all among them.

    >>> quoted('say "hi"')
    '"say \\\\"hi\\\\""'
    """
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")
