"""Characters that nobody sees, and those that are none: what strangers put into text that is shown, told or kept."""

from __future__ import annotations

import json
import re
from typing import Any

# What turns the text after it around, or ends a line without being seen to.
TURNS = r"\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
# What makes one name look like another, or hides a message: blanks of no width, fillers, tags, and the selectors of
# variants, of which forty in a row spell a sentence.
UNSEEN = (
    r"\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Joiners stay where scripts need them: not beside ASCII.
LOOSE_JOINERS = r"(?<=[\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?=[\x00-\x7f])"
HIDDEN = re.compile(rf"[{TURNS}{UNSEEN}]|{LOOSE_JOINERS}")


def seen(text: str) -> str:
    """What of a text can be seen.

    >>> seen("pass\\u200bword")
    'password'
    """
    return text if text.isascii() else HIDDEN.sub("", text)


def whole(text: str) -> str:
    """A text with halves of characters put together, and a mark for each that has no other: no encoder takes it.

    >>> whole("\\ud83d\\ude00 \\ud83d")
    '😀 �'
    """
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def whole_json(text: str | bytes) -> Any:
    """What a stranger's JSON says, its texts whole. ValueError where it is none, RecursionError where it is deep."""
    return json.loads(whole(json.dumps(json.loads(text), ensure_ascii=False)))
