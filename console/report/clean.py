"""Text from outside, made safe to show: logs, labels and answers are written by strangers."""

from __future__ import annotations

import re

# ECMA-48: CSI, OSC/DCS/SOS/PM/APC strings (ended by BEL or ST), two-character escapes, then lone C0 and C1 controls.
SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]).*?(?:\x07|\x1b\\|\x9c|$)"
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]",
    re.DOTALL,
)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str, *, limit: int = 2000) -> str:
    """Without control sequences, control characters and direction overrides, at most `limit` characters.

    >>> clean("ok\\x1b[2J\\x1b]0;title\\x07 then")
    'ok then'
    """
    # One removal can join the halves of another sequence, so this goes on until nothing changes.
    while (shorter := SEQUENCES.sub("", text)) != text:
        text = shorter
    text = CONTROLS.sub("", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
