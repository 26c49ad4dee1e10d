"""Station two's engine: what it says is the same however it is cached, batched, cut short or guessed ahead."""

from dataclasses import replace

import numpy as np
import pytest

from console.lab.generation.engine import Engine, Limits, Sequence, Tally
from console.lab.generation.model import BLOCK, VOCABULARY, made, plain
from console.lab.generation.pages import Pages, prefixes

SHARED = np.random.default_rng(3).integers(0, VOCABULARY, 64).tolist()


def asked(count: int, seed: int = 0, every: float = 0.05) -> list[Sequence]:
    """Requests whose prompts begin alike for a while."""
    rng = np.random.default_rng(seed)
    sequences = []
    for place in range(count):
        own = rng.integers(0, VOCABULARY, rng.integers(5, 70)).tolist()
        prompt = [*SHARED[: rng.integers(8, 64)], *own]
        sequences.append(Sequence(f"r{place}", every * place, len(prompt), int(rng.integers(1, 24)), prompt))
    return sequences


def served(limits: Limits, sequences: list[Sequence], until: float = 100.0) -> Tally:
    model, draft = made()
    return Engine(model, draft, limits).run(sequences, until)


@pytest.mark.parametrize(
    "limits",
    [
        Limits(),
        Limits(guesses=0),
        Limits(guesses=5),
        Limits(blocks=32),
        Limits(step_tokens=9),
        Limits(sequences=2, blocks=40, step_tokens=16),
    ],
    ids=["usual", "no guessing", "many guesses", "few pages", "small chunks", "all of it"],
)
def test_every_answer_is_what_the_model_says_alone(limits: Limits) -> None:
    tally = served(limits, asked(16))
    assert len(tally.finished) == 16
    for each in tally.finished:
        assert each.tokens[each.prompt :] == plain(made()[0], each.tokens[: each.prompt], each.count)
    assert (tally.preemptions > 0) == (limits.blocks == 32)


def test_a_wrong_page_gives_wrong_tokens() -> None:
    model, draft = made()
    (right,) = served(Limits(guesses=0), asked(1)).finished
    engine = Engine(model, draft, Limits(guesses=0))
    (sequence,) = asked(1)
    engine.run([sequence], 0.05)
    engine._pool[:, np.array(sequence.blocks[0]) * BLOCK : np.array(sequence.blocks[0]) * BLOCK + BLOCK] *= -6
    engine.run([], 100.0)
    assert sequence.tokens != right.tokens


def test_what_was_read_before_is_found_again() -> None:
    one, other = asked(2, seed=4)
    other.tokens[:48] = one.tokens[:48] = SHARED[:48]
    tally = served(Limits(), [one, replace(other, arrived=5.0)])
    assert tally.hits == 48


def test_a_prefix_that_is_not_used_any_more_gives_way() -> None:
    pages = Pages(4)
    first = [pages.take() for _ in range(4)]
    names = prefixes(list(range(4 * BLOCK)))
    for block, name in zip(first, names, strict=True):
        pages.name(block, name)
    pages.release(first)
    assert (pages.free, pages.usage) == (4, 0.0)
    held = pages.find(names[:2])
    assert held == first[:2]
    assert pages.usage == 0.5
    taken = [pages.take(), pages.take()]
    assert set(taken) == set(first[2:]), "what is held is never taken"
    assert pages.find(names)[2:] == []


def test_two_that_share_a_page_hold_it_until_both_let_go() -> None:
    pages = Pages(2)
    block = pages.take()
    pages.name(block, 7)
    assert pages.find([7]) == [block]
    pages.release([block])
    assert pages.free == 1
    pages.release([block])
    assert pages.free == 2


def test_guessing_ahead_saves_steps_and_a_damaged_draft_does_not() -> None:
    model, draft = made()

    def steps(limits: Limits, guessing: object = draft) -> Tally:
        return Engine(model, guessing, limits).run(asked(12), 100.0)  # type: ignore[arg-type]

    with_it, without = steps(Limits()), steps(Limits(guesses=0))
    damaged = steps(Limits(), draft.damaged(0.9, np.random.default_rng(1)))
    assert with_it.steps < 0.8 * without.steps
    assert 0.55 < with_it.accepted / with_it.drafted < 0.85
    assert damaged.accepted / damaged.drafted < 0.3


def test_time_is_charged_by_work() -> None:
    model, draft = made()
    usual = Engine(model, draft).run(asked(12), 100.0)
    heavier = Engine(replace(model, stored=2.0), draft).run(asked(12), 100.0)
    assert heavier.busy > 1.2 * usual.busy
    assert Engine(model, draft).run(asked(12), 100.0).busy == usual.busy


def test_a_full_queue_turns_requests_away() -> None:
    tally = served(Limits(waiting=3, sequences=1), asked(12, every=0.0))
    assert tally.rejected > 0
    assert tally.rejected + len(tally.finished) == 12


def test_a_smaller_pool_is_taken_up_while_requests_run() -> None:
    model, draft = made()
    engine = Engine(model, draft)
    sequences = asked(10, every=0.0)
    engine.run(sequences, 0.3)
    engine.resize(Limits(blocks=40))
    engine.run([], 100.0)
    for each in sequences:
        assert each.tokens[each.prompt :] == plain(model, each.tokens[: each.prompt], each.count)
