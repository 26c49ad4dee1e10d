"""A real Triton with two models, for tests: run by the interpreter of .venv-triton.

    serve_triton.py HTTP_PORT GRPC_PORT METRICS_PORT

`double` doubles and takes 10 ms; `moody` takes 40 ms and fails for a negative number.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

VALUE = Tensor(name="value", dtype=np.float32, shape=(1,))


@batch
def double(value: Any) -> dict[str, Any]:
    time.sleep(0.01)
    return {"value": 2 * value}


@batch
def moody(value: Any) -> dict[str, Any]:
    time.sleep(0.04)
    if (value < 0).any():
        raise ValueError("not today")
    return {"value": value}


def main() -> None:
    http, grpc, metrics = (int(port) for port in sys.argv[1:])
    here = "127.0.0.1"
    config = TritonConfig(
        http_address=here, http_port=http, grpc_address=here, grpc_port=grpc, metrics_address=here,
        metrics_port=metrics, allow_gpu_metrics=False, metrics_interval_ms=200,
    )  # fmt: skip
    with Triton(config=config) as triton:
        for model in (double, moody):
            triton.bind(
                model_name=model.__name__,
                infer_func=model,
                inputs=[VALUE],
                outputs=[VALUE],
                config=ModelConfig(max_batch_size=8, batcher=DynamicBatcher(max_queue_delay_microseconds=1000)),
            )
        triton.serve()


if __name__ == "__main__":
    main()
