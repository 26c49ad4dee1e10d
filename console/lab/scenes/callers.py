"""Scenes of who calls whom: a client that is not understood, and something the model needs that does not answer."""

from __future__ import annotations

from typing import Any

from console.lab.scenes.scene import Scene, scene
from console.sources.types import ProbeAnswer

MODEL = "sorter"
ONSET = 150.0  # seconds ago
SAME = ProbeAnswer(sent=16, answered=16, changed=0, largest=0.0, median_seconds=0.03)
CLIENT, CALLS = ("client_errors", "error_burst"), ("dependency_errors", "provider_errors")


def sorter(seed: int) -> Scene:
    """The model, well: its feeder, a second client, a service that it calls; somebody else releases something."""
    made = Scene(seed)
    for client, rate in (("feeder", 6.0), ("archive", 0.5)):
        made.counter("model.requests", rate, season=0.2, model=MODEL, client=client)
    made.counter("model.errors", 0.004, model=MODEL, client="feeder", reason="bad_shape")
    made.counter("data.rows", 6, season=0.2, model=MODEL)
    made.histogram("model.latency", 0.05, per_second=6, season=0.2, model=MODEL)
    made.histogram("model.dependency.latency", 0.01, per_second=6, season=0.2, model=MODEL, dependency="weights")
    made.counter("model.dependency.errors", 0.001, model=MODEL, dependency="weights")
    made.counter("model.feedback", 4, season=0.2, model=MODEL)
    made.counter("model.feedback.correct", 3.8, season=0.2, model=MODEL)
    made.event(ONSET + 120, "deploy", "dashboard", "dashboard 3.2")
    return made.golden(SAME)


def refused(made: Scene, client: str, reason: str, ago: float) -> Scene:
    """From then on a client's requests are refused for a reason."""
    at: Any = {"model": MODEL, "client": client, "reason": reason}
    return made.counter("model.errors", 0, **at).change("model.errors", ago, to=0.6, **at)


@scene("callers-healthy", playbooks=(*CLIENT, *CALLS), model=MODEL)
def healthy(seed: int) -> Scene:
    """Nothing is wrong: a picture is cut short now and then, and a call fails."""
    return sorter(seed)


@scene("client-unreadable", playbooks=CLIENT, model=MODEL)
def unreadable(seed: int) -> Scene:
    """A new client sends what nobody can read."""
    made = refused(sorter(seed), "intern", "malformed", 480)
    made.counter("model.requests", 0, model=MODEL, client="intern")
    return made.change("model.requests", 480, to=0.6, client="intern")


@scene("client-refused", playbooks=CLIENT, model=MODEL)
def refused_input(seed: int) -> Scene:
    """The feeder sends an input that the model does not know: it can be read, and is refused."""
    return refused(sorter(seed), "feeder", "unknown_input", 480)


@scene("dependency-away", playbooks=CALLS, model=MODEL)
def away(seed: int) -> Scene:
    """What it calls does not answer any more, and it takes a default."""
    at: Any = {"model": MODEL, "dependency": "weights"}
    made = sorter(seed).change("model.dependency.errors", ONSET, to=6.0, **at)
    return made.vanishes("model.dependency.latency", ONSET, dependency="weights")


@scene("dependency-says-why", playbooks=CALLS, model=MODEL)
def says_why(seed: int) -> Scene:
    """What it calls is a provider, and says that too much was asked."""
    at: Any = {"model": MODEL, "dependency": "north-ai", "code": "429", "reason": "rate_limited"}
    return (
        sorter(seed).counter("model.dependency.errors", 0, **at).change("model.dependency.errors", ONSET, to=5.0, **at)
    )
