"""Redaction: a bundle leaves the house, so secrets and people's addresses in it are replaced, the same way everywhere.

What is replaced by the same mask wherever it stands still fits together: a replay says what it said before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from console.characters import seen
from console.model import Frame, SeriesKey
from console.playbook.bundles.bundle import Bundle, Failure, Held
from console.playbook.bundles.file import HEAD
from console.playbook.bundles.packing import GIVES, noun, plain
from console.playbook.bundles.questions import digest
from console.sources.redact import MASK, SECRET_NAME
from console.wire import dump

# What is searched in are texts of strangers: no pattern may look at a long one again from each of its characters.
_NAMES = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|(?:api|access|private|secret|encryption|signing|master|account|shared|ssh|auth)"
    r"[_-]?key|(?<![a-z])pass|token|credentials?|authorization|cookie|session[_-]?id|csrf|otp|(?<![a-z])auth)(?![a-z])"
)
_VALUE = (
    r"""(?:(?P<escape>\\+)(?P<inner>["']).*?(?P=escape)(?P=inner)|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.|'')*'?"""
    r"""|(?:bearer|basic|token)\s+\S+|[^\s,;&"'})\]<]+)"""
)
PAIR = re.compile(rf"""({_NAMES}\\*["']?\s*(?:=>|:=|[=:＝]|%3d)\s*[\[({{]*\s*)({_VALUE})""", re.IGNORECASE | re.DOTALL)
HEADER = re.compile(
    r"(?i)((?<!\w)(?:(?:proxy-)?authorization|(?:set-)?cookie)\s*:\s*)([^\s\"'](?:[^\r\n\"]|(?<=[=\s])\"[^\"\r\n]*\")*)"
)
FLAG = re.compile(r"(?i)((?<!\S)--?(?:[a-z]{1,20}-){0,3}(?:password|passwd|pass|secret|token|api-?key)\s+)([^\s-]\S*)")
USER = re.compile(r"((?<!\S)(?:-u|--user|--proxy-user)[ =][^\s:]+:)(\S+)")
ELEMENT = re.compile(rf"(?i)(<{_NAMES}>)([^<]+)")
BEARER = re.compile(r"(?i)\b((?:bearer|basic)\s*[\s:]\s*)([\w+/=.~-]{8,})")
USERINFO = re.compile(
    r"""((?<=://))([^\s/:@]{0,200}:(?!\d+(?:[/?#]|$))[^\s"'<>]{0,200}?|[^/\s@]{1,200})(?=@[^\s/@]*+[^@]|@[^\s/@]*$)"""
)
IN_QUERY = re.compile(r"(?i)([?&#][\w.-]*(?:key|token|secret|sig|signature|password|pwd|auth|code)=)([^&#\s\"']+)")
HOOK = re.compile(
    r"((?:(?<![\w.-])hooks\.[\w.-]+|/webhook(?:s|b2)?)/)([^\s\"'<>]+)"
)  # addresses that are secrets themselves
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)", re.DOTALL
)
KEYS = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|pk|rk|gh[pousr]|xox[a-z]|xapp|gsk|r8|whsec|nvapi|pplx|xai|pypi|dop_v1|shp[a-z]{2}|dckr_pat"
    r"|gl[a-z]{2,6}|lin_api|sq0[a-z]{3}|GOCSPX|AGE-SECRET-KEY)[-_][\w.-]{12,}|(?:hf|npm)_[A-Za-z0-9]{12,}"
    r"|github_pat_\w{20,}|(?:eyJ|AIza|ATATT3)[\w.-]{12,}|(?:hvs|SG|ya29)\.[\w.-]{12,}|(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|bot\d{5,}:[\w-]{10,})"
)
ADDRESS = re.compile(r"""(?<![\w.+-])(?:"[^"@\n]{1,64}"|[\w.+-]+)(?:@|%40)[\w-]+\.[\w.-]+""")
NUMBERED = re.compile(
    r"(?<![\d.])(?!127\.|0\.0\.0\.0)(?:\d{1,3}\.){3}\d{1,3}(?![\d.])|(?<![\w-])ip-(?:\d{1,3}-){3}\d{1,3}(?!\d)"
    r"|(?i:(?<![\w:])(?=[0-9a-f:]*::|(?:[0-9a-f]{1,4}:){7})(?:[23][0-9a-f]{3}|f[cde][0-9a-f]{2}):[0-9a-f:]*[0-9a-f](?!\w))"
)
TELLING = re.compile(rf"{SECRET_NAME.pattern}|{_NAMES}$", re.IGNORECASE)
NUMBERED_MASK = re.compile(rf"{MASK}\d+")
MASKED = re.compile(rf"(?:{MASK}\d*)+")

WILDCARD = "<*>"  # in the template of a log line, where lines differ: a key is cut into pieces by it
STANDS_IN = "W1LDCARDW1LDCARD"

PAIRS = (
    PAIR,
    HEADER,
    FLAG,
    USER,
    ELEMENT,
    BEARER,
    USERINFO,
    IN_QUERY,
    HOOK,
)  # what comes before stays, what comes after is masked
WHOLES = (KEYS, ADDRESS, NUMBERED)


class Masks:
    """One mask for each secret, numbered in the order in which they were met."""

    def __init__(self, *, ips: bool = True) -> None:
        self._known: dict[str, str] = {}
        self._wholes = WHOLES if ips else (KEYS, ADDRESS)

    def mask(self, secret: str) -> str:
        """What stands for it."""
        if not secret or MASKED.fullmatch(secret):
            return secret
        return self._known.setdefault(secret, f"{MASK}{len(self._known) + 1}")

    def text(self, text: str) -> str:
        """A text without what looks like a secret, a person's address or a machine's."""
        text = seen(text).replace(WILDCARD, STANDS_IN)
        text = PRIVATE_KEY.sub(lambda found: self.mask(found[0]), text)
        for pattern in PAIRS:
            text = pattern.sub(lambda found: found[1] + self.mask(found[2]), text)
        for pattern in self._wholes:
            text = pattern.sub(lambda found: self.mask(found[0]), text)
        return text.replace(STANDS_IN, WILDCARD)

    def restored(self, text: str) -> str:
        """A text with what its masks stand for, for the screen of whoever may see it; an unknown mask stays."""
        known = {mask: secret for secret, mask in self._known.items()}
        return NUMBERED_MASK.sub(lambda found: known.get(found[0], found[0]), text)

    def value(self, value: Any) -> Any:
        """Plain JSON types, each text in them; what stands under a telling name is masked whole."""
        match value:
            case str():
                return self.text(value)
            case list() | tuple():
                return [self.value(each) for each in value]
            case Mapping():
                return {self.text(name): self._under(name, each, value) for name, each in value.items()}
        return value

    def _under(self, name: str, value: Any, around: Mapping[str, Any]) -> Any:
        of = (
            [around.get(each) for each in ("column", "name", "key")] if name in ("value", "categories", "heavy") else []
        )
        is_of_secret = any(isinstance(each, str) and TELLING.search(each) for each in of)
        if is_of_secret or (isinstance(value, str | list) and TELLING.search(name)):
            return self._whole(value)
        return self.value(value)

    def _whole(self, value: Any) -> Any:
        match value:
            case str():
                return self.mask(value)
            case list() | tuple():
                return [self._whole(each) for each in value]
        return value


def redacted(bundle: Bundle) -> Bundle:
    """The same bundle without secrets; a replay of it says the same."""
    masks = Masks()
    head = {name: noun(kind, masks.value(plain(kind, getattr(bundle, name)))) for name, kind in HEAD.items()}
    likes = {old: noun(type(like), masks.value(dump(like))) for old, like in bundle.likes.items()}
    names = {old: digest(like) for old, like in likes.items()}
    return replace(
        bundle,
        **head,
        likes={names[old]: like for old, like in likes.items()},
        held=tuple(_held(each, masks, names) for each in bundle.held),
    )


def _held(held: Held, masks: Masks, names: Mapping[str, str]) -> Held:
    question = masks.value(held.question)
    if isinstance(like := held.question.get("like"), str):
        question["like"] = names.get(like, like)
    failure = held.failure and noun(Failure, masks.value(dump(held.failure)))
    answer = held.answer if failure else _answer(held.call, held.answer, masks)
    return replace(held, name=masks.text(held.name), question=question, answer=answer, failure=failure)


def _answer(call: str, answer: Any, masks: Masks) -> Any:
    if not isinstance(answer, Frame):
        given = tuple(answer) if isinstance(answer, list) else answer
        return noun(GIVES[call], masks.value(plain(GIVES[call], given)))
    series = (replace(one, key=noun(SeriesKey, masks.value(dump(one.key)))) for one in answer.series)
    return replace(answer, series=tuple(series))
