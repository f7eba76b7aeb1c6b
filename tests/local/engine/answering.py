"""Asking an engine, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from evalkit.local.engine.adapter import Adapter, factor_shapes
from evalkit.local.engine.batch import Engine
from evalkit.local.engine.config import Config
from evalkit.local.engine.job import Job, TokenEvent


def random_adapter(config: Config, seed: int, rank: int = 4) -> Adapter:
    """An adapter strong enough to change answers."""
    chance = np.random.default_rng(seed)
    shapes = factor_shapes(config, rank)
    return Adapter(rank, {n: chance.normal(0, 0.3, s).astype(np.float32) for n, s in shapes.items()})


def random_ids(config: Config, length: int, seed: int) -> tuple[int, ...]:
    """A prompt."""
    return tuple(np.random.default_rng(seed).integers(0, config.vocab, length).tolist())


def make_job(ids: Sequence[int], **settings: Any) -> Job:
    """A job that nobody listens to yet; see `answers`."""
    return Job(ids=tuple(ids), on_token=lambda _: None, **settings)


def answers(engine: Engine, jobs: Sequence[Job], arrive: Sequence[int] = ()) -> list[list[TokenEvent]]:
    """Run jobs to their end and collect each one's tokens; job i comes before step `arrive[i]`."""
    collected: list[list[TokenEvent]] = [[] for _ in jobs]
    waiting = [replace(job, on_token=into.append) for job, into in zip(jobs, collected, strict=True)]
    arrivals = sorted(zip(arrive or [0] * len(jobs), range(len(jobs)), strict=True))
    step, busy = 0, True
    while arrivals or busy:
        while arrivals and arrivals[0][0] <= step:
            engine.submit(waiting[arrivals.pop(0)[1]])
        busy, step = engine.step(), step + 1
    return collected


def answer(engine: Engine, job: Job) -> list[TokenEvent]:
    """The tokens of one job that is alone."""
    return answers(engine, [job])[0]
