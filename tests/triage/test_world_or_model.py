"""World or model, for every case that a person would tell apart."""

from itertools import product

import pytest

from console.triage.world_or_model import UNPROBED, Signs, world_or_model


@pytest.mark.parametrize(
    ("signs", "verdict"),
    [
        (Signs(inputs=True, golden=False), "world"),
        (Signs(inputs=True, outputs=True, labels=True, golden=False), "world"),
        (Signs(inputs=False, golden=True), "model"),
        (Signs(inputs=True, golden=True), "model"),
        (Signs(golden=True), "model"),
        (Signs(inputs=False, labels=True, golden=False), "concept"),
        (Signs(inputs=False, labels=False, golden=False), "neither"),
        (Signs(labels=True, golden=False), "unknown"),
        (Signs(inputs=True), "world"),
        (Signs(inputs=False, outputs=True), "model"),
        (Signs(inputs=False, outputs=False, labels=True), "concept"),
        (Signs(inputs=False, labels=True), "unknown"),
        (Signs(inputs=False, outputs=False, labels=False), "neither"),
        (Signs(inputs=False), "unknown"),
        (Signs(), "unknown"),
    ],
)
def test_what_moved_says_what_changed(signs: Signs, verdict: str) -> None:
    assert world_or_model(signs).verdict == verdict


def test_without_golden_inputs_the_verdict_is_the_weaker_one_and_says_so() -> None:
    known = (True, False, None)
    for inputs, outputs, labels, golden in product(known, repeat=4):
        found = world_or_model(Signs(inputs, outputs, labels, golden))
        assert (UNPROBED in found.text) == (golden is None)
