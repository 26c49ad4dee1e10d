"""World or model? One table, from what moved and what did not, in the order in which a person would rule things out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Culprit = Literal["world", "model", "concept", "neither", "unknown"]


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known; None where nobody can tell."""

    inputs: bool | None = None  # other inputs reach the model
    outputs: bool | None = None  # it gives other answers than it used to
    labels: bool | None = None  # fewer of its answers are right
    golden: bool | None = None  # pinned golden inputs are answered differently


def signs_of(drifted: Mapping[str, Any], *, labels: bool | None = None, golden: bool | None = None) -> Signs:
    """What a `drift` step's values say of inputs and answers, beside what labels and golden inputs say."""
    inputs = (drifted["moved"], drifted["schema_changed"])
    moved = True if True in inputs else None if None in inputs else False
    return Signs(inputs=moved, outputs=drifted["outputs_moved"], labels=labels, golden=golden)


@dataclass(frozen=True, slots=True)
class WorldOrModel:
    """Which of them changed, and why that is said."""

    verdict: Culprit
    text: str


# The first row whose signs all hold; a sign that a row does not name may be anything.
DECIDED: tuple[tuple[dict[str, bool], Culprit, str], ...] = (
    ({"golden": True, "inputs": True}, "model",
     "Golden inputs are answered differently: the model changed. The inputs moved as well."),
    ({"golden": True}, "model",
     "Golden inputs are answered differently: the model, its code or its precision changed."),
    ({"golden": False, "inputs": True}, "world",
     "The inputs moved, and golden inputs are answered as before: the world changed, the model did not."),
    ({"golden": False, "inputs": False, "labels": True}, "concept",
     "The same inputs, the same answers to golden inputs, and fewer answers are right: what is right changed."),
    ({"golden": False, "inputs": False}, "neither",
     "Golden inputs are answered as before and the inputs are as before: neither changed."),
    ({"golden": False}, "unknown",
     "Golden inputs are answered as before, so the model is the same; nobody can tell whether the inputs moved."),
)  # fmt: skip
WEAKER: tuple[tuple[dict[str, bool], Culprit, str], ...] = (
    ({"inputs": True}, "world", "The inputs moved: probably the world changed."),
    ({"inputs": False, "outputs": True}, "model",
     "The inputs are as before and the answers moved: probably the model changed."),
    ({"inputs": False, "outputs": False, "labels": True}, "concept",
     "Inputs and answers are as before and fewer answers are right: probably what is right changed."),
    ({"inputs": False, "labels": True}, "unknown",
     "The inputs are as before and fewer answers are right: the model changed, or what is right did."),
    ({"inputs": False, "outputs": False}, "neither", "Inputs and answers are as before: probably neither changed."),
    ({"inputs": False}, "unknown", "The inputs are as before; nobody can tell whether the answers are."),
    ({"outputs": True}, "unknown", "The answers moved; nobody can tell whether the inputs did."),
)  # fmt: skip
UNPROBED = "No golden inputs were sent of late, so this is the weaker verdict."


def world_or_model(signs: Signs) -> WorldOrModel:
    """The verdict, decided by experiment where golden inputs were sent, and weaker where none were.

    >>> world_or_model(Signs(inputs=True, golden=False)).verdict
    'world'
    """
    held = {"inputs": signs.inputs, "outputs": signs.outputs, "labels": signs.labels, "golden": signs.golden}
    for needs, verdict, text in DECIDED if signs.golden is not None else WEAKER:
        if all(held[sign] is wanted for sign, wanted in needs.items()):
            return WorldOrModel(verdict, text if signs.golden is not None else f"{text} {UNPROBED}")
    return WorldOrModel("unknown", f"Nobody can tell whether the inputs or the answers moved. {UNPROBED}")
