"""The models of a real MLServer, for tests: loaded by it, in .venv-mlserver.

`Iris` is scikit-learn's logistic regression; `Moody` takes 40 ms and fails for a negative number.
"""

from __future__ import annotations

import asyncio
from typing import Any

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Iris(MLModel):
    async def load(self) -> bool:
        from sklearn.datasets import load_iris
        from sklearn.linear_model import LogisticRegression

        rows, kinds = load_iris(return_X_y=True)
        self._model: Any = LogisticRegression(max_iter=500).fit(rows, kinds)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        answers = self._model.predict(NumpyCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("kind", answers)])


class Moody(MLModel):
    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        values = NumpyCodec.decode_input(payload.inputs[0])
        await asyncio.sleep(0.04)
        if (values < 0).any():
            raise ValueError("not today")
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("value", values)])
