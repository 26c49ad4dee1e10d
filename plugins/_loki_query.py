"""LogQL: the one place where names, values and words enter a query."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from console.sources.log_lines import TROUBLE

ANYTHING = '".+"'

_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")
_ODD = re.compile(r"[^A-Za-z0-9_]")


def logql(matchers: Mapping[str, str], anything: str, words: str = "", *, grave: bool = False) -> str:
    """Lines of the streams with these labels; where there are none, of all streams that have the label `anything`.

    >>> logql({"app": 'a"b'}, "job", "50%.")
    '{app="a\\\\"b"} |~ "(?i)50%\\\\\\\\."'
    """
    pairs = [f"{label(name)}={quoted(value)}" for name, value in sorted(matchers.items())]
    query = f"{{{','.join(pairs or [f'{label(anything)}=~{ANYTHING}'])}}}"
    if words:
        query += " |~ " + quoted("(?i)" + _SPECIAL.sub(lambda found: f"\\{found[0]}", words))
    if grave:
        query += " |~ " + quoted(f"(?i){TROUBLE}")
    return query


def quoted(text: str) -> str:
    """A string of LogQL, which is one of Go: JSON's escapes are all among them.

    >>> quoted('say "hi"')
    '"say \\\\"hi\\\\""'
    """
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")


def label(name: str) -> str:
    """A stream label's name; what may not stand in one becomes `_`, as in Loki itself.

    >>> label("service.name"), label('a"}')
    ('service_name', 'a__')
    """
    plain = _ODD.sub("_", name)
    return f"_{plain}" if not plain or plain[0].isdigit() else plain
