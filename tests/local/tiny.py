"""A checkpoint of the shipped model's sizes with random weights, for tests that need numbers, not sense."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalkit.local.engine.config import Config
from evalkit.local.engine.weights import Array, Model, expected_shapes, model_from_tensors

SHIPPED = Config(
    vocab=2048, width=192, layers=5, heads=6, kv_heads=2, head_dim=32, hidden=512, positions=2048
)
SMALL = replace(
    SHIPPED, vocab=64, width=32, layers=2, heads=4, kv_heads=2, head_dim=8, hidden=48, positions=256
)


def random_model(config: Config = SHIPPED, seed: int = 0, dtype: type = np.float32) -> Model:
    """Weights wide enough that different prompts get different answers."""
    chance = np.random.default_rng(seed)
    tensors: dict[str, Array] = {
        name: (np.ones(shape) if len(shape) == 1 else chance.normal(0, shape[1] ** -0.5, shape)).astype(dtype)
        for name, shape in expected_shapes(config).items()
    }
    return model_from_tensors(config, tensors)
