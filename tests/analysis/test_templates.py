import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.analysis.templates import MOST_CHARACTERS, MOST_TEMPLATES, message_of, templates_of


def named(bodies):
    ids, templates = templates_of(bodies)
    return [templates[at] for at in ids]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("2027-01-03T10:00:01Z job 17 done in 230ms", "2027-01-03T11:59:59Z job 9000 done in 2ms"),
        ("user 6f1c2a34-0b1e-4c4d-9a52-0f8f2a0b7c11 logged in", "user 00000000-0b1e-4c4d-9a52-0f8f2a0b7c12 logged in"),
        ("connect to 10.0.0.1:5432 failed", "connect to 192.168.7.31:5433 failed"),
        ("GET /api/users/17/orders/4 done", "GET /api/users/9/orders/12345 done"),
        ("mail to ann@example.test bounced", "mail to bob.b@mail.example.test bounced"),
        ("column 'tier' is missing", "column 'colour' is missing"),
        ('file "a b.txt" not found', 'file "c.txt" not found'),
        ("stations [york, leeds] planned", "stations [york, leeds, hull, selby] planned"),
        ("order=17 state=open customer=ann", "order=18 state=open customer=bob"),
        ("\x1b[31mdisk sda1 is full\x1b[0m", "disk sdb2 is full".replace("sdb2", "sda1")),
    ],
)
def test_what_varies_from_line_to_line_does_not_make_another_template(a, b):
    assert len({*named([a, b])}) == 1


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("upstream returned 503", "upstream returned 200"),
        ("request failed: status=500", "request failed: status=404"),
        ("level=error msg=refused", "level=info msg=accepted"),
        ("cache miss", "cache hit"),
        ("s3 is slow", "ec2 is slow"),
    ],
)
def test_what_means_something_else_is_another_template(a, b):
    assert len({*named([a, b])}) == 2


def test_a_json_line_is_its_message_and_its_error():
    assert (
        message_of('{"ts": 1, "level": "error", "msg": "no route", "err": "EHOSTUNREACH"}') == "no route EHOSTUNREACH"
    )
    assert message_of('{"message": {"a": 1}}') == '{"a": 1}'
    assert message_of('{"unknown": 1}') == '{"unknown": 1}'
    assert message_of("{broken json}") == "{broken json}"


def test_a_stack_trace_is_its_first_line_and_the_last_exception():
    java = "request failed\njava.lang.Error: no\n\tat a.B.c(B.java:1)\nCaused by: java.net.SocketTimeoutException: 3"
    python = "Traceback (most recent call last):\n  File \"a.py\", line 3, in b\nKeyError: 'x'"
    assert message_of(java) == "request failed java.net.SocketTimeoutException"
    assert message_of(python) == "Traceback (most recent call last): KeyError"


ODD = (
    "",
    "   ",
    "\n\n",
    "\x1b[0m",
    "ошибка: нет связи 17",
    "💥" * 9,
    "a" * 100_000,
    "9" * 50_000,
    "[" * 5_000,
    "'" * 5_000,
)


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_odd_lines_have_a_template_too(body):
    ids, templates = templates_of([body, body])
    assert ids.tolist() == [0, 0]
    assert len(templates) == 1
    assert len(templates[0]) <= MOST_CHARACTERS + 100


def test_no_lines_have_no_templates():
    ids, templates = templates_of([])
    assert ids.shape == (0,)
    assert templates == ()


def test_the_order_of_the_lines_does_not_matter():
    rng = random.Random(3)
    words = "alpha beta gamma delta epsilon zeta eta theta".split()
    bodies = [
        f"{rng.choice(words)} took {rng.randrange(99)} ms in {rng.choice(words)} of {rng.choice(words)}"
        for _ in range(400)
    ]
    shuffled = rng.sample(bodies, len(bodies))
    assert sorted(named(bodies)) == sorted(named(shuffled))


def test_templates_are_bounded_however_many_kinds_of_line_there_are():
    words = [f"{a}{b}{c}" for a in "bcdfghjklm" for b in "aeiou" for c in "nprstvwxyz"]
    bodies = [f"{a} {b} happened here today" for a in words[:60] for b in words[-60:]]
    ids, templates = templates_of(bodies)
    assert len(templates) <= MOST_TEMPLATES
    assert ids.max() < len(templates)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=30))
def test_every_line_has_one_template_and_equal_lines_the_same(bodies):
    ids, templates = templates_of(bodies)
    assert ids.shape == (len(bodies),)
    assert set(ids.tolist()) == set(range(len(templates))) if bodies else not templates
    by_body = {}
    for body, at in zip(bodies, np.asarray(ids).tolist(), strict=True):
        assert by_body.setdefault(body, at) == at
