from dataclasses import replace

from console.model import Labels, Symptom, Verdict
from console.playbook.definition import Input, Playbook, Step, Trigger
from console.triage.cord import pulled
from console.triage.pick import pick


def book(name: str, title: str, *triggers: Trigger) -> Playbook:
    return Playbook(name=name, title=title, steps=(Step("one", "One?", "compare", {}),), triggers=triggers)


TTFT = book(
    "ttft", "Users wait longer for the first token", Trigger("model.ttft"), Trigger(alert=Labels.of(alertname="*TTFT*"))
)
ACCURACY = book("accuracy", "Answers got worse", Trigger("model.feedback.correct"))
BOOKS = {each.name: each for each in (TTFT, ACCURACY)}


def test_a_signal_picks_the_playbook_that_waits_for_it() -> None:
    assert pick([Symptom("x", "model.ttft", verdict=Verdict.DEGRADED)], BOOKS) == [TTFT]


def test_another_verdict_of_the_same_signal_does_not() -> None:
    assert pick([Symptom("x", "model.ttft", verdict=Verdict.IMPROVED)], BOOKS) == []


def test_an_alert_matches_by_glob() -> None:
    assert pick([Symptom("x", alert=Labels.of(alertname="HighTTFT"))], BOOKS) == [TTFT]
    assert pick([Symptom("x", alert=Labels.of(alertname="Disk"))], BOOKS) == []


def test_words_match_titles_whatever_their_number_or_case() -> None:
    assert pick([Symptom("WRONG answer everywhere")], BOOKS) == [ACCURACY]
    assert pick([Symptom("user waits for tokens")], BOOKS) == [TTFT]


def test_words_that_fit_nothing_pick_everything() -> None:
    assert pick([Symptom("the coffee is cold")], BOOKS) == [TTFT, ACCURACY]


def test_several_symptoms_pick_each_playbook_once() -> None:
    both = [
        Symptom("x", "model.feedback.correct", verdict=Verdict.DEGRADED),
        Symptom("x", "model.ttft", verdict=Verdict.DEGRADED),
    ]
    assert pick([*both, *both], BOOKS) == [ACCURACY, TTFT]


def test_a_cord_pulled_without_a_word_looks_at_everything_that_can_be_told_what_it_must_know() -> None:
    told = replace(TTFT, name="told", inputs={"model": Input("model", source="incident.labels.model")}, triggers=())
    untold = replace(told, name="untold", inputs={"node": Input("node", source="incident.labels.node")})
    seen = replace(untold, name="seen", triggers=(Trigger("model.ttft"),))  # what its trigger sees may name the node
    books = {each.name: each for each in (ACCURACY, told, untold, seen)}
    assert pick([pulled("answers", "", models={"answers"})], books) == [ACCURACY, told, seen]


def test_a_cord_pulled_with_words_that_fit_looks_where_they_point() -> None:
    assert pick([pulled("glove", "wrong answers", models=())], BOOKS) == [ACCURACY]


def test_a_signal_that_no_playbook_waits_for_is_no_reason_to_run_them_all() -> None:
    assert pick([Symptom("x", "gpu.temperature", verdict=Verdict.DEGRADED)], BOOKS) == []


def test_what_a_person_says_is_looked_into_beside_what_a_trigger_saw() -> None:
    seen = Symptom("x", "model.ttft", verdict=Verdict.DEGRADED)
    assert pick([seen, pulled("glove", "wrong answers", models=())], BOOKS) == [TTFT, ACCURACY]
    assert pick([seen], BOOKS) == [TTFT]
