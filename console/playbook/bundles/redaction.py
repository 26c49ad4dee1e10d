"""Redaction: a bundle leaves the house, so secrets and people's addresses in it are replaced, the same way everywhere.

What is replaced by the same mask wherever it stands still fits together: a replay says what it said before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from console.model import Frame, SeriesKey
from console.playbook.bundles.bundle import Bundle, Failure, Held
from console.playbook.bundles.file import HEAD
from console.playbook.bundles.packing import GIVES, noun, plain
from console.playbook.bundles.questions import digest
from console.sources.redact import ADDRESS, MASK, SECRET_NAME, SECRET_PAIR
from console.wire import dump

PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
BEARER = re.compile(r"(?i)\b((?:bearer|basic)\s+)([\w+/=.~-]{8,})")
USERINFO = re.compile(r"((?<=://))([^/\s@•]+)(?=@)")
IN_QUERY = re.compile(r"(?i)([?&][\w.-]*(?:key|token|secret|sig|signature|password|auth|code)=)([^&#\s\"'•]+)")
HOOK = re.compile(r"((?://hooks\.[\w.-]+|/webhooks)/)([\w/-]+)")  # addresses that are secrets themselves
KEYS = re.compile(
    r"\b(?:(?:sk|pk|rk|ghp|gho|ghs|ghu|ghr|xox[abprs]|eyJ|hf|glpat|npm|pypi)[-_]?[A-Za-z0-9_\-.]{12,}"
    r"|github_pat_\w{20,}|AIza[\w-]{30,}|(?:AKIA|ASIA)[A-Z0-9]{12,})"
)
NUMBERED = re.compile(r"(?<![\d.])(?!127\.|0\.0\.0\.0)(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")

WILDCARD = "<*>"  # in the template of a log line, where lines differ: a key is cut into pieces by it
STANDS_IN = "W1LDCARDW1LDCARD"

PAIRS = (SECRET_PAIR, BEARER, USERINFO, IN_QUERY, HOOK)  # what comes before stays, what comes after is masked
WHOLES = (PRIVATE_KEY, KEYS, ADDRESS, NUMBERED)


class Masks:
    """One mask for each secret, numbered in the order in which they were met."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def mask(self, secret: str) -> str:
        """What stands for it."""
        if not secret or secret.startswith(MASK):
            return secret
        return self._known.setdefault(secret, f"{MASK}{len(self._known) + 1}")

    def text(self, text: str) -> str:
        """A text without what looks like a secret, a person's address or a machine's."""
        text = text.replace(WILDCARD, STANDS_IN)
        for pattern in PAIRS:
            text = pattern.sub(lambda found: found[1] + self.mask(found[2]), text)
        for pattern in WHOLES:
            text = pattern.sub(lambda found: self.mask(found[0]), text)
        return text.replace(STANDS_IN, WILDCARD)

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
        of = around.get("column" if name == "value" else "name") or ""
        is_of_secret = name in ("value", "categories", "heavy") and isinstance(of, str) and SECRET_NAME.search(of)
        if is_of_secret or (isinstance(value, str) and SECRET_NAME.search(name)):
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
