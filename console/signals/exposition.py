"""One line of the Prometheus text format (0.0.4), and of OpenMetrics as far as it differs only by exemplars."""

from __future__ import annotations

import re
from typing import NamedTuple

MOST_LABELS = 64
MOST_LINE_BYTES = 16_384

# Possessive quantifiers: whatever a page holds, a line is matched or refused in one pass.
LINE = re.compile(
    rb"""[ \t]*+
    (?P<series>(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*+) (?:[ \t]*+\{(?P<labels>(?:[^"}]++|"(?:[^"\\]++|\\.)*+")*+)\})?+)
    [ \t]*+ (?P<value>[^\s{}]++)
    (?:[ \t]++(?P<stamp>-?[0-9.]++(?:[eE][+-]?[0-9]++)?))?+
    (?:[ \t]++\#.*+)?+ \s*+""",
    re.VERBOSE | re.DOTALL,
)
LABEL = re.compile(rb'[ \t]*+([a-zA-Z_][a-zA-Z0-9_]*+)[ \t]*+=[ \t]*+"((?:[^"\\]++|\\.)*+)"[ \t]*+(,|$)')
LABELS = re.compile(rb"(?:%s)*+[ \t]*+" % LABEL.pattern)
ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Sample(NamedTuple):
    """A line taken apart; its labels are left as text until someone wants them."""

    series: bytes  # name and labels as written
    name: str
    label_text: bytes
    value: float
    stamp: float | None  # as written: milliseconds, or seconds in OpenMetrics


def parse_line(line: bytes) -> Sample:
    """Take one line apart.

    >>> parse_line(b'up{job="a"} 1 1795331980000').stamp
    1795331980000.0

    Raises ValueError, worded for a person, where it is no sample.
    """
    if len(line) > MOST_LINE_BYTES:
        raise ValueError(f"a line has more than {MOST_LINE_BYTES} bytes")
    match = LINE.fullmatch(line)
    if match is None:
        raise ValueError("a line is not a sample")
    try:
        value = float(match["value"])
        stamp = None if match["stamp"] is None else float(match["stamp"])
    except ValueError:
        raise ValueError("a value is not a number") from None
    return Sample(match["series"], match["name"].decode(), match["labels"] or b"", value, stamp)


def parse_labels(text: bytes) -> dict[str, str]:
    r"""What stands between the braces.

    >>> parse_labels(rb'model="glove",path="C:\\x"')
    {'model': 'glove', 'path': 'C:\\x'}

    Raises ValueError where it is not a list of labels, is not UTF-8, or is absurdly long.
    """
    if LABELS.fullmatch(text) is None:
        raise ValueError("the labels of a line cannot be read")
    pairs = LABEL.findall(text)
    if len(pairs) > MOST_LABELS:
        raise ValueError(f"a series has more than {MOST_LABELS} labels")
    labels = {name.decode(): value.decode() for name, value, _comma in pairs}  # UnicodeDecodeError is a ValueError
    if b"\\" in text:
        labels = {name: ESCAPE.sub(_unescape, value) for name, value in labels.items()}
    return labels


def _unescape(match: re.Match[str]) -> str:
    return {"n": "\n", "\\": "\\", '"': '"'}.get(match[1], match[0])
