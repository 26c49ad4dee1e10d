"""Expressions and templates: typed at load, three-valued when they run."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.playbook.expressions import ExpressionError, Scope, Unknown
from console.playbook.needs import cycle, tied_steps
from console.playbook.template import Template, fill, holes, parse
from console.words import nearest

SCOPE = Scope(
    {
        "steps.kv.verdict": "string",
        "steps.kv.current.stat": "double",
        "steps.kv.labels": "map(string, string)",
        "steps.kv.ids": "list(string)",
        "steps.probe.same": "bool",
        "steps.probe.changed": "int",
        "inputs.model": "string",
    }
)


def value(source: str, **values: Any) -> Any:
    return SCOPE.compile(source).evaluate({name.replace("__", "."): each for name, each in values.items()})


@given(a=st.sampled_from([True, False, None]), b=st.sampled_from([True, False, None]))
def test_and_or_not_are_those_of_kleene(a: bool | None, b: bool | None) -> None:
    scope = Scope({"steps.a.x": "bool", "steps.b.x": "bool"})
    values = {"steps.a.x": a, "steps.b.x": b}

    def said(source: str) -> bool | None:
        answer = scope.compile(source).evaluate(values)
        return None if isinstance(answer, Unknown) else bool(answer)

    both = False if False in (a, b) else None if None in (a, b) else True
    either = True if True in (a, b) else None if None in (a, b) else False
    assert said("steps.a.x && steps.b.x") is both
    assert said("steps.a.x || steps.b.x") is either
    assert said("!steps.a.x") is (None if a is None else not a)


def test_what_is_missing_is_named() -> None:
    assert value("steps.kv.current.stat > 0.95") == Unknown("steps.kv.current.stat has no value")
    both = value('steps.kv.verdict == "ok" && steps.kv.current.stat > 0.95')
    assert both == Unknown("steps.kv.verdict, steps.kv.current.stat have no value")
    assert value('steps.kv.labels.db == "a"', steps__kv__labels={}) == Unknown('Key not found in map : "db"')
    assert value("1 / 0 == steps.probe.changed", steps__probe__changed=1) == Unknown("divide by zero")


def test_values_of_every_type_are_read() -> None:
    assert value('steps.kv.labels.db == "a"', steps__kv__labels={"db": "a"}) is True
    assert value('"x" in steps.kv.ids', steps__kv__ids=["x"]) is True
    assert value("steps.kv.ids.exists(id, id.startsWith('x'))", steps__kv__ids=["xy"]) is True
    assert value("steps.probe.changed * 2", steps__probe__changed=4) == 8


def test_it_knows_what_it_reads_and_what_is_only_text() -> None:
    expression = SCOPE.compile("steps.kv.labels.db == \"steps.probe.same\" && inputs . model != 'inputs.x'")
    assert expression.names == ("steps.kv.labels", "inputs.model")
    assert expression.steps == ("kv",)


def test_types_are_checked_before_anything_runs() -> None:
    assert SCOPE.compile("steps.kv.current.stat").type == "double"
    with pytest.raises(ExpressionError, match="gives a double, and a bool is needed here"):
        SCOPE.compile("steps.kv.current.stat", want="bool")
    with pytest.raises(ExpressionError, match="no matching overload"):
        SCOPE.compile('steps.probe.same == "yes"')


@pytest.mark.parametrize("source", ["", "(", '"', "a b", "steps..kv", "1 +", "\\", "steps.kv.verdict ==\n=="])
def test_what_is_no_expression_is_an_error_never_a_crash(source: str) -> None:
    with pytest.raises(ExpressionError):
        SCOPE.compile(source)


@given(st.text(max_size=30))
def test_any_text_compiles_or_says_why_not(source: str) -> None:
    try:
        SCOPE.compile(source)
    except ExpressionError as error:
        assert error.message and "\n" not in error.message.replace(source, "")


def test_one_equals_sign_is_told_of_two() -> None:
    with pytest.raises(ExpressionError) as raised:
        SCOPE.compile('steps.kv.verdict = "ok"')
    assert raised.value.hint == "write == to compare"


def test_a_hint_names_the_nearest_or_what_there_is() -> None:
    assert nearest("verdit", ["verdict", "reason"]) == "did you mean 'verdict'?"
    assert nearest("zzz", ["b", "a"]) == "there is a, b"
    assert nearest("zzz", [str(n) for n in range(20)]).endswith(" …")
    assert nearest("zzz", []) == ""


# ── templates ────────────────────────────────────────────────────────────────────────────────────────────────────────


def template(text: str) -> Template:
    found = parse(text, SCOPE)
    assert found is not None
    return found


def test_a_hole_alone_keeps_its_type_and_among_words_it_becomes_words() -> None:
    values = {"steps.probe.changed": 3, "steps.kv.current.stat": 0.5, "steps.probe.same": False}
    assert template("${{ steps.probe.changed }}").fill(values) == 3
    text = "${{steps.probe.changed}} changed, ${{ steps.kv.current.stat }} used, same: ${{ steps.probe.same }}"
    assert template(text).fill(values) == "3 changed, 0.5 used, same: false"
    assert template("${{ inputs.model }}!").fill(values) == Unknown("inputs.model has no value")
    assert parse("plain", SCOPE) is None


def test_a_mistake_in_a_hole_is_found_where_it_stands() -> None:
    text = "a ${{ inputs.model }} b ${{ inputs.modl }}"
    with pytest.raises(ExpressionError) as raised:
        parse(text, SCOPE)
    assert raised.value.offset == text.index("inputs.modl }")


def test_every_hole_of_a_tree_is_found_and_filled() -> None:
    tree = {"a": ["x", "${{ inputs.model }}"], "b": {"c": "${{ steps.kv.ids }}"}, "d": 5}
    paths = list(holes(tree))
    assert paths == [("a", 1), ("b", "c")]
    templates = {("a", 1): template("${{ inputs.model }}"), ("b", "c"): template("${{ steps.kv.ids }}")}
    filled = fill(tree, templates, {"inputs.model": "glove", "steps.kv.ids": ["1"]})
    assert filled == {"a": ["x", "glove"], "b": {"c": ["1"]}, "d": 5}
    assert fill(tree, templates, {"inputs.model": "glove"}) == Unknown("steps.kv.ids has no value")


# ── needs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3)))
def test_a_ring_is_found_when_and_only_when_there_is_one(needs: dict[str, list[str]]) -> None:
    known = {step: [other for other in others if other in needs] for step, others in needs.items()}
    ring = cycle(known)

    def reaches(start: str, goal: str) -> bool:
        seen: set[str] = set()
        stack = list(known[start])
        while stack:
            step = stack.pop()
            if step == goal:
                return True
            if step not in seen:
                seen.add(step)
                stack += known[step]
        return False

    assert bool(ring) is any(reaches(step, step) for step in known)
    assert all(following in known[step] for step, following in pairwise(ring))
    assert not ring or ring[0] == ring[-1]


def test_an_option_that_names_no_step_ties_nothing() -> None:
    assert list(tied_steps(("around.onset_of", "of"), {"around": "x"})) == []


@pytest.mark.parametrize(
    ("source", "offset"),
    [('steps.kv.verdict == "degradd"', 21), ("steps.kv.verdict in ['ok', 'degradd']", 28)],
)
def test_a_verdict_that_there_is_none_of_is_refused(source: str, offset: int) -> None:
    scope = Scope({"steps.kv.verdict": "string"})
    with pytest.raises(ExpressionError) as refused:
        scope.compile(source)
    assert (refused.value.message, refused.value.offset) == ("there is no verdict 'degradd'", offset)
    assert "degraded" in refused.value.hint
    assert scope.compile('steps.kv.verdict != "ok"').type == "bool"


def test_no_data_is_no_verdict_to_ask_for() -> None:
    with pytest.raises(ExpressionError, match="a step without data has no verdict") as refused:
        Scope({"steps.kv.verdict": "string"}).compile('steps.kv.verdict in ["ok", "no_data"]')
    assert refused.value.offset == 28
