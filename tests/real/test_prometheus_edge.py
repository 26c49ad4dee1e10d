"""200 windows judged on both paths, half of them within a tenth of the edge of what is tolerated: none flips."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from promserver import is_installed, prometheus
from twopaths import (
    HALF_AT_THE_EDGE,
    QUESTIONS,
    TOLERANCE,
    change,
    flips,
    judge,
    read_asked,
    read_scraped,
    simulate,
)

from console.model import Verdict

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not is_installed(), reason="needs Debian's prometheus: `make test-real` installs it"),
]

WINDOWS = 200


async def test_no_verdict_flips_between_the_paths_where_it_hangs_by_a_thread(tmp_path: Path) -> None:
    simulation = simulate(WINDOWS, end=time.time() - 3600, seed=23, kinds=HALF_AT_THE_EDGE)
    scraped = await read_scraped(simulation, tmp_path)
    with prometheus(tmp_path, history=simulation.openmetrics()) as url:
        asked = await read_asked(simulation, url)
    verdicts: set[Verdict] = set()
    for question in QUESTIONS:
        one, other = (judge(each, question) for each in (scraped, asked))
        assert len(one) == len(other) == WINDOWS
        assert flips(one, other) == [], question
        edge = [model for model in one if change(model) == "edge"]
        assert len(edge) == WINDOWS / 2
        verdicts |= {one[model].verdict for model in edge}
        ratios = [one[model].ratio / (1 + TOLERANCE) for model in edge if one[model].ratio]
        if question[0] == "model.latency":
            assert all(0.85 < ratio < 1.15 for ratio in ratios)
    assert {Verdict.OK, Verdict.DEGRADED, Verdict.INCONCLUSIVE} <= verdicts  # the edge was on both sides
