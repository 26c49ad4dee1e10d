"""Scenes of models that somebody else serves: a gateway, two providers behind it, and how either fails."""

from __future__ import annotations

from typing import Any

from console.lab.scenes.scene import Scene, scene

MODEL = "assistant"
MAIN, SPARE = "north-ai", "south-ai"
DAY = 86400.0
ONSET = 420.0  # seconds ago
ERRORS = ("provider_errors", "error_burst")
SLOW = ("provider_slow", "latency_regression")


def gateway(seed: int, codes: bool = True) -> Scene:
    """A gateway and its providers, well: a few calls fail at any time, and others release as they like."""
    made = Scene(seed)
    made.counter("model.requests", 4, season=0.3, model=MODEL)
    made.counter("model.errors", 0.006, model=MODEL, code="500", reason="InternalServerError")
    made.histogram("model.latency", 1.6, sigma=0.5, per_second=4, season=0.3, model=MODEL)
    made.histogram("model.gateway.duration", 0.012, sigma=0.4, per_second=4, season=0.3, model=MODEL)
    made.histogram("model.queue.duration", 0.004, sigma=0.4, per_second=4, season=0.3, model=MODEL)
    made.histogram("model.generation.length", 140, sigma=0.6, per_second=4, season=0.3, model=MODEL)
    for provider, share in ((MAIN, 3.6), (SPARE, 0.4)) if codes else ():
        at: Any = {"model": MODEL, "dependency": provider}
        made.histogram("model.dependency.latency", 1.5, sigma=0.5, per_second=share, season=0.3, **at)
        made.counter("model.dependency.errors", 0.003, code="500", reason="server_error", **at)
    made.event(ONSET + 400, "deploy", "checkout", "checkout 5.1")
    return made.log(2 * DAY, "gateway", "info", "answered request {n}", every=20)


def failing(made: Scene, code: str, reason: str, share: float = 0.8, said: str = "") -> Scene:
    """From the onset on, this share of the calls to the main provider fails."""
    at: Any = {"model": MODEL, "dependency": MAIN, "code": code, "reason": reason}
    made.counter("model.dependency.errors", 0, **at).change("model.dependency.errors", ONSET, to=3.6 * share, **at)
    at.pop("dependency")
    made.counter("model.errors", 0, **at).change("model.errors", ONSET, to=3.6 * share, **at)
    return made.log(ONSET, "gateway", "error", said or f"{MAIN} answered {code} {reason} to request {{n}}", every=10)


@scene("provider-healthy", playbooks=(*ERRORS, *SLOW), model=MODEL)
def healthy(seed: int) -> Scene:
    """Nothing is wrong: a call fails now and then, and it is asked more than an hour ago."""
    return gateway(seed)


@scene("provider-limited", playbooks=ERRORS, model=MODEL)
def limited(seed: int) -> Scene:
    """The provider lets through one call of three."""
    made = failing(gateway(seed), "429", "rate_limited", 0.65, "rate limit reached for request {n}, try again later")
    return made.change("model.requests", ONSET, times=1.5)


@scene("provider-limited-gateway", playbooks=ERRORS[:1], model=MODEL)
def limited_at_gateway(seed: int) -> Scene:
    """The same, told only by a gateway that knows its own answers and no provider's."""
    made = gateway(seed, codes=False).counter("model.errors", 0, model=MODEL, code="429", reason="RateLimitError")
    return made.change("model.errors", ONSET, to=2.4, code="429")


@scene("provider-credit", playbooks=ERRORS, model=MODEL)
def credit(seed: int) -> Scene:
    """The bill was not paid."""
    return failing(gateway(seed), "402", "out_of_credit", 1.0, "credit balance is too low for request {n}")


@scene("provider-quota", playbooks=ERRORS[:1], model=MODEL)
def quota(seed: int) -> Scene:
    """Out of credit, by a provider that answers 429 to it as well."""
    return failing(gateway(seed), "429", "insufficient_quota", 1.0, "insufficient_quota for request {n}: check billing")


@scene("provider-key", playbooks=ERRORS, model=MODEL)
def key(seed: int) -> Scene:
    """A key was exchanged, and the gateway has the old one."""
    made = failing(gateway(seed), "401", "refused_key", 1.0, "invalid api key for request {n}")
    return made.event(ONSET + 30, "config", "gateway", "keys of the quarter")


@scene("provider-away", playbooks=ERRORS, model=MODEL)
def away(seed: int) -> Scene:
    """Nobody answers at the provider's door."""
    made = failing(gateway(seed), "0", "unreachable", 1.0, "connection refused by north-ai for request {n}")
    return made.vanishes("model.dependency.latency", ONSET, dependency=MAIN)


@scene("provider-fails", playbooks=ERRORS[:1], model=MODEL)
def fails(seed: int) -> Scene:
    """The provider is overloaded and says so."""
    return failing(gateway(seed), "503", "overloaded", 0.5, "service unavailable at north-ai for request {n}")


@scene("provider-slow", playbooks=SLOW, model=MODEL)
def slow(seed: int) -> Scene:
    """The provider takes three times as long."""
    made = gateway(seed).change("model.dependency.latency", ONSET, times=3.0, dependency=MAIN)
    return made.change("model.latency", ONSET, times=2.9)


@scene("provider-long-answers", playbooks=SLOW, model=MODEL)
def long_answers(seed: int) -> Scene:
    """A new instruction makes it talk: answers are three times as long, and take as much longer."""
    made = gateway(seed).change("model.dependency.latency", ONSET, times=2.6, dependency=MAIN)
    return made.change("model.latency", ONSET, times=2.6).change("model.generation.length", ONSET, times=3.0)


@scene("provider-gateway-slow", playbooks=SLOW, model=MODEL)
def gateway_slow(seed: int) -> Scene:
    """The gateway writes every request to a log that is far away."""
    made = gateway(seed).change("model.gateway.duration", ONSET, times=120.0)
    return made.change("model.latency", ONSET, times=1.9)
