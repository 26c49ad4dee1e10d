"""The terminal that the console's tests and benchmarks look at."""

from __future__ import annotations

import pytest
from picture import Picture


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"ab\r\ncd", "ab\ncd"),
        (b"abcdefgh", "abcdef\ngh"),
        (b"\x1b[2;3Hx\x1b[1;1Hy", "y\n  x"),
        (b"abc\x1b[2Dz", "azc"),
        (b"abcdef\x1b[3G\x1b[K", "ab"),
        (b"abcdef\x1b[3G\x1b[1K", "   def"),
        (b"abcdef\x1b[2G\x1b[2X", "a  def"),
        (b"abcdef\x1b[2G\x1b[2P", "adef"),
        (b"abcd\x1b[2G\x1b[2@", "a  bcd"),
        (b"a\x1b[3b", "aaaa"),
        (b"one\r\ntwo\x1b[H\x1b[L", "\none\ntwo"),
        (b"1\r\n2\r\n3\r\n4", "2\n3\n4"),
        (b"1\r\n2\r\n3\x1b[H\x1bM0", "0\n1\n2"),
        (b"\x1b[2;3r\x1b[3;1Ha\r\nb\x1b[1;1Htop", "top\na\nb"),
        (b"abc\x1b[2J", ""),
        (b"\x1b]0;a title\x07a\x1bP+q\x1b\\b\x1b(Bc\x1b[?2026h", "abc"),
        ("空x".encode(), "空x"),
        ("e\u0301a".encode(), "ea"),
    ],
)
def test_a_picture_is_what_a_terminal_would_show(written: bytes, shown: str) -> None:
    picture = Picture(6, 3)
    for byte in written:  # wherever the bytes are cut
        picture.feed(bytes([byte]))
    assert picture.text.rstrip("\n") == shown


def test_styles_say_which_row_is_marked() -> None:
    picture = Picture(4, 2)
    picture.feed(b"ab\r\n\x1b[1;7mcd\x1b[0m\x1b[1;1He")
    assert picture.styles(0) == ("", "", "", "")
    assert picture.styles(1) == ("1;7", "1;7", "", "")
