"""What of a stranger's row, or of a URL, may be shown: short, without secrets and addresses of people."""

from __future__ import annotations

import re
from collections.abc import Mapping

from console.characters import seen
from console.model import Labels

MASK = "•••"
MOST_CHARACTERS = 80
MOST_FIELDS = 40
SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)|secret|token$|(api|access|private)[_-]?key|credential|authorization|cookie|session"
    r"|e?[_-]?mail|phone|iban|card[_-]?n|ssn|birth",
    re.IGNORECASE,
)
# These look at text of strangers: none may begin again at each character of a long word.
ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]+")
KEY_LIKE = re.compile(r"\b(sk|pk|ghp|xox[abp]|AKIA|eyJ)[-_]?[A-Za-z0-9_\-.]{12,}")
USERINFO = re.compile(r"(?<=://)[^?#]*@")
QUERY = re.compile(r"[?#].*", re.DOTALL)
SECRET_PAIR = re.compile(
    r"""(?ix)((?:pass(?:word|wd|phrase)|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?
    |authorization|cookie|session[_-]?id)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|(?:bearer|basic|token)\s+\S+|[^\s,;&"'})\]]+)"""
)
BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w+/=.~-]{8,}")
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_]?)")
USERINFO_WITHIN = re.compile(r"(?<=://)[^/\s@]+@")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def shown_fields(cells: Mapping[str, str | None]) -> Labels:
    """A row as it may be shown: at most MOST_FIELDS values, those under telling names masked whole."""
    shown = {
        name: MASK if SECRET_NAME.search(name) else shown_value(value)
        for name, value in cells.items()
        if value is not None
    }
    return Labels.of(dict(list(shown.items())[:MOST_FIELDS]))


def shown_value(value: str | None) -> str:
    """A value as it may be shown: numbers to four digits, addresses and keys masked, long text cut."""
    if value is None:
        return ""
    try:
        number = float(value)
    except ValueError:
        number = None
    if number is not None:
        return f"{number:.4g}" if "." in value else value[:MOST_CHARACTERS]
    text = CONTROL.sub(" ", KEY_LIKE.sub(MASK, ADDRESS.sub(MASK, seen(value))))
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


def shown_line(line: str, most: int = 400) -> str:
    """A line of a log as it may be shown: one line, without control sequences, secrets and addresses, cut.

    >>> shown_line("login of ada@example.org with password=hunter2")
    'login of ••• with password=•••'
    """
    text = seen(CONTROL.sub(" ", ESCAPES.sub("", line[: 4 * most])))
    text = USERINFO_WITHIN.sub(f"{MASK}@", text)
    text = KEY_LIKE.sub(MASK, ADDRESS.sub(MASK, BEARER.sub(rf"\1 {MASK}", SECRET_PAIR.sub(rf"\1{MASK}", text))))
    return text if len(text) <= most else text[: most - 1] + "…"


def shown_url(url: str) -> str:
    """A URL, or what was meant to be one, without user, password and query.

    >>> shown_url("http://me:pass@host/metrics?token=x")
    'http://•••@host/metrics?•••'
    """
    return QUERY.sub(f"?{MASK}", USERINFO.sub(f"{MASK}@", url))
