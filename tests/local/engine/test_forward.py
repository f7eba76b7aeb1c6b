"""The engine computes what a Llama is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evalkit.local.engine.batch import Engine
from evalkit.local.engine.config import Config
from tests.local.engine.answering import answer, make_job, random_adapter, random_ids
from tests.local.engine.naive import logprobs
from tests.local.tiny import SHIPPED, SMALL, random_model

CONFIGS = (
    SMALL,
    SHIPPED,
    replace(SMALL, tied=False),
    replace(SMALL, kv_heads=4, rope_theta=500.0),
    replace(SMALL, kv_heads=1, norm_eps=1e-3),
)


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("wears_adapter", [False, True])
def test_agrees_with_the_naive_model(config: Config, wears_adapter: bool) -> None:
    """A long prompt's prefill, with a prefix apart, and each decoded token match float64 without a cache."""
    model = random_model(config)
    adapter = random_adapter(model.config, seed=1) if wears_adapter else None
    ids = random_ids(model.config, 150, seed=2)
    job = make_job(ids, prefix=70, adapter=adapter, max_tokens=12, logprobs=4)
    events = answer(Engine(model, max_len=256), job)
    expected = logprobs(model, [*ids, *(event.id for event in events)], adapter)[len(ids) - 1 :]
    for event, row in zip(events, expected, strict=False):
        assert event.id == event.top[0][0]
        assert event.logprob == pytest.approx(row[event.id], abs=2e-4)
        assert [value for _, value in event.top] == pytest.approx(np.sort(row)[::-1][:4], abs=2e-4)
