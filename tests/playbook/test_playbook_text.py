"""Reading YAML: what stands where, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors import PlaybookError
from console.library import library_dir
from console.playbook import text as text_module
from console.playbook.text import DEEPEST, MOST_BYTES, Mark, read


def refused(data: bytes | str) -> str:
    with pytest.raises(PlaybookError) as raised:
        read(data.encode() if isinstance(data, str) else data, "p.yaml")
    assert "\n" not in raised.value.message
    return raised.value.message


def test_every_key_and_value_knows_its_place() -> None:
    text = read(b"name: glove\nsteps:\n  - id: a\n    needs: [b, 'c']\n", "p.yaml")
    assert text.tree == {"name": "glove", "steps": [{"id": "a", "needs": ["b", "c"]}]}
    assert text.keys["steps", 0, "needs"] == Mark(4, 5, 5)
    assert text.values["steps", 0, "needs", 1] == Mark(4, 16, 17)


def test_scalars_are_those_of_yaml_1_2_and_dates_stay_text() -> None:
    tree = read(
        b"{a: yes, b: 1:30, c: 010, d: 2026-11-22, e: 0x1f, f: 1e3, g: ~, h: true, i: +4, j: '5', k: .inf}", "p"
    ).tree
    assert tree == {"a": "yes", "b": "1:30", "c": 10, "d": "2026-11-22", "e": 31, "f": 1000.0, "g": None, "h": True,
                    "i": 4, "j": "5", "k": float("inf")}  # fmt: skip


def test_an_error_inside_a_value_points_past_its_quote() -> None:
    text = read(b"if: 'a == b'\nlong: |\n  a\n  b\n", "p.yaml")
    assert text.error_inside(("if",), 5, "no").message == "p.yaml:1:11: no (in `if`)"
    assert text.error_inside(("long",), 5, "no").message == "p.yaml:2:7: no (in `long`)"


def test_an_unknown_place_is_said_as_the_nearest_one_around_it() -> None:
    text = read(b"steps:\n  - id: a\n", "p.yaml")
    assert text.error(("steps", 0, "uses"), "missing").message == "p.yaml:2:5: missing (in `uses`)"
    assert text.error((), "odd").message == "p.yaml:1:1: odd"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "p.yaml:1:1: this file is empty"),
        (b"# nothing but a remark\n", "p.yaml:1:1: this file is empty"),
        (b"name: a\x00b\n", "p.yaml:1:8: the character U+0000 does not belong into a text file"),
        (b"name: a\nt: \x1b[31m\n", "p.yaml:2:4: the character U+001B does not belong into a text file"),
        ("name: glove".encode("utf-16"), "p.yaml:1:1: this file is not UTF-8 text"),
        (b"name: gl\xf6ve\n", "p.yaml:1:9: this file is not UTF-8 text"),
        (b"\x7fELF\x02\x01\x01\x00", "p.yaml:1:1: the character U+007F does not belong into a text file"),
        (b"a" * 10_000_000, f"this file is longer than the {MOST_BYTES:,} bytes that a playbook may have"),
        (b"a: 1\nb: 2\na: 3\n", "p.yaml:3:1: the key 'a' is here a second time"),
        (b"a: &x [1]\n", "p.yaml:1:4: the anchor &x is no part of the playbook language"),
        (b"a: *x\n", "p.yaml:1:4: the alias *x is no part of the playbook language"),
        (b"a: !!python/object:os.system x\n", "p.yaml:1:4: the tag tag:yaml.org,2002:python/object:os.system is"),
        (b"%YAML 1.1\n---\na: yes\n", "p.yaml:2:1: directives such as %YAML are no part of the playbook language"),
        (b"a: 1\n---\nb: 2\n", "p.yaml:2:1: a second document starts here, and a playbook is one document"),
        (b"a: [1, 2\nb: 3\n", "p.yaml:2:2: this is not YAML"),
        (b"a: 'open\n", "this is not YAML"),
        (b"a:\n\t- b\n", "p.yaml:2:1: this is not YAML"),
        (b"{[a]: b}\n", "p.yaml:1:2: a key must be a word"),
        (b"[" * 40, f"p.yaml:1:{DEEPEST + 1}: this is nested more than {DEEPEST} deep"),
        (b"[" + b"1," * 60_000 + b"1]", "a playbook has at most 50,000 entries"),
    ],
    ids=["empty", "remark", "nul", "control", "utf-16", "latin-1", "binary", "10 MB", "twice", "anchor", "alias", "tag",
         "directive", "two documents", "cut off", "open quote", "tab", "odd key", "deep", "long"],
)  # fmt: skip
def test_what_is_no_plain_yaml_is_refused_where_it_stands(data: bytes, says: str) -> None:
    assert says in refused(data)


def test_an_alias_bomb_costs_nothing() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    assert "anchor" in refused("\n".join(lines))


@pytest.mark.parametrize("data", [b"a:\n\t- b\n", b"a:\n  - b: 1\n\tc: 2\n"])
def test_a_tab_is_told_of_spaces(data: bytes) -> None:
    with pytest.raises(PlaybookError) as raised:
        read(data, "p.yaml")
    assert raised.value.hint == "indent with spaces, not with tabs"


def test_no_hint_is_needed_where_the_sentence_says_it_all() -> None:
    with pytest.raises(PlaybookError) as raised:
        read(b"a: 1\na: 2\n", "p.yaml")
    assert raised.value.hint == "the first is on line 1"


SHIPPED = {path.stem: path.read_bytes() for path in sorted(library_dir("playbooks").glob("*.yaml"))}


def as_read(data: bytes) -> tuple[object, ...] | str:
    try:
        text = read(data, "p.yaml")
    except PlaybookError as error:
        return error.message
    there = {path: mark for path, mark in text.values.items() if not _is_empty(text.tree, path)}
    return text.tree, text.keys, there


def _is_empty(tree: Any, path: tuple[str | int, ...]) -> bool:
    for part in path:
        tree = tree[part]
    return tree is None  # nobody minds where nothing stands


@given(
    name=st.sampled_from(sorted(SHIPPED)),
    at=st.floats(0, 1),
    cut=st.integers(0, 6),
    put=st.text(":{}[]-,#'\"|> \n\t?ab1", max_size=4),
)
@settings(max_examples=25, deadline=None)
def test_the_quick_reader_reads_as_the_careful_one(name: str, at: float, cut: int, put: str) -> None:
    data = SHIPPED[name]
    start = int(at * len(data))
    broken = data[:start] + put.encode() + data[start + cut :]
    quick = as_read(broken)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_module, "_quick_events", lambda _source: ())
        careful = as_read(broken)
    assert quick == careful
