"""Any change, removal, reordering and cut of the audit log is found."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from console.errors import ConfigError
from console.remedy.anchor import anchors, keep
from console.store.audit import GENESIS, Entry, Head, Line, append, broken, linked
from console.store.store import DATABASE_NAME, Store

COUNT = 20


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[list[Line]]:
    with Store.open(tmp_path / DATABASE_NAME) as store:
        for number in range(COUNT):
            with store._database.write() as connection:
                append(connection, Entry(1e9 + number, "ada", "planned", f"P-{number}", {"target": f"t{number}"}))
        yield [*store.audit.lines()]


def anchored(lines: Sequence[Line]) -> dict[int, str]:
    return {line.number: line.hash for line in lines}


def anew(lines: Sequence[Line]) -> list[Line]:
    """The same lines, numbered and hashed again from the first one on."""
    before, made = GENESIS, []
    for number, line in enumerate(lines, 1):
        text = line.text.replace(f'"number":{line.number},', f'"number":{number},')
        before = linked(before, text)
        made.append(Line(number, text, before))
    return made


def test_what_was_written_holds(lines: list[Line]) -> None:
    assert broken(lines, {}) is None
    assert broken(lines, anchored(lines)) is None
    assert [line.entry.subject for line in lines] == [f"P-{number}" for number in range(COUNT)]


def test_a_thousand_tamperings_are_found(lines: list[Line]) -> None:
    rng = random.Random(7)
    kept = anchored(lines)
    found = 0
    for _ in range(1000):
        changed = [*lines]
        at, other = rng.sample(range(COUNT), 2)
        match rng.randrange(6):
            case 0:  # a letter of a line
                place = rng.randrange(len(changed[at].text))
                letter = rng.choice([c for c in "abc123" if c != changed[at].text[place]])
                text = changed[at].text[:place] + letter + changed[at].text[place + 1 :]
                changed[at] = replace(changed[at], text=text)
            case 1:  # a line less
                del changed[at]
            case 2:  # two lines in each other's place
                changed[at], changed[other] = changed[other], changed[at]
            case 3:  # the tail cut
                del changed[at:]
            case 4:  # a line changed, and all hashes made to fit
                changed[at] = replace(changed[at], text=changed[at].text.replace('"ada"', '"eve"'))
                changed = anew(changed)
            case 5:  # a line less, and all made to fit
                del changed[at]
                changed = anew(changed)
        found += broken(changed, kept) is not None
    assert found == 1000


def test_without_an_anchor_only_a_cut_or_rewritten_tail_passes(lines: list[Line]) -> None:
    assert broken(lines[:-3], {}) is None
    assert "its tail was cut" in str(broken(lines[:-3], anchored(lines)))
    assert "written anew" in str(broken(anew(lines[1:]), anchored(lines)))


def test_heads_are_kept_in_a_file_of_its_owner_and_a_changed_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "heads"
    keep(path, Head(1, "a" * 64))
    keep(path, Head(2, "b" * 64))
    assert anchors(path) == {1: "a" * 64, 2: "b" * 64}
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(path.read_text() + "1 c\n")
    with pytest.raises(ConfigError, match="no head of an audit log"):
        anchors(path)
    assert anchors(tmp_path / "none") == {} and anchors(None) == {}


def test_a_log_that_was_cut_and_went_on_is_broken_and_its_anchor_is_not(lines: list[Line], tmp_path: Path) -> None:
    for line in lines:
        keep(tmp_path / "heads", Head(line.number, line.hash))
    text = lines[-1].text.replace('"ada"', '"eve"')
    on = [*lines[:-1], Line(COUNT, text, linked(lines[-2].hash, text))]
    keep(tmp_path / "heads", Head(COUNT, on[-1].hash))  # as the next daemon does
    assert f"line {COUNT} is not the one whose hash is kept elsewhere" in str(broken(on, anchors(tmp_path / "heads")))


def test_a_line_of_nothing_but_brackets_is_told_and_breaks_nothing(lines: list[Line]) -> None:
    text = "[" * 200_000
    deep = Line(COUNT + 1, text, linked(lines[-1].hash, text))
    assert broken([*lines, deep], {}) == f"line {COUNT + 1} is no line of this log"
