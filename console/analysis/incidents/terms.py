"""Which words do two texts share? Code, metric names, log lines and titles as plain lower-case words."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(
    r"[A-Z]{2,}(?![a-z])(?:\d{1,3}(?!\d))?|[A-Z]?[a-z]+(?:\d{1,3}(?!\d))?|(?<![\d.])[1-5]\d\d(?![\d.]\d)|[A-Z]"
)
_LONG = re.compile(r"[A-Za-z0-9+/_=-]{60,}")  # keys and blobs hold no words
_ENDINGS = tuple("ations ation ities ings ing ies ied ity ers ed er es ry y s e".split())

COMMON = frozenset(
    # What every code, log line and commit says tells nothing.
    (
        "a an and are as at be been being but by can did do does for from had has have if in into is it its more"
        " my no not of off on onto or our out over per so than that the their then there this to too up us via was"
        " we were when which while will with without you your after before above below between during again also"
        " all any both each few only other same some such about against because until new old now just may might"
        " must should would could case def func function fn var val let const return returns returned int int32"
        " int64 uint string str bool boolean byte bytes float void true false self class struct type import"
        " package public private static final else elif switch break continue range try except catch throw raise"
        " main ctx context req request requests resp response res err error errors get set put use used using make"
        " http https api www com net org io json xml yaml go py js ts java rs rb cpp internal pkg src cmd lib app"
        " service services server client handler info warn warning level msg message log logs logger fail fails"
        " failed failing failure status code trace span ratio count total rate sec second seconds minute minutes"
        " ms avg mean max min p50 p90 p95 p99 value values data item items name names key id ids path file line"
        " lines version chore feat fix refactor perf simplify tidy update updates add adds added remove removed"
        " change changed bump helper misc minor small general improve support allow enable disable threshold"
        " observed critical alert monitor exceeded"
    ).split()
)


def words_of(text: str) -> list[str]:
    """The words of a text in order: camelCase and snake_case split, lower case, statuses such as 503 kept.

    >>> words_of("maxOpenConns=50 HTTPServer read_timeout 503")
    ['max', 'open', 'conns', 'http', 'server', 'read', 'timeout', '503']
    """
    return [word.lower() for word in _WORD.findall(_LONG.sub(" ", text))]


def stem(word: str) -> str:
    """What forms of one word share, roughly: `expired` and `expiry`, `retries` and `retry` become one.

    >>> stem("retries") == stem("retry") == stem("retrying")
    True
    """
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def telling(words: Iterable[str], known: frozenset[str] = frozenset()) -> dict[str, str]:
    """The stems of those words that tell something, each with a word of it: not common ones, not `known` ones.

    >>> telling(["the", "tokens", "expired"])
    {'token': 'tokens', 'expir': 'expired'}
    """
    return {stem(word): word for word in words if len(word) > 1 and word not in COMMON and word not in known}
