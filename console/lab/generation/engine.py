"""The scheduler of one replica: a queue, continuous batching, chunked prefill, preemption, and guessing ahead.

Each step the running sequences come first, then the queue. A step's time is charged by what it did, see `Costs`.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from console.lab.generation.model import BLOCK, LAYERS, LONGEST, WIDTH, Draft, Model, empty_pool
from console.lab.generation.pages import Pages, prefixes

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Costs:
    """What work takes, in seconds of the engine's clock: about a 70 B model on a small server, a token standing for
    several of a real one."""

    step: float = 0.009  # to schedule, launch and sample
    byte: float = 4.6e-6  # of the weights, read once a step; of the pages, read by every sequence
    page_byte: float = 6e-8
    multiply_add: float = 7e-8
    noise: float = 0.03  # of the logarithm


@dataclass(frozen=True, slots=True)
class Limits:
    """How an engine is configured."""

    blocks: int = 340
    sequences: int = 16  # at once
    step_tokens: int = 96  # read or written in one step: a longer prompt is read in chunks
    guesses: int = 2  # tokens the draft guesses ahead; 0: none
    waiting: int = 400  # more are turned away


@dataclass(slots=True)
class Sequence:
    """One request and how far it is."""

    id: str
    arrived: float
    prompt: int  # tokens of it
    count: int  # tokens to write
    tokens: list[int]
    tenant: str = ""
    names: list[int] = field(default_factory=list)  # hashes of its full blocks
    blocks: list[int] = field(default_factory=list)
    computed: int = 0  # tokens whose keys and values are in the pages
    begun: float | None = None  # when it was first scheduled
    first: float = 0.0  # when its first token was there
    last: float = 0.0
    hits: int = 0  # prompt tokens found in the prefix cache
    preemptions: int = 0
    failed: bool = False

    @property
    def written(self) -> int:
        return len(self.tokens) - self.prompt

    @property
    def is_reading(self) -> bool:
        """Whether there is more than the last token to read before it can write."""
        return self.computed < len(self.tokens) - 1 or self.written == 0


@dataclass(frozen=True, slots=True)
class Gap:
    """Tokens that came together, and the time since the ones before."""

    seconds: float
    tokens: int


@dataclass(slots=True)
class Tally:
    """What happened since somebody last looked."""

    finished: list[Sequence] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)  # times to the first token
    gaps: list[Gap] = field(default_factory=list)
    steps: int = 0
    preemptions: int = 0
    queries: int = 0  # tokens looked up in the prefix cache
    hits: int = 0
    read: int = 0  # prompt tokens
    written: int = 0
    drafted: int = 0
    accepted: int = 0
    rejected: int = 0  # turned away, the queue being full
    busy: float = 0.0  # seconds


@dataclass(slots=True)
class Engine:
    """One replica's engine. `run` brings it to an instant of its own clock."""

    model: Model
    draft: Draft
    limits: Limits = Limits()
    costs: Costs = Costs()
    seed: int = 0
    clock: float = 0.0
    fails: Callable[[Sequence], bool] = lambda _sequence: False  # whether an answer comes out broken
    tally: Tally = field(default_factory=Tally)
    pages: Pages = field(init=False)
    waiting: deque[Sequence] = field(default_factory=deque)
    running: list[Sequence] = field(default_factory=list)
    _pool: npt.NDArray[np.float32] = field(init=False)
    _chances: np.random.Generator = field(init=False)
    _paged: int = 0  # bytes of pages read in this step

    def __post_init__(self) -> None:
        self._chances = np.random.default_rng([self.seed, 31])
        self._pool = empty_pool(self.limits.blocks)
        self.pages = Pages(self.limits.blocks)

    def resize(self, limits: Limits) -> None:
        """Take up another configuration: pages are lost, so what runs is read again."""
        for sequence in reversed(self.running):
            self._put_back(sequence)
        self.running.clear()
        self.limits = limits
        self._pool = empty_pool(limits.blocks)
        self.pages = Pages(limits.blocks)

    def run(self, arrivals: list[Sequence], until: float) -> Tally:
        """Serve what arrives (in order of time) until an instant; what happened meanwhile."""
        coming = deque(arrivals)
        while self.clock < until:
            while coming and coming[0].arrived <= self.clock:
                self._admit(coming.popleft())
            if not self.running and not self.waiting:
                self.clock = min(coming[0].arrived, until) if coming else until
                continue
            self.step()
        for late in coming:  # it came while the last step ran
            self._admit(late)
        tally, self.tally = self.tally, Tally()
        return tally

    def step(self) -> None:
        """One pass of the model over everything that is scheduled."""
        budget, self._paged = self.limits.step_tokens, 0
        chunks: list[tuple[Sequence, int]] = []
        preempted = False
        width = 1 + self.limits.guesses
        for sequence in list(self.running):
            if sequence not in self.running:  # it was put back for one before it
                continue
            wanted = min(len(sequence.tokens) - sequence.computed, budget) if sequence.is_reading else width
            if wanted <= 0:
                continue
            while not self._room(sequence, wanted):
                preempted = True
                last = self.running.pop()
                self._put_back(last)
                if last is sequence:
                    break
            else:
                chunks.append((sequence, wanted))
                budget -= wanted
        while self.waiting and budget > 0 and not preempted and len(self.running) < self.limits.sequences:
            sequence = self.waiting[0]
            self._look_up(sequence)
            wanted = min(len(sequence.tokens) - sequence.computed, budget)
            if not self._room(sequence, wanted):
                self.pages.release(sequence.blocks)
                sequence.blocks, sequence.computed = [], 0
                break
            self.waiting.popleft()
            self._begin(sequence)
            chunks.append((sequence, wanted))
            budget -= wanted
        self._compute([pair for pair in chunks if pair[0] in self.running])

    def _admit(self, sequence: Sequence) -> None:
        if len(self.waiting) >= self.limits.waiting:
            self.tally.rejected += 1
            return
        most = min(LONGEST, self.limits.blocks * BLOCK) - sequence.count - self.limits.guesses - 1
        if sequence.prompt > most:  # its end is what it answers
            sequence.tokens = sequence.tokens[-most:]
            sequence.prompt = most
        self.waiting.append(sequence)

    def _look_up(self, sequence: Sequence) -> None:
        """Its known prefix; the last token is always computed, for what comes after it is asked for."""
        sequence.names = prefixes(sequence.tokens, sequence.names)
        sequence.blocks = self.pages.find(sequence.names[: (len(sequence.tokens) - 1) // BLOCK])
        sequence.computed = len(sequence.blocks) * BLOCK

    def _begin(self, sequence: Sequence) -> None:
        self.running.append(sequence)
        if sequence.begun is None:
            sequence.begun = self.clock
            sequence.hits = sequence.computed
            self.tally.queries += sequence.prompt
            self.tally.hits += sequence.computed

    def _room(self, sequence: Sequence, more: int) -> bool:
        """Whether it has blocks for so many tokens more; takes them if it can."""
        missing = -(-(sequence.computed + more) // BLOCK) - len(sequence.blocks)
        if missing > self.pages.free:
            return False
        sequence.blocks += [self.pages.take() for _ in range(missing)]
        return True

    def _put_back(self, sequence: Sequence) -> None:
        self.pages.release(sequence.blocks)
        sequence.blocks, sequence.computed = [], 0
        sequence.preemptions += 1
        self.tally.preemptions += 1
        self.waiting.appendleft(sequence)

    def _compute(self, chunks: list[tuple[Sequence, int]]) -> None:
        reading = [(sequence, count) for sequence, count in chunks if sequence.is_reading]
        writing = [sequence for sequence, _count in chunks if not sequence.is_reading]
        came: list[tuple[Sequence, list[int]]] = []
        tokens = sum(count for _sequence, count in chunks)
        for sequence, count in reading:
            end = sequence.computed + count
            answer = self._forward([sequence], np.array([sequence.tokens[sequence.computed : end]]))
            sequence.computed = end
            if end == len(sequence.tokens):
                came.append((sequence, [int(answer[0, -1])]))
        if writing:
            last = np.array([sequence.tokens[-1] for sequence in writing])
            guessed = self.draft.guesses(last, self.limits.guesses)
            answer = self._forward(writing, np.concatenate([last[:, None], guessed], axis=1))
            right = np.cumprod(guessed == answer[:, :-1], axis=1).sum(axis=1)
            self.tally.drafted += guessed.size
            self.tally.accepted += int(right.sum())
            for sequence, said, count in zip(writing, answer.tolist(), right.tolist(), strict=True):
                sequence.computed += count + 1
                came.append((sequence, said[: count + 1]))
        self._charge(tokens)
        for sequence, said in came:
            self._say(sequence, said)
        for sequence, _count in chunks:
            self._remember(sequence)

    def _forward(self, sequences: list[Sequence], tokens: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        longest = max(len(sequence.blocks) for sequence in sequences)
        table = np.array([[*sequence.blocks, *[0] * (longest - len(sequence.blocks))] for sequence in sequences])
        starts = np.array([sequence.computed for sequence in sequences])
        places = starts[:, None] + np.arange(tokens.shape[1])
        slots = np.take_along_axis(table, places // BLOCK, axis=1) * BLOCK + places % BLOCK
        self._paged += int((starts + tokens.shape[1]).sum()) * LAYERS * 2 * WIDTH * 4
        return self.model.forward(self._pool, tokens, places, slots, table)

    def _charge(self, tokens: int) -> None:
        costs = self.costs
        seconds = costs.step + costs.byte * self.model.weights * self.model.stored + costs.page_byte * self._paged
        seconds += costs.multiply_add * self.model.multiply_adds * tokens
        seconds *= float(np.exp(costs.noise * self._chances.standard_normal()))
        self.clock += seconds
        self.tally.busy += seconds
        self.tally.steps += 1

    def _say(self, sequence: Sequence, said: list[int]) -> None:
        """Tokens that came in this step."""
        is_first = sequence.written == 0
        said = said[: sequence.count - sequence.written]
        sequence.tokens += said
        self.tally.written += len(said)
        if is_first:
            sequence.first = sequence.last = self.clock
            self.tally.firsts.append(self.clock - sequence.arrived)
            self.tally.read += sequence.prompt
            said = said[1:]
        if said:
            self.tally.gaps.append(Gap(self.clock - sequence.last, len(said)))
            sequence.last = self.clock
        if sequence.written >= sequence.count:
            sequence.failed = self.fails(sequence)
            self.tally.finished.append(sequence)

    def _remember(self, sequence: Sequence) -> None:
        """Full blocks may be found by others from now on; one that is done gives all of its blocks back."""
        full = min(sequence.computed, len(sequence.tokens)) // BLOCK
        sequence.names = prefixes(sequence.tokens[: full * BLOCK], sequence.names[:full])
        for block, name in itertools.islice(zip(sequence.blocks, sequence.names, strict=False), full):
            self.pages.name(block, name)
        if sequence.written >= sequence.count:
            self.running.remove(sequence)
            self.pages.release(sequence.blocks)
            sequence.blocks = []
