import nouns
import pytest
from pydantic import ValidationError

from console.model import Diagnosis, Labels, Span
from console.wire import dump, encode, load, schema


def test_a_diagnosis_survives_the_wire() -> None:
    diagnosis = nouns.diagnosis()
    assert load(Diagnosis, dump(diagnosis)) == diagnosis


def test_labels_are_an_object_in_json_and_sorted_here() -> None:
    shape = dump(nouns.finding(labels=Labels.of(model="glove", az="b")))
    assert shape["labels"] == {"az": "b", "model": "glove"}
    assert Labels.of(b="1", a="2") == Labels.of({"a": "2", "b": "1"}) == (("a", "2"), ("b", "1"))


def test_not_a_number_is_null_and_not_a_bare_word() -> None:
    assert encode({"value": float("nan")}) == b'{"value":null}'


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValidationError):
        load(Span, {"start": "noon"})


def test_the_schema_of_a_noun_names_its_fields() -> None:
    assert set(schema(Diagnosis)["properties"]) >= {"verdict", "exit", "incident", "causes", "findings", "unexplained",
                                                    "remedies", "windows", "agent"}  # fmt: skip


def test_labels_are_text_that_every_encoder_takes() -> None:
    labels = Labels.of({"mod\udcffel": "g\ud800", "stadt": "Köln"})
    assert labels == (("mod?el", "g?"), ("stadt", "Köln"))
    assert encode(dict(labels)) == b'{"mod?el":"g?","stadt":"K\xc3\xb6ln"}'
