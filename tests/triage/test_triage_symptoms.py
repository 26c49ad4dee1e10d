import json
from pathlib import Path

import pytest

from console.errors import UsageError
from console.model import Labels
from console.triage.symptoms import read_alert, symptom_in_words

FIRING = {
    "labels": {"alertname": "HighTTFT", "model": "llama"},
    "annotations": {"summary": "users wait"},
    "status": "firing",
}
RESOLVED = {"labels": {"alertname": "Old"}, "status": "resolved"}


def alert_file(folder: Path, data: object) -> Path:
    path = folder / "alert.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "data",
    [
        {"version": "4", "alerts": [RESOLVED, FIRING]},
        [RESOLVED | {"status": {"state": "suppressed"}}, FIRING | {"status": {"state": "active"}}],
        FIRING,
    ],
)
def test_every_form_in_which_alertmanager_gives_an_alert(tmp_path: Path, data: object) -> None:
    symptom = read_alert(alert_file(tmp_path, data))
    assert symptom.text == "users wait"
    assert symptom.labels == Labels.of(alertname="HighTTFT", model="llama") == symptom.alert


@pytest.mark.parametrize(
    "data", [[], {}, {"alerts": []}, {"alerts": [{"labels": {}}]}, 7, "text", [1], {"labels": [1]}]
)
def test_a_file_without_an_alert_is_said_so(tmp_path: Path, data: object) -> None:
    with pytest.raises(UsageError, match="holds no alert with labels"):
        read_alert(alert_file(tmp_path, data))


def test_a_file_that_is_not_json_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "alert.json").write_bytes(b"\x00\xff not json")
    with pytest.raises(UsageError, match="is not JSON"):
        read_alert(tmp_path / "alert.json")
    with pytest.raises(UsageError, match="cannot be read"):
        read_alert(tmp_path / "none.json")
    (tmp_path / "alert.json").write_text("[" * 100_000)
    with pytest.raises(UsageError, match="is not JSON"):
        read_alert(tmp_path / "alert.json")


@pytest.mark.parametrize("annotations", ["words", [1], 7, {"summary": None}])
def test_annotations_that_are_none_leave_the_alerts_name(tmp_path: Path, annotations: object) -> None:
    assert read_alert(alert_file(tmp_path, FIRING | {"annotations": annotations})).text == "HighTTFT"


def test_half_characters_do_not_get_in(tmp_path: Path) -> None:
    assert symptom_in_words("slow \udcff model=\udcfe").labels == Labels.of(model="�")
    alert = read_alert(alert_file(tmp_path, {"labels": {"alertname": "\ud800", "model": "\udcff"}}))
    assert (alert.text, alert.labels) == ("�", Labels.of(alertname="�", model="�"))


def test_words_may_carry_labels() -> None:
    symptom = symptom_in_words('slow answers model=glove line="press 2"')
    assert symptom.text == "slow answers"
    assert symptom.labels == Labels.of(model="glove", line="press 2")


def test_no_words_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="the symptom is empty"):
        symptom_in_words("   ")
