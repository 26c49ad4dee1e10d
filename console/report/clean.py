"""Text from outside, made safe to show: logs, labels and answers are written by strangers."""

from __future__ import annotations

import json
import re

from console.characters import LOOSE_JOINERS, TURNS, UNSEEN

# ECMA-48: CSI, OSC/DCS/SOS/PM/APC strings (ended by BEL or ST), two-character escapes, then lone C0 and C1 controls.
SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]).*?(?:\x07|\x1b\\|\x9c|$)"
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]",
    re.DOTALL,
)
# What a terminal obeys, what no XML may hold, and what is not seen.
CONTROLS = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff{TURNS}{UNSEEN}]|{LOOSE_JOINERS}")
MARKS = r"[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
FLOODS = re.compile(f"({MARKS}{{4}}){MARKS}+")  # no script piles up more of them on one letter
ROUNDS = 4
# What JSON lets stand as it is although a terminal obeys it (C1 controls), or nobody sees it.
OBEYED = re.compile(rf"[\x7f-\x9f\u200c\u200d\ud800-\udfff{TURNS}{UNSEEN}]")


def clean(text: str, *, limit: int = 2000) -> str:
    """Without control sequences, control characters and direction overrides, at most `limit` characters.

    >>> clean("ok\\x1b[2J\\x1b]0;title\\x07 then")
    'ok then'
    """
    # One removal can join the halves of another sequence, so this is done again. Not for ever: text of nothing but
    # nested ones would take minutes, and what is left of them is harmless once their first characters are gone.
    for _ in range(ROUNDS):
        if (shorter := SEQUENCES.sub("", text)) == text:
            break
        text = shorter
    text = FLOODS.sub(r"\1", CONTROLS.sub("", text))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def escape_json(text: str) -> str:
    """JSON that means the same and may be shown on a terminal, too.

    >>> escape_json('["\x9b2J"]')
    '["\\\\u009b2J"]'
    """
    return OBEYED.sub(lambda found: json.dumps(found[0])[1:-1], text)
