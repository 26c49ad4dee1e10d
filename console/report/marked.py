"""Text from outside within Markdown: it says what it says, and formats nothing."""

from __future__ import annotations

import re

from console.report.clean import clean

SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def safe(text: str) -> str:
    """On one line, as words.

    >>> safe("a_b | <c>")
    'a\\\\_b \\\\| \\\\<c\\\\>'
    """
    return SPECIAL.sub(r"\\\1", clean(text).replace("\n", " "))


def code(text: str) -> str:
    """On one line, between backquotes."""
    return clean(text).replace("`", "'").replace("\n", " ")
