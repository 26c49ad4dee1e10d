from dataclasses import replace

import nouns
import pytest

from console.errors import Exit
from console.model import State, Verdict
from console.triage.diagnose import diagnose


def test_findings_are_numbered_through_all_runs_and_citations_follow() -> None:
    other = nouns.a_run(id="R-2", playbook="latency", causes=(nouns.cause("slow_dependency", 50, playbook="latency"),))
    diagnosis = diagnose([nouns.a_run(), other])
    assert [finding.id for finding in diagnosis.findings] == ["F1", "F2"]
    assert {cause.id: cause.evidence for cause in diagnosis.causes} == {
        "input_changed": ("F1",),
        "slow_dependency": ("F2",),
    }
    assert diagnosis.causes[1].moves[0].findings == ("F2",)


def test_causes_below_three_to_one_are_not_named() -> None:
    run = nouns.a_run(causes=(nouns.cause(odds=2.9), nouns.cause("other", 3.0)))
    assert [cause.id for cause in diagnose([run]).causes] == ["other"]


def test_one_cause_of_one_subject_found_twice_is_named_once_with_the_stronger_case() -> None:
    weak = nouns.a_run(playbook="errors", causes=(nouns.cause(odds=5, playbook="errors"),))
    (cause,) = diagnose([weak, nouns.a_run()]).causes
    assert cause.odds == 100


def test_the_same_cause_of_another_subject_stays_apart() -> None:
    run = nouns.a_run(causes=(nouns.cause(), nouns.cause(subject="other")))
    assert len(diagnose([run]).causes) == 2


def test_a_degraded_finding_that_no_named_cause_cites_is_unexplained() -> None:
    run = nouns.a_run(steps=(nouns.step(findings=(nouns.finding("F1"), nouns.finding("F2"))),))
    assert diagnose([run]).unexplained == ("F2",)


@pytest.mark.parametrize(
    ("verdicts", "verdict", "code"),
    [
        ([], Verdict.NO_DATA, Exit.INCONCLUSIVE),
        ([Verdict.OK], Verdict.OK, Exit.HEALTHY),
        ([Verdict.OK, Verdict.IMPROVED], Verdict.IMPROVED, Exit.HEALTHY),
        ([Verdict.OK, Verdict.NO_DATA], Verdict.NO_DATA, Exit.INCONCLUSIVE),
        ([Verdict.INCONCLUSIVE, Verdict.NO_DATA], Verdict.INCONCLUSIVE, Exit.INCONCLUSIVE),
        ([Verdict.OK, Verdict.DEGRADED, Verdict.NO_DATA], Verdict.DEGRADED, Exit.PROBLEM),
    ],
)
def test_no_data_is_not_good_news_and_a_problem_outranks_it(
    verdicts: list[Verdict], verdict: Verdict, code: Exit
) -> None:
    diagnosis = diagnose(
        [nouns.a_run(playbook=f"p{place}", verdict=each, causes=()) for place, each in enumerate(verdicts)]
    )
    assert (diagnosis.verdict, diagnosis.exit) == (verdict, code)


def test_a_source_that_could_not_be_reached_is_exit_4_unless_a_problem_was_found() -> None:
    lost = nouns.step("lost", State.ERROR, unreachable=True)
    healthy = nouns.a_run(verdict=Verdict.OK, causes=(), steps=(lost,))
    assert diagnose([healthy]).exit == Exit.UNREACHABLE
    assert diagnose([replace(healthy, verdict=Verdict.DEGRADED)]).exit == Exit.PROBLEM


def test_remedies_of_named_causes_are_offered() -> None:
    run = nouns.a_run(causes=(nouns.cause(remedies=("retrain",)), nouns.cause("unlikely", 1, remedies=("reboot",))))
    assert [(offer.id, offer.cause) for offer in diagnose([run]).remedies] == [("retrain", "input_changed")]


def test_what_a_playbook_said_last_is_what_counts() -> None:
    earlier = nouns.a_run(verdict=Verdict.INCONCLUSIVE, causes=())
    diagnosis = diagnose([earlier, nouns.a_run()])
    assert diagnosis.verdict is Verdict.DEGRADED
    assert len(diagnosis.runs) == 1
