"""A tiny transformer that reads its past from paged keys and values, and a draft that guesses what it will say.

A wrong page gives wrong tokens: every key and value lies in a pool of blocks, and attention reads them from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.intp]

VOCABULARY = 128
WIDTH = 16
LAYERS = 2
BLOCK = 8  # tokens a KV block holds
LONGEST = 1024  # tokens of prompt and answer together
HEARD = 0.2  # how loudly the past speaks against the last token: it decides how often a draft guesses right
STUDIED = (96, 48)  # sequences and tokens the draft was taught with
SHARP = 0.25  # of attention: higher looks at everything alike


@dataclass(frozen=True, slots=True)
class Model:
    """Weights. `stored` says how many bytes a weight takes where they are kept: what a step has to read."""

    tokens: Floats  # (VOCABULARY, WIDTH)
    places: Floats  # (LONGEST, WIDTH)
    asks: tuple[Floats, ...]  # each (WIDTH, 3 * WIDTH): query, key, value of a layer
    mixes: tuple[Floats, ...]  # each (WIDTH, WIDTH)
    says: Floats  # (WIDTH, VOCABULARY)
    stored: float = 1.0

    @property
    def weights(self) -> int:
        """How many there are."""
        return self.tokens.size + self.says.size + sum(each.size for each in (*self.asks, *self.mixes))

    @property
    def multiply_adds(self) -> int:
        """For one token, attention apart."""
        return self.says.size + sum(each.size for each in (*self.asks, *self.mixes))

    def forward(self, pool: Floats, tokens: Ints, places: Ints, slots: Ints, table: Ints) -> Ints:
        """The next token after each of `tokens`, whose keys and values are written to the pool on the way.

        tokens, places, slots: (sequences, width); table: (sequences, blocks), the pages of each sequence in order;
        pool: (LAYERS, blocks * BLOCK, 2 * WIDTH). A place beyond what a row may see has no say.
        """
        state = self.tokens[tokens] + self.places[places]
        seen = np.arange(table.shape[1] * BLOCK) <= places[..., None]
        for layer in range(LAYERS):
            asked = state @ self.asks[layer]
            pool[layer, slots] = asked[..., WIDTH:]
            paged = pool[layer].reshape(-1, BLOCK, 2 * WIDTH)[table].reshape(len(table), -1, 2 * WIDTH)
            scores = asked[..., :WIDTH] @ paged[..., :WIDTH].transpose(0, 2, 1)
            weights = np.exp(np.clip(scores * SHARP, -20, 20)) * seen
            heard = (weights @ paged[..., WIDTH:]) / weights.sum(-1, keepdims=True)
            state = state + HEARD * (heard @ self.mixes[layer])
        answer: Ints = (state @ self.says).argmax(-1)
        return answer


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model is most likely to say next, going by the last token alone."""

    likely: Ints  # (VOCABULARY,)

    def guesses(self, last: Ints, count: int) -> Ints:
        """So many tokens after each of `last`: (sequences, count)."""
        guessed = np.empty((len(last), count), np.intp)
        for step in range(count):
            last = guessed[:, step] = self.likely[last]
        return guessed

    def damaged(self, share: float, rng: np.random.Generator) -> Draft:
        """The draft with that share of its table from somewhere else, as from a file of another vocabulary."""
        likely = self.likely.copy()
        hit = rng.permutation(len(likely))[: round(share * len(likely))]
        likely[hit] = rng.integers(0, len(likely), len(hit))
        return replace(self, likely=likely)


def plain(model: Model, prompt: list[int], count: int) -> list[int]:
    """What the model says after a prompt, one token after the other, with no cache, no batch and no guessing."""
    said = list(prompt)
    blocks = -(-(len(prompt) + count) // BLOCK)
    table = np.arange(blocks)[None]
    for _ in range(count):
        pool = empty_pool(blocks)
        places = np.arange(len(said))[None]
        said.append(int(model.forward(pool, np.array([said]), places, places, table)[0, -1]))
    return said[len(prompt) :]


def empty_pool(blocks: int) -> Floats:
    """Room for the keys and values of so many blocks."""
    return np.zeros((LAYERS, blocks * BLOCK, 2 * WIDTH), np.float32)


@cache
def made() -> tuple[Model, Draft]:
    """The one model of station two, from a fixed seed, and the draft that was taught by it."""
    rng = np.random.default_rng(17)

    def drawn(*shape: int) -> Floats:
        values: Floats = (rng.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)
        return values

    tokens = rng.standard_normal((VOCABULARY, WIDTH)).astype(np.float32)
    waves = np.arange(LONGEST)[:, None] / 30.0 ** (np.arange(WIDTH) / WIDTH)
    places = (0.1 * np.sin(waves + np.arange(WIDTH) % 2 * np.pi / 2)).astype(np.float32)
    asks = tuple(drawn(WIDTH, 3 * WIDTH) for _ in range(LAYERS))
    mixes = tuple(drawn(WIDTH, WIDTH) for _ in range(LAYERS))
    model = Model(tokens, places, asks, mixes, drawn(WIDTH, VOCABULARY))
    return model, _taught(model, rng)


def _taught(model: Model, rng: np.random.Generator) -> Draft:
    """Which token follows most often, counted over what the model says after tokens at random."""
    sequences, length = STUDIED
    read = rng.integers(0, VOCABULARY, (sequences, length))
    table = np.arange(sequences * length // BLOCK).reshape(sequences, -1)
    slots = np.arange(sequences * length).reshape(sequences, length)
    places = np.broadcast_to(np.arange(length), read.shape)
    said = model.forward(empty_pool(table.size), read, places, slots, table)
    counts = np.zeros((VOCABULARY, VOCABULARY))
    np.add.at(counts, (read.ravel(), said.ravel()), 1)
    return Draft(counts.argmax(1))
