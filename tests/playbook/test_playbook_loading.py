"""Loading: what a playbook becomes, and one sentence for each way it can be wrong."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.cli import run as main
from console.errors import Exit, PlaybookError
from console.model import Labels, Verdict
from console.playbook.definition import Playbook
from console.playbook.loader import library, load, load_text

GOOD = """\
schema: andon/v1
name: slow
title: Answers take longer
triggers:
  - {signal: model.latency, verdict: degraded}
  - {alert: {alertname: "*Latency*"}}
inputs:
  model: {type: string, from: incident.labels.model, default: ""}
  share: {type: number, default: 2}
windows: {current: 15m, baseline: {seasonal: {period: 1w, count: 4}}}
steps:
  - id: latency
    title: Do answers take longer?
    uses: compare
    with: {signal: model.latency, stat: p95, where: {model: "${{ inputs.model }}"}, tolerance: 20%}
  - id: changed
    title: What changed?
    if: steps.latency.verdict == "degraded"
    uses: events
    with: {kinds: [deploy], around: {onset_of: latency}}
  - id: known
    title: Was it announced?
    needs: [changed]
    uses: ask
    timeout: 2m
    with: {question: "Was ${{ steps.changed.nearest.title }} announced?", answers: ["yes", "no"], unattended: unknown}
causes:
  - id: bad_release
    title: What was released is slower
    prior: 1:20
    subject: "${{ steps.changed.nearest.target }}"
    evidence:
      - {if: steps.changed.count > 0, weight: moderate, group: change}
      - {if: steps.latency.verdict == "ok", weight: strong, against: true}
    remedies: [roll_back]
remedies:
  - id: roll_back
    uses: kubernetes.undo
    with: {workload: "${{ inputs.model }}"}
    risk: medium
    verify: {step: latency, want: ok, within: 5m}
tests:
  - {bundle: bundles/slow.andon, expect: {cause: bad_release, exit: 1}}
"""


def good() -> Playbook:
    return load_text(GOOD, "slow.yaml")


def test_a_playbook_becomes_what_it_says() -> None:
    playbook = good()
    assert (playbook.name, playbook.title, playbook.current) == ("slow", "Answers take longer", "15m")
    assert playbook.baseline == {"seasonal": {"period": "1w", "count": 4}}
    assert [trigger.signal for trigger in playbook.triggers] == ["model.latency", None]
    assert playbook.triggers[1].alert == Labels.of(alertname="*Latency*")
    assert playbook.source == GOOD
    cause = playbook.causes[0]
    assert (cause.prior, cause.remedies) == (1 / 20, ("roll_back",))
    assert [(line.weight, line.against, line.group) for line in cause.evidence] == [
        ("moderate", False, "change"),
        ("strong", True, None),
    ]


def test_a_reference_is_a_need() -> None:
    latency, changed, known = good().steps
    assert latency.needs == ()
    assert changed.needs == ("latency",)  # by `if`, and by `onset_of`
    assert known.needs == ("changed",)
    assert (changed.timeout, known.timeout) == (None, 120)


def test_a_trigger_is_judged_as_its_step_judges_and_keeps_the_inputs_labels_apart() -> None:
    (check,) = good().trigger_checks
    assert (check.signal, check.verdict, check.step) == ("model.latency", Verdict.DEGRADED, "latency")
    assert check.options == {
        "signal": "model.latency", "stat": "p95", "tolerance": "20%", "where": {}, "by": ["model"],
    }  # fmt: skip


def test_a_trigger_without_a_step_is_judged_by_the_signals_own_defaults() -> None:
    playbook = load_text(GOOD.replace("signal: model.latency, v", "signal: gpu.temperature, v"), "p")
    assert playbook.trigger_checks[0].options == {"signal": "gpu.temperature"}
    assert playbook.trigger_checks[0].step is None


def test_inputs_come_from_the_incidents_labels() -> None:
    assert good().inputs_from(Labels.of(model="glove", az="b")) == {"model": "glove"}
    assert good().inputs_from(Labels.of(az="b")) == {}


WRONG = {  # what stands there, what is written instead, where the error points, what it says, what it hints
    "unknown key": ("title: Do", "titel: Do", "titel", "`titel` is no key of a step", "'title'"),
    "unknown key at the top": ("causes:", "reasons:", "reasons", "`reasons` is no key of a playbook", ""),
    "unknown key of windows": ("current: 15m", "curent: 15m", "curent", "`curent` is no key of `windows`", "'current'"),
    "unknown key of evidence": (
        "group: change",
        "grop: change",
        "grop",
        "`grop` is no key of a line of evidence",
        "'group'",
    ),
    "unknown with key": ("stat: p95", "stats: p95", "stats", "`stats` is no key of `compare`", "'stat'"),
    "unknown nested with key": (
        "{onset_of: lat",
        "{onset: lat",
        "onset:",
        "`onset` is no key of `events`",
        "'onset_of'",
    ),
    "missing key": ("    uses: compare\n", "", "id: latency", "the key `uses` is missing here", ""),
    "missing with key": (
        'question: "Was ${{ steps.changed.nearest.title }} announced?", ',
        "",
        "{answers",
        "the key `question` is missing here",
        "",
    ),
    "unknown signal": (
        "{signal: model.latency, stat",
        "{signal: model.latancy, stat",
        "model.latancy",
        "`signal`: there is no signal model.latancy",
        "model.latency",
    ),
    "unknown signal of a trigger": (
        "signal: model.latency, v",
        "signal: model.latensy, v",
        "model.latensy",
        "`signal`: there is no signal model.latensy",
        "model.latency",
    ),
    "unknown step type": ("uses: compare", "uses: compair", "compair", "there is no step type 'compair'", "'compare'"),
    "unknown schema": ("andon/v1", "andon/v9", "andon/v9", "`schema` cannot be 'andon/v9'", "andon/v1"),
    "bad name": ("name: slow", "name: Slow Down", "Slow Down", "`name` cannot be 'Slow Down'", "match"),
    "bad id": ("id: changed", "id: Changed!", "Changed!", "`id` cannot be 'Changed!'", "match"),
    "bad input name": ("  share: {", "  Share-2: {", "Share-2", "`Share-2` cannot be 'Share-2'", "match"),
    "number for text": ("name: slow", "name: 5", "5", "`name` must be text, not 5", "quotes"),
    "text for a list": (
        "needs: [changed]",
        "needs: changed",
        "changed\n    uses: ask",
        "`needs` must be a list, not 'changed'",
        "",
    ),
    "nothing for a list": ("needs: [changed]", "needs: ~", "~", "`needs` must be a list, not empty", ""),
    "bad weight": ("weight: moderate", "weight: heavy", "heavy", "`weight` cannot be 'heavy'", "moderate"),
    "bad prior": ("1:20", "1:0", "1:0", "`prior`: '1:0' are not odds", "1:30"),
    "bad share": ("tolerance: 20%", "tolerance: lots", "lots", "`tolerance`: 'lots' is not a share", "20%"),
    "bad timeout": ("timeout: 2m", "timeout: soon", "soon", "`timeout`: 'soon' is not a duration", "15m"),
    "bad window": ("current: 15m", "current: yesterday", "yesterday", "'yesterday' is not a length of time", "15m"),
    "two baselines": (
        "{seasonal:",
        "{offset: 1d, seasonal:",
        "{offset",
        "`baseline`: a baseline is exactly one of",
        "",
    ),
    "onset of nothing": (
        "{seasonal: {period: 1w, count: 4}}",
        "{before: onset}",
        "{before",
        "`baseline`: `before: onset` and `of: STEP` go together",
        "",
    ),
    "bad offset": (
        "{seasonal: {period: 1w, count: 4}}",
        "{offset: soon}",
        "soon",
        "`offset`: 'soon' is not a duration",
        "15m",
    ),
    "trigger of nothing": (
        "{signal: model.latency, verdict: degraded}",
        "{verdict: ok}",
        "{verdict: ok}",
        "`triggers`: a trigger has either `signal` or `alert`",
        "",
    ),
    "default of another type": (
        "number, default: 2",
        "number, default: two",
        "{type: number",
        "`share`: the default of this input is not a number",
        "",
    ),
    "stat without meaning": (
        "stat: p95",
        "stat: ratio",
        "{signal: model.latency, stat",
        "`with`: `stat: ratio` and `of: SIGNAL` go together",
        "",
    ),
    "duplicate step": (
        "id: changed",
        "id: latency",
        "latency\n    title: What",
        "the id 'latency' is here a second time",
        "line 12",
    ),
    "duplicate key": (
        "name: slow\n",
        "name: slow\nname: fast\n",
        "name: fast",
        "the key 'name' is here a second time",
        "line 2",
    ),
    "unknown need": ("needs: [changed]", "needs: [chnaged]", "chnaged", "there is no step 'chnaged'", "'changed'"),
    "unknown onset_of": (
        "onset_of: latency",
        "onset_of: latancy",
        "latancy",
        "there is no step 'latancy'",
        "'latency'",
    ),
    "unknown step of verify": ("step: latency", "step: speed", "speed", "there is no step 'speed'", "latency"),
    "unknown remedy": ("[roll_back]", "[roll_bakc]", "roll_bakc", "there is no remedy 'roll_bakc'", "'roll_back'"),
    "undefined step": (
        "if: steps.changed.count > 0",
        "if: steps.chnged.count > 0",
        "steps.chnged.count",
        "there is no step 'chnged'",
        "'changed'",
    ),
    "undefined result": (
        'if: steps.latency.verdict == "d',
        'if: steps.latency.verdit == "d',
        "steps.latency.verdit",
        "step 'latency' has no result 'verdit'",
        "'verdict'",
    ),
    "undefined input": (
        'inputs.model }}"}, t',
        'inputs.modle }}"}, t',
        "inputs.modle",
        "there is no input 'modle'",
        "'model'",
    ),
    "a whole step": (
        "if: steps.changed.count > 0",
        "if: steps.changed",
        "steps.changed, w",
        "steps.changed is a whole step",
        "count",
    ),
    "a loose name": ("if: steps.changed.count > 0", "if: verdict", "verdict, w", "nothing is called 'verdict'", ""),
    "no CEL": ("steps.changed.count > 0", "steps.changed.count > > 0", "> 0", "`steps.changed.count > > 0`", ""),
    "open quote": ('== "degraded"', '== "degraded', '"degraded', '`steps.latency.verdict == "degraded`', ""),
    "wrong types": (
        "changed.count > 0",
        "changed.count > 0.5",
        "> 0.5",
        "`steps.changed.count > 0.5`: found no matching overload",
        "1.0",
    ),
    "no truth": (
        "if: steps.changed.count > 0",
        "if: steps.changed.count",
        "steps.changed.count,",
        "`steps.changed.count` gives a int, and a bool is needed here",
        "",
    ),
    "evidence of no step": (
        "if: steps.changed.count > 0",
        "if: inputs.share > 1.0",
        "inputs.share",
        "evidence must read the result of a step",
        "cites",
    ),
    "open hole": ("${{ inputs.model }}", "${{ inputs.model", "${{ inputs", "`${{` is never closed by `}}`", ""),
    "needs itself": (
        'if: steps.latency.verdict == "degraded"',
        'if: steps.known.answer == "yes"',
        "changed\n    title",
        "these steps wait for each other: changed → known → changed",
        "need",
    ),
    "more tries than there may be": (
        "    timeout: 2m",
        "    timeout: 2m\n    retry: {times: 9}",
        "9}",
        "`times` cannot be 9",
        "at most 5",
    ),
    "fewer tries than one": (
        "    timeout: 2m",
        "    timeout: 2m\n    retry: {times: 0}",
        "0}",
        "`times` cannot be 0",
        "at least 1",
    ),
    "a kind of event mistyped": (
        "kinds: [deploy",
        "kinds: [deplyo",
        "deplyo",
        "`kinds`: there is no kind of event 'deplyo'",
        "did you mean 'deploy'?",
    ),
    "no evidence": (
        "evidence:\n      - {if: steps.changed.count > 0, weight: moderate, group: change}\n"
        '      - {if: steps.latency.verdict == "ok", weight: strong, against: true}',
        "evidence: []",
        "[]",
        "`evidence` needs at least 1 entry",
        "",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_sentence_at_its_place(case: str) -> None:
    before, after, at, says, hint = WRONG[case]
    assert before in GOOD
    text = GOOD.replace(before, after, 1)
    above = text[: text.index(at)]
    place = f"slow.yaml:{above.count(chr(10)) + 1}:{len(above) - above.rfind(chr(10))}: "
    with pytest.raises(PlaybookError) as raised:
        load_text(text, "slow.yaml")
    error = raised.value
    assert error.message.startswith(place + says), error.message
    assert hint in error.hint, error.hint
    assert "\n" not in error.message + error.hint
    assert error.exit is Exit.USAGE


@pytest.mark.parametrize("text", ["- a\n- b\n", "gloves", "5"])
def test_a_playbook_is_a_mapping(text: str) -> None:
    with pytest.raises(PlaybookError, match=r"^slow\.yaml:1:1: a playbook is a mapping$"):
        load_text(text, "slow.yaml")


def test_of_several_mistakes_the_first_in_the_file_is_told() -> None:
    wrong = GOOD.replace("weight: strong", "weight: heavy").replace("title: Do", "titel: Do")
    with pytest.raises(PlaybookError, match=r"slow.yaml:13:5: `titel`"):
        load_text(wrong, "slow.yaml")


def test_what_only_a_run_can_know_is_left_for_the_run() -> None:
    text = GOOD.replace("tolerance: 20%", 'tolerance: "${{ inputs.share }}"')
    assert load_text(text, "slow.yaml").steps[0].templates.keys() == {("where", "model"), ("tolerance",)}


def test_a_step_may_look_elsewhere_and_waits_for_the_onset_it_names() -> None:
    text = GOOD.replace(
        "    needs: [changed]\n", "    windows: {current: 1h, baseline: {before: onset, of: latency}}\n"
    )
    known = load_text(text, "slow.yaml").steps[2]
    assert (known.current, known.baseline) == ("1h", {"before": "onset", "of": "latency"})
    assert "latency" in known.needs


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match=r"none.yaml:1:1: this file cannot be read: No such file"):
        load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("file", "says"),
    [("slow.yaml", ""), ("Slow.yaml", ""), ("fast.yaml", "fast.yaml:2:7: `name` is 'slow', and the file is called")],
)
def test_check_wants_the_name_that_a_file_is_found_by(
    file: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / file).write_text(GOOD)
    assert load(tmp_path / file).name == "slow"  # it can still be run as a file
    assert main(["playbook", "check", str(tmp_path / file)]) == (Exit.USAGE if says else Exit.HEALTHY)
    told = capsys.readouterr().out
    assert says in told
    assert ("call it fast, or the file slow.yaml" in told) == bool(says)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            'with: {workload: "${{ inputs.model }}"}',
            "with: {worklod: chat}",
            ":39:12: `worklod` is no key of `kubernetes",
        ),
        ('    with: {workload: "${{ inputs.model }}"}\n', "", ":37:5: the key `workload` is missing here"),
        (
            '"${{ inputs.model }}"}\n    risk',
            '"${{ inputs.model }}", revision: 0}\n    risk',
            ":39:55: `revision` cannot be 0",
        ),
        ('"${{ inputs.model }}"}\n    risk', '"${{ inputs.model }}", revision: "${{ inputs.share }}"}\n    risk', ""),
        ('"${{ inputs.model }}"}\n    risk', '"${{ inputs.model }}", actuator: prod}\n    risk', ""),
        ("kubernetes.undo", "kubernetes.und", "remedy roll_back: no plugin here offers kubernetes.und; did you mean"),
    ],
)
def test_check_holds_remedies_to_what_their_actions_take(
    old: str, new: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    (tmp_path / "slow.yaml").write_text(text)
    assert load(tmp_path / "slow.yaml").remedies[0].id == "roll_back"  # it diagnoses all the same
    code = main(["playbook", "check", str(tmp_path / "slow.yaml")])
    assert code == (Exit.USAGE if says.startswith(":") else Exit.HEALTHY)  # the action of a plugin that is not here
    assert says in capsys.readouterr().out


def test_a_kind_of_event_of_ones_own_may_be_asked_for() -> None:
    assert load_text(GOOD.replace("kinds: [deploy", "kinds: [blessing"), "slow.yaml").name == "slow"


def test_a_library_is_many_and_one_broken_playbook_takes_no_other_down(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(GOOD.replace("name: slow", "name: 5"))
    own = tmp_path / "own"
    own.mkdir()
    (own / "mine.yaml").write_text(GOOD.replace("title: Answers take longer", "title: Mine"))
    problems: list[PlaybookError] = []
    found = library([tmp_path, own, tmp_path / "none"], on_problem=problems.append)
    assert [playbook.title for playbook in found.values()] == ["Mine"]
    broken, missing = (problem.message for problem in problems)
    assert broken.endswith("b.yaml:2:7: `name` must be text, not 5")
    assert missing == f"{tmp_path / 'none'} is no folder of playbooks"


def test_text_with_half_a_character_is_one_sentence_too() -> None:
    with pytest.raises(PlaybookError, match="not UTF-8"):
        load_text("name: \ud800\n", "slow.yaml")


@given(
    start=st.integers(0, len(GOOD) - 1),
    length=st.integers(0, 40),
    instead=st.text(alphabet=" \n\t:{}[]'\"-#&*!|>%@`,?$aé0.\x00", max_size=12),
)
@settings(max_examples=150, deadline=None)
def test_whatever_is_broken_in_a_playbook_is_one_sentence_at_a_place(start: int, length: int, instead: str) -> None:
    text = GOOD[:start] + instead + GOOD[start + length :]
    try:
        load_text(text, "slow.yaml")
    except PlaybookError as error:
        assert re.match(r"slow\.yaml:\d+:\d+: \S", error.message), error.message
        assert "\n" not in error.message + error.hint


def test_a_path_without_an_end_is_too_long_and_a_pipe_in_a_folder_is_no_playbook(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="is longer than"):
        load(Path("/dev/zero"))
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(PlaybookError, match=r"pipe\.yaml:1:1: this is a pipe"):
        load(tmp_path / "pipe.yaml")
    assert library([tmp_path], on_problem=pytest.fail) == {}
