"""What does a change really change? Its detail read as paths and lines, with what merely moved told apart."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

MOST_CHARACTERS = 60_000
MOST_LINES = 1_000
LONGEST_LINE = 1_000  # characters; what is longer was not written by hand
MOST_SETTING = 300  # of a line that says what became what

_PATH = re.compile(r"(?:[\w.@+-]+/)*[\w.@+-]*\.?[\w@+-]+")
_BARE = re.compile(r"^(?:[A-Z][a-z]*file|[A-Z]{4,})\s*$")  # Dockerfile, CODEOWNERS
_HEADER = re.compile(
    r"^(?:diff --git .*|index [0-9a-f]+\.\..*|(?:new|deleted) file mode.*|similarity index.*|rename .*)$"
)
_HUNK = re.compile(r"^@@(?:\s+-\d\S*(?:\s+\+\d\S*)?(?=\s+@@))?\s*(.*)$")
_RELEASE = re.compile(r"(?i)version|driver|image|tag|release|build|firmware|kernel|sdk")
_ARROW = re.compile(r"->|→|=>")
_KEY = re.compile(r"[:=]")
_COMMENT = re.compile(r"(?:(?<![:\w])//|(?<!\S)#(?!include|define|if|\[)|(?<!\S)--\s|^\s*\*\s|/\*).*$")
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?\w*|\"[^\"\n]*\"")
_NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s*(\*\s*time\.(\w+)|%|[A-Za-z]+)?(?![\w.])")
_TIMES = {
    "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "nanosecond": 1e-9,
    "microsecond": 1e-6, "millisecond": 1e-3, "second": 1.0, "minute": 60.0, "hour": 3600.0, "sec": 1.0, "secs": 1.0,
    "seconds": 1.0, "min": 60.0, "mins": 60.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0,
}  # fmt: skip
_SIZES = {
    "b": 1.0, "k": 1e3, "kb": 1e3, "mb": 1e6, "g": 1e9, "gb": 1e9, "tb": 1e12, "ki": 2.0**10, "kib": 2.0**10,
    "mi": 2.0**20, "mib": 2.0**20, "gi": 2.0**30, "gib": 2.0**30,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """A number that became another one in a line that otherwise stayed."""

    key: str  # the line without its numbers
    before: float  # in seconds, bytes or ones, where a unit was given
    after: float

    @property
    def ratio(self) -> float:
        """How many times the larger is the smaller; inf where one is 0."""
        low, high = sorted((abs(self.before), abs(self.after)))
        return high / low if low else float("inf")


@dataclass(frozen=True, slots=True)
class Diff:
    """A change taken apart. Lines that only moved or were laid out anew are in neither `gone` nor `new`."""

    paths: tuple[str, ...] = ()
    gone: str = ""  # lines that hold something that is nowhere any more
    new: str = ""  # lines that hold something that was nowhere
    lost: str = ""  # and these things themselves, in their order
    won: str = ""
    remarks: str = ""  # comments among the changed lines
    around: str = ""  # what stands beside them, names of functions too
    prose: str = ""  # whatever is no diff
    settings: tuple[Setting, ...] = ()
    changed: int = 0  # lines added and removed
    removed_text: str = ""  # all lines without their comments
    added_text: str = ""
    removed_words: int = 0
    kept: float = 0.0  # share of them that came back elsewhere, 0..1

    @property
    def is_shown(self) -> bool:
        """Whether changed lines, or at least changed settings, are there to be read."""
        return self.changed > 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing but comments, order or layout changed."""
        return self.changed > 0 and not (self.gone or self.new or self.settings)


def read_diff(detail: str) -> Diff:
    """A change's detail, taken apart: a unified diff in whole or in part, paths one a line, or `key: old -> new`."""
    paths: dict[str, None] = {}
    removed: list[str] = []
    added: list[str] = []
    around: list[str] = []
    prose: list[str] = []
    in_hunk = False
    for line in (whole[:LONGEST_LINE] for whole in detail[:MOST_CHARACTERS].split("\n")[:MOST_LINES]):
        if line.startswith(("--- ", "+++ ")) and not line[4:].lstrip().startswith(("-", "+")):
            name = line[4:].strip().split("\t")[0]
            if name != "/dev/null":
                paths[re.sub(r"^[ab]/", "", name)] = None
        elif _HEADER.match(line):
            continue
        elif hunk := _HUNK.match(line):
            in_hunk = True
            around.append(hunk[1].strip("@ "))
        elif in_hunk and line[:1] in ("-", "+"):
            (removed if line[0] == "-" else added).append(line[1:])
        elif became := _became(line):
            key, before, after = became
            removed.append(f"{key}: {before}")
            added.append(f"{key}: {after}")
        elif in_hunk:
            around.append(line)
        elif line.strip() and _PATH.fullmatch(line.strip()) and ("/" in line or "." in line or _BARE.match(line)):
            paths[line.strip()] = None
        elif line[:1] in ("-", "+") and line[1:2] not in ("-", "+", " ", ""):
            (removed if line[0] == "-" else added).append(line[1:])
        elif line.strip():
            prose.append(line)
    return _taken_apart(tuple(paths), removed, added, around, prose)


def _became(line: str) -> tuple[str, str, str] | None:
    """(key, before, after) of `key: before -> after` or `key before -> after`."""
    sides = _ARROW.split(line[:MOST_SETTING], maxsplit=1)
    if len(sides) < 2 or not sides[1].strip():
        return None
    left = sides[0].strip().removeprefix("- ").removeprefix("* ")
    pair = _KEY.split(left, maxsplit=1) if _KEY.search(left) else left.rsplit(None, 1)
    if len(pair) < 2 or not all(part.strip() for part in pair):
        return None
    return pair[0].strip(), pair[1].strip(), sides[1].strip()


def _taken_apart(
    paths: tuple[str, ...], removed: list[str], added: list[str], around: list[str], prose: list[str]
) -> Diff:
    remarks = [found[0] for line in (*removed, *added) if (found := _COMMENT.search(line))]
    was, now = [[_COMMENT.sub("", line).strip() for line in lines] for lines in (removed, added)]
    settings = tuple(_settings(was, now))
    before, after = [Counter(token for line in lines for token in _TOKEN.findall(line)) for lines in (was, now)]
    lost, won = set(before) - set(after), set(after) - set(before)
    changed = len(removed) + len(added)
    return Diff(
        paths=paths,
        gone="\n".join(_holding(was, lost)),
        new="\n".join(_holding(now, won)),
        lost=" ".join(token for line in was for token in _TOKEN.findall(line) if token in lost),
        won=" ".join(token for line in now for token in _TOKEN.findall(line) if token in won),
        remarks="\n".join(remarks),
        around="\n".join(around),
        prose="\n".join(prose),
        settings=settings,
        changed=changed,
        removed_text="\n".join(was),
        added_text="\n".join(now),
        removed_words=before.total(),
        kept=1 - (before - after).total() / before.total() if before else 0.0,
    )


def _holding(lines: list[str], tokens: set[str]) -> list[str]:
    return [line for line in lines if any(token in tokens for token in _TOKEN.findall(line))]


def _settings(was: list[str], now: list[str]) -> list[Setting]:
    """Numbers of one unit that differ between two lines that are equal without their numbers."""
    found = []
    later: dict[str, list[list[tuple[float, str]]]] = {}
    for line in now:
        key, numbers = _numbers(line)
        if numbers:
            later.setdefault(key, []).append(numbers)
    for line in was:
        key, numbers = _numbers(line)
        if numbers and later.get(key) and not _RELEASE.search(key):  # a release's number has no size
            pairs = zip(numbers, later[key].pop(0), strict=False)
            found += [Setting(key, a, b) for (a, unit), (b, other) in pairs if a != b and unit == other]
    return found


def _numbers(line: str) -> tuple[str, list[tuple[float, str]]]:
    """A line without its numbers, and these in base units, each with what it measures."""
    numbers = []
    for found in _NUMBER.finditer(line):
        unit = (found[3] or found[2] or "").lower()
        what = "seconds" if unit in _TIMES else "bytes" if unit in _SIZES else unit
        numbers.append((float(found[1]) * _TIMES.get(unit, _SIZES.get(unit, 1.0)), what))
    return " ".join(_NUMBER.sub("#", line).split()), numbers
