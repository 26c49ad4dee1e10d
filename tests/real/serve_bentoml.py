"""A real BentoML service, for tests: `bentoml serve serve_bentoml:Glove` in .venv-bentoml. It fails for -1."""

from __future__ import annotations

import time

import bentoml


@bentoml.service(workers=1)
class Glove:
    @bentoml.api
    def predict(self, value: float) -> float:
        time.sleep(0.02)
        if value < 0:
            raise ValueError("not today")
        return 2 * value
