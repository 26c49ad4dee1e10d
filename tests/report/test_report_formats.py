import json
import re
from dataclasses import replace
from typing import get_args
from xml.etree import ElementTree

import jsonschema
import nouns
import pytest

from console import words
from console.cli.shapes import SHAPES, shape_schema
from console.model import AgentClaim, AgentSays, Exemplar, Move, Note, Question, Shown, State, Verdict, WindowKind
from console.report import phrases
from console.report.formats import FORMATS
from console.report.junit import junit_report
from console.report.markdown import markdown_report
from console.report.picture import half_blocks, ramp
from console.report.tables import columns
from console.report.text import text_report


def test_the_answer_comes_first_and_cites_what_it_rests_on() -> None:
    lines = text_report(nouns.diagnosis()).splitlines()
    assert lines[:2] == ["▲ degraded  I-1, opened 2026-11-22T12:00:00Z, open", "  answers got worse"]
    cause = next(line for line in lines if line.startswith("1. "))
    assert cause == "1. The inputs changed; the model answers as before  (likely, 99 %)"
    assert "   for     strong   F1 accuracy fell" in lines
    assert "      F1 accuracy fell [×0.7 to 0.77, n 1280 → 320]" in lines


def test_many_findings_of_one_line_are_counted_and_not_recited() -> None:
    findings = tuple(nouns.finding(f"F{number}") for number in range(1, 6))
    move = Move("steps.inputs.moved", "strong", False, tuple(each.id for each in findings))
    text = text_report(nouns.diagnosis(findings=findings, causes=(nouns.cause(moves=(move,)),), runs=()))
    assert "F2 accuracy fell; and F3, F4, F5" in text


def test_a_kind_of_log_line_is_shown_with_an_example() -> None:
    example = Exemplar("current", nouns.NOON, "text", "card 17 \x1b[2Jrefused by issuer")
    log = nouns.finding(kind="log", text="pay error “card <*> refused”: 60 lines", interval=None, exemplars=(example,))
    text = text_report(nouns.diagnosis(runs=(nouns.a_run(steps=(nouns.step(findings=(log,)),)),)))
    assert "F1 pay error “card <*> refused”: 60 lines" in text
    assert "          2026-11-22T12:00:00Z card 17 refused by issuer\n" in text


def test_no_line_is_wider_than_the_terminal() -> None:
    long = "Is it as it was, and was it then as it ought to be? " * 2
    pair = replace(nouns.exemplar_pair(), text=long)
    steps = (nouns.step(findings=(nouns.finding(text=long), pair)),)
    diagnosis = nouns.diagnosis(findings=(pair,), runs=(nouns.a_run(title=long, steps=steps),))
    assert "\n  playbook accuracy_drop\n" in text_report(diagnosis, width=80)
    for line in text_report(diagnosis, width=80).splitlines():
        assert len(line) <= 80, line


def test_both_exemplars_are_drawn_side_by_side() -> None:
    pair = nouns.exemplar_pair()
    run = nouns.a_run(steps=(nouns.step("inputs", findings=(pair,)),))
    text = text_report(nouns.diagnosis(findings=(pair,), runs=(run,)))
    assert "  @@@@" + " " * 34 in text  # bright: the ramp spans what both pictures have
    assert text.index("baseline  ") < text.index("current  ") < text.index("@@@@")


def test_half_blocks_carry_two_rows_each_and_a_ramp_needs_no_colour() -> None:
    assert half_blocks(((0, 255), (255, 0)))[0].count("▀") == 2
    assert half_blocks(((0,),))[0].startswith("\x1b[38;5;232;48;5;232m")
    assert ramp(((0, 255), (0, 255), (255, 255))) == [" @", "@@"]


def test_no_colour_unless_asked_for() -> None:
    assert "\x1b" not in text_report(nouns.diagnosis())
    assert "\x1b[31;1m" in text_report(nouns.diagnosis(), colours=True)


@pytest.mark.parametrize("render", [text_report, markdown_report, junit_report])
def test_text_from_outside_cannot_drive_the_terminal_or_the_page(render) -> None:
    evil = "x\x1b[2J<script>|`\n# heading"
    finding = nouns.finding(text=evil)
    cause = nouns.cause(title=evil, subject=evil)
    run = nouns.a_run(title=evil, steps=(nouns.step(reason=evil, title=evil, findings=(finding,)),), causes=(cause,))
    text = render(
        nouns.diagnosis(runs=(run,), findings=(finding,), causes=(cause,), incident=nouns.incident(title=evil))
    )
    assert "\x1b" not in text
    if render is markdown_report:
        assert "\n# heading" not in text
    if render is not text_report:
        assert "<script>" not in re.sub("`[^`]*`", "", text)  # a code span shows it and runs nothing


def test_junit_says_failure_error_and_skipped_apart() -> None:
    states = (State.DEGRADED, State.INCONCLUSIVE, State.NO_DATA, State.ERROR, State.SKIPPED, State.OK)
    run = nouns.a_run(steps=tuple(nouns.step(f"s_{state}", state, reason=f"because {state}") for state in states))
    suite = ElementTree.fromstring(junit_report(nouns.diagnosis(runs=(run,))))[0]
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped"), suite.get("tests")) == (
        "1",
        "3",
        "1",
        "6",
    )
    kinds = [[child.tag for child in case] for case in suite.iter("testcase")]
    assert kinds == [["failure"], ["error"], ["error"], ["error"], ["skipped"], []]
    assert suite.find(".//testcase[@name='s_no_data']/error").get("message") == "because no_data"


def test_json_is_the_published_shape() -> None:
    shape = json.loads(FORMATS["json"](nouns.diagnosis()))
    jsonschema.validate(shape, shape_schema("diagnosis"))
    assert set(shape) >= {
        "verdict",
        "exit",
        "incident",
        "causes",
        "findings",
        "unexplained",
        "remedies",
        "windows",
        "agent",
    }
    promised = "id kind step signal labels verdict reason stat current baseline ratio interval p onset text"
    assert set(shape["findings"][0]) >= set(promised.split())


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_published_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(shape_schema(name))


def test_evidence_that_speaks_against_is_shown_too() -> None:
    move = Move("steps.probe.same", "moderate", True, (), "probe")
    text = text_report(nouns.diagnosis(causes=(nouns.cause(moves=(move,)),)))
    assert "against moderate steps.probe.same" in text


def test_a_healthy_diagnosis_says_there_is_nothing_to_explain() -> None:
    healthy = nouns.diagnosis(verdict=Verdict.OK, exit=0, causes=(), findings=(), incident=None)
    assert "nothing to explain: all is as before" in text_report(healthy)
    assert "Nothing to explain: all is as before." in markdown_report(healthy)


def test_an_incident_that_is_still_being_examined_says_so() -> None:
    early = nouns.diagnosis(verdict=Verdict.NO_DATA, runs=(), causes=(), findings=())
    assert "not examined yet; ask again in a moment" in text_report(early)
    assert "Not examined yet; ask again in a moment." in markdown_report(early)


def test_words_for_times_spans_and_windows() -> None:
    assert words.instant(nouns.NOON) == "2026-11-22T12:00:00Z"
    assert {words.instant(none) for none in (2.6e11, -1e12, float("nan"), float("inf"))} == {"no time"}
    assert [words.lapse(seconds) for seconds in (5, 90, 7200, 172800)] == ["5 s", "1.5 min", "2 h", "2 d"]
    pooled = replace(nouns.window("seasonal"), spans=nouns.window().spans * 3, note="3 of 4 weeks")
    assert phrases.window(pooled).endswith("Z; 3 of 4 weeks")
    assert phrases.window(replace(pooled, kind="pinned", name="good")).endswith("3 spans pooled; 3 of 4 weeks")
    assert phrases.window(None) == "–"


@pytest.mark.parametrize("kind", get_args(WindowKind))
def test_every_kind_of_window_has_words(kind: str) -> None:
    assert phrases.window(nouns.window(kind)).startswith(phrases.WINDOW_WORDS[kind])


def test_a_difference_is_shown_with_its_sign_and_unit() -> None:
    found = nouns.finding(signal="model.latency", stat="p50", ratio=None, interval=(-4.75e-6, 1.13e-5))
    assert phrases.certainty(found).startswith("-4.75 µs to +11.3 µs, n ")
    unknown = nouns.finding(signal="press.heat", ratio=None, interval=(0.5, 1.5))
    assert phrases.certainty(unknown).startswith("+0.5 to +1.5, n ")


@pytest.mark.parametrize("render", [text_report, markdown_report])
def test_the_notes_of_an_incident_are_read_where_it_is_shown(render) -> None:
    note = Note(nouns.NOON, "kim", "rolled back")
    shown = render(nouns.diagnosis(incident=nouns.incident(state="acknowledged", owner="kim", notes=(note,))))
    assert "2026-11-22T12:00:00Z kim: rolled back" in shown


def test_titles_of_many_playbooks_are_wrapped_like_the_rest() -> None:
    long = nouns.diagnosis(incident=None, runs=(nouns.a_run(title="Is the model slow? " * 8),))
    for colours in (False, True):
        lines = re.sub("\x1b\\[[0-9;]*m", "", text_report(long, width=80, colours=colours)).splitlines()
        assert lines[0].startswith("▲ degraded  Is the model slow?") and len(lines[0]) <= 80
        assert lines[1].startswith("            ")


def test_a_step_without_data_says_why_once() -> None:
    nothing = nouns.finding(text="accuracy: no data (absent)", verdict=Verdict.NO_DATA)
    run = nouns.a_run(steps=(nouns.step(state=State.NO_DATA, reason="absent", findings=(nothing,)),))
    text = text_report(nouns.diagnosis(verdict=Verdict.NO_DATA, runs=(run,), findings=(nothing,), causes=()))
    assert text.count("absent") == 1
    assert "there is too little data to compare" in text


def test_a_source_that_did_not_answer_is_not_called_too_little_data() -> None:
    run = nouns.a_run(steps=(nouns.step(state=State.ERROR, reason="prom cannot be reached", findings=()),))
    text = text_report(nouns.diagnosis(verdict=Verdict.NO_DATA, runs=(run,), findings=(), causes=()))
    assert "nobody can tell: what was asked did not answer" in text and "too little" not in text


def test_an_empty_list_says_so() -> None:
    assert columns(["id"], [], empty="no incident is open") == "no incident is open"


def test_what_a_step_shows_is_said_with_its_command_and_what_it_waits_for() -> None:
    shown = nouns.step("plan", State.OK, shown=Shown("## Drain it\n- then \x1b[31mwait", "kubectl drain node-a"))
    waits = nouns.step("ask", State.WAITING, question=Question("How many?", (), "number", ("oncall",)))
    text = text_report(nouns.diagnosis(runs=(nouns.a_run(steps=(shown, waits)),)))
    assert "      ## Drain it\n      - then wait\n      $ kubectl drain node-a\n" in text
    assert "waits for an answer: How many? (a number; by oncall)" in text


def test_what_a_model_says_stands_apart_cites_and_never_steers() -> None:
    claim = AgentClaim("it \x1b[2Jqueues\u202e, 17 s", "x", ("F1",), ("F2",), ("17",))
    says = AgentSays("m", (claim,), settles=("look at the pods",), remedies=("scale",), dropped=2, disagrees=True)
    lines = text_report(replace(nouns.diagnosis(), agent=says)).splitlines()
    at = lines.index("What m says  (0 calls, 0 tokens, 0 s)")
    assert lines[at + 1 : at + 7] == [
        "   it queues, 17 s  [F1, against F2]",
        "     ! no finding that it cites has 17",
        "   ! it puts another cause first than the numbers do",
        "   to settle it  look at the pods",
        "   remedies  scale",
        "   2 of its claims cited nothing that was found, and are not shown",
    ]
    stopped = text_report(replace(nouns.diagnosis(), agent=AgentSays("m", stopped="it refused to answer")))
    assert "   nothing: it refused to answer; the diagnosis stands" in stopped.splitlines()
    assert "agent" in json.loads(FORMATS["json"](replace(nouns.diagnosis(), agent=says)))
