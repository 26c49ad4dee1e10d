"""Conditions on an alert's labels: written as `name=value`, `!=`, `=~` or `!~`, and whether labels fulfil them.

Regular expressions are RE2, as alert managers read them: in linear time, whatever an operator types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from console.errors import UsageError
from console.model import Labels, Matcher

MOST_MATCHERS = 20
MOST_PATTERN = 1000  # characters
OPERATORS = {"=": (True, False), "!=": (False, False), "=~": (True, True), "!~": (False, True)}
HINT = "write them like alertname=Slow model=~'glove.*' team!=ml"
ESCAPES = {"\\": "\\", '"': '"', "n": "\n"}
PART = re.compile(
    r"""\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*(?P<operator>=~|!~|!=|=)\s*)?"""
    r"""(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|'(?P<plain>[^']*)'|(?P<bare>[^\s"',]+))\s*,?""",
    re.DOTALL,
)


def parse_matchers(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """The matchers of one or several texts; a value without a name is the alert's name.

    >>> [shown_matcher(each) for each in parse_matchers(['Slow model=~"glove .*"', "team!=ml"])]
    ['alertname="Slow"', 'model=~"glove .*"', 'team!="ml"']

    Raises UsageError for what is none, and where there is none or more than MOST_MATCHERS.
    """
    found = tuple(matcher for text in texts for matcher in _parse(text))
    if not found:
        raise UsageError("no matcher was given", HINT)
    if len(found) > MOST_MATCHERS:
        raise UsageError(f"{len(found)} matchers are too many", f"at most {MOST_MATCHERS}")
    return found


def shown_matcher(matcher: Matcher) -> str:
    """A matcher as `parse_matchers` reads it."""
    operator = next(text for text, meaning in OPERATORS.items() if meaning == (matcher.is_equal, matcher.is_regex))
    value = matcher.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{matcher.label}{operator}"{value}"'


def fits(matchers: Sequence[Matcher], labels: Labels) -> bool:
    """Whether all of them hold; a label that is missing is an empty one."""
    return all(_holds(each, labels.value(each.label) or "") for each in matchers)


def _parse(text: str) -> Iterable[Matcher]:
    place = 0
    while place < len(text.rstrip()):
        part = PART.match(text, place)
        if part is None or part.end() == place:
            raise UsageError(f"{text[place : place + 60]!r} is no matcher", HINT)
        place = part.end()
        is_equal, is_regex = OPERATORS[part["operator"] or "="]
        quoted = part["quoted"]
        value = part["plain"] or part["bare"] or "" if quoted is None else _unquoted(quoted)
        if is_regex:
            _check_pattern(value)
        bare = part["bare"] or ""
        if bare.startswith(("=", "!", "~")) or (part["operator"] is None and "=" in bare):
            raise UsageError(f"{part[0].strip()[:60]!r} is no matcher", HINT)
        yield Matcher(part["name"] or "alertname", value, is_equal, is_regex)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[0]), text, flags=re.DOTALL)


def _holds(matcher: Matcher, value: str) -> bool:
    is_so = _is_like(matcher.value, value) if matcher.is_regex else matcher.value == value
    return is_so is matcher.is_equal


def _check_pattern(pattern: str) -> None:
    if len(pattern) > MOST_PATTERN:
        raise UsageError("this regular expression is too long", f"at most {MOST_PATTERN} characters")
    answer = _program().eval(data={"text": "", "pattern": pattern})
    if not isinstance(answer.value(), bool):
        raise UsageError(f"{pattern[:60]!r} is no regular expression", "they are RE2, and match whole values")


@lru_cache(maxsize=20_000)
def _is_like(pattern: str, value: str) -> bool:
    return _program().eval(data={"text": value, "pattern": f"^(?:{pattern})$"}).value() is True


@lru_cache(maxsize=1)
def _program() -> Any:
    """CEL's `matches` is RE2 itself, which is here already for the playbooks' expressions."""
    from cel_expr_python import cel

    return cel.NewEnv(variables={"text": cel.Type.STRING, "pattern": cel.Type.STRING}).compile("text.matches(pattern)")
