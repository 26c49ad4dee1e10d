"""Reads YAML 1.2 into a plain tree that remembers where everything stood, and refuses what is not plain text.

Built from parser events in one pass without recursion, so neither deep nesting nor an alias bomb costs anything.
Anchors, aliases, tags, directives and second documents are no part of the language: each is refused where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode

from console.errors import PlaybookError

MOST_BYTES = 512 * 1024
MOST_NODES = 50_000
DEEPEST = 32

Path = tuple[str | int, ...]
_READ_OTHERWISE = re.compile("[\t\r\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; both numbers start at 1. `inner` is where a scalar's own text starts, past a quote."""

    line: int
    column: int
    inner: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """A YAML file as plain values, with the place of every key and value."""

    name: str
    source: str
    tree: Any
    keys: Mapping[Path, Mark]
    values: Mapping[Path, Mark]

    def mark(self, path: Path, *, key: bool = False) -> Mark:
        """Where a path stands; the nearest enclosing place for a path that is not in the file."""
        while path:
            places = self.keys if key and path in self.keys else self.values
            if path in places:
                return places[path]
            path, key = path[:-1], False
        return Mark(1, 1, 1)

    def error(self, path: Path, message: str, hint: str = "", *, key: bool = False) -> PlaybookError:
        """A PlaybookError that starts with file:line:column."""
        mark = self.mark(path, key=key)
        return PlaybookError(f"{self.name}:{mark.line}:{mark.column}: {_with_key(message, path)}", hint)

    def error_inside(self, path: Path, offset: int, message: str, hint: str = "") -> PlaybookError:
        """The same, `offset` characters into the scalar at `path`, as far as it stands on one line."""
        mark = self.mark(path)
        column = mark.inner + offset if mark.inner else mark.column
        return PlaybookError(f"{self.name}:{mark.line}:{column}: {_with_key(message, path)}", hint)


def _with_key(message: str, path: Path) -> str:
    """The message, naming the key that it is about where it does not yet."""
    key = next((part for part in reversed(path) if isinstance(part, str)), None)
    return message if key is None or f"`{key}`" in message else f"{message} (in `{key}`)"


def read(data: bytes, name: str) -> Text:
    """Raises PlaybookError, saying where, for anything that is not one plain YAML document."""
    source = _decode(data, name)
    return _Builder(name, source).build()


def _decode(data: bytes, name: str) -> str:
    if len(data) > MOST_BYTES:
        raise PlaybookError(
            f"{name}:1:1: this file is longer than the {MOST_BYTES:,} bytes that a playbook may have",
            "is it a playbook?",
        )
    try:
        source = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _place(data[: error.start].decode("utf-8"))
        raise PlaybookError(f"{name}:{line}:{column}: this file is not UTF-8 text", "save it as UTF-8") from error
    odd = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]", source)
    if odd:
        line, column = _place(source[: odd.start()])
        raise PlaybookError(
            f"{name}:{line}:{column}: the character U+{ord(odd.group()):04X} does not belong into a text file",
            "save it as plain UTF-8 text",
        )
    return source


def _place(before: str) -> tuple[int, int]:
    """Line and column of what follows this text."""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not come yet."""

    path: Path
    items: dict[str, Any] | list[Any]
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    name: str
    source: str
    keys: dict[Path, Mark] = field(default_factory=dict)
    values: dict[Path, Mark] = field(default_factory=dict)
    stack: list[_Open] = field(default_factory=list)
    tree: Any = None
    documents: int = 0
    nodes: int = 0

    def build(self) -> Text:
        try:
            for event in _quick_events(self.source) or _pure().parse(self.source):
                self._take(event)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            problem = " ".join(str(error.problem or error.context or "it cannot be read").split())
            hint = "indent with spaces, not with tabs" if r"'\t'" in problem else ""
            raise PlaybookError(f"{self.name}:{line}:{column}: this is not YAML: {problem}", hint) from error
        except YAMLError as error:
            raise PlaybookError(f"{self.name}:1:1: this is not YAML: {' '.join(str(error).split())}", "") from error
        if self.tree is None:
            raise PlaybookError(f"{self.name}:1:1: this file is empty", "start with `schema: andon/v1`")
        return Text(self.name, self.source, self.tree, self.keys, self.values)

    def _take(self, event: Any) -> None:
        match type(event).__name__:
            case "DocumentStartEvent":
                self.documents += 1
                if self.documents > 1:
                    self._refuse(event, "a second document starts here, and a playbook is one document")
                if event.version or event.tags:
                    self._refuse(event, "directives such as %YAML are no part of the playbook language")
            case "AliasEvent":
                self._refuse(event, f"the alias *{event.anchor} is no part of the playbook language", "write it out")
            case "MappingEndEvent" | "SequenceEndEvent":
                self.stack.pop()
            case "MappingStartEvent" | "SequenceStartEvent" | "ScalarEvent":
                self._node(event)

    def _node(self, event: Any) -> None:
        self.nodes += 1
        if event.anchor is not None:
            self._refuse(event, f"the anchor &{event.anchor} is no part of the playbook language", "write it out")
        if event.tag is not None:
            self._refuse(event, f"the tag {event.tag} is no part of the playbook language", "leave it out")
        if self.nodes > MOST_NODES:
            self._refuse(event, f"a playbook has at most {MOST_NODES:,} entries")
        parent = self.stack[-1] if self.stack else None
        if parent is not None and isinstance(parent.items, dict) and parent.key is None:
            self._key(event, parent)
            return
        path = self._next_path(parent)
        self.values[path] = _mark(event)
        value: Any
        match type(event).__name__:
            case "ScalarEvent":
                value = _scalar(event)
            case "MappingStartEvent":
                value = {}
            case _:
                value = []
        self._put(parent, value)
        if not _is_scalar(event):
            if len(self.stack) >= DEEPEST:
                self._refuse(event, f"this is nested more than {DEEPEST} deep")
            self.stack.append(_Open(path, value))

    def _key(self, event: Any, parent: _Open) -> None:
        if not _is_scalar(event):
            self._refuse(event, "a key must be a word")
        path = (*parent.path, event.value)
        if path in self.keys:
            first = self.keys[path].line
            self._refuse(event, f"the key {event.value!r} is here a second time", f"the first is on line {first}")
        self.keys[path] = _mark(event)
        parent.key = event.value

    def _next_path(self, parent: _Open | None) -> Path:
        if parent is None:
            return ()
        return (*parent.path, len(parent.items) if parent.key is None else parent.key)

    def _put(self, parent: _Open | None, value: Any) -> None:
        if parent is None:
            self.tree = value
        elif isinstance(parent.items, list):
            parent.items.append(value)
        else:
            assert parent.key is not None
            parent.items[parent.key] = value
            parent.key = None

    def _refuse(self, event: Any, message: str, hint: str = "") -> NoReturn:
        mark = _mark(event)
        raise PlaybookError(f"{self.name}:{mark.line}:{mark.column}: {message}", hint)


def _scalar(event: Any) -> Any:
    """A scalar by the core schema of YAML 1.2: dates, `yes` and 1:30 stay text."""
    text = event.value.replace("_", "").lower()
    match _kind(event.value, tuple(event.implicit)):
        case "null":
            return None
        case "bool":
            return text == "true"
        case "int":
            return int(text, 0) if text.lstrip("+-").startswith(("0x", "0o", "0b")) else int(text)
        case "float":
            return float(text.replace(".inf", "inf").replace(".nan", "nan"))
    return event.value


def _pure() -> YAML:
    return YAML(
        typ="safe", pure=True
    )  # a new one each time: a directive of one text would change how it reads the next


_RESOLVER = _pure().resolver


@lru_cache(maxsize=8_192)
def _kind(value: str, implicit: tuple[bool, bool]) -> str:
    return str(_RESOLVER.resolve(ScalarNode, value, implicit)).rpartition(":")[2]


def _is_scalar(event: Any) -> bool:
    return type(event).__name__ == "ScalarEvent"


def _quick_events(source: str) -> Sequence[Any]:
    """The same events from libyaml, many times as fast; none where it does not take the text or may read it otherwise.

    It reads YAML 1.1, which differs in what a scalar means (nothing here asks it that), in tabs and in line ends.
    """
    if source.startswith("%") or _READ_OTHERWISE.search(source):
        return ()
    import yaml  # type: ignore[import-untyped]

    try:
        return list(yaml.parse(source, Loader=yaml.CLoader))
    except (yaml.YAMLError, AttributeError):  # ruamel says what is wrong; or this Python came without libyaml
        return ()


def _mark(event: Any) -> Mark:
    line, column = event.start_mark.line + 1, event.start_mark.column + 1
    on_one_line = _is_scalar(event) and event.style not in ("|", ">") and event.end_mark.line + 1 == line
    return Mark(line, column, (column + (event.style in ("'", '"'))) if on_one_line else 0)
