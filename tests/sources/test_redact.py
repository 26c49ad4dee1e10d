"""What of a stranger's line may be shown: one line, short, without secrets and nothing that a terminal obeys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.sources.redact import CONTROL, shown_line


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("login of ada@example.org with password=hunter2", "login of ••• with password=•••"),
        ("Authorization: Bearer abc.def.ghijkl then", "Authorization: ••• then"),
        ("sent Bearer abcdef123456 along", "sent Bearer ••• along"),
        ('{"api_key": "s3cr3t", "n": 1}', '{"api_key": •••, "n": 1}'),
        ("GET https://me:pass@host/x failed", "GET https://•••@host/x failed"),
        ("db postgres://me:pw@db/x; see http://docs", "db postgres://•••@db/x; see http://docs"),
        ("prompt_tokens=512 max_tokens: 9", "prompt_tokens=512 max_tokens: 9"),
        ("a \x1b[31mred\x1b[0m \x1b]0;title\x07 b", "a red  b"),
        ("two\nlines", "two lines"),
        ("gl\u200bove pass\U000e0041word=hunter2", "glove password=•••"),
        ("plain as ever", "plain as ever"),
    ],
)
def test_secrets_addresses_and_sequences_go_and_the_rest_stays(line: str, shown: str) -> None:
    assert shown_line(line) == shown


@given(st.text(max_size=3000), st.integers(1, 500))
def test_it_is_short_and_one_line_whatever_comes(line: str, most: int) -> None:
    shown = shown_line(line, most)
    assert len(shown) <= most
    assert not CONTROL.search(shown)
