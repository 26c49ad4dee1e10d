"""Whether a diagnosis says what a fault's manifest expects of it."""

from __future__ import annotations

from collections.abc import Mapping

from console.model import Cause, Diagnosis, Finding


def is_expected(cause: Cause, diagnosis: Diagnosis, expect: Mapping[str, str]) -> bool:
    """Whether this is the cause, with the playbook, subject, feature and slice that the manifest names."""
    said = {"playbook": cause.playbook, "cause": cause.id, "subject": cause.subject}
    if any(said[name] != expect[name] for name in said if name in expect):
        return False
    drifts = [finding.drift for finding in _cited(cause, diagnosis) if finding.drift is not None]
    if "feature" in expect:
        drifts = [drift for drift in drifts if drift.name == expect["feature"]]
        if not drifts:
            return False
    return "slice" not in expect or any(drift.slice and drift.slice.value == expect["slice"] for drift in drifts)


def place_of_expected(diagnosis: Diagnosis, expect: Mapping[str, str]) -> int | None:
    """The place, from 0, of the first cause that is the expected one; None where none is."""
    causes = enumerate(diagnosis.causes)
    return next((place for place, cause in causes if is_expected(cause, diagnosis, expect)), None)


def onset_error(diagnosis: Diagnosis, injected: float) -> float | None:
    """Seconds of lab time, positive where it is said to be later than it was.

    Of the first finding with an onset in the first cause's evidence, the strongest line first, as it is shown.
    """
    onsets = {finding.id: finding.onset for finding in diagnosis.findings}
    cited = [onsets.get(id_) for cause in diagnosis.causes[:1] for move in cause.moves for id_ in move.findings]
    return next((onset - injected for onset in cited if onset is not None), None)


def first_named(diagnosis: Diagnosis) -> str:
    """The first cause, as playbook/id."""
    return next((f"{cause.playbook}/{cause.id}" for cause in diagnosis.causes), "unknown")


def _cited(cause: Cause, diagnosis: Diagnosis) -> list[Finding]:
    return [finding for finding in diagnosis.findings if finding.id in cause.evidence]
