"""`${{ … }}` inside the values of a playbook: which expressions stand there, and the values once they are filled in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from console.playbook.expressions import Expression, ExpressionError, Scope, Unknown

_HOLE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_WORD = re.compile(r"[A-Za-z0-9_@%+=:,./][A-Za-z0-9_@%+=:,./-]*")  # what is text to any shell, and no option


@dataclass(frozen=True, slots=True)
class Template:
    """A string with holes. A string that is one hole and nothing else keeps the expression's own type."""

    parts: tuple[str | Expression, ...]

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return tuple(part for part in self.parts if isinstance(part, Expression))

    def fill(self, values: Mapping[str, Any], *, only_words: bool = False) -> Any:
        """The value, or Unknown where a hole met missing data.

        With `only_words`, also where what fills a hole could mean more than itself to a shell: names come from outside.
        """
        filled = [part.evaluate(values) if isinstance(part, Expression) else part for part in self.parts]
        unknown = next((part for part in filled if isinstance(part, Unknown)), None)
        if only_words and unknown is None:
            into_holes = (part for part, is_text in zip(filled, map(_is_text, self.parts), strict=True) if not is_text)
            odd = next((part for part in into_holes if not _WORD.fullmatch(_shown(part))), None)
            unknown = None if odd is None else Unknown(f"{_shown(odd)!r} is no plain word for a command")
        if unknown is not None or len(filled) == 1:
            return unknown or filled[0]
        return "".join(_shown(part) for part in filled)


def parse(text: str, scope: Scope) -> Template | None:
    """The template in a string, or None for a plain one; ExpressionError says how far into the string it went wrong."""
    pieces = _HOLE.split(text)
    if len(pieces) == 1:
        if "${{" in text:
            raise ExpressionError("`${{` is never closed by `}}`", "", text.index("${{"))
        return None
    parts: list[str | Expression] = []
    offset = 0
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            if piece:
                parts.append(piece)
            offset += len(piece)
            continue
        offset += len("${{")
        lead = len(piece) - len(piece.lstrip())
        try:
            parts.append(scope.compile(piece.strip()))
        except ExpressionError as error:
            raise ExpressionError(error.message, error.hint, offset + lead + error.offset) from error
        offset += len(piece) + len("}}")
    return Template(tuple(parts))


def holes(tree: Any) -> Iterator[tuple[str | int, ...]]:
    """The paths of the strings in a tree that have holes."""
    match tree:
        case str():
            if "${{" in tree:
                yield ()
        case Mapping():
            for key, value in tree.items():
                yield from ((key, *path) for path in holes(value))
        case list():
            for index, value in enumerate(tree):
                yield from ((index, *path) for path in holes(value))


def text_at(tree: Any, path: tuple[str | int, ...]) -> str:
    """The string at a path of a tree."""
    for part in path:
        tree = tree[part]
    return str(tree)


def fill(
    tree: Any,
    templates: Mapping[tuple[str | int, ...], Template],
    values: Mapping[str, Any],
    path: tuple[str | int, ...] = (),
    *,
    commands: Collection[str] = (),
) -> Any:
    """The tree with every template filled in; Unknown as soon as one of them is.

    `path` is where the tree stands in the whole, `commands` are the keys of it that a person gives to a shell.
    """
    if not templates:
        return tree
    if path in templates:
        return templates[path].fill(values, only_words=path[:1] != () and path[0] in commands)
    if isinstance(tree, Mapping):
        filled: Any = {
            key: fill(value, templates, values, (*path, key), commands=commands) for key, value in tree.items()
        }
        items = filled.values()
    elif isinstance(tree, list):
        filled = items = [
            fill(value, templates, values, (*path, index), commands=commands) for index, value in enumerate(tree)
        ]
    else:
        return tree
    return next((item for item in items if isinstance(item, Unknown)), filled)


def _is_text(part: str | Expression) -> bool:
    return isinstance(part, str)


def _shown(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
    return str(value)
