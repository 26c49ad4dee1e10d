import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.report.clean import clean, escape_json


@pytest.mark.parametrize(
    ("dirty", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1bPq#0;2;0\x1b\\b", "ab"),
        ("a\x9b2Jb", "ab"),
        ("\x1b[2\x1b[0mJ", "2J"),  # what is left of two halves is text
        ("a\rb\bc\x00", "abc"),
        ("admin\u202etxt.exe", "admintxt.exe"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("no XML holds \ufffe or \uffff", "no XML holds  or "),
        ("unfinished \x1b]52;c;aGk", "unfinished "),
    ],
)
def test_control_sequences_from_outside_never_reach_the_terminal(dirty: str, shown: str) -> None:
    assert clean(dirty) == shown


@given(st.text(alphabet=st.sampled_from("\x1b[]0;mPX\\\x07\x9b\x9dJab\n")))
def test_no_mixture_leaves_an_escape_behind(text: str) -> None:
    assert not set(clean(text)) & {"\x1b", "\x07", "\x9b", "\x9d"}


def test_a_flood_is_cut() -> None:
    assert len(clean("x" * 10_000, limit=100)) == 100


def test_nothing_takes_long_to_clean() -> None:
    began = time.perf_counter()
    clean("\x1b" * 20_000 + "[m" * 20_000)
    assert time.perf_counter() - began < 1.0


@pytest.mark.parametrize("hidden", "\u061c\u200b\u2028\u2060\ufeff\xad\U000e0041")
def test_what_is_not_seen_makes_no_name_look_like_another(hidden: str) -> None:
    assert clean(f"gl{hidden}ove") == "glove"


def test_a_letter_under_a_flood_of_marks_is_a_letter() -> None:
    assert clean("e" + "\u0301" * 500 + "a") == "e" + "\u0301" * 4 + "a"


@given(st.text(st.sampled_from('a\x7f\x80\x9b\x9d\u061c\u200f\u2028\u202e\u2066\u2069é\u200d😀\\"')))
def test_json_on_a_terminal_means_the_same_and_commands_nothing(text: str) -> None:
    shown = escape_json(json.dumps([text], ensure_ascii=False))
    assert json.loads(shown) == [text]
    assert set(shown) <= set('[]a\\"u0123456789bcdefé\u200d😀')
