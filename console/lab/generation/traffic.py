"""Who asks the generation server what, and when; shaped as published traces are, with shorter prompts and answers.

Prompts and answers are log-normal with the medians of the Azure LLM inference traces of 2023 (Patel et al., Splitwise,
2024: conversation 1020 tokens in and 129 out, code 1500 in and 13 out). Requests come in bursts, with gamma
inter-arrival times more uneven than chance (Wang et al., BurstGPT, 2024), over a daily season. Tenants share system
prompts, and a conversation's next turn begins with all that was said before (Qin et al., Mooncake, 2024): about half of
what is read was read before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from console.lab.clock import TICK
from console.lab.generation.model import VOCABULARY
from console.lab.traffic import DAY

if TYPE_CHECKING:
    import numpy.typing as npt

PER_TICK = 15.0  # requests in 15 s of an average working hour, the cloud's apart
FOR_CLOUD = 5.0  # and those that go to the provider
UNEVEN = 1.25  # coefficient of variation of the times between two requests
OPEN = 30  # conversations that may go on
WARMTH = 0.4  # share of the conversing tenant's requests that go on with one
MOST_READ = 480  # tokens of a prompt


@dataclass(frozen=True, slots=True)
class Tenant:
    """One of those who share the model."""

    share: float  # of the requests
    system: int  # tokens of its system prompt
    prompt: tuple[float, float]  # median, and sigma of the logarithm
    answer: tuple[float, float]
    converses: bool = False


TENANTS: Mapping[str, Tenant] = {
    "support": Tenant(0.5, 56, (30.0, 0.7), (64.0, 0.6), converses=True),
    "search": Tenant(0.25, 72, (52.0, 0.6), (48.0, 0.5)),
    "coder": Tenant(0.25, 104, (80.0, 0.6), (20.0, 0.6)),
}


@dataclass(frozen=True, slots=True)
class Flood:
    """Very long prompts of one tenant, beside what it asks usually."""

    tenant: str
    per_tick: float
    tokens: float  # median


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is different from a healthy day; faults set these."""

    load: float = 1.0  # times as many requests
    prompts: float = 1.0  # times as long, what users write and what their applications put before it
    answers: float = 1.0
    flood: Flood | None = None
    unshared: int = 0  # tokens of a request's own at the very head of its prompt


@dataclass(frozen=True, slots=True)
class Request:
    """One question: `arrived` is lab time."""

    id: str
    arrived: float
    tenant: str
    prompt: list[int]
    count: int  # tokens of the answer
    conversation: int = 0  # 0: none


@dataclass(slots=True)
class Traffic:
    """The users of one lab; the seed decides their chances."""

    seed: int
    conditions: Conditions = Conditions()
    _chances: np.random.Generator = field(init=False)
    _systems: dict[str, list[int]] = field(init=False)
    _open: deque[tuple[int, list[int]]] = field(default_factory=lambda: deque(maxlen=OPEN))
    _asked: int = 0

    def __post_init__(self) -> None:
        self._chances = np.random.default_rng([self.seed, 33])
        own = np.random.default_rng([self.seed, 34])
        self._systems = {name: _tokens(own, 4 * tenant.system) for name, tenant in TENANTS.items()}

    def change(self, **conditions: object) -> None:
        """Set some of the conditions."""
        self.conditions = replace(self.conditions, **conditions)  # type: ignore[arg-type]

    def level(self, time: float) -> float:
        """How busy an instant usually is: shifts by the hour, a quiet weekend."""
        weekend = (time // DAY + 3) % 7 >= 5  # the epoch began on a Thursday; Monday is 0
        return float(1 + 0.1 * np.cos((time % DAY / 3600 - 14) / 24 * 2 * np.pi)) * (0.8 if weekend else 1.0)

    def tick(self, end: float, level: float | None = None) -> list[Request]:
        """What is asked in the tick that ends then, in order of time."""
        level = self.level(end) if level is None else level
        times = self._arrivals(end - TICK, PER_TICK * level * self.conditions.load)
        names = self._chances.choice(list(TENANTS), len(times), p=[each.share for each in TENANTS.values()])
        requests = [self._request(str(name), float(time)) for name, time in zip(names, times, strict=True)]
        if flood := self.conditions.flood:
            for time in self._arrivals(end - TICK, flood.per_tick):
                own = _tokens(self._chances, self._long(flood.tokens, 0.25))
                requests.append(self._new(flood.tenant, float(time), [*self._system(flood.tenant), *own]))
        return sorted(requests, key=lambda request: request.arrived)

    def cloud(self, end: float, level: float | None = None) -> int:
        """How many requests of this tick go to the provider."""
        return int(self._chances.poisson(FOR_CLOUD * (self.level(end) if level is None else level)))

    def answered(self, request: Request, answer: Sequence[int]) -> None:
        """A conversation may go on from here."""
        if TENANTS[request.tenant].converses:
            said = request.prompt[self.conditions.unshared :]
            if len(said) + len(answer) < MOST_READ // 2:
                self._open.append((request.conversation or self._asked, [*said, *answer]))

    def _arrivals(self, start: float, expected: float) -> npt.NDArray[np.float64]:
        if expected <= 0:
            return np.empty(0)
        shape = 1 / UNEVEN**2
        gaps = self._chances.gamma(shape, TICK / expected / shape, round(3 * expected) + 20)
        times = np.cumsum(gaps) - gaps[0] * self._chances.random()
        inside: npt.NDArray[np.float64] = start + times[times < TICK]
        return inside

    def _request(self, name: str, time: float) -> Request:
        tenant = TENANTS[name]
        own = _tokens(self._chances, self._long(tenant.prompt[0] * self.conditions.prompts, tenant.prompt[1]))
        if tenant.converses and self._open and self._chances.random() < WARMTH:
            place = int(self._chances.integers(len(self._open)))
            conversation, said = self._open[place]
            del self._open[place]
            return self._new(name, time, [*said, *own], conversation)
        return self._new(name, time, [*self._system(name), *own])

    def _system(self, name: str) -> list[int]:
        return self._systems[name][: round(TENANTS[name].system * self.conditions.prompts)]

    def _new(self, name: str, time: float, prompt: list[int], conversation: int = 0) -> Request:
        self._asked += 1
        median, sigma = TENANTS[name].answer
        count = min(self._long(median * self.conditions.answers, sigma), 300)
        head = _tokens(self._chances, self.conditions.unshared)
        return Request(f"r{self._asked}", time, name, [*head, *prompt][:MOST_READ], count, conversation)

    def _long(self, median: float, sigma: float) -> int:
        return max(round(float(median * np.exp(sigma * self._chances.standard_normal()))), 1)


def _tokens(chances: np.random.Generator, count: int) -> list[int]:
    drawn: list[int] = chances.integers(0, VOCABULARY, count).tolist()
    return drawn
