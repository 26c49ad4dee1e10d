"""What kinds of line are there? Log lines become templates, so that lines that say the same can be counted."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from operator import eq
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from console.model import Codes

ANYTHING = "<*>"
MOST_CHARACTERS = 400  # of a line's first line: what tells lines apart stands in front
MOST_READ = 8_000  # characters of a line that are looked at for an exception further down
MOST_TEMPLATES = 2_000
MOST_ALIKE = 24  # templates of one length and beginning; from then on the most similar one takes a line
LEAST_SIMILAR = 0.7  # of the tokens of a line must be those of the template

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-Z\\-_]")
_STATUS = re.compile(r"(?i)\b((?:status(?:[_. ]?code)?|returned|code|HTTP/\d\S*?)\W{1,3})([1-5])\d\d\b(?![.:]\d)")
_STATUS_HINTS = ("tatus", "ode", "eturned", "TTP/")
_CLASS = re.compile(r"\b[1-5]xx\b")  # of statuses: no word to lose
_QUOTED = re.compile(r""" "[^"\n]{0,200}" | (?<![\w'])'[^'\n]{1,200}'(?!\w) """, re.X)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
# Whatever holds a digit is a value, but for letters around one digit (s3, x86, k8s, V2) and classes of status (5xx).
_VALUE = re.compile(
    r"(?<!\d)[A-Za-z_]*+(?=\d)(?!(?<=[A-Za-z])\d[A-Za-z]*(?![\w.:-])|[1-5]xx\b|(?<=x)509\b)\d[\w.:+-]*+"
)
_IDENTITY = re.compile(r"(?i)\b(?:trace|span|request|req|correlation)[-_. ]?id\s*[=:]\s*(?:<\*>|\S+)")
_LIST = re.compile(r"\[[^\[\]]*,[^\[\]]*\]|\{[^{}]*\}|\([^()]*,[^()]*\)")
_RUN = re.compile(r"<\*>(?:[\s,;:/|#*+-]*<\*>)+")
_PAIR = re.compile(r"([\w.-]+=)(?!=)(\S+)")
_KEPT_KEYS = frozenset("msg message error err exception level lvl severity status status_code code reason".split())
_EXCEPTION = re.compile(r"^[ \t]*(?:Caused by: )?((?:[\w$]+\.)*[A-Z]\w*(?:Exception|Error|Fault|Panic))\b", re.M)
_MESSAGES = ("message", "msg", "body", "log", "event", "text")
_FAILURES = ("error", "err", "exception", "exc_info", "reason")


def templates_of(bodies: Sequence[str]) -> tuple[Codes, tuple[str, ...]]:
    """The template of each line: (ids (lines,), templates), where `ids` are positions in `templates`.

    What varies from line to line (times, numbers, ids, addresses, quoted text, values of `key=value`) becomes `<*>`;
    the first digit of an HTTP status stays. Lines of one length and beginning that share enough tokens become one
    template, as in Drain (He, Zhu, Zheng and Lyu, ICWS 2017), but over the distinct masked lines, the most frequent
    first, so that the order of the lines does not matter. A line of several lines is its first one and the last
    exception named below; a JSON line is its message and error. At most `MOST_TEMPLATES`, the last one for the rest.

    >>> templates_of(["user 17 logged in", "user 4 logged in"])
    (array([0, 0]), ('user <*> logged in',))
    """
    codes: dict[str, int] = {}
    lines = np.fromiter((codes.setdefault(_masked(body), len(codes)) for body in bodies), np.intp, len(bodies))
    counts = np.bincount(lines, minlength=len(codes))
    shapes = list(codes)
    groups = _Groups()
    by_frequency = sorted(range(len(shapes)), key=lambda at: (-counts[at], shapes[at]))
    group_of = np.zeros(len(shapes), np.intp)
    for at in by_frequency:
        group_of[at] = groups.place(_tokens(shapes[at]))
    templates: dict[str, int] = {}  # two groups may have become the same words
    names = [templates.setdefault(_RUN.sub(ANYTHING, " ".join(tokens)), len(templates)) for tokens in groups.tokens]
    return np.asarray(names, np.intp)[group_of][lines] if names else lines, tuple(templates)


def message_of(body: str) -> str:
    """What a line says: a JSON line's message and error, a stack trace's first line and last exception, no colours.

    >>> message_of('{"level": "error", "msg": "no route", "err": "EHOSTUNREACH"}')
    'no route EHOSTUNREACH'
    """
    body = body[:MOST_READ]
    if "\x1b" in body:
        body = _COLOURS.sub("", body)
    body = body.strip()
    if body.startswith("{") and body.endswith("}"):
        body = _json_message(body)
    first, newline, rest = body.partition("\n")
    if not newline:
        return first
    named = _EXCEPTION.findall(rest)
    return f"{first.rstrip()} {named[-1]}" if named else first.rstrip()


def _json_message(body: str) -> str:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(fields, dict):
        return body
    said = [next((fields[key] for key in keys if fields.get(key)), None) for keys in (_MESSAGES, _FAILURES)]
    words = [one if isinstance(one, str) else json.dumps(one) for one in said if one is not None]
    return " ".join(words) or body


def _masked(body: str) -> str:
    text = message_of(body)[:MOST_CHARACTERS]
    if any(hint in text for hint in _STATUS_HINTS):
        text = _STATUS.sub(r"\1\2xx", text)
    if '"' in text or "'" in text:
        text = _QUOTED.sub(ANYTHING, text)
    if "@" in text:
        text = _ADDRESS.sub(ANYTHING, text)
    return _VALUE.sub(ANYTHING, text)


def _tokens(masked: str) -> list[str]:
    """The words of a masked line; lists and values of pairs are one word however many they hold."""
    masked = _IDENTITY.sub("", masked)
    for _ in range(2):  # a list in a list
        masked = _LIST.sub(lambda found: found[0][0] + ANYTHING + found[0][-1], masked)
    if "=" in masked:
        masked = _PAIR.sub(_pair, masked)
    return _RUN.sub(ANYTHING, masked.replace("][", "] [")).split()


def _pair(found: re.Match[str]) -> str:
    key = found[1][:-1].rpartition(".")[2].lower()
    return found[0] if key in _KEPT_KEYS else found[1] + ANYTHING


class _Groups:
    """Templates found so far. Only lines of the same length that begin alike are compared."""

    def __init__(self) -> None:
        self.tokens: list[list[str]] = []
        self._alike: dict[tuple[str | int, ...], list[int]] = defaultdict(list)
        self._rest: int | None = None

    def place(self, tokens: list[str]) -> int:
        """The group of this line, which may lose words to it."""
        fixed = [token for token in tokens if ANYTHING not in token]
        alike = self._alike[(len(tokens), *fixed[:2], *(token for token in fixed if _CLASS.search(token)))]
        shared, best = max(((self._shared(at, tokens), at) for at in alike), default=(0, -1))
        if best >= 0 and (len(alike) >= MOST_ALIKE or shared >= LEAST_SIMILAR * len(tokens)):
            known = self.tokens[best]
            self.tokens[best] = [a if a == b else ANYTHING for a, b in zip(known, tokens, strict=True)]
            return best
        if len(self.tokens) >= MOST_TEMPLATES - 1:
            if self._rest is None:
                self._rest = self._add([ANYTHING])
            return self._rest
        alike.append(self._add(tokens))
        return alike[-1]

    def _add(self, tokens: list[str]) -> int:
        self.tokens.append(tokens)
        return len(self.tokens) - 1

    def _shared(self, at: int, tokens: list[str]) -> int:
        return sum(map(eq, self.tokens[at], tokens))
